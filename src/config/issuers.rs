//! `[[issuer]]`: whose tokens are taken.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use super::vars::Vars;
use super::{Catalog, fronts, outbound, secret};
use crate::directory::CANONICAL_VENDOR;
use crate::edge::issuer::{Algorithm, ClaimNames, Endpoint, Keep, KeysAt, Proof, Settings};
use crate::edge::scope::Scope;
use crate::finding::{Table, Text, suggest};
use crate::model::VendorName;
use crate::outbound::Url;

/// What means nothing where the issuer is asked.
const OF_SIGNATURES: &[&str] = &["algorithms", "typ", "cache_seconds", "stale_hours"];

/// What an issuer may refer to.
pub(super) struct Known<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) vars: &'a Vars,
}

/// The issuers, and the names of all of them: to be the identity of one that has faults is no second fault.
pub(super) fn issuers(root: &Table<'_>, known: &Known<'_>) -> (Vec<Settings>, Vec<String>) {
    let (mut issuers, mut all) = (Vec::new(), Vec::new());
    let (mut names, mut signers) = (HashSet::new(), HashSet::new());
    for table in root.tables("issuer") {
        let name = table.value("name").and_then(|name| name.get_ref().as_str());
        all.extend(name.map(str::to_owned));
        if let Some(issuer) = issuer(&table, known) {
            let is_signer = matches!(issuer.proof, Proof::Signature { .. });
            if !names.insert(issuer.name.clone()) {
                let message = format!("two issuers have the name `{}`", issuer.name);
                twice(&table, "name", message);
            } else if is_signer && !signers.insert(issuer.issuer.clone()) {
                let message = format!("two issuers sign as `{}`", issuer.issuer);
                twice(&table, "issuer", message);
            }
            issuers.push(issuer);
        }
        table.finish();
    }
    (issuers, all)
}

fn twice(table: &Table<'_>, key: &'static str, message: String) {
    let at = table.value_span(key);
    table
        .sink()
        .error_hint("LB512", at, message, "one of them is enough");
}

fn issuer(table: &Table<'_>, known: &Known<'_>) -> Option<Settings> {
    let name = filled(table, table.need_text("name"));
    let issuer = filled(table, table.need_text("issuer"));
    let names = table.texts("fronts");
    let fronts = names.map(|names| {
        let known = |text| fronts::known_dialect(table.sink(), &text, known.catalog);
        names.into_iter().filter_map(known).collect()
    });
    let audience = audience(table);
    let claims = claims(table);
    let tenant_ids = tenant_ids(table, known.catalog);
    let scopes = translated(table);
    let proof = proof(table, known.vars)?;
    if audience.is_empty() && matches!(proof, Proof::Signature { .. }) {
        let hint = "who its tokens must be for, such as `[\"linkbridge\"]`: without it, every token of the issuer would do";
        let at = table.value_span("audience");
        table
            .sink()
            .error_hint("LB003", at, "`audience` is missing", hint);
    }
    Some(Settings {
        name: name?,
        issuer: issuer?,
        audience,
        proof,
        fronts,
        claims,
        tenant_ids,
        scopes,
    })
}

pub(super) fn filled(table: &Table<'_>, text: Option<Text<'_>>) -> Option<String> {
    let text = text?;
    if text.value.trim().is_empty() {
        table
            .sink()
            .error("LB004", text.span, "this must not be blank");
        return None;
    }
    Some(text.value.into_owned())
}

fn audience(table: &Table<'_>) -> Vec<String> {
    let texts = table.texts("audience").unwrap_or_default();
    let filled = texts
        .into_iter()
        .filter_map(|text| filled(table, Some(text)));
    filled.collect()
}

fn claims(table: &Table<'_>) -> ClaimNames {
    let given = table.table("claims");
    let name = |key| {
        let given = given.as_ref()?;
        filled(given, given.text(key))
    };
    let names = ClaimNames {
        client: name("client").unwrap_or_else(|| "client_id".to_owned()),
        tenant: name("tenant"),
        scopes: name("scopes").unwrap_or_else(|| "scope".to_owned()),
    };
    if let Some(given) = given {
        given.finish();
    }
    names
}

fn tenant_ids(table: &Table<'_>, catalog: &Catalog) -> Option<VendorName> {
    let text = table.text("tenant_ids")?;
    let vendors = catalog.vendors();
    if text.value != CANONICAL_VENDOR && !vendors.contains(&text.value.as_ref()) {
        let message = format!("no dialect speaks the ids of `{}`", text.value);
        let hint = suggest(&text.value, &vendors);
        table.sink().error_hint("LB538", text.span, message, hint);
    }
    VendorName::new(&text.value).ok()
}

