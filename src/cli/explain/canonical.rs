//! What the tree was asked for, in words: the canonical operations, and their ids at both vendors.

use std::fmt::Write as _;

use crate::directory::{Directory, Tenant, id_at};
use crate::model::{
    Action, Operation, Provider, ProviderId, Subject, Target, UserId, VendorName, Which,
};

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
