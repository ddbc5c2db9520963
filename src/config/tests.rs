//! Configurations as data: the example, and broken ones with the findings that each line expects.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;
use crate::dialect::Tenants;
use crate::dialect::overlap::Route;
use crate::finding::render;
use crate::model::OperationKind;

const EXAMPLE: &str = include_str!("../../config.example.toml");

/// Six dialects that are invented; their names and vendors are those of the example. Each serves its own
/// path, and one of them `GET /{anything}/users/{anything}`, too.
pub(super) fn catalog() -> Catalog {
    let route = |path: &[Option<&str>]| Route {
        method: http::Method::GET,
        path: path.iter().map(|s| s.map(str::to_owned)).collect(),
    };
    let known = |name: &str, vendor: &str| KnownDialect {
        name: name.to_owned(),
        vendor: vendor.to_owned(),
        neighbors: crate::mapping::builtin::load_builtin(name)
            .and_then(|loaded| loaded.plan)
            .map(|plan| plan.neighbors)
            .unwrap_or_default(),
        options: [("style".to_owned(), vec!["old".to_owned(), "new".to_owned()])].into(),
        routes: match name {
            "zitadel" => vec![route(&[Some(name)]), route(&[None, Some("users"), None])],
            _ => vec![route(&[Some(name)]), route(&[Some("users"), Some(name)])],
        },
        tenants: Tenants {
            needed: name == "pingone",
            said: name == "pingone" || name == "fusionauth",
        },
        lacks: match name {
            "keycloak" => vec![OperationKind::LinkCreate, OperationKind::LinkDelete],
            _ => Vec::new(),
        },
        tells_pending: name == "fusionauth",
    };
    let names = [
        "fusionauth",
        "flip",
        "ory",
        "pingone",
        "zitadel",
        "keycloak",
    ];
    Catalog {
        odd: Vec::new(),
        dialects: names.into_iter().map(|name| known(name, name)).collect(),
    }
}

