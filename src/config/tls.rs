//! `tls` of a `[[listener]]`: its certificates with their keys, by reference.

use super::secret;
use super::section::{At, Given};
use super::vars::Vars;
use crate::edge::tls::{ClientTrust, Fault, Identity, Tls, TrustFault};
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
    let trust = trust(&table, vars);
    table.finish();
    if !all {
        return None;
    }
    // What is wrong with the certificates is told whether or not the rest is right.
    let (usable, trust) = (trust.is_some(), trust.flatten());
    let tls = Tls::new(identities, trust);
    tls.map_err(|fault| place.error("LB540", fault.to_string(), PAIR))
        .ok()
        .filter(|_| usable)
}

/// Whose clients are let in: `client_authorities`, `client_revocations`, `client_certificates`. The outer
/// `None` is for what cannot be used.
#[expect(clippy::option_option, reason = "nothing was given, or nothing usable")]
fn trust(table: &Table<'_>, vars: &Vars) -> Option<Option<ClientTrust>> {
    let referred = |key| {
        let text = table.text(key)?;
        let given = Given::in_table(table, text);
        Some((secret::look_up(&given, vars), given))
    };
    let (authorities, revocations) = (
        referred("client_authorities"),
        referred("client_revocations"),
    );
    let required = required(table);
    let Some((authorities, named)) = authorities else {
        for key in ["client_revocations", "client_certificates"] {
            if table.has(key) {
                let message = format!("`{key}` says nothing without `client_authorities`");
                let hint = "clients are asked for certificates of the authorities that are trusted";
                let place = table.value_span(key);
                table.sink().error_hint("LB544", place, message, hint);
                return None;
            }
        }
        return Some(None);
    };
    let authorities = authorities?;
    let (revoked, list) = match revocations {
        Some((revoked, list)) => (Some(revoked?), Some(list)),
        None => (None, None),
    };
    let revoked = revoked.as_ref().map_or("", Secret::expose);
    let trust = ClientTrust::read(authorities.expose(), revoked, required?);
    trust
        .map_err(|fault| {
            let given = match &fault {
                TrustFault::BadRevocations => list.as_ref().unwrap_or(&named),
                TrustFault::NoAuthority => &named,
            };
            let message = format!("{}: {fault}", given.value);
            given.at.error("LB544", message, "`file:PATH`, in PEM");
        })
        .ok()
        .map(Some)
}

/// Whether nobody gets in without a certificate.
fn required(table: &Table<'_>) -> Option<bool> {
    let Some(text) = table.text("client_certificates") else {
        return Some(true);
    };
    match text.value.as_ref() {
        "required" => Some(true),
        "optional" => Some(false),
        _ => {
            let message = "clients are asked for certificates in one of two ways";
            let hint = "`required` or `optional`";
            table.sink().error_hint("LB544", text.span, message, hint);
            None
        }
    }
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
