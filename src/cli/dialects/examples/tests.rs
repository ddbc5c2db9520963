//! The commands that a start prints, read again.

use http::{HeaderName, HeaderValue};

use super::super::curl::quoted;
use super::super::{built_in, catalog};
use super::*;
use crate::config::{self, Inputs, Vars};
use crate::directory::{Tenant, Users};
use crate::edge::keys::EXAMPLE_KEY;
use crate::mapping;
use crate::model::{Alias, Provider, ProviderId, ProviderKind, TenantId};

/// The words of a command line: quotes, and a quote outside of them after a backslash.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            '\\' if !quoted => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The request that curl makes of a command.
fn parsed(line: &str, origin: &str) -> OwnedRequest {
    let mut request = OwnedRequest::default();
    let mut words = words(line).into_iter();
    assert_eq!(words.next().as_deref(), Some("curl"));
    while let Some(word) = words.next() {
        match word.as_str() {
            "-sS" => {}
            "-X" => request.method = words.next().unwrap().parse().unwrap(),
            "-d" => request.body = words.next().unwrap().into_bytes(),
            "-H" => {
                let header = words.next().unwrap();
                let (name, value) = header.split_once(": ").unwrap();
                request.headers.insert(
                    name.parse::<HeaderName>().unwrap(),
                    value.parse::<HeaderValue>().unwrap(),
                );
            }
            url => {
                let target = url.strip_prefix(origin).unwrap();
                let (path, query) = target.split_once('?').unwrap_or((target, ""));
                (request.path, request.query) = (path.to_owned(), query.to_owned());
            }
        }
    }
    request
}

fn example_directory(dialects: &[std::sync::Arc<Dialect>]) -> Directory {
    let inputs = Inputs {
        vars: &Vars::default(),
        flags: &[],
        catalog: &catalog(dialects),
    };
    let text = include_str!("../../../../config.example.toml");
    config::read("config.example.toml", text, &inputs)
        .unwrap()
        .0
        .directory
}

fn settings() -> Settings {
    Settings {
        origin: "http://127.0.0.1:8080/below".to_owned(),
        ..Settings::default()
    }
}

#[test]
fn every_dialect_has_a_writing_and_a_reading_command_that_it_understands() {
    let dialects = built_in();
    let directory = example_directory(&dialects);
    let mut guide = Guide::new(&directory);
    for dialect in &dialects {
        let commands = guide.commands(dialect, &settings());
        let writes = commands.iter().map(|command| {
            let request = parsed(command, &settings().origin);
            let Routed::Ops(candidates) = dialect.route(&request.method, &request.path) else {
                panic!("{command} leads nowhere");
            };
            let view = request.view();
            let decoded = dialect
                .decode_request(&candidates, &view, &settings())
                .unwrap();
            assert!(decoded.problems.is_empty(), "{command}");
            assert!(decoded.refusal.is_none(), "{command}");
            let key = dialect.credential(&view).map(|key| key.expose().to_owned());
            assert_eq!(key.as_deref(), Some(EXAMPLE_KEY), "{command}");
            let vendor = dialect.vendor();
            if let Some(id) = decoded.params.text(Field::Tenant) {
                assert!(directory.tenant_of(vendor, id).is_some(), "{command}");
            }
            if let Some(id) = decoded.params.text(Field::ProviderId) {
                let tenant = &directory.tenants()[0].tenant_id;
                assert!(
                    directory.provider_of(tenant, vendor, id).is_ok(),
                    "{command}"
                );
            }
            dialect.operation(decoded.op).writes()
        });
        let writes: Vec<bool> = writes.collect();
        let mut kinds = dialect.plan().ops.iter().map(|op| op.does);
        let reads = kinds.any(|kind| READING.contains(&kind.name()));
        let expected: &[bool] = if reads { &[true, false] } else { &[true] };
        assert_eq!(writes, expected, "{}: {commands:?}", dialect.name());
    }
}

/// Three dialects: one with links of its own, one with links inside users, and one of the vendor of the
/// first that can only take links away.
fn fixtures() -> Vec<Dialect> {
    let plain = include_str!("../../../../tests/loss/plain.toml");
    let all = [
        ("plain", plain),
        ("nested", include_str!("../../../../tests/loss/nested.toml")),
        (
            "remover",
            include_str!("../../../../tests/loss/remover.toml"),
        ),
    ];
    let load = |(name, text): (&str, &str)| {
        let loaded = mapping::load(name, name, text, &|_| Some(plain.to_owned()));
        Dialect::new(loaded.plan.unwrap())
    };
    all.map(load).into()
}

