//! Who may import whom. The rules of `docs/architecture.md`, as code that fails.

use std::fs;
use std::path::{Path, PathBuf};

/// Each module with the modules that it may use. What is not listed is forbidden.
const MAY_USE: &[(&str, &[&str])] = &[
    ("finding", &[]),
    ("json", &[]),
    ("model", &[]),
    ("trace", &[]),
    ("telemetry", &["model", "outbound", "trace"]),
    ("mapping", &["finding", "model"]),
    ("dialect", &["finding", "json", "mapping", "model"]),
    ("transport", &["model"]),
    ("directory", &["model"]),
    (
        "backend",
        &["dialect", "directory", "json", "model", "outbound", "trace"],
    ),
    ("outbound", &[]),
    ("edge", &["json", "model", "outbound"]),
    (
        "server",
        &[
            "backend",
            "dialect",
            "directory",
            "edge",
            "model",
            "outbound",
            "telemetry",
            "trace",
            "transport",
        ],
    ),
    (
        "config",
        &[
            "backend",
            "dialect",
            "directory",
            "edge",
            "finding",
            "model",
            "outbound",
            "server",
            "telemetry",
        ],
    ),
    (
        "cli",
        &[
            "backend",
            "config",
            "dialect",
            "directory",
            "edge",
            "finding",
            "mapping",
            "model",
            "outbound",
            "server",
            "telemetry",
            "transport",
        ],
    ),
];

/// Crates that one module only may name, or two.
const ONE_ADDRESS: &[(&str, &str)] = &[
    ("form_urlencoded", "dialect/form.rs"),
    ("form_urlencoded", "backend/upstream/caller/grant.rs"),
    ("governor", "edge/rate_limit"),
    ("jsonwebtoken", "edge/"),
    ("jsonwebtoken", "backend/upstream/caller/assertion.rs"),
    ("rustls_native_certs", "outbound/"),
    ("jsonpath_rust", "mapping/path.rs"),
    ("rusqlite", "backend/embedded"),
    ("x509_cert", "edge/tls"),
    ("clap", "cli"),
    ("csv_core", "cli/users"),
    ("flate2", "transport/compression.rs"),
    ("indicatif", "cli/"),
    ("listenfd", "cli/notify.rs"),
    ("sd_notify", "cli/notify.rs"),
    ("arc_swap", "server/"),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Every source file with its path below `src` and its code without comments. Files of tests may use
/// and name whatever they judge by.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    files(&source(), &mut found);
    found.retain(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        !name.ends_with("tests") && name != "testing"
    });
    let code = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let name = |path: &PathBuf| path.strip_prefix(source()).unwrap().display().to_string();
    found.iter().map(|path| (name(path), code(path))).collect()
}

/// The modules that a text names after `crate::`, in use lists too.
fn named(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (_, rest) in code
        .match_indices("crate::")
        .map(|(at, _)| (at, &code[at + 7..]))
    {
        let listed = rest
            .strip_prefix('{')
            .map_or(rest, |list| list.split('}').next().unwrap());
        let parts = if rest.starts_with('{') {
            listed
        } else {
            rest.split(['\n', ';']).next().unwrap()
        };
        let first_words = |part: &str| {
            let word: String = part
                .trim()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            word
        };
        if rest.starts_with('{') {
            names.extend(parts.split(',').map(first_words));
        } else {
            names.push(first_words(parts));
        }
    }
    names
}

#[test]
fn modules_use_only_what_is_below_them() {
    let mut wrong = String::new();
    for (file, code) in sources() {
        let Some(module) = file.split('/').next().filter(|m| !m.ends_with(".rs")) else {
            continue;
        };
        let (_, allowed) = MAY_USE
            .iter()
            .find(|(name, _)| *name == module)
            .unwrap_or_else(|| panic!("{file}: the module {module} has no rule"));
        for name in named(&code) {
            let known = MAY_USE.iter().any(|(module, _)| *module == name);
            if known && name != module && !allowed.contains(&name.as_str()) {
                wrong += &format!("src/{file}: {module} must not use {name}\n");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_rules_have_no_cycle() {
    // A module stands below all that may use it: then an order from the bottom exists.
    let mut placed: Vec<&str> = Vec::new();
    while placed.len() < MAY_USE.len() {
        let next = MAY_USE
            .iter()
            .find(|(m, uses)| !placed.contains(m) && uses.iter().all(|u| placed.contains(u)));
        placed.push(next.expect("a cycle among the rules").0);
    }
}

#[test]
fn some_crates_have_one_address() {
    let mut wrong = String::new();
    for (file, code) in sources() {
        for (name, address) in ONE_ADDRESS {
            let may_name =
                |(other, address): &(&str, &str)| other == name && file.starts_with(address);
            if code.contains(&format!("{name}::")) && !ONE_ADDRESS.iter().any(may_name) {
                wrong += &format!("src/{file}: only src/{address} may name {name}\n");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_core_does_no_io_and_is_not_async() {
    let mut wrong = String::new();
    for (file, code) in sources() {
        let core = ["model/", "mapping/", "dialect/", "finding/", "transport/"]
            .iter()
            .any(|m| file.starts_with(m));
        // Decoders of compressed bytes have the traits of I/O, over memory.
        let code = if file == "transport/compression.rs" {
            code.replace("use std::io::Read;", "")
        } else {
            code
        };
        for word in [
            "std::fs",
            "std::net",
            "std::io",
            "std::time::Instant",
            "SystemTime",
            "tokio",
            "async ",
        ] {
            if core && code.contains(word) {
                wrong += &format!("src/{file}: the core must not use {word}\n");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn no_vendor_is_named_outside_the_list_of_built_in_mappings() {
    let vendors = [
        "fusionauth",
        "zitadel",
        "pingone",
        "kratos",
        "keycloak",
        "getflip",
        "auth0",
        "okta",
        "logto",
    ];
    let mut wrong = String::new();
    for (file, code) in sources() {
        let code = code.to_lowercase();
        // Tests may name vendors: what follows the first test module is not looked at.
        let code = code.split("#[cfg(test)]").next().unwrap_or_default();
        for vendor in vendors {
            if code.contains(vendor) && file != "mapping/builtin.rs" {
                wrong += &format!("src/{file}: names {vendor}\n");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_use_list_is_read_whole() {
    assert_eq!(
        named("use crate::{model::Link, edge};\ncrate::cli::run()"),
        ["model", "edge", "cli"]
    );
}
