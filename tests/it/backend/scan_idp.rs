//! The scan of an IdP, spoken with in its dialect: which users are asked for, and what becomes of an answer.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use linkbridge::backend::embedded::Embedded;
use linkbridge::backend::upstream::exchange::{Effect, Exchange, Unanswered};
use linkbridge::backend::upstream::scan::{Manner, Pace, Stopped};
use linkbridge::backend::upstream::state::{IndexStatus, State};
use linkbridge::backend::upstream::{Parts, Upstream};
use linkbridge::backend::{Backend, BoxFuture};
use linkbridge::dialect::Dialect;
use linkbridge::directory::{Directory, Tenant, Users};
use linkbridge::mapping::builtin;
use linkbridge::model::{
    Alias, Failure, OwnedRequest, Provider, ProviderKind, Response, VendorName,
};
use serde_json::{Value, json};

use super::idp_settings::settings;
use super::world::*;

/// How an IdP answers a request.
type Answers = Box<dyn Fn(&OwnedRequest) -> (u16, Value) + Send + Sync>;

struct Idp {
    answers: Answers,
    asked: Mutex<Vec<String>>,
}

impl Exchange for Idp {
    fn exchange<'a>(
        &'a self,
        request: &'a OwnedRequest,
        effect: Effect,
    ) -> BoxFuture<'a, Result<Response, Unanswered>> {
        assert_eq!(effect, Effect::Reads);
        let line = format!("{} {}", request.method, request.path);
        self.asked.lock().unwrap().push(line);
        let (status, body) = (self.answers)(request);
        let mut response = Response {
            status,
            body: body.to_string().into_bytes(),
            ..Response::default()
        };
        let media = http::HeaderValue::from_static("application/json");
        response.headers.insert(http::header::CONTENT_TYPE, media);
        Box::pin(std::future::ready(Ok(response)))
    }

    fn ready(&self) -> bool {
        true
    }
}

fn dialect(name: &str) -> Dialect {
    let loaded = builtin::load_builtin(name).unwrap();
    Dialect::new(loaded.plan.unwrap())
}

fn ids(at: &str, id: &str) -> Vec<Alias> {
    vec![Alias {
        vendor: VendorName::new(at).unwrap(),
        vendor_id: id.to_owned(),
    }]
}

const ENVIRONMENT: &str = "3b0c7f64-52b1-4f0e-9d0a-6f6f0a5c1e21";
const PROVIDER: &str = "e91f5d3a-1c55-4a63-b1f0-7a2d64c5b903";

/// An upstream over an IdP, and the store beside it.
struct World {
    idp: Arc<Idp>,
    store: Arc<Embedded>,
    upstream: Upstream,
    _directory: tempfile::TempDir,
}

impl World {
    fn new(
        name: &str,
        users: Users,
        answers: impl Fn(&OwnedRequest) -> (u16, Value) + Send + Sync + 'static,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(embedded(directory.path()));
        let dialect = dialect(name);
        let vendor = dialect.vendor().as_str().to_owned();
        let idp = Arc::new(Idp {
            answers: Box::new(answers),
            asked: Mutex::default(),
        });
        let tenant = Tenant {
            tenant_id: tenant("acme"),
            ids: ids(&vendor, ENVIRONMENT),
            users,
            link_limits: HashMap::new(),
            pending_seconds: 60,
        };
        let provider = Provider {
            provider_id: provider("google"),
            name: "Google".to_owned(),
            kind: ProviderKind::Google,
            enabled: true,
            tenant: None,
            domains: Vec::new(),
            ids: ids(&vendor, PROVIDER),
        };
        let parts = Parts {
            directory: Arc::new(Directory::new(vec![tenant], vec![provider]).unwrap()),
            aliases: store.clone(),
            local: store.clone(),
            state: store.clone(),
            pending_origin: None,
        };
        Self {
            upstream: Upstream::open(settings(Arc::new(dialect)), idp.clone(), parts),
            idp,
            store,
            _directory: directory,
        }
    }

