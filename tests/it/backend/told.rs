//! What the upstream backend makes of an IdP's answers, call by call: the cases of `tests/upstream/calls.toml`.
//!
//! A case is a list of steps: an operation, the calls that it must lead to, each with what is answered or why
//! nothing is, and what the operation comes to.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use linkbridge::backend::embedded::Embedded;
use linkbridge::backend::upstream::exchange::{Effect, Exchange, Unanswered};
use linkbridge::backend::upstream::settings::PendingOrigin;
use linkbridge::backend::upstream::state::{IndexStatus, State};
use linkbridge::backend::upstream::{Parts, Settings, Upstream};
use linkbridge::backend::{Answer, Backend, BoxFuture};
use linkbridge::dialect::Dialect;
use linkbridge::directory::{Directory, Tenant, Users};
use linkbridge::mapping::builtin;
use linkbridge::model::operation::{OnMissingDelete, OnRepeat, SubjectCase};
use linkbridge::model::{
    Failure, Instant, Operation, Outcome, OwnedRequest, Provider, ProviderKind, Response,
};
use serde_json::Value;

use super::idp_settings;
use super::world::*;

/// The calls that are still to come.
#[derive(Default)]
struct Script(Mutex<VecDeque<String>>);

impl Exchange for Script {
    fn exchange<'a>(
        &'a self,
        request: &'a OwnedRequest,
        effect: Effect,
    ) -> BoxFuture<'a, Result<Response, Unanswered>> {
        let mut asked = format!("{} {}", request.method, request.path);
        if !request.query.is_empty() {
            write!(asked, "?{}", request.query).unwrap();
        }
        let said = String::from_utf8_lossy(&request.body);
        let next = self.0.lock().unwrap().pop_front();
        let next = next.unwrap_or_else(|| panic!("a call too many: {asked} {said}"));
        let (call, answer) = next.split_once(" => ").unwrap();
        let mut words = call.splitn(3, ' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        assert_eq!(asked, format!("{method} {target}"), "{said}");
        if let Some(body) = words.next() {
            let want: Value = serde_json::from_str(body).unwrap();
            let said: Value = serde_json::from_slice(&request.body).unwrap();
            assert!(holds(&said, &want), "{asked} says {said}");
        }
        let (first, rest) = answer.split_once(' ').unwrap_or((answer, ""));
        let trouble = || match rest {
            "upstream_timeout" => Failure::UpstreamTimeout,
            "upstream_down" => Failure::UpstreamDown,
            other => panic!("{other}"),
        };
        let answered = match first {
            "lost" => Err(Unanswered::Lost(trouble())),
            "unsent" => Err(Unanswered::NotSent(trouble())),
            status => {
                let status = status.parse().unwrap();
                Ok(match rest.strip_prefix("failure ") {
                    Some(failure) => problem(status, failure),
                    None => response(status, "application/json", rest),
                })
            }
        };
        assert!(effect == Effect::Writes || first != "lost" || request.method == "GET");
        Box::pin(std::future::ready(answered))
    }

    fn ready(&self) -> bool {
        true
    }
}

/// Whether a body says all of this.
fn holds(said: &Value, want: &Value) -> bool {
    match (said, want) {
        (Value::Object(said), Value::Object(want)) => want
            .iter()
            .all(|(name, want)| said.get(name).is_some_and(|said| holds(said, want))),
        _ => said == want,
    }
}

/// A failure as the native dialect tells it.
fn problem(status: u16, failure: &str) -> Response {
    let body = serde_json::json!({
        "type": format!("urn:linkbridge:failure:{failure}"),
        "title": failure,
        "status": status,
    });
    response(status, "application/problem+json", &body.to_string())
}

fn response(status: u16, media: &'static str, body: &str) -> Response {
    let mut response = Response {
        status,
        body: body.as_bytes().to_vec(),
        ..Response::default()
    };
    let media = http::HeaderValue::from_static(media);
    response.headers.insert(http::header::CONTENT_TYPE, media);
    response
}

/// An upstream whose calls are scripted.
struct Told {
    script: Arc<Script>,
    origin: Arc<Script>,
    store: Arc<Embedded>,
    upstream: Upstream,
    _directory: tempfile::TempDir,
}

const UUIDS: [&str; 4] = [
    "3b0c7f64-52b1-4f0e-9d0a-6f6f0a5c1e21",
    "5a5a3c1e-7d10-4c0f-8a3b-1f2e3d4c5b6a",
    "e91f5d3a-1c55-4a63-b1f0-7a2d64c5b903",
    "74c21534-2ecf-4c14-8b0a-444622bedf4b",
];

