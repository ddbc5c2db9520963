//! The built-in mappings and the fixtures of `tests/mappings` go through the laws.

mod cross;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use linkbridge::dialect::{Dialect, laws};
use linkbridge::finding::{Finding, render};
use linkbridge::mapping::plan::{Form, Plan, Row, Tree};
use linkbridge::mapping::{self, builtin, codec};
use linkbridge::model::failure::Origin;

fn rendered(findings: &[Finding]) -> String {
    findings.iter().map(render).collect()
}

#[test]
fn built_in_mappings_load_and_keep_every_law() {
    for (name, _) in builtin::SOURCES {
        let loaded = builtin::load_builtin(name).unwrap();
        assert!(loaded.findings.is_empty(), "{}", rendered(&loaded.findings));
        let findings = laws::replay(&Dialect::new(loaded.plan.unwrap()), true);
        assert!(findings.is_empty(), "{}", rendered(&findings));
    }
}

/// The fixtures: mappings of no vendor that have every form and codec in every direction.
fn fixtures() -> Vec<Plan> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mappings");
    let includes = |file: &str| fs::read_to_string(folder.join(file)).ok();
    ["texts", "documents"]
        .map(|name| {
            let file = format!("{name}.toml");
            let text = fs::read_to_string(folder.join(&file)).unwrap();
            let loaded = mapping::load(name, &file, &text, &includes);
            assert!(loaded.findings.is_empty(), "{}", rendered(&loaded.findings));
            loaded.plan.unwrap()
        })
        .into()
}

#[test]
fn fixtures_keep_every_law() {
    for plan in fixtures() {
        let findings = laws::replay(&Dialect::new(plan), true);
        assert!(findings.is_empty(), "{}", rendered(&findings));
    }
}

/// The words by which forms and codecs are written in a mapping.
fn used(row: &Row, words: &mut BTreeSet<String>) {
    let mut nested = |tree: &Tree| tree.rows.iter().for_each(|(_, row)| used(row, words));
    match &row.form {
        Form::One { shape, .. } => nested(shape),
        Form::List { item, .. } | Form::Dict { item, .. } | Form::Group { item, .. } => {
            nested(item)
        }
        Form::First(rows) => rows.iter().for_each(|row| used(row, words)),
        _ => {}
    }
    let form = format!("{:?}", row.form);
    let name: String = form.chars().take_while(|c| c.is_alphabetic()).collect();
    words.insert(name);
    if let Form::Field { codec, .. } = &row.form {
        let codec = format!("{codec:?}");
        words.insert(codec.chars().take_while(|c| c.is_alphanumeric()).collect());
    }
}

#[test]
fn the_fixtures_have_every_form_and_codec() {
    let mut words = BTreeSet::new();
    for plan in fixtures() {
        for op in &plan.ops {
            let texts = op.captures.iter().chain(&op.query).map(|(_, row)| row);
            let headers = plan
                .response_headers
                .iter()
                .chain(&op.answer.headers)
                .map(|(_, row)| row);
            let bodies = op
                .request
                .rows
                .iter()
                .chain(&op.answer.tree.rows)
                .map(|(_, row)| row);
            texts
                .chain(headers)
                .chain(bodies)
                .for_each(|row| used(row, &mut words));
        }
    }
    let forms = [
        "Field", "Const", "Join", "Url", "One", "List", "Dict", "Group", "First", "Presence",
    ];
    let codecs = [
        "Plain", "Text", "Uuid", "JavaUuid", "EpochMs", "Rfc3339", "Int",
    ];
    assert_eq!(
        codecs.len(),
        codec::NAMES.len() + 1,
        "a codec without a fixture"
    );
    for word in forms.iter().chain(&codecs) {
        assert!(
            words.contains(*word),
            "no fixture has {word}; they have {words:?}"
        );
    }
}

/// A status tells a client whose fault it was and whether to come back; no dialect may say otherwise.
#[test]
fn the_status_of_a_failure_tells_whose_fault_it_is() {
    for (name, _) in builtin::SOURCES {
        let plan = builtin::load_builtin(name).unwrap().plan.unwrap();
        for ((kind, _), row) in &plan.wording {
            let status = plan.errors[*row].status;
            let fits = match kind.origin() {
                // Not implemented is what HTTP says of what a backend cannot do.
                Origin::Client => status < 500 && status != 429 || status == 501,
                Origin::Load => [409, 429, 503].contains(&status),
                Origin::Upstream | Origin::Internal => status >= 500,
            };
            assert!(fits, "{name}: {} is answered {status}", kind.name());
            assert!(
                !kind.retry_can_help() || status >= 409,
                "{name}: {status} says that trying again is of no use to {}",
                kind.name()
            );
        }
    }
}
