//! `[[front]]`: which dialects are mounted, and where.

use std::collections::BTreeMap;

use super::{Catalog, passthrough};
use crate::dialect;
use crate::dialect::overlap::{Mounted, overlap};
use crate::edge::authn::Client;
use crate::edge::head;
use crate::finding::{Sink, Table, Text, suggest};
use crate::model::ClientName;
use crate::server::PassthroughSettings;

/// A front as the file describes it; `cli` gives it its dialect.
#[derive(Clone, Debug)]
pub struct Front {
    /// The dialect's name.
    pub dialect: String,
    /// What the deployment sets for it.
    pub settings: dialect::Settings,
    /// The only host it answers to.
    pub host: Option<String>,
    /// The path it is mounted under.
    pub prefix: String,
    /// Who a request without a credential is.
    pub anonymous: Option<ClientName>,
    /// Where requests go that no op has.
    pub passthrough: Option<PassthroughSettings>,
}

/// The fronts of the file; without any, every dialect at its own paths, which do not collide.
pub(super) fn fronts(
    root: &Table<'_>,
    catalog: &Catalog,
    clients: &[Client],
    public_url: &str,
) -> Vec<Front> {
    if !root.has("front") {
        let mounted = |dialect: &str| Front {
            dialect: dialect.to_owned(),
            settings: dialect::Settings {
                origin: public_url.to_owned(),
                options: BTreeMap::new(),
            },
            host: None,
            prefix: String::new(),
            anonymous: None,
            passthrough: None,
        };
        let _ = root.tables("front");
        return catalog.names().into_iter().map(mounted).collect();
    }
    let mut fronts: Vec<Front> = Vec::new();
    for table in root.tables("front") {
        if let Some(front) = front(&table, catalog, clients, public_url) {
            let same = |f: &Front| {
                f.dialect == front.dialect && f.host == front.host && f.prefix == front.prefix
            };
            if fronts.iter().any(same) {
                let message = format!("`{}` is mounted here already", front.dialect);
                table.sink().error_hint(
                    "LB519",
                    table.value_span("dialect"),
                    message,
                    "give one a `host` or a `prefix`",
                );
            } else {
                overlaps(&table, catalog, &fronts, &front);
            }
            fronts.push(front);
        }
        table.finish();
    }
    fronts
}

/// Tells, at the second of two fronts, of a request that both would serve.
fn overlaps(table: &Table<'_>, catalog: &Catalog, earlier: &[Front], front: &Front) {
    let mounted = |front| mounted(catalog, front);
    let others = earlier.iter();
    for (other, found) in
        others.filter_map(|other| Some((other, overlap(mounted(other), mounted(front))?)))
    {
        let message = format!(
            "both {} and {} would serve {} {}",
            shown(other),
            shown(front),
            found.method,
            found.path
        );
        let hint = "give one of them a `host` or a `prefix` of its own";
        let span = table.value_span("dialect");
        table.sink().error_hint("LB526", span, message, hint);
    }
}

fn mounted<'a>(catalog: &'a Catalog, front: &'a Front) -> Mounted<'a> {
    Mounted {
        host: front.host.as_deref(),
        prefix: &front.prefix,
        routes: catalog.routes(&front.dialect),
    }
}

fn shown(front: &Front) -> String {
    if front.prefix.is_empty() {
        return format!("`{}`", front.dialect);
    }
    format!("`{}` below `{}`", front.dialect, front.prefix)
}

