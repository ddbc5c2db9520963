//! `passthrough` of a `[[front]]`: which requests go to an origin of the same vendor.

use std::time::Duration;

use http::Method;

use super::{Catalog, outbound};
use crate::dialect::{Neighbor, Pattern};
use crate::finding::{Table, Text};
use crate::outbound::Url;
use crate::server::{Access, Allowed, Credential, PassthroughSettings};

/// The methods that a request may have, in the order in which they are told.
const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// Reads `passthrough`, if it is there.
pub(super) fn passthrough(
    front: &Table<'_>,
    catalog: &Catalog,
    dialect: Option<&str>,
) -> Option<PassthroughSettings> {
    let table = front.table("passthrough")?;
    let allow_http = table.bool("allow_http").unwrap_or(false);
    let origin = table.need_text("origin");
    let origin = origin.and_then(|text| origin_of(&table, &text, allow_http));
    let credential = match table.word("credential", &["none", "client"]) {
        Some(1) => Credential::Client,
        _ => Credential::None,
    };
    if !table.has("credential") {
        let hint = "`client`: the client's own goes along; `none`: none does";
        let sink = table.sink();
        sink.error_hint("LB003", table.span(), "`credential` is missing", hint);
    }
    let access = match table.word("access", &["clients", "anyone"]) {
        Some(1) => Access::Anyone,
        _ => Access::Clients,
    };
    let kept: Vec<&Neighbor> = dialect.map_or_else(Vec::new, |name| catalog.neighbors(name));
    let allow = allow(&table, &kept);
    let number = |key, range: std::ops::RangeInclusive<i64>, default| {
        let given = table.int_in(key, range);
        given.and_then(|n| u64::try_from(n).ok()).unwrap_or(default)
    };
    let settings = PassthroughSettings {
        first_byte: Duration::from_secs(number("first_byte_seconds", 1..=120, 5)),
        stall: Duration::from_secs(number("stall_seconds", 1..=600, 15)),
        max_in_flight: usize::try_from(number("max_in_flight", 1..=10_000, 256)).unwrap_or(256),
        credential,
        access,
        allow,
        origin: match origin {
            Some(origin) => origin,
            None => {
                table.finish();
                return None;
            }
        },
    };
    table.finish();
    Some(settings)
}

fn origin_of(table: &Table<'_>, text: &Text<'_>, allow_http: bool) -> Option<Url> {
    let example = "https://old.internal";
    let url = outbound::url(table, text, allow_http, "read credentials", example)?;
    if url.is_origin() {
        return Some(url);
    }
    let message = "an origin has no path and no query: paths are passed on as they are";
    let hint = format!("such as `{example}`");
    table
        .sink()
        .error_hint("LB550", text.span.clone(), message, hint);
    None
}

fn allow(table: &Table<'_>, kept: &[&Neighbor]) -> Vec<Allowed> {
    let texts = table.texts("allow").unwrap_or_default();
    if texts.is_empty() {
        let hint = "allow = [\"GET /api/user/**\"]";
        let message = "`allow` says what may pass, and nothing may";
        table
            .sink()
            .error_hint("LB003", table.value_span("allow"), message, hint);
    }
    let read = texts.into_iter().filter_map(|text| {
        let allowed = allowed(&text.value);
        match &allowed {
            Ok(allowed) => refuse_kept(table, &text, allowed, kept),
            Err(fault) => {
                let hint = "a method, or `*`, and a path: `GET /api/user/**`";
                let sink = table.sink();
                sink.error_hint("LB551", text.span.clone(), fault.clone(), hint);
            }
        }
        allowed.ok()
    });
    read.collect()
}

fn allowed(text: &str) -> Result<Allowed, String> {
    let (method, path) = text
        .split_once(' ')
        .ok_or("this is no method with a path")?;
    let method = match method {
        "*" => None,
        name => {
            let known = METHODS.iter().find(|method| method.as_str() == name);
            let known = known.ok_or_else(|| format!("`{name}` is no method that can pass"));
            Some(known?.clone())
        }
    };
    let path = Pattern::parse(path.trim_start())?;
    Ok(Allowed { method, path })
}

/// What carries links is denied. A pattern that seems to allow it is not what its author means.
fn refuse_kept(table: &Table<'_>, text: &Text<'_>, allowed: &Allowed, kept: &[&Neighbor]) {
    let meets = |neighbor: &&&Neighbor| {
        let method = allowed.method.as_ref();
        method.is_none_or(|method| neighbor.has_method(method))
            && neighbor.path.meets(&allowed.path)
    };
    if let Some(neighbor) = kept.iter().find(meets) {
        let message = format!(
            "this covers {} {}, which never passes: {}",
            neighbor.methods_shown(),
            neighbor.path,
            neighbor.because
        );
        let hint = "name the methods and paths that are meant, without this one";
        table
            .sink()
            .error_hint("LB552", text.span.clone(), message, hint);
    }
}