/// What the issuer's scopes mean here.
fn translated(table: &Table<'_>) -> Option<HashMap<String, Vec<Scope>>> {
    let given = table.table("scopes")?;
    let mut meanings = HashMap::new();
    for (word, value) in given.entries() {
        let one = std::slice::from_ref(value);
        let items = value.get_ref().as_array().map_or(one, |array| &array[..]);
        let mut scopes = Vec::new();
        for item in items {
            let name = item.get_ref().as_str().unwrap_or_default();
            match Scope::named(name) {
                Some(scope) => scopes.push(scope),
                None => table.sink().error_hint(
                    "LB510",
                    item.span(),
                    format!("there is no scope `{name}`"),
                    suggest(name, Scope::NAMES),
                ),
            }
        }
        meanings.insert(word.value.into_owned(), scopes);
    }
    Some(meanings)
}

fn proof(table: &Table<'_>, vars: &Vars) -> Option<Proof> {
    let allow_http = table.bool("allow_http").unwrap_or(false);
    let keys = table.text("keys");
    let asked = table.table("introspection");
    let signs = signature(table, keys.as_ref(), allow_http);
    let asks = asked
        .as_ref()
        .map(|asked| endpoint(asked, vars, allow_http));
    if let Some(asked) = asked {
        asked.finish();
        for key in OF_SIGNATURES.iter().filter(|key| table.has(key)) {
            let message = format!("`{key}` is for issuers with `keys`");
            let hint = "an issuer that is asked says itself which tokens are good";
            table
                .sink()
                .error_hint("LB535", table.key_span(key), message, hint);
        }
    }
    match (keys, signs, asks) {
        (Some(_), proof, None) => proof,
        (None, _, Some(endpoint)) => endpoint.map(Proof::Introspection),
        _ => {
            table.sink().error_hint(
                "LB535",
                table.span(),
                "an issuer has either `keys` or `introspection`",
                "`keys` for tokens that it signs (JWTs), `introspection` for opaque ones",
            );
            None
        }
    }
}

fn signature(table: &Table<'_>, keys: Option<&Text<'_>>, allow_http: bool) -> Option<Proof> {
    let words = table.texts("algorithms");
    let typ = table.texts("typ");
    let fresh = table.int_in("cache_seconds", 30..=86_400).unwrap_or(600);
    let stale = table.int_in("stale_hours", 0..=720).unwrap_or(24);
    let keys = keys?;
    if !table.has("algorithms") {
        let hint = format!("a list of: {}", Algorithm::NAMES.join(", "));
        let at = table.span();
        table
            .sink()
            .error_hint("LB003", at, "`algorithms` is missing", hint);
    }
    let at = match keys.value.strip_prefix("file:") {
        Some(path) => Some(KeysAt::File(PathBuf::from(path))),
        None => url(table, keys, allow_http).map(KeysAt::Url),
    };
    let seconds = |n: i64| Duration::from_secs(u64::try_from(n).unwrap_or(0));
    let fresh = seconds(fresh);
    Some(Proof::Signature {
        keys: at?,
        algorithms: algorithms(table, words.unwrap_or_default()),
        typ: typ.map_or_else(
            || vec!["at+jwt".to_owned(), "JWT".to_owned()],
            |words| words.into_iter().map(|w| w.value.into_owned()).collect(),
        ),
        keep: Keep {
            fresh,
            stale: fresh.max(seconds(stale * 3600)),
        },
    })
}

fn algorithms(table: &Table<'_>, words: Vec<Text<'_>>) -> Vec<Algorithm> {
    let known = words.into_iter().filter_map(|word| {
        let algorithm = Algorithm::named(&word.value);
        if algorithm.is_none() {
            let message = format!("there is no signature algorithm `{}` here", word.value);
            let hint = suggest(&word.value, Algorithm::NAMES);
            table.sink().error_hint("LB534", word.span, message, hint);
        }
        algorithm
    });
    known.collect()
}

fn endpoint(table: &Table<'_>, vars: &Vars, allow_http: bool) -> Option<Endpoint> {
    let place = table.need_text("endpoint");
    let client_id = filled(table, table.need_text("client_id"));
    let client_secret = secret::needed(table, "client_secret", vars);
    Some(Endpoint {
        url: url(table, &place?, allow_http)?,
        client_id: client_id?,
        client_secret: client_secret?,
    })
}

fn url(table: &Table<'_>, text: &Text<'_>, allow_http: bool) -> Option<Url> {
    let example = "https://login.example.com/jwks.json";
    outbound::url(table, text, allow_http, "issue tokens", example)
}