    fn scan(&self) -> Result<IndexStatus, Stopped> {
        let manner = Manner {
            pace: Pace {
                patience: Duration::from_millis(1),
                ..Pace::new(NonZeroU32::new(100_000).unwrap())
            },
            restart: false,
            clock: &|| NOW,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(self.upstream.scan(&tenant("acme"), manner, &mut |_| ()))
    }

    /// Who may hold an account.
    fn holders(&self, account: &str) -> Vec<String> {
        let (acme, google, account) = (tenant("acme"), provider("google"), subject(account));
        let rows = self
            .store
            .of_account("main", &acme, &google, &account, false);
        rows.unwrap()
            .iter()
            .map(|row| row.user_id.to_string())
            .collect()
    }

    fn asked(&self) -> Vec<String> {
        self.idp.asked.lock().unwrap().clone()
    }
}

/// So many users of a vendor with numbers for pages. Every seventh is another tenant's.
fn numbered(n: usize) -> impl Fn(&OwnedRequest) -> (u16, Value) + Send + Sync {
    move |request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let number = |name: &str| {
            let value = &body["query"][name];
            value
                .as_u64()
                .or(value.as_str().and_then(|n| n.parse().ok()))
                .unwrap_or(0)
        };
        let (offset, limit) = (number("offset") as usize, number("limit").max(1) as usize);
        let page = |all: Vec<Value>| {
            let total = all.len().to_string();
            let some: Vec<Value> = all.into_iter().skip(offset).take(limit).collect();
            json!({ "details": { "totalResult": total, "timestamp": "2026-03-01T10:00:00Z" }, "result": some })
        };
        let path: Vec<&str> = request.path.split('/').skip(1).collect();
        match path.as_slice() {
            ["v2", "users"] => {
                let owner = |u: usize| if u % 7 == 6 { "another" } else { ENVIRONMENT };
                let user = |u| json!({ "userId": format!("{u}"), "details": { "resourceOwner": owner(u) }, "username": "x" });
                (200, page((0..n).map(user).collect()))
            }
            ["v2", "users", user, "links", "_search"] => {
                let link = |idp: &str, s: &str| json!({ "idpId": idp, "userId": format!("{s}-{user}"), "userName": "x" });
                (
                    200,
                    page(vec![
                        link(PROVIDER, "a"),
                        link(PROVIDER, "b"),
                        link("nobody's", "c"),
                    ]),
                )
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn users_of_a_list_with_numbers_are_scanned() {
    let world = World::new("zitadel-v2", Users::Open, numbered(250));
    assert!(world.upstream.needs_index() && world.upstream.can_scan_all(&tenant("acme")));
    let status = world.scan().unwrap();
    let ours = (0..250).filter(|u| u % 7 != 6);
    assert_eq!(status.complete_since, Some(NOW));
    assert_eq!(status.users, ours.clone().count() as u64);
    assert_eq!(status.links, status.users * 2);
    for user in ours {
        assert_eq!(world.holders(&format!("b-{user}")), [user.to_string()]);
    }
    assert!(world.holders("a-6").is_empty());
    assert!(!world.asked().iter().any(|line| line.contains("/users/6/")));
}

#[test]
fn a_user_goes_by_the_canonical_id_in_an_index() {
    let world = World::new("zitadel-v2", Users::Open, numbered(3));
    wait(world.store.apply(name("ann", "zitadel", "1", None))).unwrap();
    world.scan().unwrap();
    assert_eq!(world.holders("a-1"), ["ann"]);
    assert_eq!(world.holders("a-2"), ["2"]);
}

/// An id that is given after the scan makes another user of whom the index knows.
#[test]
fn a_user_who_gets_an_id_is_in_the_index_before_anybody_is_told() {
    let world = World::new("zitadel-v2", Users::Open, numbered(3));
    world.scan().unwrap();
    let named = wait(world.upstream.apply(name("ann", "zitadel", "1", None)));
    assert!(named.is_ok(), "{named:?}");
    assert_eq!(world.holders("a-1"), ["1", "ann"]);

    let away = World::new("zitadel-v2", Users::Open, |_| (503, json!({ "code": 14 })));
    for _ in 0..2 {
        let named = wait(away.upstream.apply(name("ann", "zitadel", "1", None)));
        assert!(named.is_err(), "{named:?}");
    }
}

#[test]
fn where_users_are_known_nobody_else_is_asked_for() {
    let world = World::new("zitadel-v2", Users::Known, numbered(1000));
    for n in 0..450 {
        let who = format!("u{n:03}");
        wait(
            world
                .store
                .apply(name(&who, "zitadel", &format!("{}", 10 + n), None)),
        )
        .unwrap();
    }
    let status = world.scan().unwrap();
    assert_eq!(
        (status.complete_since, status.users, status.links),
        (Some(NOW), 450, 900)
    );
    assert_eq!(world.holders("a-10"), ["u000"]);
    assert_eq!(world.holders("b-459"), ["u449"]);
    assert!(world.asked().iter().all(|line| line != "POST /v2/users"));
}

/// A vendor that names the next page; `endless`: it is always the same one.
fn linked(pages: usize, endless: bool) -> impl Fn(&OwnedRequest) -> (u16, Value) + Send + Sync {
    let user = |n: usize| format!("00000000-0000-4000-8000-{n:012}");
    move |request| {
        let path: Vec<&str> = request.path.split('/').skip(1).collect();
        match path.as_slice() {
            ["v1", "environments", ENVIRONMENT, "users"] => {
                let cursor = request
                    .query
                    .split('&')
                    .find_map(|p| p.strip_prefix("cursor="));
                let page: usize =
                    cursor.map_or(0, |c| c.trim_start_matches("page-").parse().unwrap());
                let next = if endless { 1 } else { page + 1 };
                // A link to somewhere else: nothing but its cursor is read.
                let next = (next < pages).then(
                    || json!({ "href": format!("https://evil.example/users?cursor=page-{next}") }),
                );
                let users: Vec<Value> = (0..2)
                    .map(|n| json!({ "id": user(page * 2 + n), "username": "x" }))
                    .collect();
                (
                    200,
                    json!({ "_links": { "next": next }, "_embedded": { "users": users }, "count": pages * 2 }),
                )
            }
            [
                "v1",
                "environments",
                ENVIRONMENT,
                "users",
                who,
                "linkedAccounts",
            ] => {
                if *who == user(3) {
                    return (
                        404,
                        json!({ "id": "1", "code": "NOT_FOUND", "message": "gone" }),
                    );
                }
                let link = json!({ "id": user(900), "user": { "id": who }, "environment": { "id": ENVIRONMENT },
                    "identityProvider": { "id": PROVIDER }, "externalId": format!("a-{who}") });
                (
                    200,
                    json!({ "_embedded": { "linkedAccounts": [link] }, "count": 1 }),
                )
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn users_of_a_list_with_a_next_page_are_scanned() {
    let world = World::new("pingone", Users::Open, linked(4, false));
    let status = world.scan().unwrap();
    assert_eq!(
        (status.complete_since, status.users, status.links),
        (Some(NOW), 8, 7)
    );
    let last = "00000000-0000-4000-8000-000000000007";
    assert_eq!(world.holders(&format!("a-{last}")), [last]);
}

#[test]
fn a_list_that_has_no_end_ends_a_scan() {
    let world = World::new("pingone", Users::Open, linked(4, true));
    let stopped = world.scan().unwrap_err();
    assert_eq!(stopped, Stopped::from(Failure::UpstreamRefused));
}

#[test]
fn what_the_idp_refuses_ends_a_scan() {
    for status in [401, 403, 500] {
        let world = World::new("zitadel-v2", Users::Open, move |_| {
            (status, json!({ "code": 16 }))
        });
        assert!(world.scan().is_err(), "{status}");
        let kept = world.upstream.index_status(&tenant("acme")).unwrap();
        assert_eq!((kept.complete_since, kept.started_at), (None, Some(NOW)));
    }
}

#[test]
fn users_that_cannot_be_listed_make_no_index_complete() {
    let world = World::new("flip", Users::Open, |_| (200, json!([])));
    assert!(!world.upstream.can_scan_all(&tenant("acme")));
    let status = world.scan().unwrap();
    assert_eq!(status.complete_since, None);
}
