//! `[[client]]`: who may call.

use std::collections::HashMap;

use super::directory::{Described, known_tenant, unknown_provider};
use super::section::{self, At, Given};
use super::{Catalog, assertions, certificates, fronts};
use crate::edge::authn::{Client, IssuedId};
use crate::edge::keys::{self, KeyHash};
use crate::edge::rate_limit::{ClassRates, Rate};
use crate::edge::scope::{Scope, Scopes};
use crate::edge::tls::CertificateName;
use crate::finding::{Table, suggest};
use crate::model::{ClientName, ProviderId};

/// What a client may refer to.
pub(super) struct Known<'a> {
    pub(super) described: &'a Described,
    pub(super) catalog: &'a Catalog,
    /// The names of the issuers, those too that have other faults.
    pub(super) issuers: &'a [String],
    /// Whether every listener is on loopback: only then may the example key be used.
    pub(super) loopback_only: bool,
    /// Whether there is a listener that asks clients for certificates.
    pub(super) asks_for_certificates: bool,
}

/// Who has what already.
#[derive(Default)]
struct Holders {
    keys: HashMap<KeyHash, String>,
    identities: HashMap<IssuedId, String>,
    certificates: HashMap<CertificateName, String>,
}

pub(super) fn clients(root: &Table<'_>, known: &Known<'_>) -> Vec<Client> {
    let mut clients = Vec::new();
    let mut names = HashMap::new();
    let mut holders = Holders::default();
    let mut taken = assertions::Taken::default();
    for table in root.tables("client") {
        if let Some(client) = client(&table, known, &mut holders) {
            taken.take(&table, &client);
            if names.insert(client.name.clone(), ()).is_some() {
                let message = format!("two clients have the name `{}`", client.name);
                table.sink().error_hint(
                    "LB512",
                    table.value_span("name"),
                    message,
                    "names are unique",
                );
            }
            clients.push(client);
        }
        table.finish();
    }
    clients
}

fn client(table: &Table<'_>, known: &Known<'_>, holders: &mut Holders) -> Option<Client> {
    let tenants: Vec<&str> = known.described.tenants.iter().map(String::as_str).collect();
    let name = name(table);
    let holder = name.as_ref().map_or("", ClientName::as_str);
    let keys = client_keys(table, holder, known.loopback_only, &mut holders.keys);
    let identities = identities(table, holder, known.issuers, &mut holders.identities);
    let client_id = assertions::client_id(table);
    let assertion_keys = assertions::assertion_keys(table);
    let certificates = certificates::certificates(table, holder, &mut holders.certificates);
    let certificate_required =
        certificates::required(table, &certificates, known.asks_for_certificates);
    let tenant = table
        .text("tenant")
        .and_then(|text| known_tenant(table.sink(), &text, &tenants));
    let rate = given_rate(table, "rate");
    let rates = class_rates(table);
    let delete_budget = given_rate(table, "delete_budget");
    let client = (
        allowed_fronts(table, known.catalog),
        scopes(table),
        providers(table, &known.described.providers),
    );
    let (fronts, scopes, providers) = client;
    Some(Client {
        name: name?,
        tenant,
        fronts,
        scopes,
        providers,
        rate,
        rates,
        delete_budget,
        keys,
        identities,
        client_id,
        assertion_keys,
        certificates,
        certificate_required,
    })
}

fn given_rate(table: &Table<'_>, key: &'static str) -> Option<Rate> {
    let text = table.text(key)?;
    section::rate(&Given::in_table(table, text))
}

/// `rates = { read = "…", create = "…", delete = "…" }`.
fn class_rates(table: &Table<'_>) -> ClassRates {
    let Some(rates) = table.table("rates") else {
        return ClassRates::default();
    };
    let of_class = ClassRates {
        read: given_rate(&rates, "read"),
        create: given_rate(&rates, "create"),
        delete: given_rate(&rates, "delete"),
        other: None,
    };
    rates.finish();
    of_class
}

