//! `[log]` and `[traces]`: what is told of requests, and where.

use std::path::PathBuf;

use http::HeaderName;
use http::uri::PathAndQuery;

use super::section::{At, Given, Section};
use super::vars::Vars;
use super::{outbound, secret};
use crate::finding::{Table, suggest};
use crate::model::Secret;
use crate::outbound::{Settings as Http, Url};
use crate::telemetry::{AccessPlace, SourceForm, TraceSettings};

/// Where a collector takes traces, unless its URL says something else.
const TRACES: &str = "/v1/traces";
/// What who is in between could do with what is not encrypted.
const DANGER: &str = "read the credential, and who asks for what";
const EXAMPLE: &str = "https://collector.example.com:4318";

/// Where the lines of requests go, and how source addresses are told there.
pub(super) fn log(section: Section<'_>) -> (AccessPlace, SourceForm) {
    let access = section.text("access").map(|given| access(&given));
    let source = section.text("source").map(|given| source(&given));
    section.finish();
    (access.unwrap_or_default(), source.unwrap_or_default())
}

fn access(given: &Given<'_, String>) -> AccessPlace {
    match given.value.as_str() {
        "stderr" => AccessPlace::Stderr,
        "off" => AccessPlace::Off,
        text => match text.strip_prefix("file:").filter(|path| !path.is_empty()) {
            Some(path) => AccessPlace::File(PathBuf::from(path)),
            None => {
                let message = format!("`{text}` is no place for the lines of requests");
                let hint = "`stderr`, `off`, or `file:PATH`";
                given.at.error("LB637", message, hint);
                AccessPlace::Stderr
            }
        },
    }
}

fn source(given: &Given<'_, String>) -> SourceForm {
    let form = SourceForm::named(&given.value);
    if form.is_none() {
        let message = format!("a source address cannot be told as `{}`", given.value);
        let hint = suggest(&given.value, &SourceForm::NAMES);
        given.at.error("LB637", message, hint);
    }
    form.unwrap_or_default()
}

/// Where traces go, if they go anywhere.
pub(super) fn traces(root: &Table<'_>, vars: &Vars, http: &Http) -> Option<TraceSettings> {
    let table = root.table("traces")?;
    let allow_http = table.bool("allow_http").unwrap_or(false);
    let text = table.need_text("endpoint");
    let url = text.and_then(|text| outbound::url(&table, &text, allow_http, DANGER, EXAMPLE));
    let headers = headers(&table, vars);
    let one_in = table.int_in("sample_one_in", 0..=i64::from(u32::MAX));
    let http = outbound::over(&table, http);
    table.finish();
    Some(TraceSettings {
        url: with_path(url?),
        headers: headers?,
        http,
        one_in: one_in.and_then(|n| u32::try_from(n).ok()).unwrap_or(1),
    })
}

/// The collector's place for traces, where only the collector is named.
fn with_path(url: Url) -> Url {
    match url.path() {
        "" | "/" => url.at(PathAndQuery::from_static(TRACES)),
        _ => url,
    }
}

/// `headers = { Authorization = "env:NAME" }`; `None` if one of them cannot be sent.
fn headers(table: &Table<'_>, vars: &Vars) -> Option<Vec<(HeaderName, Secret)>> {
    let Some(given) = table.table("headers") else {
        return Some(Vec::new());
    };
    let mut headers = Some(Vec::new());
    for (key, value) in given.entries() {
        let at = At::new(given.sink(), value.span());
        let header = HeaderName::from_bytes(key.value.as_bytes()).ok();
        let secret = value.get_ref().as_str().and_then(|text| {
            let given = Given {
                value: text.to_owned(),
                at: at.clone(),
            };
            secret::resolve(&given, vars)
        });
        let is_sendable = |secret: &Secret| http::HeaderValue::from_str(secret.expose()).is_ok();
        match (header, secret) {
            (Some(name), Some(secret)) if is_sendable(&secret) => {
                if let Some(headers) = &mut headers {
                    headers.push((name, secret));
                }
            }
            (_, None) if value.get_ref().as_str().is_some() => headers = None,
            _ => {
                let hint = "the name of a header field, and a reference to its value";
                at.error("LB638", "this is no field that can be sent", hint);
                headers = None;
            }
        }
    }
    given.finish_except(|_| true);
    headers
}
