//! The built-in mappings and the fixtures of `tests/mappings` go through the laws.

mod cross;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use linkbridge::dialect::{Dialect, laws};
use linkbridge::finding::{Finding, render};
use linkbridge::mapping::codec::{self, Codec};
use linkbridge::mapping::plan::{Form, Op, PageStyle, Part, Plan, Row, Tree, Words};
use linkbridge::mapping::{self, builtin};
use linkbridge::model::FailureKind;
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
    ["texts", "documents", "users", "rpc"]
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

/// Calls `look` with every row of a plan, those of shapes, lists and alternatives too.
fn each_row(plan: &Plan, look: &mut dyn FnMut(&Row)) {
    for (_, row) in plan.headers.iter().chain(&plan.response_headers) {
        look(row);
    }
    for op in &plan.ops {
        let texts = op.captures.iter().chain(&op.query).map(|(_, row)| row);
        let headers = op.answer.headers.iter().map(|(_, row)| row);
        let bodies = op.request.rows.iter().chain(&op.answer.tree.rows);
        let bodies = bodies.map(|(_, row)| row);
        texts
            .chain(headers)
            .chain(bodies)
            .for_each(|row| with_inner(row, look));
    }
}

fn with_inner(row: &Row, look: &mut dyn FnMut(&Row)) {
    look(row);
    let mut nested = |tree: &Tree| tree.rows.iter().for_each(|(_, row)| with_inner(row, look));
    match &row.form {
        Form::One { shape, .. } => nested(shape),
        Form::List { item, .. } | Form::Dict { item, .. } | Form::Group { item, .. } => {
            nested(item)
        }
        Form::First(rows) => rows.iter().for_each(|row| with_inner(row, look)),
        Form::Each { item, .. } => with_inner(item, look),
        _ => {}
    }
}

/// The words by which a form and its codec are written in a mapping.
fn used(row: &Row, words: &mut BTreeSet<String>) {
    let form = format!("{:?}", row.form);
    let name: String = form.chars().take_while(|c| c.is_alphabetic()).collect();
    words.insert(name);
    if let Form::Field { codec, .. } = &row.form {
        words.insert(match codec {
            Codec::Proto { text, .. } => format!("Proto{}", if *text { 64 } else { 32 }),
            other => {
                let codec = format!("{other:?}");
                codec.chars().take_while(|c| c.is_alphanumeric()).collect()
            }
        });
    }
}