impl Told {
    fn new(dialect: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(embedded(directory.path()));
        let ids = |key: &str, uuid: usize| {
            let plain = ["ory", "zitadel"].map(|vendor| alias(vendor, key));
            let uuids = ["pingone", "fusionauth"].map(|vendor| alias(vendor, UUIDS[uuid]));
            plain.into_iter().chain(uuids).collect::<Vec<_>>()
        };
        let tenants = ["acme", "other"].iter().enumerate().map(|(n, key)| Tenant {
            tenant_id: tenant(key),
            ids: ids(key, n),
            users: Users::Open,
            link_limits: HashMap::new(),
            pending_seconds: 60,
        });
        let providers = ["google", "github"].iter().enumerate();
        let providers = providers.map(|(n, key)| Provider {
            provider_id: provider(key),
            name: (*key).to_owned(),
            kind: ProviderKind::Oidc,
            enabled: true,
            tenant: None,
            domains: Vec::new(),
            ids: ids(key, n + 2),
        });
        let names = Directory::new(tenants.collect(), providers.collect()).unwrap();
        let (script, origin) = (Arc::new(Script::default()), Arc::new(Script::default()));
        let parts = Parts {
            directory: Arc::new(names),
            aliases: store.clone(),
            local: store.clone(),
            state: store.clone(),
            pending_origin: Some(origin.clone()),
        };
        Self {
            upstream: Upstream::open(settings(dialect), script.clone(), parts),
            script,
            origin,
            store,
            _directory: directory,
        }
    }

    /// Carries a step out, and says what is wrong with what came of it.
    fn step(&self, step: &toml::Table) -> Result<(), String> {
        let calls = |key: &str| -> VecDeque<String> {
            let calls = step.get(key).and_then(toml::Value::as_array);
            let calls = calls.into_iter().flatten();
            calls
                .map(|call| call.as_str().unwrap().to_owned())
                .collect()
        };
        *self.script.0.lock().unwrap() = calls("calls");
        *self.origin.0.lock().unwrap() = calls("origin");
        let line = text(step, "do");
        if line == "the index is complete" {
            let status = IndexStatus {
                complete_since: Some(NOW),
                ..IndexStatus::default()
            };
            let acme = tenant("acme");
            let set = self.store.set_index_status("main", &acme, status);
            assert_eq!(wait(set), Ok(()));
            return Ok(());
        }
        let mut asked = operation_of(line);
        let after = step.get("after").and_then(toml::Value::as_integer);
        asked.at = Instant(NOW.0 + after.unwrap_or(0) * 1000);
        for rule in step
            .get("rules")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
        {
            match rule.as_str().unwrap() {
                "same" => {
                    asked.rules.on_repeat = OnRepeat::Same;
                    asked.rules.on_missing_delete = OnMissingDelete::Same;
                }
                "fold" => asked.rules.subject_case = SubjectCase::Fold,
                "one" => asked.rules.per_user_provider = Some(1),
                "known" => asked.rules.known_users = true,
                other => panic!("{other}"),
            }
        }
        let answer = shown(&wait(self.upstream.apply(asked)));
        let left: Vec<String> = [&self.script, &self.origin]
            .iter()
            .flat_map(|script| script.0.lock().unwrap().drain(..).collect::<Vec<_>>())
            .collect();
        if !left.is_empty() {
            return Err(format!("{line}: was not called: {left:?}; {answer}"));
        }
        match text(step, "answer") {
            want if want == answer => Ok(()),
            want => Err(format!("{line}: {answer}, not {want}")),
        }
    }
}

fn text<'t>(table: &'t toml::Table, key: &str) -> &'t str {
    let value = table.get(key).and_then(toml::Value::as_str);
    value.unwrap_or_else(|| panic!("no {key} in {table}"))
}

/// The operation that a line means.
fn operation_of(line: &str) -> Operation {
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        ["create", who, at, account] => create(who, at, account),
        ["create", who, at, account, "token", token] => create_with_token(who, at, account, token),
        ["find", at, account] => find(at, account, None),
        ["find", at, account, who] => find(at, account, Some(who)),
        ["list", who] => list(who),
        ["get", who] => get(who),
        ["remove", who] => remove(who),
        ["delete", who, at, account] => delete(who, at, account),
        ["name", who, at, id] => name(who, at, id, None),
        ["pending", id, at, account] => pending(id, at, account, Instant(NOW.0 + 600_000)),
        ["look", id] => look(id, None),
        ["look", id, who] => look(id, Some(who)),
        ["complete", id, who] => complete(id, who),
        ["put", who, document, links @ ..] => {
            let links = links.iter().map(|link| link.split_once(':').unwrap());
            let links: Vec<_> = links.map(|(at, account)| new_link(at, account)).collect();
            let put = Put {
                document: whole(document),
                links: &links,
                ..Put::default()
            };
            put.user(who)
        }
        _ => panic!("no operation: {line}"),
    }
}

