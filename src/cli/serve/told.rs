//! What is said at the start: where is served what, whose tokens are taken, and how to try it.

use std::net::SocketAddr;

use super::super::{dialects, say};
use crate::config::Config;
use crate::directory::Directory;
use crate::edge::authn::Client;
use crate::edge::issuer::{self, KeysAt, Proof};
use crate::edge::keys;
use crate::server::{Front, Protocol};

/// What is told of a configuration at the start, and is gone by then.
pub(super) struct Told {
    pub(super) process: String,
    pub(super) issuers: Vec<String>,
    pub(super) has_example_key: bool,
}

impl Told {
    pub(super) fn of(config: &Config) -> Self {
        let (workers, n_clients) = (config.server.workers, config.clients.len());
        let version = env!("CARGO_PKG_VERSION");
        Self {
            process: format!("linkbridge {version}, {workers} workers, {n_clients} clients"),
            issuers: config.issuers.iter().map(describe).collect(),
            has_example_key: has_example_key(&config.clients),
        }
    }
}

/// Shows what is mounted, and how to try it.
pub(super) fn guide(fronts: &[Front], directory: &Directory, has_example_key: bool) {
    let mut guide = dialects::Guide::new(directory);
    for front in fronts {
        tell(front);
        if has_example_key {
            for command in guide.commands(&front.dialect, &front.settings) {
                say(format!("  {command}"));
            }
        }
    }
    if !has_example_key {
        say("commands to try are shown with the example configuration only: they need its key");
    }
}

pub(super) fn listening(address: SocketAddr, protocol: &Protocol) -> String {
    match protocol {
        Protocol::Http1 => format!("listening at {address} (HTTP/1.1, no TLS)"),
        Protocol::Http2 => {
            format!("listening at {address} (HTTP/2 by prior knowledge, no TLS)")
        }
        Protocol::Tls(tls) => {
            let names = tls.names().join(", ");
            let end = if names.is_empty() { "" } else { " as " };
            format!("listening at https://{address} (HTTP/2 or HTTP/1.1){end}{names}")
        }
    }
}

/// An issuer in a few words, for the start.
fn describe(issuer: &issuer::Settings) -> String {
    let proof = match &issuer.proof {
        Proof::Signature { keys, .. } => match keys {
            KeysAt::Url(url) => format!("keys at {url}"),
            KeysAt::File(path) => format!("keys in {}", path.display()),
        },
        Proof::Introspection(endpoint) => format!("asked at {}", endpoint.url),
    };
    format!("tokens of {} ({}), {proof}", issuer.name, issuer.issuer)
}

/// Whether the public key, with which commands can be shown, opens anything here.
fn has_example_key(clients: &[Client]) -> bool {
    clients
        .iter()
        .any(|client| client.keys.iter().any(keys::is_example))
}

fn tell(front: &Front) {
    say(format!(
        "dialect {} at {}",
        front.dialect.name(),
        front.settings.origin
    ));
    if let Some(client) = &front.anonymous {
        say(format!("  without a credential: client {client}"));
    }
    if let Some(passthrough) = &front.passthrough {
        say(format!("  passes on {passthrough}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::scope::Scopes;
    use crate::model::ClientName;

    #[test]
    fn commands_are_shown_for_the_example_key_only() {
        let client = |keys: &[&str]| Client {
            name: ClientName::new("a").unwrap(),
            tenant: None,
            fronts: None,
            scopes: Scopes::default(),
            providers: None,
            rate: None,
            rates: crate::edge::rate_limit::ClassRates::default(),
            delete_budget: None,
            keys: keys.iter().map(|key| keys::hash(key)).collect(),
            identities: Vec::new(),
            client_id: None,
            assertion_keys: Vec::new(),
            certificates: Vec::new(),
            certificate_required: false,
        };
        assert!(!has_example_key(&[]));
        assert!(!has_example_key(&[client(&["another"]), client(&[])]));
        let both = client(&["another", keys::EXAMPLE_KEY]);
        assert!(has_example_key(&[client(&[]), both]));
    }
}
