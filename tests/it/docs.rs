//! The documentation says what is so: generated parts are what the plans say, lists are complete, and
//! links lead somewhere.

mod reference;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use linkbridge::mapping::builtin;
use linkbridge::mapping::plan::{Evidence, Plan};
use linkbridge::mapping::{codec, rules};
use linkbridge::model::{FailureKind, Field, OperationKind, ProviderKind, Why};

const BEGIN: &str = "<!-- generated: support matrix -->\n";
const END: &str = "<!-- end of generated: support matrix -->";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Every file below `folder` with this extension; what is built or installed is not ours.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let foreign = ["target", "node_modules", "data", ".git"];
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !foreign.contains(&name.as_str()) {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn cell(plan: &Plan, kind: OperationKind) -> String {
    let ops = plan.ops.iter().filter(|op| op.does == kind);
    let names: Vec<String> = ops.map(|op| format!("`{}`", op.name)).collect();
    if names.is_empty() {
        "not in this API".to_owned()
    } else {
        names.join(", ")
    }
}

/// Dialect x operation, from the plans.
fn matrix() -> String {
    let plans: Vec<Plan> = builtin::SOURCES
        .iter()
        .map(|(name, _)| builtin::load_builtin(name).unwrap().plan.unwrap())
        .collect();
    let mut out = "\n| operation |".to_owned();
    plans
        .iter()
        .for_each(|plan| out += &format!(" {} |", plan.name));
    out += &format!("\n|---|{}\n", "---|".repeat(plans.len()));
    for kind in OperationKind::ALL {
        out += &format!("| `{}` |", kind.name());
        plans
            .iter()
            .for_each(|plan| out += &format!(" {} |", cell(plan, *kind)));
        out += "\n";
    }
    out + "\n"
}

#[test]
fn the_support_matrix_is_what_the_mappings_say() {
    let readme = text("README.md");
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let expected = matrix();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(
            root().join("README.md"),
            format!("{before}{BEGIN}{expected}{END}{after}"),
        )
        .unwrap();
        return;
    }
    assert_eq!(
        written, expected,
        "UPDATE_GOLDEN=1 cargo test --test it docs writes it anew"
    );
}

/// Every `LBnnn` of a text.
fn codes(text: &str) -> BTreeSet<String> {
    let at = text.match_indices("LB").map(|(at, _)| at);
    at.filter_map(|at| text.get(at..at + 5))
        .filter(|code| code.bytes().skip(2).all(|b| b.is_ascii_digit()))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_finding_code_is_documented_and_used() {
    let used: BTreeSet<String> = files(&root().join("src"), "rs")
        .iter()
        .flat_map(|file| codes(&fs::read_to_string(file).unwrap()))
        .collect();
    assert!(used.len() > 40, "only {} codes were found", used.len());
    // Each has a row of its own; a code in running text documents nothing.
    let rows: BTreeSet<String> = text("docs/findings.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| LB"))
        .filter_map(|rest| rest.get(..3))
        .map(|number| format!("LB{number}"))
        .collect();
    assert_eq!(rows, used, "the codes of docs/findings.md and those of src");
}

/// The targets of `[text](target)` outside code.
fn links(markdown: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_code = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for part in line.split("](").skip(1) {
            found.extend(part.split_once(')').map(|(target, _)| target.to_owned()));
        }
    }
    found
}

