//! A small world for the tests of this module: the invented vendor `acme`, its tenants and providers.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::backend::{Answer, Atomicity, Backend, BoxFuture};
use crate::directory::{Aliases, Directory, Tenant, Users};
use crate::edge::authn::Client;
use crate::edge::scope::Scope;
use crate::model::{
    Alias, ClientName, Failure, Instant, Link, LinkId, Operation, Provider, ProviderId,
    ProviderKind, Secret, Subject, TenantId, UserId, VendorName,
};

pub(super) fn vendor() -> VendorName {
    VendorName::new("acme").unwrap()
}

fn alias(id: &str) -> Alias {
    Alias {
        vendor: vendor(),
        vendor_id: format!("at-acme-{id}"),
    }
}

pub(super) fn directory(tenants: &[&str]) -> Directory {
    let tenant = |key: &&str| Tenant {
        tenant_id: TenantId::new(key).unwrap(),
        ids: vec![alias(key)],
        users: Users::Open,
        link_limits: HashMap::new(),
        pending_seconds: 3600,
    };
    let provider = |key: &str, name: &str| Provider {
        provider_id: ProviderId::new(key).unwrap(),
        name: name.to_owned(),
        kind: ProviderKind::Google,
        enabled: true,
        tenant: None,
        domains: vec!["example.com".to_owned()],
        ids: vec![alias(key)],
    };
    let providers = vec![
        provider("google", "Google"),
        Provider {
            ids: Vec::new(),
            ..provider("unnamed", "Unnamed")
        },
        Provider {
            enabled: false,
            ..provider("off", "Off")
        },
        Provider {
            tenant: TenantId::new("blue").ok(),
            ..provider("blue-only", "Blue only")
        },
    ];
    Directory::new(tenants.iter().map(tenant).collect(), providers).unwrap()
}

pub(super) fn client(scopes: &[Scope]) -> Client {
    Client {
        name: ClientName::new("tester").unwrap(),
        tenant: None,
        fronts: None,
        scopes: scopes.iter().copied().collect(),
        providers: None,
        rate: None,
        keys: Vec::new(),
    }
}

pub(super) fn link(provider: &str, subject: &str) -> Link {
    let tenant = TenantId::new("blue").unwrap();
    let user_id = UserId::new("u-1").unwrap();
    let provider_id = ProviderId::new(provider).unwrap();
    let subject = Subject::new(subject).unwrap();
    Link {
        link_id: LinkId::of(&tenant, &user_id, &provider_id, &subject),
        tenant,
        user_id,
        provider_id,
        subject,
        display_name: None,
        token: Some(Secret::new("opaque-token")),
        created_at: Instant(1),
        updated_at: Instant(2),
        last_login_at: None,
        revision: 1,
    }
}

/// A user's id at the vendor is its canonical one with `@acme`.
#[derive(Default)]
pub(super) struct FakeAliases;

impl Aliases for FakeAliases {
    fn user_of(&self, _: &TenantId, _: &VendorName, vendor_id: &str) -> Result<UserId, Failure> {
        let known = vendor_id
            .strip_suffix("@acme")
            .ok_or(Failure::UserNotFound)?;
        UserId::new(known).map_err(|_| Failure::UserNotFound)
    }

    fn vendor_id_of(&self, _: &TenantId, _: &VendorName, user: &UserId) -> Result<String, Failure> {
        Ok(format!("{user}@acme"))
    }

    fn tenants_of(&self, _: &VendorName, vendor_id: &str) -> Result<Vec<TenantId>, Failure> {
        let tenants: &[&str] = match vendor_id {
            "only-in-green" => &["green"],
            "in-both" => &["blue", "green"],
            _ => &[],
        };
        Ok(tenants
            .iter()
            .map(|key| TenantId::new(key).unwrap())
            .collect())
    }
}

/// Answers every operation with the next prepared answer, and keeps what it was asked.
#[derive(Default)]
pub(super) struct FakeBackend {
    pub(super) answers: Mutex<Vec<Answer>>,
    pub(super) asked: Mutex<Vec<Operation>>,
}

impl Backend for FakeBackend {
    fn apply(&self, operation: Operation) -> BoxFuture<'_, Answer> {
        self.asked.lock().unwrap().push(operation);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.is_empty() {
            Err(Failure::LinkNotFound)
        } else {
            answers.remove(0)
        };
        Box::pin(std::future::ready(answer))
    }

    fn apply_all(&self, operations: Vec<Operation>, _: Atomicity) -> BoxFuture<'_, Vec<Answer>> {
        Box::pin(async move {
            let mut answers = Vec::new();
            for operation in operations {
                answers.push(self.apply(operation).await);
            }
            answers
        })
    }

    fn ready(&self) -> bool {
        true
    }
}