pub(super) fn read_with(
    text: &str,
    vars: &Vars,
    flags: &[(&'static str, String)],
) -> Result<(Config, Vec<Finding>), Vec<Finding>> {
    read(
        "config.toml",
        text,
        &Inputs {
            vars,
            flags,
            catalog: &catalog(),
        },
    )
}

/// With inputs of nothing but the catalog.
pub(super) fn inputs<T>(with: impl FnOnce(&Inputs<'_>) -> T) -> T {
    with(&Inputs {
        vars: &Vars::default(),
        flags: &[],
        catalog: &catalog(),
    })
}

pub(super) fn codes(findings: &[Finding]) -> Vec<(String, usize)> {
    findings
        .iter()
        .map(|f| (f.code.to_owned(), f.position().0))
        .collect()
}

pub(super) fn minimal(more: &str) -> String {
    format!("[[tenant]]\nkey = \"acme\"\n[[client]]\nname = \"a\"\nscopes = []\n{more}")
}

#[test]
fn an_admin_listener_that_everybody_reaches_is_warned_of() {
    for (address, is_inner) in [
        ("127.0.0.1:9090", true),
        ("[::1]:9090", true),
        ("10.1.2.3:9090", true),
        ("172.16.0.1:9090", true),
        ("192.168.0.1:9090", true),
        ("169.254.1.1:9090", true),
        ("[fd00::1]:9090", true),
        ("[fe80::1]:9090", true),
        ("[::ffff:10.0.0.1]:9090", true),
        ("0.0.0.0:9090", false),
        ("[::]:9090", false),
        ("203.0.113.7:9090", false),
        ("172.32.0.1:9090", false),
        ("[2001:db8::1]:9090", false),
        ("[::ffff:203.0.113.7]:9090", false),
    ] {
        let text = format!("[server]\nadmin_listen = \"{address}\"\n{}", minimal(""));
        let (_, warnings) = read_with(&text, &Vars::default(), &[]).unwrap();
        let found = codes(&warnings).contains(&("LB630".to_owned(), 2));
        assert_eq!(found, !is_inner, "{address}: {:?}", codes(&warnings));
    }
}

#[test]
fn what_is_shown_is_what_holds_and_what_was_given() {
    let (text, none) = (minimal(""), Vars::default());
    let flags = [("server.log", "warn".to_owned())];
    let (config, _) = read_with(&text, &none, &flags).unwrap();
    assert_eq!(config.shown["given"]["server"]["log"], "warn");
    assert_eq!(config.shown["effective"]["idle_seconds"], 60.0);
}

#[test]
fn the_example_loads_without_a_finding() {
    let (config, warnings) = read_with(EXAMPLE, &Vars::default(), &[])
        .map_err(|f| f.iter().map(render).collect::<String>())
        .unwrap();
    assert!(
        warnings.is_empty(),
        "{}",
        warnings.iter().map(render).collect::<String>()
    );
    assert_eq!(config.fronts.len(), catalog().dialects.len());
    assert_eq!(
        config.clients[0].keys,
        [crate::edge::keys::hash(crate::edge::keys::EXAMPLE_KEY)]
    );
    assert!(EXAMPLE.contains(crate::edge::keys::EXAMPLE_KEY));
    assert_eq!(config.public_url, "http://127.0.0.1:8080");
}

/// The example with every key that stands in a comment taken out of it.
pub(super) fn uncommented() -> String {
    let line = |line: &str| match line.strip_prefix("# ") {
        Some(key) if key.starts_with('[') || is_assignment(key) => key.to_owned(),
        _ => line.to_owned(),
    };
    EXAMPLE.lines().map(|l| line(l) + "\n").collect()
}

fn is_assignment(line: &str) -> bool {
    let word = |key: &str| {
        !key.is_empty()
            && key
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    line.split_once(" = ").is_some_and(|(key, _)| word(key))
}

#[test]
fn the_example_has_every_key_and_no_other() {
    let text = uncommented();
    let sink = Sink::new("config.example.toml", &text);
    let parsed = parse_toml(&text, &sink).unwrap();
    let root = Table::root(&parsed, &sink);
    let (flags, environment) = (
        Overlay::of_flags(&[]),
        Overlay::of_environment(&Vars::default()),
    );
    let inputs = Inputs {
        vars: &Vars::default(),
        flags: &[],
        catalog: &catalog(),
    };
    resolve(&root, &inputs, &flags, &environment);
    root.finish();
    // All upstreams have the same keys, and a place where pending links are minted has those of them that
    // are about calling it: the example has each key at one of them.
    let places = [
        "backend.route.upstream.",
        "backend.upstream.pending_origin.",
    ];
    let mut known: BTreeMap<String, bool> = BTreeMap::new();
    for (mut key, present) in sink.known_keys() {
        for place in places {
            key = key.replace(place, "backend.upstream.");
        }
        *known.entry(key).or_default() |= present;
    }
    let missing: Vec<_> = known
        .into_iter()
        .filter(|(_, present)| !present)
        .map(|(key, _)| key)
        .collect();
    assert!(missing.is_empty(), "the example lacks {missing:?}");
    assert!(sink.known_keys().len() > 60, "{}", sink.known_keys().len());
    let unknown: Vec<_> = sink
        .into_findings()
        .into_iter()
        .filter(|f| f.code == "LB002")
        .collect();
    assert!(
        unknown.is_empty(),
        "{}",
        unknown.iter().map(render).collect::<String>()
    );
}

/// What the example says of a default is the default: reading it uncommented changes nothing.
#[test]
fn the_example_tells_the_defaults() {
    let limits = |text: &str| {
        format!(
            "{:?}",
            read_with(text, &Vars::default(), &[]).unwrap().0.server
        )
    };
    let section = |text: &str| format!("[limits]{}", text.split_once("\n[limits]").unwrap().1);
    // The number of workers is the machine's, so it is the same on both sides.
    assert_eq!(
        limits(&minimal("")),
        limits(&minimal(&section(&uncommented())))
    );
}

/// In `tests/config/*.toml`, a line that ends in `#! LB508` expects exactly that finding there.
#[test]
fn broken_configurations_have_the_findings_that_they_expect() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let mut n_files = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let expected: Vec<(String, usize)> = text
            .lines()
            .enumerate()
            .filter_map(|(i, line)| Some((line.split_once("#! ")?.1, i + 1)))
            .flat_map(|(codes, line)| {
                codes
                    .split_whitespace()
                    .map(move |code| (code.to_owned(), line))
            })
            .collect();
        let vars = Vars::from([("EMPTY_SECRET", ""), ("SOME_SECRET", "hunter2")]);
        let findings =
            read_with(&text, &vars, &[]).map_or_else(|findings| findings, |(_, warnings)| warnings);
        let rendered: String = findings.iter().map(render).collect();
        assert_eq!(
            codes(&findings),
            expected,
            "{}:\n{rendered}",
            path.display()
        );
        assert!(
            !rendered.contains("hunter2"),
            "a secret is shown:\n{rendered}"
        );
        n_files += 1;
    }
    assert!(n_files >= 5);
}

#[test]
fn two_fronts_that_overlap_are_named_with_a_request_for_both() {
    let fronts =
        "[[front]]\ndialect = \"flip\"\nprefix = \"/a\"\n[[front]]\ndialect = \"zitadel\"\n";
    let findings = read_with(&minimal(fronts), &Vars::default(), &[]).unwrap_err();
    assert_eq!(findings.len(), 1);
    assert_eq!(
        findings[0].message,
        "both `flip` below `/a` and `zitadel` would serve GET /a/users/flip"
    );
    // The name in the second `dialect = "…"`.
    assert_eq!(findings[0].position(), (10, 11));
}

#[test]
fn a_near_miss_is_suggested() {
    let findings = read_with(
        &minimal("[server]\nlistne = \"127.0.0.1:1\"\n"),
        &Vars::default(),
        &[],
    )
    .unwrap_err();
    assert_eq!(findings[0].hint.as_deref(), Some("did you mean `listen`?"));
}

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let file = minimal("[server]\nlisten = \"127.0.0.1:3\"\n");
    let vars = Vars::from([("LINKBRIDGE_SERVER_LISTEN", "127.0.0.1:2")]);
    let flags = [("server.listen", "127.0.0.1:1".to_owned())];
    let port = |text: &str, vars: &Vars, flags: &[_]| {
        read_with(text, vars, flags).unwrap().0.server.listeners[0]
            .address
            .port()
    };
    assert_eq!(port(&file, &vars, &flags), 1);
    assert_eq!(port(&file, &vars, &[]), 2);
    assert_eq!(port(&file, &Vars::default(), &[]), 3);
    assert_eq!(port(&minimal(""), &Vars::default(), &[]), 8080);
}

#[test]
fn a_flag_for_the_address_replaces_all_listeners_of_the_file() {
    let text = minimal(
        "[[listener]]\naddress = \"127.0.0.1:3\"\n[[listener]]\naddress = \"127.0.0.1:4\"\n",
    );
    let flags = [("server.listen", "127.0.0.1:1".to_owned())];
    let ports = |flags: &[_]| {
        let listeners = read_with(&text, &Vars::default(), flags)
            .unwrap()
            .0
            .server
            .listeners;
        listeners
            .iter()
            .map(|l| l.address.port())
            .collect::<Vec<_>>()
    };
    assert_eq!((ports(&flags), ports(&[])), (vec![1], vec![3, 4]));
    let bad = [("server.listen", "here".to_owned())];
    let findings = read_with(&text, &Vars::default(), &bad).unwrap_err();
    assert!(render(&findings[0]).contains("--listen"));
}

#[test]
fn variables_are_checked_and_their_values_never_shown() {
    let vars = Vars::from([
        ("LINKBRIDGE_LIMITS_BODY_BYTES", "hunter2"),
        ("LINKBRIDGE_LIMITS_BODY_BYTE", "1"),
        ("LINKBRIDGE_BACKEND_TOKEN_KEYS", "hunter2"),
        ("LINKBRIDGE_TOKEN_KEY", "anything"),
    ]);
    let findings = read_with(&minimal(""), &vars, &[]).unwrap_err();
    let rendered: String = findings.iter().map(render).collect();
    let mut found: Vec<_> = findings.iter().map(|f| f.code).collect();
    found.sort_unstable();
    assert_eq!(found, ["LB503", "LB520", "LB521"], "{rendered}");
    assert!(!rendered.contains("hunter2"), "{rendered}");
    assert!(
        rendered.contains("did you mean `body_bytes`?"),
        "{rendered}"
    );
}

#[test]
fn a_secret_is_read_from_where_it_is_referred_to() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    std::fs::write(&path, "from-file\n").unwrap();
    let text = minimal(&format!(
        "[backend]\ntoken_keys = [\"env:TOKEN\", \"file:{}\"]\n",
        path.display()
    ));
    let (config, _) = read_with(&text, &Vars::from([("TOKEN", "from-env")]), &[]).unwrap();
    let token_keys = &config.backend.store.token_keys;
    assert_eq!(
        token_keys.iter().map(|k| k.expose()).collect::<Vec<_>>(),
        ["from-env", "from-file"]
    );
    assert!(!format!("{config:?}").contains("from-"));
}

