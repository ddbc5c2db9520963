//! Where an IdP is and how it is called: the keys that every place has which linkbridge calls with a credential.

use std::time::Duration;

use super::{Known, credential};
use crate::backend::upstream::settings::Endpoint;
use crate::config::section::At;
use crate::config::{outbound, tls};
use crate::edge::head;
use crate::finding::{Table, Text, suggest};
use crate::outbound::{Identity, Protocols, Settings, Timeouts, Url};

/// What who is in between could do with a credential that is not encrypted.
const DANGER: &str = "take the credential, and every link";
/// What a base URL looks like.
const EXAMPLE: &str = "https://auth.example.com";

/// Reads the keys of an endpoint out of the table that has them.
pub(super) fn endpoint(table: &Table<'_>, known: &Known<'_>) -> Option<Endpoint> {
    let allow_http = table.bool("allow_http").unwrap_or(false);
    let text = table.need_text("base_url");
    let base_url = text.and_then(|text| base_url(table, &text, allow_http));
    let credential = credential::credential(table, known.vars, allow_http);
    let http = http(table, known);
    let number = |key, range, default| {
        let given = table.int_in(key, range);
        given.unwrap_or(default)
    };
    let max_in_flight = number("max_in_flight", 1..=100_000, 64);
    let queue = number("queue_milliseconds", 0..=60_000, 100);
    let max_answer_bytes = number("max_answer_bytes", 1024..=268_435_456, 4_194_304);
    let retry_percent = number("retry_percent", 0..=100, 10);
    let (breaker_failures, breaker_open) = breaker(table);
    Some(Endpoint {
        base_url: base_url?,
        credential: credential?,
        http: http?,
        max_in_flight: usize::try_from(max_in_flight).ok()?,
        queue: Duration::from_millis(u64::try_from(queue).ok()?),
        max_answer_bytes: usize::try_from(max_answer_bytes).ok()?,
        retry_percent: u32::try_from(retry_percent).ok()?,
        breaker_failures,
        breaker_open,
    })
}

/// A URL below which the paths of a dialect begin.
fn base_url(table: &Table<'_>, text: &Text<'_>, allow_http: bool) -> Option<Url> {
    let url = outbound::url(table, text, allow_http, DANGER, EXAMPLE)?;
    let rest = text.value.split_once("://").map_or("", |(_, rest)| rest);
    let path = rest.find('/').and_then(|at| rest.get(at..));
    if rest.contains('?') || !path.is_none_or(head::is_canonical) {
        let message = "the paths of a dialect cannot be put behind this URL";
        let hint = format!(
            "without a query, and without `//`, `.` and `..` in its path, such as `{EXAMPLE}/iam`"
        );
        table
            .sink()
            .error_hint("LB563", text.span.clone(), message, hint);
        return None;
    }
    Some(url)
}

/// What `[outbound]` says holds here too, unless the table says something else; but for how long connections
/// are kept that nobody uses: those to an IdP end before its own patience does.
fn http(table: &Table<'_>, known: &Known<'_>) -> Option<Settings> {
    let (default, idle) = (known.outbound, Timeouts::upstream().idle);
    let default = Settings {
        timeouts: Timeouts {
            idle: default.timeouts.idle.min(idle),
            ..default.timeouts
        },
        ..default.clone()
    };
    let certificate = table.table("client_certificate");
    let has_certificate = certificate.is_some();
    let identity = certificate.and_then(|table| identity(table, known));
    let protocols = protocols(table);
    let http = Settings {
        identity,
        protocols,
        ..outbound::over(table, &default)
    };
    (http.identity.is_some() == has_certificate).then_some(http)
}

/// `client_certificate = { chain = "file:PATH", key = "file:PATH" }`.
fn identity(table: Table<'_>, known: &Known<'_>) -> Option<Identity> {
    let at = At::new(table.sink(), table.span());
    let pair = tls::pair(table, known.vars)?;
    let (chain, key) = (pair.chain.expose(), pair.key.expose());
    let identity = Identity::parse(chain.as_bytes(), key.as_bytes());
    let hint = "the certificate and its key, in PEM";
    identity
        .map_err(|fault| at.error("LB540", fault.to_string(), hint))
        .ok()
}

/// `protocols = ["h2", "http/1.1"]`.
fn protocols(table: &Table<'_>) -> Protocols {
    let (mut http1, mut http2) = (false, false);
    for text in table.texts("protocols").unwrap_or_default() {
        match &*text.value {
            "h2" => http2 = true,
            "http/1.1" => http1 = true,
            other => {
                let message = format!("there is no protocol `{other}` here");
                let hint = suggest(other, &["h2", "http/1.1"]);
                table.sink().error_hint("LB004", text.span, message, hint);
            }
        }
    }
    match (http1, http2) {
        (true, false) => Protocols::Http1,
        (false, true) => Protocols::Http2,
        _ => Protocols::Both,
    }
}

/// `breaker = { failures = 5, open_seconds = 10 }`.
fn breaker(table: &Table<'_>) -> (u32, Duration) {
    let (mut failures, mut seconds) = (5, 10);
    if let Some(given) = table.table("breaker") {
        failures = given.int_in("failures", 1..=1_000_000).unwrap_or(failures);
        seconds = given.int_in("open_seconds", 1..=3600).unwrap_or(seconds);
        given.finish();
    }
    let failures = u32::try_from(failures).unwrap_or(5);
    (
        failures,
        Duration::from_secs(u64::try_from(seconds).unwrap_or(10)),
    )
}