fn front(
    table: &Table<'_>,
    catalog: &Catalog,
    clients: &[Client],
    public_url: &str,
) -> Option<Front> {
    let dialect = table
        .need_text("dialect")
        .and_then(|text| known_dialect(table.sink(), &text, catalog));
    let host = table
        .text("host")
        .and_then(|text| checked(table, text, is_host, "a host without a port"));
    let prefix = table
        .text("prefix")
        .and_then(|text| checked(table, text, is_prefix, "a path such as `/fa`"));
    let options = options(table, catalog, dialect.as_deref());
    let anonymous = table
        .text("anonymous")
        .and_then(|text| known_client(table.sink(), &text, clients));
    let passthrough = passthrough::passthrough(table, catalog, dialect.as_deref());
    let prefix = prefix.unwrap_or_default();
    let settings = dialect::Settings {
        origin: origin(public_url, host.as_deref(), &prefix),
        options,
    };
    let host = host.map(|host| host.to_ascii_lowercase());
    Some(Front {
        dialect: dialect?,
        settings,
        host,
        prefix,
        anonymous,
        passthrough,
    })
}

fn checked(
    table: &Table<'_>,
    text: Text<'_>,
    good: fn(&str) -> bool,
    wanted: &str,
) -> Option<String> {
    if good(&text.value) {
        return Some(text.value.into_owned());
    }
    table.sink().error_hint(
        "LB519",
        text.span,
        "a front cannot be mounted there",
        wanted,
    );
    None
}

fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'[' | b']' | b':'))
        && (text.starts_with('[') || !text.contains(':'))
}

fn is_prefix(text: &str) -> bool {
    head::is_canonical(text) && !text.ends_with('/') && text.is_ascii() && !text.contains('?')
}

/// The front's public URL: that of the server, on the front's host if it has one.
fn origin(public_url: &str, host: Option<&str>, prefix: &str) -> String {
    match (host, public_url.split_once("://")) {
        (Some(host), Some((scheme, _))) => format!("{scheme}://{host}{prefix}"),
        _ => format!("{public_url}{prefix}"),
    }
}

/// `options = { name = "value" }` of a dialect.
pub(super) fn options(
    table: &Table<'_>,
    catalog: &Catalog,
    dialect: Option<&str>,
) -> BTreeMap<String, String> {
    let mut options = BTreeMap::new();
    let Some(given) = table.table("options") else {
        return options;
    };
    let known = dialect.and_then(|name| catalog.options(name));
    for (key, value) in given.entries() {
        let Some(text) = value.get_ref().as_str() else {
            table.sink().error(
                "LB004",
                value.span(),
                format!("the option `{}` must be a string", key.value),
            );
            continue;
        };
        if let Some(known) = known {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            match known.get(key.value.as_ref()) {
                None => {
                    let message = format!("the dialect has no option `{}`", key.value);
                    table.sink().error_hint(
                        "LB507",
                        key.span.clone(),
                        message,
                        suggest(&key.value, &names),
                    );
                }
                Some(values) if !values.iter().any(|v| v == text) => {
                    let values: Vec<&str> = values.iter().map(String::as_str).collect();
                    let message = format!("the option `{}` cannot be `{text}`", key.value);
                    table
                        .sink()
                        .error_hint("LB507", value.span(), message, suggest(text, &values));
                }
                Some(_) => {}
            }
        }
        options.insert(key.value.into_owned(), text.to_owned());
    }
    options
}

/// The dialect of this name, or a finding.
pub(super) fn known_dialect(sink: &Sink, text: &Text<'_>, catalog: &Catalog) -> Option<String> {
    let names = catalog.names();
    if names.contains(&text.value.as_ref()) {
        return Some(text.value.clone().into_owned());
    }
    // A mapping that is wrong has been told; that it is missing here needs no telling.
    if catalog.is_odd(&text.value) {
        return None;
    }
    let message = format!("there is no dialect `{}`", text.value);
    sink.error_hint(
        "LB506",
        text.span.clone(),
        message,
        suggest(&text.value, &names),
    );
    None
}

fn known_client(sink: &Sink, text: &Text<'_>, clients: &[Client]) -> Option<ClientName> {
    let names: Vec<&str> = clients.iter().map(|client| client.name.as_str()).collect();
    if !names.contains(&text.value.as_ref()) {
        let message = format!("there is no client `{}`", text.value);
        sink.error_hint(
            "LB517",
            text.span.clone(),
            message,
            suggest(&text.value, &names),
        );
    }
    ClientName::new(&text.value).ok()
}
