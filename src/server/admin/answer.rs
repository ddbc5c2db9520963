//! What each path of the admin listener says.

use std::fmt::Write as _;
use std::sync::Arc;

use http::header::ACCEPT;
use http::{Method, StatusCode};

use super::health::{self, Checked};
use super::{Desk, routes};
use crate::server::Shared;
use crate::telemetry::metrics::Format;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// What there is, for whoever asks for something else.
const PATHS: &str = "/livez\n/readyz\n/startupz\n/metrics\n/configz\n/routes\n";

/// An answer.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: String,
}

fn text(status: StatusCode, body: impl Into<String>) -> Reply {
    Reply {
        status,
        content_type: TEXT,
        body: body.into(),
    }
}

fn health_of(is_good: bool) -> StatusCode {
    if is_good {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

pub(super) async fn answer<B>(desk: &Desk, request: &http::Request<B>) -> Reply {
    let shared = &*desk.process.current();
    let path = request.uri().path();
    let is_known = PATHS.lines().any(|known| known == path);
    if !is_known {
        return text(StatusCode::NOT_FOUND, PATHS);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    }
    match path {
        "/livez" => livez(shared),
        "/startupz" => match shared.meters.has_started() {
            true => text(StatusCode::OK, "started\n"),
            false => text(StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
        },
        "/readyz" => readyz(shared, request),
        "/metrics" => metrics(desk, request).await,
        "/configz" => Reply {
            status: StatusCode::OK,
            content_type: JSON,
            body: shared.observed.configuration.clone(),
        },
        _ => Reply {
            status: StatusCode::OK,
            content_type: JSON,
            body: routes::inventory(shared),
        },
    }
}

/// Only whether event loops turn: a process that cannot reach its store gets no better by being ended.
fn livez(shared: &Shared) -> Reply {
    let stuck = health::stuck(&shared.meters.silences());
    if stuck.is_empty() {
        return text(StatusCode::OK, "alive\n");
    }
    let lines = stuck.into_iter().fold(String::new(), |mut lines, line| {
        lines.push_str(&line);
        lines.push('\n');
        lines
    });
    text(StatusCode::SERVICE_UNAVAILABLE, lines)
}

fn readyz<B>(shared: &Shared, request: &http::Request<B>) -> Reply {
    let mut checks = health::checks(shared);
    let ready = checks.iter().all(Checked::lets_serve);
    let query = request.uri().query().unwrap_or_default();
    let is_verbose = query.split('&').any(|part| part == "verbose");
    if !is_verbose {
        checks.retain(|check| check.is_needed);
    }
    let (content_type, body) = if takes(request, JSON) {
        (JSON, health_json(ready, &checks))
    } else {
        (TEXT, health_text(&checks))
    };
    Reply {
        status: health_of(ready),
        content_type,
        body,
    }
}

fn health_text(checks: &[Checked]) -> String {
    checks.iter().fold(String::new(), |mut out, check| {
        // Writing into a string cannot fail.
        let _ = match &check.result {
            Ok(()) => writeln!(out, "{}: ok", check.name),
            Err(why) if check.is_needed => writeln!(out, "{}: not ready: {why}", check.name),
            Err(why) => writeln!(out, "{}: {why} (is served all the same)", check.name),
        };
        out
    })
}

fn health_json(ready: bool, checks: &[Checked]) -> String {
    let checks: Vec<_> = checks
        .iter()
        .map(|check| {
            serde_json::json!({
                "name": check.name,
                "ok": check.result.is_ok(),
                "needed": check.is_needed,
                "reason": check.result.as_ref().err(),
            })
        })
        .collect();
    serde_json::json!({ "ready": ready, "checks": checks }).to_string() + "\n"
}

async fn metrics<B>(desk: &Desk, request: &http::Request<B>) -> Reply {
    let format = match takes(request, "application/openmetrics-text") {
        true => Format::OpenMetrics,
        false => Format::Text,
    };
    // Whoever asks while it is read waits, and then reads for himself.
    let _turn = desk.reading.lock().await;
    let registry = Arc::clone(&desk.process.current().observed.registry);
    match tokio::task::spawn_blocking(move || registry.render(format)).await {
        Ok(body) => Reply {
            status: StatusCode::OK,
            content_type: format.content_type(),
            body,
        },
        Err(_) => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "a metric cannot be read\n",
        ),
    }
}

/// Whether a media type is named among those that are taken.
fn takes<B>(request: &http::Request<B>, media_type: &str) -> bool {
    let fields = request.headers().get_all(ACCEPT).iter();
    let texts = fields.filter_map(|value| value.to_str().ok());
    let mut types = texts.flat_map(|text| text.split(','));
    types.any(|range| {
        let (name, parameters) = range.split_once(';').unwrap_or((range, ""));
        let is_refused = parameters
            .split(';')
            .any(|p| matches!(p.trim(), "q=0" | "q=0.0"));
        name.trim().eq_ignore_ascii_case(media_type) && !is_refused
    })
}