#[test]
fn several_tenants_have_known_users_unless_they_say_otherwise() {
    use crate::directory::Users;
    let (config, _) = read_with(
        &minimal("[[tenant]]\nkey = \"b\"\nusers = \"open\"\n"),
        &Vars::default(),
        &[],
    )
    .unwrap();
    assert_eq!(
        config
            .directory
            .tenants()
            .iter()
            .map(|t| t.users)
            .collect::<Vec<_>>(),
        [Users::Known, Users::Open]
    );
    let (config, _) = read_with(&minimal(""), &Vars::default(), &[]).unwrap();
    assert_eq!(config.directory.tenants()[0].users, Users::Open);
}

#[test]
fn a_front_has_its_own_origin() {
    let front = "[[front]]\ndialect = \"flip\"\nhost = \"Links.example.com\"\nprefix = \"/x\"\nanonymous = \"a\"\noptions = { style = \"new\" }\n";
    let text = minimal(&format!(
        "[server]\npublic_url = \"https://api.example.com/\"\n{front}[[front]]\ndialect = \"ory\"\n"
    ));
    let (config, _) = read_with(&text, &Vars::default(), &[]).unwrap();
    assert_eq!(
        config.fronts[0].settings.origin,
        "https://Links.example.com/x"
    );
    assert_eq!(config.fronts[0].host.as_deref(), Some("links.example.com"));
    assert_eq!(config.fronts[0].settings.options["style"], "new");
    assert_eq!(config.fronts[1].settings.origin, "https://api.example.com");
}