/// The anchors that a page's headings have.
fn anchors(markdown: &str) -> BTreeSet<String> {
    let headings = markdown.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| -> String {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        title
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_relative_link_leads_somewhere() {
    let pages = files(root(), "md");
    assert!(pages.len() >= 6, "only {} pages were found", pages.len());
    let mut wrong = String::new();
    for page in pages {
        let markdown = fs::read_to_string(&page).unwrap();
        for link in links(&markdown) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() {
                page.clone()
            } else {
                page.parent().unwrap().join(file)
            };
            if !target.exists() {
                wrong += &format!("{}: there is no {link}\n", page.display());
            } else if !anchor.is_empty() {
                let there = anchors(&fs::read_to_string(&target).unwrap());
                if !there.contains(anchor) {
                    wrong += &format!("{}: no heading for {link}\n", page.display());
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The keys that the loader asks tables for: the first text among the arguments of the calls that read one.
fn asked_keys(code: &str) -> BTreeSet<String> {
    let calls = [
        "text",
        "need_text",
        "table",
        "tables",
        "word",
        "bool",
        "int",
        "int_in",
        "texts",
        "value",
        "condition",
        "parts",
        "record",
        "tables_of",
        "media_types",
        "members",
        "number",
        "size",
    ];
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    let mut keys = BTreeSet::new();
    for (at, _) in code.match_indices('(') {
        let before = code[..at]
            .rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .next();
        let is_call = before.is_some_and(|name| calls.contains(&name));
        let arguments = code[at + 1..].split(')').next().unwrap_or_default();
        let argument = arguments
            .split(',')
            .map(str::trim)
            .find(|argument| argument.starts_with('"'));
        let key = argument.and_then(|a| a.strip_prefix('"')?.strip_suffix('"'));
        let is_word = |key: &&str| key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if let (true, Some(key)) = (is_call, key.filter(is_word)) {
            keys.insert(key.to_owned());
        }
    }
    keys
}

#[test]
fn keys_are_found_in_code() {
    let code = "t.text(\"a\") t.word(\n  \"b\", &[\"x\"]) context.condition(&q, \"c\") set_text(\"d\") let e = text(\"e\");";
    let found: Vec<String> = asked_keys(code).into_iter().collect();
    assert_eq!(found, ["a", "b", "c", "e"]);
}

/// Every key that the loader of mappings asks for.
fn keys_of_mappings() -> BTreeSet<String> {
    let sources = files(&root().join("src/mapping"), "rs");
    let keys: BTreeSet<String> = sources
        .iter()
        .flat_map(|file| asked_keys(&fs::read_to_string(file).unwrap()))
        .chain(rules::NAMES.iter().map(|name| (*name).to_owned()))
        .collect();
    assert!(keys.len() > 50, "only {} keys were found", keys.len());
    keys
}

/// The words in backticks in the first cells of the tables whose first column is "key".
fn documented_keys(markdown: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_table = false;
    for line in markdown.lines() {
        in_table = line.starts_with("| key |") || (in_table && line.starts_with('|'));
        let first = line.split('|').nth(1).filter(|_| in_table);
        let words = first.unwrap_or_default().split('`').skip(1).step_by(2);
        found.extend(words.map(str::to_owned));
    }
    found
}

#[test]
fn the_mapping_reference_names_no_key_that_is_not_there() {
    let documented = documented_keys(&text("mappings/README.md"));
    assert!(documented.len() > 50, "only {} keys", documented.len());
    let keys = keys_of_mappings();
    let gone: Vec<_> = documented.iter().filter(|k| !keys.contains(*k)).collect();
    assert!(gone.is_empty(), "the loader does not know {gone:?}");
}

#[test]
fn the_mapping_reference_names_everything() {
    let mut words = keys_of_mappings();
    let mut add = |names: &[&str]| words.extend(names.iter().map(|name| (*name).to_owned()));
    add(codec::NAMES);
    add(Evidence::WORDS);
    Field::ALL.iter().for_each(|field| add(&[field.name()]));
    OperationKind::ALL
        .iter()
        .for_each(|kind| add(&[kind.name()]));
    FailureKind::ALL.iter().for_each(|kind| add(&[kind.name()]));
    Why::ALL.iter().for_each(|why| add(&[why.name()]));
    // The words of conditions have no list in the code: `mapping::condition` parses them.
    add(&[
        "x present",
        "x absent",
        "x is word",
        "x is not word",
        "body",
        "and",
        "req.x",
        "option.x",
    ]);
    let reference = text("mappings/README.md");
    // A key may be named with its quotes, as the values of keys are.
    let is_named = |word: &&String| {
        reference.contains(&format!("`{word}`")) || reference.contains(&format!("`\"{word}\"`"))
    };
    let missing: Vec<_> = words.iter().filter(|word| !is_named(word)).collect();
    assert!(
        missing.is_empty(),
        "mappings/README.md does not name {missing:?}"
    );
}

/// The reference sends readers to the example for the kinds of providers.
#[test]
fn the_example_configuration_names_every_kind_of_provider() {
    let example = text("config.example.toml");
    let missing: Vec<_> = ProviderKind::ALL
        .iter()
        .map(|kind| kind.name())
        .filter(|name| {
            !example.contains(&format!(" {name},")) && !example.contains(&format!(" {name}."))
        })
        .collect();
    assert!(
        missing.is_empty(),
        "config.example.toml does not name {missing:?}"
    );
}

/// The example configuration, whose defaults a test of `config` holds to the code, decides.
#[test]
fn the_table_of_limits_has_every_limit_with_its_default() {
    let example = text("config.example.toml");
    let (_, limits) = example.split_once("[limits]\n").unwrap();
    let rows: BTreeSet<String> = limits
        .lines()
        .filter_map(|line| line.strip_prefix("# ")?.split_once(" = "))
        .map(|(key, value)| format!("| `{key}` | `{}` |", value.trim_matches('"')))
        .collect();
    assert!(rows.len() > 15, "only {} limits were found", rows.len());
    let operations = text("docs/operations.md");
    let (_, table) = operations.split_once("## Limits").unwrap();
    let missing: Vec<_> = rows.iter().filter(|row| !table.contains(*row)).collect();
    assert!(missing.is_empty(), "docs/operations.md lacks {missing:?}");
    let listed = table.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(listed, rows.len(), "rows of the table and limits");
}
