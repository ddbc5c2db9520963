//! A small world for the tests of this module: the invented vendor `acme`, its tenants and providers.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::call::{Call, Tells, World};
use super::perform::perform;
use super::{Front, Listener, Observed, Parts, Protocol, Running, Server, Settings, Timeouts};

use crate::backend::{Answer, Atomicity, Backend, BoxFuture};
use crate::directory::{Aliases, Directory, Tenant, Users};
use crate::edge::authn::{Client, Clients};
use crate::edge::issuer::Issuers;
use crate::edge::peers::TrustedPeers;
use crate::edge::rate_limit::Rate;
use crate::edge::scope::Scope;
use crate::edge::tokens::{self, Tokens};
use crate::edge::{body, head, http2, keys, overload, rate_limit};
use crate::model::{
    Alias, ClientName, Failure, Field, Instant, Link, LinkId, Operation, OperationKind, Provider,
    ProviderId, ProviderKind, Record, Rules, Secret, Subject, TenantId, User, UserId, Value,
    VendorName, Why,
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
        rates: crate::edge::rate_limit::ClassRates::default(),
        delete_budget: None,
        keys: Vec::new(),
        identities: Vec::new(),
        client_id: None,
        assertion_keys: Vec::new(),
        certificates: Vec::new(),
        certificate_required: false,
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
        created_at: Some(Instant(1)),
        updated_at: Some(Instant(2)),
        last_login_at: None,
        revision: 1,
    }
}

/// A user's id at the vendor is its canonical one with `@acme`; `u-nameless` has none.
#[derive(Default)]
pub(super) struct FakeAliases;

impl Aliases for FakeAliases {
    fn user_of(&self, _: &TenantId, _: &VendorName, vendor_id: &str) -> Result<UserId, Failure> {
        let known = vendor_id
            .strip_suffix("@acme")
            .ok_or(Failure::UserNotFound)?;
        UserId::new(known).map_err(|_| Failure::UserNotFound)
    }

    fn vendor_id_of(
        &self,
        _: &TenantId,
        _: &VendorName,
        user: &UserId,
    ) -> Result<Option<String>, Failure> {
        Ok((user.as_str() != "u-nameless").then(|| format!("{user}@acme")))
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

/// One call of one client over a [`FakeBackend`].
pub(super) struct Trial {
    pub(super) world: World,
    pub(super) backend: Arc<FakeBackend>,
    pub(super) client: Client,
}

pub(super) fn trial(scopes: &[Scope], answers: Vec<Answer>) -> Trial {
    let backend = Arc::new(FakeBackend::default());
    *backend.answers.lock().unwrap() = answers;
    let world = World {
        directory: Arc::new(directory(&["blue"])),
        aliases: Arc::new(FakeAliases),
        backend: Arc::clone(&backend) as Arc<dyn Backend>,
        untold: Arc::default(),
    };
    Trial {
        world,
        backend,
        client: client(scopes),
    }
}

pub(super) fn call(kind: OperationKind, fields: &[(Field, &str)]) -> Call {
    call_with(kind, record(fields))
}

pub(super) fn call_with(kind: OperationKind, params: Record) -> Call {
    Call {
        kind,
        vendor: vendor(),
        rules: Rules::default(),
        tells: Tells::default(),
        members: Vec::new(),
        params: Arc::new(params),
        problems: Vec::new(),
        refusal: None,
        at: Instant(1000),
        toll: None,
        origin: Arc::default(),
    }
}

impl Trial {
    pub(super) fn run(&self, call: Call) -> Result<Record, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(perform(&self.world, Some(&self.client), call))
    }

    pub(super) fn asked(&self) -> Vec<Operation> {
        std::mem::take(&mut *self.backend.asked.lock().unwrap())
    }

    /// Changes the directory.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut [Tenant], &mut [Provider])) {
        let mut tenants = self.world.directory.tenants().to_vec();
        let mut providers = self.world.directory.all_providers().to_vec();
        change(&mut tenants, &mut providers);
        self.world.directory = Arc::new(Directory::new(tenants, providers).unwrap());
    }
}

/// A record of texts.
pub(super) fn record(fields: &[(Field, &str)]) -> Record {
    let text = |(field, text): &(Field, &str)| (*field, Value::Text((*text).to_owned()));
    fields.iter().map(text).collect()
}

