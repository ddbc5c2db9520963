//! Ways to origins: what may pass where, and what never does.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use tokio::sync::Semaphore;

use super::fields;
use super::pipe::Piped;
use crate::dialect::{Dialect, Pattern, Reading};
use crate::outbound::{self, StartFault, Streaming, Url};
use crate::server::front::Front;

/// Which credential goes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// The client's own, unless linkbridge has made it.
    Client,
    /// None.
    None,
}

/// Whose requests pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Those of known clients, as often as each of them may ask.
    Clients,
    /// Everybody's, as often as a source address may ask.
    Anyone,
}

/// Requests that may pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Their method; `None` = every one.
    pub method: Option<Method>,
    /// Their paths, below the front.
    pub path: Pattern,
}

/// What passes where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassthroughSettings {
    /// Where to: an origin, without a path.
    pub origin: Url,
    /// As whom.
    pub credential: Credential,
    /// From whom.
    pub access: Access,
    /// What.
    pub allow: Vec<Allowed>,
    /// How long the origin may take for the head of its answer, once it has the request.
    pub first_byte: Duration,
    /// How long nothing may move, in either direction.
    pub stall: Duration,
    /// The most exchanges at once.
    pub max_in_flight: usize,
}

/// A way to an origin.
#[derive(Debug)]
pub struct Passthrough {
    pub(super) settings: PassthroughSettings,
    /// Every dialect of the vendor: what one of them keeps, none passes on.
    kin: Vec<Arc<Dialect>>,
    pub(super) client: Streaming<Piped>,
    /// Room for exchanges.
    pub(super) room: Arc<Semaphore>,
}

impl Passthrough {
    /// A way to an origin; calls nobody. `kin` = every dialect of the front's vendor, its own among them.
    ///
    /// # Errors
    /// If the certificates to trust cannot be read.
    pub fn new(
        settings: PassthroughSettings,
        kin: Vec<Arc<Dialect>>,
        outbound: &outbound::Settings,
    ) -> Result<Self, StartFault> {
        Ok(Self {
            client: Streaming::new(outbound)?,
            room: Arc::new(Semaphore::new(settings.max_in_flight)),
            kin,
            settings,
        })
    }

    /// Whether another of the same settings and dialects would be no different.
    #[must_use]
    pub fn is_of(&self, settings: &PassthroughSettings, kin: &[Arc<Dialect>]) -> bool {
        self.settings == *settings
            && self.kin.len() == kin.len()
            && self.kin.iter().zip(kin).all(|(a, b)| Arc::ptr_eq(a, b))
    }

    /// How many exchanges there are now.
    pub(in crate::server) fn in_flight(&self) -> usize {
        let max = self.settings.max_in_flight;
        max.saturating_sub(self.room.available_permits())
    }

    /// Whether a request may pass; `path` is below the front.
    #[must_use]
    pub fn passes(&self, parts: &Parts, path: &str) -> bool {
        let method = &parts.method;
        let is_allowed = |allowed: &Allowed| {
            let same = |wanted: &Method| {
                wanted == method || (wanted == Method::GET && method == Method::HEAD)
            };
            allowed.method.as_ref().is_none_or(same) && allowed.path.fits(path)
        };
        if *method == Method::TRACE || !self.settings.allow.iter().any(is_allowed) {
            return false;
        }
        let query = parts.uri.query().unwrap_or_default();
        let Some(reading) = Reading::of(path) else {
            return false;
        };
        let is_denied =
            |dialect: &Arc<Dialect>| dialect.denies(method, &reading) || dialect.reflects(path);
        let target = parts
            .uri
            .path_and_query()
            .map_or("", |target| target.as_str());
        let decoded = || percent_encoding::percent_decode_str(target).decode_utf8_lossy();
        !(self.kin.iter().any(is_denied)
            || fields::overrides(&parts.headers, query)
            || needs_trailers(parts)
            || fields::holds_ours(target)
            || fields::holds_ours(&decoded()))
    }
}

/// What passes where, in a few words, for the start.
impl std::fmt::Display for Passthrough {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let settings = &self.settings;
        let who = match settings.access {
            Access::Clients => "of known clients",
            Access::Anyone => "of anyone",
        };
        let as_whom = match settings.credential {
            Credential::Client => "with the client's own credential",
            Credential::None => "without a credential",
        };
        write!(f, "to {} requests {who}, {as_whom}:", settings.origin)?;
        for (index, allowed) in settings.allow.iter().enumerate() {
            let method = allowed.method.as_ref().map_or("*", Method::as_str);
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma} {method} {}", allowed.path)?;
        }
        Ok(())
    }
}

/// gRPC says in trailers what came of a call, and trailers do not pass.
fn needs_trailers(parts: &Parts) -> bool {
    let content_type = parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
    content_type.starts_with("application/grpc")
        && !content_type.starts_with("application/grpc-web")
}

/// The first front that has a way for a request.
pub(in crate::server) fn find<'f>(
    fronts: &'f [Front],
    host: &str,
    parts: &Parts,
) -> Option<Way<'f>> {
    fronts.iter().enumerate().find_map(|(index, front)| {
        let passthrough = front.passthrough.as_deref()?;
        let path = front.path_below(host, parts.uri.path())?;
        passthrough.passes(parts, path).then_some(Way {
            index,
            front,
            passthrough,
        })
    })
}

/// Where a request passes.
pub(in crate::server) struct Way<'f> {
    /// The front's place in the list.
    pub(in crate::server) index: usize,
    pub(super) front: &'f Front,
    pub(super) passthrough: &'f Passthrough,
}
