//! `[server]` and `[[listener]]`.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::section::{At, Given, Section, Source};
use super::vars::Vars;
use super::{Inputs, mappings, tls};
use crate::edge::peers::{SourceField, TrustedPeers};
use crate::finding::{Table, suggest};
use crate::outbound::Net;
use crate::server::{Listener, Protocol};
use crate::telemetry;

/// Where clients are served unless something else is said.
const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
/// Where health is told unless something else is said.
const DEFAULT_ADMIN: &str = "127.0.0.1:9090";

/// What `[server]` says besides the server's own settings.
pub(super) struct General {
    pub(super) listeners: Vec<Listener>,
    pub(super) admin: Option<SocketAddr>,
    pub(super) workers: NonZeroUsize,
    pub(super) public_url: String,
    pub(super) data: Data,
    pub(super) log: String,
    pub(super) log_format: telemetry::Format,
    pub(super) trusted_peers: TrustedPeers,
    pub(super) hsts: Duration,
}

/// The data directory, and who says so.
pub(super) struct Data {
    pub(super) directory: PathBuf,
    pub(super) source: Source,
}

pub(super) fn general(section: Section<'_>, root: &Table<'_>, inputs: &Inputs<'_>) -> General {
    let listeners = listeners(&section, root, inputs.vars);
    mappings::check(&section, inputs.catalog);
    let general = General {
        admin: admin(&section),
        workers: workers(&section),
        public_url: public_url(&section).unwrap_or_else(|| own_url(&listeners)),
        data: data(&section),
        log: log(&section),
        log_format: log_format(&section),
        trusted_peers: trusted_peers(&section),
        hsts: Duration::from_secs(section.size("hsts_seconds", 0..=63_072_000, 31_536_000) as u64),
        listeners,
    };
    section.finish();
    general
}

/// The URL of the first listener, as it stands.
fn own_url(listeners: &[Listener]) -> String {
    match listeners.first() {
        Some(listener) if matches!(listener.protocol, Protocol::Tls(_)) => {
            format!("https://{}", listener.address)
        }
        Some(listener) => format!("http://{}", listener.address),
        None => format!("http://{DEFAULT_LISTEN}"),
    }
}

fn data(section: &Section<'_>) -> Data {
    match section.text("data") {
        Some(given) => Data {
            source: section.source(&given),
            directory: PathBuf::from(given.value),
        },
        None => Data {
            source: Source::Default,
            directory: PathBuf::from("./data"),
        },
    }
}

fn listeners(section: &Section<'_>, root: &Table<'_>, vars: &Vars) -> Vec<Listener> {
    let listen = section.text("listen");
    let mut listeners = Vec::new();
    for table in root.tables("listener") {
        let protocol = tls::protocol(&table, vars);
        if let Some(text) = table.need_text("address") {
            let at = At::new(table.sink(), text.span);
            if let Some(address) = address(&Given {
                value: text.value.into_owned(),
                at,
            }) {
                listeners.push(Listener { address, protocol });
            }
        }
        table.finish();
    }
    match listen {
        // A flag or a variable names the one address to listen at, whatever the file lists.
        Some(given) if !given.at.is_in(root.sink()) => {
            return plain(&given).into_iter().collect();
        }
        Some(given) if root.has("listener") => {
            let hint = "keep `listen` for one plain address, or list all of them as [[listener]]";
            given
                .at
                .error("LB524", "`listen` and [[listener]] are both given", hint);
        }
        Some(given) => listeners.extend(plain(&given)),
        None if !root.has("listener") => {
            listeners.extend(DEFAULT_LISTEN.parse().ok().map(http1));
        }
        None => {}
    }
    listeners
}

fn plain(given: &Given<'_, String>) -> Option<Listener> {
    address(given).map(http1)
}

fn http1(address: SocketAddr) -> Listener {
    Listener {
        address,
        protocol: Protocol::Http1,
    }
}