pub(super) fn list(records: &[Record]) -> Value {
    Value::List(records.to_vec())
}

/// What an answer says is wrong.
pub(super) fn refused(answer: Result<Record, Failure>) -> Vec<(Option<Field>, Why)> {
    match answer {
        Err(Failure::Invalid(problems)) => problems.iter().map(|p| (p.field, p.why)).collect(),
        other => panic!("not invalid: {other:?}"),
    }
}

/// A user of the tenant `blue` with a document.
pub(super) fn user(id: &str) -> User {
    User {
        user_id: UserId::new(id).unwrap(),
        tenant: TenantId::new("blue").unwrap(),
        ids: Vec::new(),
        document: Some(r#"{"a":1}"#.to_owned()),
        created_at: Some(Instant(1)),
        updated_at: Some(Instant(2)),
        revision: 1,
    }
}

/// The key of the client of [`start_with`].
pub(super) const KEY: &str = "a key of the tests";
pub(super) const LONG: Duration = Duration::from_secs(20);
pub(super) const SHORT: Duration = Duration::from_millis(150);

pub(super) fn settings() -> Settings {
    let rate = Rate::parse("1000/s").unwrap();
    Settings {
        listeners: vec![Listener {
            address: "127.0.0.1:0".parse().unwrap(),
            protocol: Protocol::Http1,
        }],
        admin: Some("127.0.0.1:0".parse().unwrap()),
        workers: NonZeroUsize::new(2).unwrap(),
        connections: 100,
        connections_per_listener: 100,
        connections_per_source: 50,
        connection_requests: 1000,
        head_bytes: 16 * 1024,
        http2_streams: 100,
        http2_frames: http2::Allowance {
            burst: 100,
            each: LONG,
        },
        trusted_peers: TrustedPeers::default(),
        hsts: Duration::from_secs(31_536_000),
        head: head::Settings {
            fields: 64,
            target_bytes: 8192,
            field_bytes: 8192,
        },
        body: body::Settings {
            bytes: 1024,
            chunk: SHORT,
            total: LONG,
            bytes_per_second: 1024,
        },
        rates: rate_limit::Settings::plain(rate),
        overload: overload::Settings {
            concurrency: overload::Range {
                floor: 64,
                ceiling: 1024,
            },
            queue: Duration::from_millis(100),
            memory: Some(0),
        },
        timeouts: Timeouts {
            tls_handshake: LONG,
            first_byte: LONG,
            head: LONG,
            idle: LONG,
            write_stall: LONG,
            request: LONG,
            connection_age: LONG,
            drain_delay: Duration::ZERO,
            drain: LONG,
        },
    }
}

fn tokens() -> Tokens {
    let settings = tokens::Settings {
        issuer: "linkbridge:test".to_owned(),
        rotate: Duration::from_secs(86_400),
        leeway: Duration::ZERO,
    };
    Tokens::unkept(settings, 0).unwrap()
}

/// A server without fronts.
pub(super) fn start(settings: Settings) -> Running {
    start_with(settings, Vec::new(), Arc::new(FakeBackend::default()))
}

/// A server with these fronts over this backend, and one client that may do everything with [`KEY`].
pub(super) fn start_with(
    settings: Settings,
    fronts: Vec<Front>,
    backend: Arc<dyn Backend>,
) -> Running {
    start_observed(settings, fronts, backend, Observed::default())
}

/// The same, which tells this of itself.
pub(super) fn start_observed(
    settings: Settings,
    fronts: Vec<Front>,
    backend: Arc<dyn Backend>,
    observed: Observed,
) -> Running {
    let clients = Clients::new(vec![Client {
        keys: vec![keys::hash(KEY)],
        ..client(Scope::ALL)
    }]);
    let directory = Arc::new(directory(&["blue"]));
    let parts = Parts {
        fronts,
        clients,
        issuers: Issuers::default(),
        tokens: tokens(),
        directory,
        aliases: Arc::new(FakeAliases),
        backend,
        version: "test".to_owned(),
        observed,
    };
    Server::start(settings, parts).unwrap()
}

pub(super) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// Everything up to the end of the connection.
pub(super) fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// One answer of a connection that stays open.
pub(super) fn read_some(stream: &mut TcpStream) -> String {
    let mut buffer = [0; 4096];
    let n = stream.read(&mut buffer).unwrap();
    String::from_utf8(buffer[..n].to_vec()).unwrap()
}
