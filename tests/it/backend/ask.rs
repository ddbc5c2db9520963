//! Short ways to write operations and their parts.

use linkbridge::model::operation::{
    LastFactor, OnMissingDelete, OnRepeat, Rules, SubjectCase, UniqueScope,
};
use linkbridge::model::{
    Action, Alias, Attribute, ClientName, DocumentChange, Instant, NewLink, Operation, Page,
    ProviderId, PutMode, Secret, Subject, Target, TenantId, UserId, VendorName,
};

use super::world::NOW;

pub(super) fn tenant(key: &str) -> TenantId {
    TenantId::new(key).unwrap()
}

pub(super) fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

pub(super) fn provider(key: &str) -> ProviderId {
    ProviderId::new(key).unwrap()
}

pub(super) fn subject(id: &str) -> Subject {
    Subject::new(id).unwrap()
}

pub(super) fn vendor(name: &str) -> VendorName {
    VendorName::new(name).unwrap()
}

pub(super) fn alias(name: &str, id: &str) -> Alias {
    Alias {
        vendor: vendor(name),
        vendor_id: id.to_owned(),
    }
}

/// An operation of tenant `acme` without special rules.
pub(super) fn operation(action: Action) -> Operation {
    Operation {
        tenant: tenant("acme"),
        client: ClientName::new("tests").unwrap(),
        origin: std::sync::Arc::default(),
        at: NOW,
        rules: Rules::default(),
        action,
    }
}

/// Small changes to an operation, in one expression.
pub(super) trait With: Sized {
    fn at(self, at: Instant) -> Self;
    fn of(self, key: &str) -> Self;
    fn rules(self, rules: Rules) -> Self;
}

impl With for Operation {
    fn at(mut self, at: Instant) -> Self {
        self.at = at;
        self
    }

    fn of(mut self, key: &str) -> Self {
        self.tenant = tenant(key);
        self
    }

    fn rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }
}

/// No rule that is not there by default.
pub(super) const PLAIN: Rules = Rules {
    on_repeat: OnRepeat::Error,
    on_missing_delete: OnMissingDelete::Error,
    per_user: None,
    unique_scope: UniqueScope::Tenant,
    subject_case: SubjectCase::Exact,
    last_factor: LastFactor::Ignore,
    per_user_provider: None,
    known_users: false,
};

/// Rules under which only users of the directory exist.
pub(super) fn known() -> Rules {
    Rules {
        known_users: true,
        ..Rules::default()
    }
}

pub(super) fn create(who: &str, at: &str, account: &str) -> Operation {
    operation(Action::LinkCreate {
        user_id: user(who),
        provider_id: provider(at),
        subject: subject(account),
        display_name: None,
        token: None,
        attributes: Vec::new(),
    })
}

pub(super) fn create_with_token(who: &str, at: &str, account: &str, secret: &str) -> Operation {
    let mut made = create(who, at, account);
    if let Action::LinkCreate {
        token,
        display_name,
        ..
    } = &mut made.action
    {
        *token = Some(Secret::new(secret));
        *display_name = Some("Shown".to_owned());
    }
    made
}

pub(super) fn find(at: &str, account: &str, guard: Option<&str>) -> Operation {
    operation(Action::LinkFind {
        provider_id: provider(at),
        subject: subject(account),
        user_id: guard.map(user),
    })
}

pub(super) fn list(who: &str) -> Operation {
    operation(Action::LinkList {
        user_id: user(who),
        provider_id: None,
        subject: None,
        page: Page::default(),
    })
}

pub(super) fn delete(who: &str, at: &str, account: &str) -> Operation {
    operation(Action::LinkDelete(Target::Exact {
        user_id: user(who),
        provider_id: provider(at),
        subject: subject(account),
    }))
}

pub(super) fn pending(id: &str, at: &str, account: &str, expires_at: Instant) -> Operation {
    operation(Action::PendingCreate {
        pending_id: Secret::new(id),
        provider_id: provider(at),
        subject: subject(account),
        display_name: Some("Shown".to_owned()),
        email: Some("a@example.com".to_owned()),
        username: None,
        token: Some(Secret::new("pending-token")),
        expires_at,
    })
}

pub(super) fn look(id: &str, who: Option<&str>) -> Operation {
    operation(Action::PendingGet {
        pending_id: Secret::new(id),
        user_id: who.map(user),
    })
}

pub(super) fn complete(id: &str, who: &str) -> Operation {
    operation(Action::PendingComplete {
        pending_id: Secret::new(id),
        user_id: user(who),
    })
}

pub(super) fn put(who: &str, document: Option<&str>, ids: &[Alias]) -> Operation {
    operation(Action::UserPut {
        user_id: user(who),
        mode: PutMode::Either,
        document: document.map(|text| DocumentChange::Whole(text.to_owned())),
        ids: ids.to_vec(),
        links: Vec::new(),
    })
}

/// What there is to say when a user is put, beyond who it is.
#[derive(Default)]
pub(super) struct Put<'a> {
    pub(super) mode: Option<PutMode>,
    pub(super) document: Option<DocumentChange>,
    pub(super) links: &'a [NewLink],
}

impl Put<'_> {
    pub(super) fn user(self, who: &str) -> Operation {
        operation(Action::UserPut {
            user_id: user(who),
            mode: self.mode.unwrap_or(PutMode::Either),
            document: self.document,
            ids: Vec::new(),
            links: self.links.to_vec(),
        })
    }
}

pub(super) fn new_link(at: &str, account: &str) -> NewLink {
    NewLink {
        provider_id: provider(at),
        subject: subject(account),
        display_name: None,
        token: None,
        limit: None,
    }
}

pub(super) fn whole(document: &str) -> Option<DocumentChange> {
    Some(DocumentChange::Whole(document.to_owned()))
}

pub(super) fn attribute(path: &str, value: serde_json::Value, only_if_empty: bool) -> Attribute {
    Attribute {
        path: path.split('.').map(str::to_owned).collect(),
        value,
        only_if_empty,
    }
}

/// A create that writes attributes along with the link.
pub(super) fn with_attributes(mut made: Operation, written: &[Attribute]) -> Operation {
    if let Action::LinkCreate { attributes, .. } = &mut made.action {
        *attributes = written.to_vec();
    }
    made
}

/// A delete of a link of the user among these providers.
pub(super) fn among(who: &str, providers: &[&str], account: Option<(&str, &str)>) -> Operation {
    operation(Action::LinkDelete(Target::Among {
        user_id: user(who),
        providers: providers.iter().map(|key| provider(key)).collect(),
        account: account.map(|(at, id)| (provider(at), subject(id))),
    }))
}

pub(super) fn get(who: &str) -> Operation {
    operation(Action::UserGet {
        user_id: user(who),
        links: false,
    })
}

pub(super) fn remove(who: &str) -> Operation {
    operation(Action::UserDelete { user_id: user(who) })
}

pub(super) fn name(who: &str, at: &str, id: &str, rebind: Option<&str>) -> Operation {
    operation(Action::UserAlias {
        user_id: user(who),
        vendor: vendor(at),
        vendor_id: id.to_owned(),
        rebind: rebind.map(str::to_owned),
    })
}