/// What an issuer calls the client.
fn identities(
    table: &Table<'_>,
    holder: &str,
    issuers: &[String],
    holders: &mut HashMap<IssuedId, String>,
) -> Vec<IssuedId> {
    let mut identities = Vec::new();
    for given in table.tables("identities") {
        let (issuer, id) = (given.need_text("issuer"), given.need_text("id"));
        if let (Some(issuer), Some(id)) = (issuer, id) {
            let at = At::new(given.sink(), id.span);
            let known: Vec<&str> = issuers.iter().map(String::as_str).collect();
            if !known.contains(&issuer.value.as_ref()) {
                let message = format!("there is no issuer `{}`", issuer.value);
                let hint = suggest(&issuer.value, &known);
                given.sink().error_hint("LB530", issuer.span, message, hint);
            }
            let identity = IssuedId {
                issuer: issuer.value.into_owned(),
                id: id.value.into_owned(),
            };
            if let Some(other) = holders.insert(identity.clone(), holder.to_owned()) {
                let message = format!("`{other}` has this identity already");
                at.error("LB531", message, "an identity means one client only");
            }
            identities.push(identity);
        }
        given.finish();
    }
    identities
}

fn name(table: &Table<'_>) -> Option<ClientName> {
    let text = table.need_text("name")?;
    let name = ClientName::new(&text.value).ok();
    if name.is_none() {
        table.sink().error_hint(
            "LB518",
            text.span,
            "this cannot be a name",
            "no blanks at its ends, at most 1024 bytes",
        );
    }
    name
}

fn client_keys(
    table: &Table<'_>,
    holder: &str,
    loopback_only: bool,
    holders: &mut HashMap<KeyHash, String>,
) -> Vec<KeyHash> {
    let mut hashes = Vec::new();
    for text in table.texts("key_sha256").unwrap_or_default() {
        let at = At::new(table.sink(), text.span);
        let Some(hash) = keys::from_hex(&text.value) else {
            // It may well be the key itself.
            at.mask();
            at.error(
                "LB513",
                "this is not a SHA-256",
                "64 hexadecimal digits, made by `linkbridge keys new` or `keys hash`",
            );
            continue;
        };
        if keys::is_example(&hash) && !loopback_only {
            let hint = "make a key with `linkbridge keys new`, or listen on 127.0.0.1 or ::1 only";
            at.error(
                "LB515",
                "the example key is public, and works on loopback listeners only",
                hint,
            );
        }
        if let Some(other) = holders.insert(hash, holder.to_owned()) {
            at.error(
                "LB514",
                format!("`{other}` has this key already"),
                "a key means one client only",
            );
        }
        hashes.push(hash);
    }
    hashes
}

fn allowed_fronts(table: &Table<'_>, catalog: &Catalog) -> Option<Vec<String>> {
    let names = table.texts("fronts")?;
    Some(
        names
            .into_iter()
            .filter_map(|text| fronts::known_dialect(table.sink(), &text, catalog))
            .collect(),
    )
}

fn scopes(table: &Table<'_>) -> Scopes {
    let Some(words) = table.texts("scopes") else {
        if !table.has("scopes") {
            let hint = format!("a list of: {}", Scope::NAMES.join(", "));
            table
                .sink()
                .error_hint("LB003", table.span(), "`scopes` is missing", hint);
        }
        return Scopes::default();
    };
    let known = words.into_iter().filter_map(|word| {
        let scope = Scope::named(&word.value);
        if scope.is_none() {
            let message = format!("there is no scope `{}`", word.value);
            table.sink().error_hint(
                "LB510",
                word.span,
                message,
                suggest(&word.value, Scope::NAMES),
            );
        }
        scope
    });
    known.collect()
}

fn providers(table: &Table<'_>, known: &[String]) -> Option<Vec<ProviderId>> {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let words = table.texts("providers")?;
    let ids = words.into_iter().filter_map(|word| {
        if !known.contains(&word.value.as_ref()) {
            unknown_provider(table.sink(), word.span.clone(), &word.value, &known);
        }
        ProviderId::new(&word.value).ok()
    });
    Some(ids.collect())
}
