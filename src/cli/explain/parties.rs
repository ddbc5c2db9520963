//! Between whom the request goes: the client whose it is, and the front that reads it.

use std::sync::Arc;

use super::{Arguments, Explained};
use crate::cli::{check, live};
use crate::config::Config;
use crate::dialect::{Dialect, Settings};
use crate::edge::authn::Client;
use crate::edge::scope::Scope;
use crate::finding::suggest;
use crate::model::{ClientName, OwnedRequest, TenantId};
use crate::server::Front;

/// The front that reads a request, and the request as it stands below that front's prefix.
pub(super) fn chosen(
    arguments: &Arguments,
    request: OwnedRequest,
    config: Option<&Config>,
    dialects: &[Arc<Dialect>],
) -> Result<(Front, OwnedRequest), String> {
    if let Some(path) = &arguments.mapping {
        let dialect = check::load_sound(path)?;
        return Ok((alone(Arc::new(dialect)), request));
    }
    let mut fronts: Vec<Front> = match config {
        Some(config) => {
            let mounted = config.fronts.iter().cloned();
            mounted
                .filter_map(|front| live::mount(front, dialects, &config.outbound, &[]).transpose())
                .collect::<Result<_, String>>()?
        }
        None => dialects.iter().map(Arc::clone).map(alone).collect(),
    };
    if let Some(name) = &arguments.dialect {
        let names: Vec<&str> = fronts.iter().map(|front| front.dialect.name()).collect();
        let fault = format!("`{name}` is no dialect here: {}", suggest(name, &names));
        fronts.retain(|front| front.dialect.name() == name);
        if fronts.is_empty() {
            return Err(fault);
        }
    }
    let below = |front: &Front| -> Option<String> {
        let rest = request.path.strip_prefix(front.prefix.as_str())?;
        rest.starts_with('/').then(|| rest.to_owned())
    };
    let best = fronts
        .into_iter()
        .filter_map(|front| Some((below(&front)?, front)))
        .max_by_key(|(path, front)| (front.prefix.len(), front.dialect.affinity(path)));
    let (path, front) = best.ok_or("no front has this path")?;
    Ok((front, OwnedRequest { path, ..request }))
}

/// A dialect that is mounted nowhere.
fn alone(dialect: Arc<Dialect>) -> Front {
    Front {
        dialect,
        settings: Settings {
            origin: "http://127.0.0.1:8080".to_owned(),
            ..Settings::default()
        },
        host: None,
        prefix: String::new(),
        anonymous: None,
        passthrough: None,
    }
}

impl Explained<'_> {
    /// Whose request it is.
    pub(super) fn client(&self, config: &Config) -> Result<Client, String> {
        let tenant = match &self.arguments.tenant {
            Some(key) => {
                let all = self.directory.tenants().iter();
                let names: Vec<&str> = all.map(|t| t.tenant_id.as_str()).collect();
                let fault = || format!("there is no tenant `{key}`: {}", suggest(key, &names));
                let known = names.contains(&key.as_str());
                let id = TenantId::new(key).ok().filter(|_| known);
                Some(id.ok_or_else(fault)?)
            }
            None => None,
        };
        let Some(name) = &self.arguments.client else {
            return anybody(tenant);
        };
        let names: Vec<&str> = config.clients.iter().map(|c| c.name.as_str()).collect();
        let fault = format!("there is no client `{name}`: {}", suggest(name, &names));
        let mut clients = config.clients.iter();
        let client = clients.find(|client| client.name.as_str() == name);
        let client = client.cloned().ok_or(fault)?;
        Ok(Client {
            tenant: client.tenant.clone().or(tenant),
            ..client
        })
    }
}

/// A client without a key that may do everything, for one tenant or for all.
pub(super) fn anybody(tenant: Option<TenantId>) -> Result<Client, String> {
    Ok(Client {
        name: ClientName::new("explain").map_err(|fault| format!("{fault:?}"))?,
        tenant,
        fronts: None,
        scopes: Scope::ALL.iter().copied().collect(),
        providers: None,
        rate: None,
        rates: crate::edge::rate_limit::ClassRates::default(),
        delete_budget: None,
        keys: Vec::new(),
        identities: Vec::new(),
        client_id: None,
        assertion_keys: Vec::new(),
        certificates: Vec::new(),
        certificate_required: false,
    })
}