#[test]
fn a_dialect_without_links_of_its_own_shows_what_it_has() {
    let alias = |vendor: &str, id: &str| Alias {
        vendor: VendorName::new(vendor).unwrap(),
        vendor_id: id.to_owned(),
    };
    let tenant = Tenant {
        tenant_id: TenantId::new("acme").unwrap(),
        ids: Vec::new(),
        users: Users::Open,
        link_limits: std::collections::HashMap::new(),
        pending_seconds: 3600,
    };
    let provider = |key: &str, enabled: bool, ids: Vec<Alias>| Provider {
        provider_id: ProviderId::new(key).unwrap(),
        name: key.to_owned(),
        kind: ProviderKind::Oidc,
        enabled,
        tenant: None,
        domains: Vec::new(),
        ids,
    };
    // The first one is known to nobody, the second cannot be linked.
    let providers = vec![
        provider("none", true, Vec::new()),
        provider("off", false, vec![alias("plain", "g-1")]),
        provider(
            "on",
            true,
            vec![alias("plain", "p-on"), alias("nested", "n-on")],
        ),
    ];
    let directory = Directory::new(vec![tenant], providers).unwrap();
    let mut guide = Guide::new(&directory);
    let [plain, nested, remover] = <[Dialect; 3]>::try_from(fixtures()).unwrap();
    let mut said = |dialect: &Dialect| -> Vec<String> {
        let commands = guide.commands(dialect, &settings());
        let requests = commands
            .iter()
            .map(|command| parsed(command, &settings().origin));
        let line = |r: OwnedRequest| {
            let body = String::from_utf8(r.body).unwrap();
            format!("{} {}?{} {body}", r.method, r.path, r.query)
        };
        requests.map(line).collect()
    };
    assert_eq!(
        said(&plain),
        [
            r#"POST /links? {"user":"ann","provider":"p-on","subject":"it's 7","name":"Ann"}"#,
            // The one whose link was made, not the one of the example.
            "GET /links?user=ann ",
        ]
    );
    let user = "206a5101-bf29-487c-af8f-7485ca48d6d5";
    let links = r#"{"links":[{"account":"n-on:it's 7-nested","label":"Ann"}],"traits":{"mail":"ann@example.test"}}"#;
    assert_eq!(
        said(&nested),
        [
            format!("PUT /users/{user}? {links}"),
            format!("GET /users/{user}? "),
        ]
    );
    assert_eq!(
        said(&remover),
        ["DELETE /old/ann/p-on/it%27s%207? ", "GET /old/ann? "]
    );
}

#[test]
fn no_two_commands_link_one_account() {
    let dialects = built_in();
    let directory = example_directory(&dialects);
    let mut guide = Guide::new(&directory);
    // Every dialect twice: the second time, each account is somebody's.
    for dialect in dialects.iter().chain(&dialects) {
        guide.commands(dialect, &settings());
    }
    let mut accounts = guide.taken.clone();
    accounts.sort();
    accounts.dedup();
    assert!(!accounts.is_empty());
    let mut users = guide.linked.clone();
    users.sort();
    users.dedup();
    assert_eq!(users.len(), guide.linked.len(), "{:?}", guide.linked);
    assert_eq!(accounts.len(), guide.taken.len(), "{:?}", guide.taken);
}

#[test]
fn a_command_names_a_tenant_that_is_configured_or_none() {
    for dialect in built_in() {
        let shown = |ids: Vec<Alias>| {
            let tenant = Tenant {
                tenant_id: TenantId::new("other").unwrap(),
                ids,
                users: Users::Open,
                link_limits: std::collections::HashMap::new(),
                pending_seconds: 3600,
            };
            let directory = Directory::new(vec![tenant], Vec::new()).unwrap();
            Guide::new(&directory).commands(&dialect, &settings())
        };
        let id = "b3a6a3a8-7f7e-4c08-9a35-6b8f3b6c9d21";
        let alias = Alias {
            vendor: dialect.vendor().clone(),
            vendor_id: id.to_owned(),
        };
        let tenants = |commands: &[String]| -> Vec<String> {
            let requests = commands
                .iter()
                .map(|command| parsed(command, &settings().origin));
            let read = |request: OwnedRequest| {
                let Routed::Ops(candidates) = dialect.route(&request.method, &request.path) else {
                    panic!("{commands:?} lead nowhere");
                };
                let decoded = dialect
                    .decode_request(&candidates, &request.view(), &settings())
                    .unwrap();
                decoded.params.text(Field::Tenant).map(str::to_owned)
            };
            requests.filter_map(read).collect()
        };
        let known = if dialect.vendor().as_str() == crate::directory::CANONICAL_VENDOR {
            "other"
        } else {
            id
        };
        let with = shown(vec![alias]);
        assert!(tenants(&with).iter().all(|id| id == known), "{with:?}");
        let without = shown(Vec::new());
        assert!(
            tenants(&without).iter().all(|id| id == "other"),
            "{without:?}"
        );
    }
}

#[test]
fn a_quote_in_a_text_stays_one_word() {
    assert_eq!(
        words(&format!("a {} b", quoted("it's 'so'"))),
        ["a", "it's 'so'", "b"]
    );
}
