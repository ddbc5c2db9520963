//! The commands that a start prints, read again.

use http::{HeaderName, HeaderValue};

use super::super::{built_in, catalog};
use super::*;
use crate::config::{self, Inputs, Vars};
use crate::directory::{Tenant, Users};
use crate::model::{Alias, TenantId};

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
        assert_eq!(writes, [true, false], "{}: {commands:?}", dialect.name());
    }
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