#[test]
fn the_fixtures_have_every_form_and_codec() {
    let mut words = BTreeSet::new();
    for plan in fixtures() {
        each_row(&plan, &mut |row| used(row, &mut words));
    }
    let forms = [
        "Field", "Const", "Join", "Url", "One", "List", "Dict", "Group", "First", "Presence",
        "Each", "Carry",
    ];
    let codecs = [
        "Plain",
        "Text",
        "Uuid",
        "JavaUuid",
        "EpochMs",
        "Rfc3339",
        "Int",
        "Proto32",
        "Proto64",
        "Words",
        "Sanitized",
        "JsonPatch",
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

/// What a plan can have beside forms and codecs, each with whether this plan has it.
fn habits(plan: &Plan) -> Vec<(&'static str, bool)> {
    let ops = |test: &dyn Fn(&Op) -> bool| plan.ops.iter().any(test);
    let rows = |test: &dyn Fn(&Row) -> bool| {
        let mut is_there = false;
        each_row(plan, &mut |row| is_there |= test(row));
        is_there
    };
    let page = |test: fn(&PageStyle) -> bool| {
        ops(&|op| op.page.as_ref().is_some_and(|page| test(&page.style)))
    };
    let words = |test: fn(&Words) -> bool| {
        rows(&|row| match &row.form {
            Form::Field {
                words: Some(words), ..
            } => test(words),
            _ => false,
        })
    };
    vec![
        ("also", ops(&|op| !op.also.is_empty())),
        ("strict", ops(&|op| op.strict)),
        ("names", plan.json.snake_too),
        ("omit", plan.json.omits_defaults),
        ("duplicates", plan.json.refuses_duplicates),
        ("status_if", ops(&|op| !op.answer.status_if.is_empty())),
        ("text", ops(&|op| op.answer.text.is_some())),
        ("page offset", page(|style| *style == PageStyle::Offset)),
        ("page after", page(|style| *style == PageStyle::After)),
        (
            "page link-header",
            page(|style| matches!(style, PageStyle::LinkHeader { .. })),
        ),
        ("null", rows(&|row| row.null)),
        ("raw", rows(&|row| row.raw.is_some())),
        (
            "several of produces",
            ops(&|op| op.answer.produces.len() > 1),
        ),
        ("consumes */*", ops(&|op| op.consumes == ["*/*"])),
        ("a rule with an option", !plan.rules.switched.is_empty()),
        (
            "closed keys",
            rows(&|row| matches!(&row.form, Form::Dict { keys: Some(_), .. })),
        ),
        (
            "open keys",
            rows(&|row| matches!(&row.form, Form::Dict { keys: None, .. })),
        ),
        (
            "max of a list",
            rows(&|row| matches!(&row.form, Form::List { max: Some(_), .. })),
        ),
        (
            "need with bad",
            rows(&|row| row.need.is_some() && row.bad.is_some()),
        ),
        (
            "base64url",
            rows(&|row| match &row.form {
                Form::Url(parts) => {
                    let is_base64 =
                        |part: &Part| matches!(part, Part::Document { base64: true, .. });
                    parts.iter().any(is_base64)
                }
                _ => false,
            }),
        ),
        (
            "each in a query",
            ops(&|op| op.query.iter().any(|(_, row)| is_each(row))),
        ),
        (
            "each in a body",
            ops(&|op| op.request.rows.iter().any(|(_, row)| is_each(row))),
        ),
        (
            "each sorted",
            rows(&|row| matches!(&row.form, Form::Each { sorted: true, .. })),
        ),
        (
            "each where",
            rows(&|row| {
                matches!(
                    &row.form,
                    Form::Each {
                        filter: Some(_),
                        ..
                    }
                )
            }),
        ),
        (
            "carry with allowed",
            rows(&|row| matches!(&row.form, Form::Carry { allowed, .. } if !allowed.is_empty())),
        ),
        ("blank = \"refuse\"", rows(&|row| row.refuses_blank)),
        ("other = \"drop\"", words(|words| words.drops_unknown)),
        ("write_else", words(|words| words.write_else.is_some())),
    ]
}

fn is_each(row: &Row) -> bool {
    matches!(row.form, Form::Each { .. })
}

#[test]
fn the_fixtures_have_every_habit() {
    let mut known = BTreeSet::new();
    let mut missing = BTreeSet::new();
    for (habit, is_there) in fixtures().iter().flat_map(habits) {
        if is_there {
            known.insert(habit);
        }
        missing.insert(habit);
    }
    missing.retain(|habit| !known.contains(habit));
    assert!(missing.is_empty(), "no fixture has {missing:?}");
}

/// Failures whose status is another one, because the vendor's is: dialect, failure, why.
const AS_THE_VENDOR_DOES: &[(&str, FailureKind, &str)] = &[(
    "ory",
    FailureKind::Conflict,
    "its database's serialization failure is answered 400, although the same request can succeed later",
)];

/// A status tells a client whose fault it was and whether to come back; no dialect may say otherwise but
/// where its vendor does.
#[test]
fn the_status_of_a_failure_tells_whose_fault_it_is() {
    let mut excused = BTreeSet::new();
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
            let helps = !kind.retry_can_help() || status >= 409;
            if fits && helps {
                continue;
            }
            let excuse = |(dialect, failure, _): &(&str, FailureKind, &str)| {
                dialect == name && failure == kind
            };
            let known = AS_THE_VENDOR_DOES.iter().position(excuse);
            excused.extend(known);
            let words = kind.name();
            assert!(
                known.is_some() || fits,
                "{name}: {words} is answered {status}"
            );
            assert!(
                known.is_some() || helps,
                "{name}: {status} says that trying again is of no use to {words}"
            );
        }
    }
    let stale = (0..AS_THE_VENDOR_DOES.len()).filter(|index| !excused.contains(index));
    let stale: Vec<_> = stale.map(|index| AS_THE_VENDOR_DOES[index]).collect();
    assert!(stale.is_empty(), "these need no exception: {stale:?}");
}