/// The text of everything below a folder but tests.
fn source(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            text += &source(&path);
        } else if !name.contains("tests") {
            text += &std::fs::read_to_string(&path).unwrap();
        }
    }
    text
}

#[test]
fn every_code_of_the_table_is_used_and_every_used_code_is_in_the_table() {
    let source = source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config"));
    let is_code = |text: &str| {
        let number = text.strip_prefix("LB").unwrap_or_default();
        // Those below are of findings in any file of TOML.
        number.parse::<u16>().is_ok_and(|number| number >= 500)
    };
    let rows = source
        .lines()
        .filter_map(|line| line.strip_prefix("//! | "));
    let table = rows.filter_map(|row| row.split(' ').next());
    let table: BTreeSet<&str> = table.filter(|code| is_code(code)).collect();
    let used: BTreeSet<&str> = source.split('"').filter(|text| is_code(text)).collect();
    assert!(table.len() > 50, "{table:?}");
    assert_eq!(used, table);
}

#[test]
fn a_data_directory_of_a_flag_or_variable_wins_over_the_store_of_the_file() {
    let directory = |data: Option<&str>, store: Option<&str>, vars: &[(&str, &str)], flag: bool| {
        let line = |section: &str, key: &str, value: Option<&str>| {
            value.map_or_else(String::new, |v| format!("[{section}]\n{key} = \"{v}\"\n"))
        };
        let text = minimal(&(line("server", "data", data) + &line("backend", "store", store)));
        let vars = match vars {
            [] => Vars::default(),
            [one] => Vars::from([*one]),
            [one, two] => Vars::from([*one, *two]),
            _ => panic!("more variables than needed"),
        };
        let flags = if flag {
            vec![("server.data", "of-flag".to_owned())]
        } else {
            Vec::new()
        };
        let (config, _) = read_with(&text, &vars, &flags).unwrap();
        let directory = config.backend.store.directory;
        directory.display().to_string()
    };
    let (data, store) = (Some("of-data"), Some("embedded:of-store"));
    let data_var = ("LINKBRIDGE_SERVER_DATA", "of-data-var");
    let store_var = ("LINKBRIDGE_BACKEND_STORE", "embedded:of-store-var");
    assert_eq!(directory(None, None, &[], false), "./data");
    assert_eq!(directory(None, store, &[], false), "of-store");
    assert_eq!(directory(data, store, &[], false), "of-store");
    assert_eq!(directory(data, store, &[data_var], false), "of-data-var");
    assert_eq!(directory(data, store, &[data_var], true), "of-flag");
    assert_eq!(directory(data, store, &[store_var], true), "of-flag");
    // Of two that weigh the same, the store's own path is the more particular one.
    assert_eq!(
        directory(data, store, &[data_var, store_var], false),
        "of-store-var"
    );
    assert_eq!(directory(data, Some("embedded:"), &[], false), "of-data");
}
