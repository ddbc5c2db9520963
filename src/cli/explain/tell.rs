//! What upstreams and the client are told, in words: requests, answers, failures, and what is lost.

use std::fmt::Write as _;

use super::failures::Told;
use super::idp::Said;
use super::play::Played;
use super::redact::Secrets;
use crate::backend::upstream::exchange::Effect;
use crate::backend::upstream::settings::{Keep, Residual};
use crate::config::Upstream;
use crate::dialect::Dialect;
use crate::dialect::loss::{Group, loss};
use crate::model::{Field, OperationKind, Response};

/// The longest body that is shown of an answer.
const MAX_SHOWN: usize = 400;
/// The longest body that is shown of a failure, of which there are many.
const MAX_FAILURE: usize = 160;

/// The requests that upstreams are sent, in order.
pub(super) fn requests(out: &mut String, said: &[Said], has_credential: bool) {
    for (index, said) in said.iter().enumerate() {
        let secrets = Secrets::of(&said.params);
        let effect = match said.effect {
            Effect::Reads => "reads",
            Effect::Writes => "writes",
        };
        let answered = said.answered.as_ref().map(|a| format!(" -> {a}"));
        let _ = writeln!(
            out,
            "{:12}{}. {} {} ({}, {effect}){}",
            if index == 0 { "upstream" } else { "" },
            index + 1,
            said.request.method,
            secrets.hide_in_target(&said.url),
            said.kind.name(),
            answered.unwrap_or_default()
        );
        if let (true, Some((name, scheme))) =
            (has_credential, said.vendor.dialect.credential_place())
        {
            let scheme = scheme.map_or_else(String::new, |scheme| format!("{scheme} "));
            let _ = writeln!(out, "{:15}{name}: {scheme}***", "");
        }
        for (name, value) in &said.request.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            let _ = writeln!(out, "{:15}{name}: {}", "", secrets.hide_in_target(&value));
        }
        if !said.request.body.is_empty() {
            let _ = writeln!(out, "{:15}{}", "", secrets.hide_in_body(&said.request.body));
        }
    }
    let writes = said.iter().filter(|said| said.effect == Effect::Writes);
    let is_not_atomic = match writes.count() {
        0 => return,
        1 if said.len() == 1 => return,
        1 => "what is looked at can change before it is written; then the IdP decides",
        _ => {
            "several writes; if a later one is refused, what was done is undone as far as that can be"
        }
    };
    let _ = writeln!(out, "{:12}not atomic: {is_not_atomic}", "");
}

/// What the client is answered if all goes well.
pub(super) fn answer(out: &mut String, played: &Played, secrets: &Secrets) {
    if let Some(failure) = &played.failure {
        let (kind, message) = (failure.kind().name(), failure.message());
        let _ = writeln!(out, "refused     {kind}: {message}");
    }
    let _ = writeln!(
        out,
        "answer      {}",
        response(&played.response, secrets, MAX_SHOWN)
    );
}

fn response(response: &Response, secrets: &Secrets, max: usize) -> String {
    let body = secrets.hide_in_body(&response.body);
    let shown: String = body.chars().take(max).collect();
    let more = if shown.len() < body.len() { "…" } else { "" };
    format!("{} {shown}{more}", response.status)
        .trim_end()
        .to_owned()
}

/// What the client is told of everything that can go wrong.
pub(super) fn failures(out: &mut String, all: &[Told], secrets: &Secrets) {
    let _ = writeln!(out, "failures    what the client is answered if");
    for told in all {
        let name = told.failure.map_or("a success", |kind| kind.name());
        let answer = response(&told.response, secrets, MAX_FAILURE);
        let _ = writeln!(out, "  {name}: {answer}");
        for cause in &told.causes {
            let _ = writeln!(out, "      {cause}");
        }
    }
}

/// What the front can say and the upstream cannot keep, and what becomes of it.
pub(super) fn lost(
    out: &mut String,
    front: &Dialect,
    there: &Dialect,
    upstream: &Upstream,
    kind: OperationKind,
) {
    let is_about_links = matches!(
        kind,
        OperationKind::LinkCreate
            | OperationKind::LinkGet
            | OperationKind::LinkFind
            | OperationKind::LinkList
            | OperationKind::LinkDelete
            | OperationKind::PendingComplete
    );
    let mut lines = Vec::new();
    for item in loss(front, there) {
        let fate = match item.group {
            Group::Told | Group::Given => match fate(&item.what, &upstream.residual) {
                Some(fate) if is_about_links => fate,
                _ => continue,
            },
            Group::Rules => "both hold: what the vendor refuses is refused",
            Group::Formats => "what does not fit is refused",
            Group::Records | Group::Operations | Group::Failures => continue,
        };
        let line = format!("{}: {} ({fate})", item.what, item.why);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    for (index, line) in lines.iter().enumerate() {
        let _ = writeln!(out, "{:12}{line}", if index == 0 { "lost" } else { "" });
    }
    if lines.is_empty() {
        let _ = writeln!(out, "lost        nothing that the mappings know of");
    }
}

/// What becomes of a field that the vendor has not; `None` for what is joined in here anyway.
fn fate(field: &str, residual: &Residual) -> Option<&'static str> {
    let kept = |keep: Keep| match keep {
        Keep::Keep => "kept here",
        Keep::Drop => "dropped",
        Keep::Refuse => "refused",
    };
    match Field::named(field)? {
        Field::Token => Some(kept(residual.token)),
        Field::DisplayName => Some(kept(residual.display_name)),
        Field::CreatedAt | Field::UpdatedAt => Some(kept(residual.instants)),
        Field::LastLoginAt => Some("not known"),
        Field::Revision => Some("not told"),
        _ => None,
    }
}
