//! `tls` of a `[[listener]]`: its certificates with their keys, by reference.

use super::secret;
use super::section::{At, Given};
use super::vars::Vars;
use crate::edge::tls::{Fault, Identity, Tls};
use crate::finding::Table;
use crate::model::{Instant, Secret};
use crate::server::{Protocol, clock};

/// What a listener speaks. After a finding it does not matter what that is.
pub(super) fn protocol(listener: &Table<'_>, vars: &Vars) -> Protocol {
    let http2 = listener.bool("http2").unwrap_or(false);
    if !listener.has("tls") {
        // Asked for, so that it is among the keys that are suggested.
        let _ = listener.value("tls");
        return if http2 {
            Protocol::Http2
        } else {
            Protocol::Http1
        };
    }
    if listener.has("http2") {
        let hint = "leave it out: over TLS each client chooses between HTTP/2 and HTTP/1.1";
        let message = "`http2` says nothing beside `tls`";
        let place = listener.key_span("http2");
        listener.sink().error_hint("LB542", place, message, hint);
    }
    let tls = listener.table("tls").and_then(|table| tls(table, vars));
    tls.map_or(Protocol::Http1, Protocol::Tls)
}

fn tls(table: Table<'_>, vars: &Vars) -> Option<Tls> {
    let given = table.tables("certificates");
    let n_given = given.len();
    let pairs = given.into_iter().filter_map(|one| pair(one, vars));
    let identities = pairs.map(|pair| pair.identity);
    let identities: Vec<Identity> = identities.collect();
    let all = identities.len() == n_given;
    let place = At::new(table.sink(), table.value_span("certificates"));
    table.finish();
    if !all {
        return None;
    }
    let tls = Tls::new(identities);
    tls.map_err(|fault| place.error("LB540", fault.to_string(), PAIR))
        .ok()
}

const PAIR: &str = "`certificates = [{ chain = \"file:PATH\", key = \"file:PATH\" }]`, in PEM, \
    the server's own certificate first";

/// A certificate and its key.
pub(super) struct Pair {
    /// The chain, in PEM.
    pub(super) chain: Secret,
    /// The private key, in PEM.
    pub(super) key: Secret,
    /// What both say.
    pub(super) identity: Identity,
}

/// `{ chain = "file:PATH", key = "file:PATH" }`.
pub(super) fn pair(table: Table<'_>, vars: &Vars) -> Option<Pair> {
    let chain = table.need_text("chain");
    let chain = chain.map(|text| Given::in_table(&table, text));
    let key = table.need_text("key");
    let key = key.map(|text| Given::in_table(&table, text));
    table.finish();
    let (chain, key) = (chain?, key?);
    // Both are looked up before either is given up, so that both are told.
    let texts = (secret::look_up(&chain, vars), secret::resolve(&key, vars));
    let (chain_text, key_text) = (texts.0?, texts.1?);
    match Identity::read(chain_text.expose(), &key_text) {
        Ok(identity) => {
            warn_of_dates(&identity, &chain);
            Some(Pair {
                chain: chain_text,
                key: key_text,
                identity,
            })
        }
        Err(fault) => {
            tell(&fault, if fault.is_of_key() { &key } else { &chain });
            None
        }
    }
}

fn tell(fault: &Fault, given: &Given<'_, String>) {
    let message = format!("{}: {fault}", given.value);
    given.at.error("LB540", message, PAIR);
}

/// A certificate that no client believes is no reason to let those wait who could do without it.
fn warn_of_dates(identity: &Identity, chain: &Given<'_, String>) {
    let now = clock::now();
    let (when, instant) = if now > identity.not_after() {
        ("has expired: it was good until", identity.not_after())
    } else if now < identity.not_before() {
        ("is not good before", identity.not_before())
    } else {
        return;
    };
    let message = format!("{}: the certificate {when} {}", chain.value, shown(instant));
    let hint = "clients refuse it; renew it, or look at the clock, and restart";
    chain.at.warning("LB541", message, hint);
}

fn shown(instant: Instant) -> String {
    let shown = jiff::Timestamp::from_millisecond(instant.0);
    shown.map_or_else(|_| "an odd time".to_owned(), |time| time.to_string())
}