/// An answer in one line.
fn shown(answer: &Answer) -> String {
    let subjects = |links: &[linkbridge::model::Link]| {
        links.iter().fold(String::new(), |mut text, link| {
            write!(
                text,
                " {}:{}",
                link.provider_id.as_str(),
                link.subject.as_str()
            )
            .unwrap();
            text
        })
    };
    match answer {
        Ok(Outcome::Link { link, how }) => {
            let mut text = format!(
                "{how:?} {} {}",
                link.user_id.as_str(),
                link.subject.as_str()
            );
            if let Some(token) = &link.token {
                write!(text, " token {}", token.expose()).unwrap();
            }
            text
        }
        Ok(Outcome::Links { links, total }) => format!("{total} links{}", subjects(links)),
        Ok(Outcome::Pending {
            pending,
            link_count,
            ..
        }) => {
            let count = link_count.map_or(String::new(), |n| format!(" {n}"));
            format!("pending {}{count}", pending.subject.as_str())
        }
        Ok(Outcome::User {
            user,
            links,
            created,
        }) => {
            let document = user.document.as_deref().unwrap_or("-");
            let new = if *created { "new " } else { "" };
            format!(
                "{new}{} {document}{}",
                user.user_id.as_str(),
                subjects(links)
            )
        }
        Ok(other) => format!("{other:?}"),
        Err(Failure::Invalid(problems)) => {
            let fields = problems.iter().filter_map(|problem| problem.field);
            fields.fold("invalid".to_owned(), |text, field| {
                text + " " + field.name()
            })
        }
        Err(failure) => failure.kind().name().to_owned(),
    }
}

fn dialect(name: &str) -> Arc<Dialect> {
    let loaded = builtin::load_builtin(name).unwrap();
    Arc::new(Dialect::new(loaded.plan.unwrap()))
}

fn settings(name: &str) -> Settings {
    Settings {
        pending_origin: Some(PendingOrigin {
            dialect: dialect("linkbridge"),
            endpoint: idp_settings::endpoint(),
        }),
        ..idp_settings::settings(dialect(name))
    }
}

#[test]
fn an_idp_is_called_and_understood_as_the_cases_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upstream/calls.toml");
    let file: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let cases = file["case"].as_array().unwrap();
    assert!(cases.len() >= 20);
    let mut wrong = Vec::new();
    for case in cases {
        let case = case.as_table().unwrap();
        let fact = text(case, "fact");
        let told = Told::new(text(case, "dialect"));
        for step in case["step"].as_array().unwrap() {
            let step = step.as_table().unwrap();
            let stepped = std::panic::AssertUnwindSafe(|| told.step(step));
            let stepped = std::panic::catch_unwind(stepped);
            let stepped = stepped.unwrap_or_else(|panic| {
                let why = panic.downcast_ref::<String>().cloned();
                Err(format!("{}: {}", text(step, "do"), why.unwrap_or_default()))
            });
            if let Err(why) = stepped {
                wrong.push(format!("{fact}: {why}"));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A list that never ends is given up, and so is one whose pages are empty although more are promised.
#[test]
fn a_list_has_an_end() {
    struct Endless(Mutex<u64>);
    impl Exchange for Endless {
        fn exchange<'a>(
            &'a self,
            _: &'a OwnedRequest,
            _: Effect,
        ) -> BoxFuture<'a, Result<Response, Unanswered>> {
            let mut n = self.0.lock().unwrap();
            *n += 1;
            let link = format!(
                r#"{{"links":[{{"link_id":"{}","user_id":"u1","provider_id":"google","subject":"s{n}"}}],"total":1000000}}"#,
                UUIDS[0]
            );
            Box::pin(std::future::ready(Ok(response(
                200,
                "application/json",
                &link,
            ))))
        }

        fn ready(&self) -> bool {
            true
        }
    }
    let told = Told::new("linkbridge");
    let endless = Arc::new(Endless(Mutex::new(0)));
    let upstream = Upstream::open(
        settings("linkbridge"),
        endless.clone(),
        Parts {
            directory: Arc::new(
                Directory::new(
                    vec![Tenant {
                        tenant_id: tenant("acme"),
                        ids: Vec::new(),
                        users: Users::Open,
                        link_limits: HashMap::new(),
                        pending_seconds: 60,
                    }],
                    Vec::new(),
                )
                .unwrap(),
            ),
            aliases: told.store.clone(),
            local: told.store.clone(),
            state: told.store.clone(),
            pending_origin: None,
        },
    );
    assert_eq!(
        wait(upstream.apply(list("u1"))),
        Err(Failure::UpstreamRefused)
    );
    assert_eq!(*endless.0.lock().unwrap(), 200);
}