fn address(given: &Given<'_, String>) -> Option<SocketAddr> {
    let address = given.value.parse().ok();
    if address.is_none() {
        let message = format!("`{}` is not an address to listen at", given.value);
        given.at.error(
            "LB501",
            message,
            "an IP address and a port, such as `127.0.0.1:8080` or `[::]:8080`",
        );
    }
    address
}

fn admin(section: &Section<'_>) -> Option<SocketAddr> {
    match section.text("admin_listen") {
        Some(given) if given.value == "off" => None,
        Some(given) => {
            let address = address(&given)?;
            if !is_inner(address.ip()) {
                let message =
                    format!("health, metrics and settings are told at {address} to whoever asks");
                let hint = "an address of loopback or of an inner network, such as `127.0.0.1:9090`, or a firewall before it";
                given.at.warning("LB630", message, hint);
            }
            Some(address)
        }
        None => DEFAULT_ADMIN.parse().ok(),
    }
}

/// Whether only machines of an inner network reach an address. Every address of a machine is not one.
fn is_inner(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

fn workers(section: &Section<'_>) -> NonZeroUsize {
    let given = section
        .int("workers", 1..=1024)
        .and_then(|n| usize::try_from(n).ok())
        .and_then(NonZeroUsize::new);
    given.unwrap_or_else(|| std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
}

/// The public URL without a slash at its end: links in answers are made of it by appending paths.
fn public_url(section: &Section<'_>) -> Option<String> {
    let given = section.text("public_url")?;
    let url = given.value.trim_end_matches('/');
    let uri = url.parse::<http::Uri>().ok();
    let good = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|h| !h.is_empty())
            && uri.query().is_none()
    });
    if !good || url.contains(['#', '@']) {
        let message = format!("`{}` is not a public URL", given.value);
        given.at.error(
            "LB501",
            message,
            "such as `https://auth.example.com`, with a path if a proxy in front adds one",
        );
        return None;
    }
    Some(url.to_owned())
}

fn log(section: &Section<'_>) -> String {
    match section.text("log") {
        Some(given) if telemetry::is_filter(&given.value) => given.value,
        Some(given) => {
            let message = format!("`{}` is not a log filter", given.value);
            given
                .at
                .error("LB501", message, "such as `info`, or `warn,access=info`");
            "info".to_owned()
        }
        None => "info".to_owned(),
    }
}

fn log_format(section: &Section<'_>) -> telemetry::Format {
    let Some(given) = section.text("log_format") else {
        return telemetry::Format::Text;
    };
    match given.value.as_str() {
        "text" => telemetry::Format::Text,
        "json" => telemetry::Format::Json,
        other => {
            given.at.error(
                "LB501",
                format!("`log_format` cannot be `{other}`"),
                suggest(other, &["text", "json"]),
            );
            telemetry::Format::Text
        }
    }
}

/// Who is believed about where a request has come from.
fn trusted_peers(section: &Section<'_>) -> TrustedPeers {
    let read = |given: Given<'_, String>| {
        let net = Net::parse(&given.value);
        match net {
            None => given.at.error(
                "LB536",
                format!("`{}` is not a range of addresses", given.value),
                "such as `10.1.0.0/16`, `fd00::/8`, or one address",
            ),
            Some(_) if given.value.ends_with("/0") => given.at.warning(
                "LB636",
                "everybody is believed about where a request has come from",
                "name the load balancers: what limits a source address limits nobody so",
            ),
            Some(_) => {}
        }
        net
    };
    let nets = section.texts("trusted_peers").into_iter().filter_map(read);
    let nets = nets.collect();
    let words = ["x-forwarded-for", "forwarded"];
    let field = match section.text("source_field") {
        None => SourceField::default(),
        Some(given) => match given.value.to_ascii_lowercase().as_str() {
            "x-forwarded-for" => SourceField::XForwardedFor,
            "forwarded" => SourceField::Forwarded,
            other => {
                let message = format!("`source_field` cannot be `{other}`");
                given.at.error("LB501", message, suggest(other, &words));
                SourceField::default()
            }
        },
    };
    TrustedPeers { nets, field }
}
