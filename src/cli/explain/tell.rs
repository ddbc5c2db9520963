//! What was played, in words.

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
use crate::directory::{Directory, Tenant, id_at};
use crate::model::{
    Action, Field, Operation, OperationKind, Provider, ProviderId, Response, Subject, Target,
    UserId, VendorName, Which,
};

/// The longest body that is shown of an answer.
const MAX_SHOWN: usize = 400;
/// The longest body that is shown of a failure, of which there are many.
const MAX_FAILURE: usize = 160;

/// What the tree was asked for, in canonical ids, and those ids at both vendors.
pub(super) fn operations(
    out: &mut String,
    operations: &[Operation],
    directory: &Directory,
    (front, there): (&VendorName, Option<&VendorName>),
    user: Option<&str>,
) {
    let Some(first) = operations.first() else {
        return;
    };
    for operation in operations {
        let rules = match operation.rules.known_users {
            true => "known users only",
            false => "any user",
        };
        let _ = writeln!(out, "canonical   {} ({rules})", in_words(&operation.action));
    }
    if let Some(tenant) = directory.tenant(&first.tenant) {
        let _ = writeln!(
            out,
            "ids         tenant    {}",
            of_tenant(tenant, front, there)
        );
    }
    let (holder, provider) = about(&first.action);
    if let Some(provider) = provider.and_then(|id| directory.provider(id)) {
        let _ = writeln!(
            out,
            "            provider  {}",
            of_provider(provider, front, there)
        );
    }
    if let Some(holder) = holder {
        let there = there.filter(|there| *there != front);
        let there = there.map(|there| match user {
            Some(id) => format!(" -> {id} ({there})"),
            None => {
                format!(" -> {holder} ({there}, unless the store has an alias; --user says it)")
            }
        });
        let there = there.unwrap_or_default();
        let _ = writeln!(out, "            user      {holder}{there}");
    }
}

fn of_tenant(tenant: &Tenant, front: &VendorName, there: Option<&VendorName>) -> String {
    shown(tenant.tenant_id.as_str(), &tenant.ids, front, there)
}

fn of_provider(provider: &Provider, front: &VendorName, there: Option<&VendorName>) -> String {
    shown(provider.provider_id.as_str(), &provider.ids, front, there)
}

/// An id before, here and there.
fn shown(
    canonical: &str,
    ids: &[crate::model::Alias],
    front: &VendorName,
    there: Option<&VendorName>,
) -> String {
    let at = |vendor: &VendorName| {
        let id = id_at(canonical, ids, vendor).unwrap_or("no id");
        format!("{id} ({vendor})")
    };
    let there = there.map(|there| format!(" -> {}", at(there)));
    format!("{} -> {canonical}{}", at(front), there.unwrap_or_default())
}

fn about(action: &Action) -> (Option<&UserId>, Option<&ProviderId>) {
    match action {
        Action::LinkCreate {
            user_id,
            provider_id,
            ..
        } => (Some(user_id), Some(provider_id)),
        Action::LinkFind {
            user_id,
            provider_id,
            ..
        } => (user_id.as_ref(), Some(provider_id)),
        Action::LinkList {
            user_id,
            provider_id,
            ..
        } => (Some(user_id), provider_id.as_ref()),
        Action::LinkDelete(target) => (target.holder(), of_target(target).map(|(p, _)| p)),
        Action::PendingCreate { provider_id, .. } => (None, Some(provider_id)),
        Action::LinkGet { user_id, .. } | Action::PendingGet { user_id, .. } => {
            (user_id.as_ref(), None)
        }
        Action::PendingComplete { user_id, .. }
        | Action::UserGet { user_id, .. }
        | Action::UserPut { user_id, .. }
        | Action::UserDelete { user_id }
        | Action::UserAlias { user_id, .. } => (Some(user_id), None),
        Action::UserList {
            which: Which::Holder { provider_id, .. },
            ..
        } => (None, Some(provider_id)),
        Action::UserList { .. }
        | Action::ProviderList { .. }
        | Action::ProviderGet { .. }
        | Action::Status => (None, None),
    }
}

fn of_target(target: &Target) -> Option<(&ProviderId, Option<&Subject>)> {
    match target {
        Target::Exact {
            provider_id,
            subject,
            ..
        } => Some((provider_id, Some(subject))),
        Target::AtProvider { provider_id, .. } => Some((provider_id, None)),
        Target::Among {
            account: Some((provider, subject)),
            ..
        } => Some((provider, Some(subject))),
        Target::Among { .. } | Target::Id { .. } => None,
    }
}

fn in_words(action: &Action) -> String {
    let (user, provider) = about(action);
    let subject = match action {
        Action::LinkCreate { subject, .. }
        | Action::LinkFind { subject, .. }
        | Action::PendingCreate { subject, .. } => Some(subject),
        Action::LinkList { subject, .. } => subject.as_ref(),
        Action::LinkDelete(target) => of_target(target).and_then(|(_, subject)| subject),
        _ => None,
    };
    let mut words = action.kind().name().to_owned();
    let parts = [
        ("user", user.map(UserId::as_str)),
        ("provider", provider.map(ProviderId::as_str)),
        ("subject", subject.map(Subject::as_str)),
    ];
    for (name, id) in parts {
        if let Some(id) = id {
            let _ = write!(words, " {name}={id}");
        }
    }
    if let Action::LinkGet { link_id, .. } | Action::LinkDelete(Target::Id { link_id, .. }) = action
    {
        let _ = write!(words, " link={link_id}");
    }
    words
}

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
