//! `docs/dialects/`: a page for each built-in dialect, as the binary prints it, with its known gaps; and an
//! index.

use std::fs;
use std::process::Command;

use linkbridge::mapping::builtin;
use linkbridge::mapping::plan::Plan;
use linkbridge::model::OperationKind;
use toml::Table;

use super::root;

const NOTE: &str =
    "<!-- Generated from the mapping: UPDATE_GOLDEN=1 cargo test --test it docs -->\n\n";

/// What the binary answers to `dialects` with these arguments.
fn printed(arguments: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_linkbridge"))
        .arg("dialects")
        .args(arguments)
        .output()
        .unwrap();
    assert!(out.status.success(), "{arguments:?}: {out:?}");
    String::from_utf8(out.stdout).unwrap()
}

fn plans() -> Vec<Plan> {
    builtin::SOURCES
        .iter()
        .map(|(name, _)| builtin::load_builtin(name).unwrap().plan.unwrap())
        .collect()
}

/// What the exchanges of a dialect, or of its vendor, do not hold: by reason.
fn gaps(plan: &Plan) -> String {
    let text = fs::read_to_string(root().join("tests/exchanges/gaps.toml")).unwrap();
    let entries = text.parse::<Table>().unwrap();
    let entries = entries.get("gap").and_then(toml::Value::as_array).cloned();
    let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
    for entry in entries.unwrap_or_default() {
        let of = |key: &str| entry.get(key).and_then(toml::Value::as_str);
        if ![plan.name.as_str(), plan.vendor.as_str()].contains(&of("dialect").unwrap()) {
            continue;
        }
        let reason = of("reason").unwrap().replace('|', r"\|");
        let what = match (entry.get("case"), of("file")) {
            (Some(case), _) => format!("case {case}"),
            (None, file) => format!("`{}`", file.unwrap()),
        };
        match reasons.iter_mut().find(|(other, _)| *other == reason) {
            Some((_, cases)) => cases.push(what),
            None => reasons.push((reason, vec![what])),
        }
    }
    if reasons.is_empty() {
        return "None.\n".to_owned();
    }
    let lines = reasons
        .iter()
        .map(|(reason, cases)| format!("* {}: {reason}\n", cases.join(", ")));
    lines.collect()
}

fn page(plan: &Plan) -> String {
    let reference = printed(&["--reference", &plan.name]);
    let note = "What the [exchanges](../../tests/exchanges/README.md) of this dialect do not hold, and why. \
        Case numbers are those of the `case` lines of these files.";
    format!(
        "{NOTE}{reference}\n## Known gaps\n\n{note}\n\n{}",
        gaps(plan)
    )
}

fn index() -> String {
    let plans = plans();
    let mut out = format!(
        "{NOTE}# Dialects\n\n\
         One page for each built-in dialect, with everything that its mapping says. The words are those of\n\
         [the mapping language](../../mappings/README.md). `linkbridge dialects --reference NAME` prints a page,\n\
         for a mapping of your own with `--mapping FILE`; `linkbridge dialects --loss FROM TO` tells what a move\n\
         between two of them cannot carry.\n\n\
         | dialect | what it is | ids of | version | read |\n| --- | --- | --- | --- | --- |\n"
    );
    for plan in &plans {
        out += &format!(
            "| [{0}]({0}.md) | {1} | {2} | {3} | {4} |\n",
            plan.name, plan.title, plan.vendor, plan.about.version, plan.about.read
        );
    }
    out += "\n## Which op does what\n\n| operation |";
    plans
        .iter()
        .for_each(|plan| out += &format!(" {} |", plan.name));
    out += &format!("\n| --- |{}\n", " --- |".repeat(plans.len()));
    for kind in OperationKind::ALL {
        out += &format!("| `{}` |", kind.name());
        for plan in &plans {
            let ops = plan.ops.iter().filter(|op| op.does == *kind);
            let links = ops.map(|op| format!("[{0}]({1}.md#op-{0})", op.name, plan.name));
            let links: Vec<String> = links.collect();
            out += &format!(" {} |", links.join(", "));
        }
        out += "\n";
    }
    out
}

/// Every file of `docs/dialects/` with what must be in it.
fn expected() -> Vec<(String, String)> {
    let pages = plans()
        .into_iter()
        .map(|plan| (format!("{}.md", plan.name), page(&plan)));
    pages.chain([("README.md".to_owned(), index())]).collect()
}

#[test]
fn the_pages_of_dialects_are_what_the_mappings_say() {
    let folder = root().join("docs/dialects");
    let expected = expected();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in &expected {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    for (name, text) in &expected {
        let written = fs::read_to_string(folder.join(name)).unwrap_or_default();
        let differs = written.lines().zip(text.lines()).find(|(a, b)| a != b);
        assert!(
            written == *text,
            "docs/dialects/{name} is stale ({differs:?}): UPDATE_GOLDEN=1 cargo test --test it docs writes it anew"
        );
    }
    // A page of a dialect that is gone.
    let mut written: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut names: Vec<_> = expected.into_iter().map(|(name, _)| name).collect();
    written.sort();
    names.sort();
    assert_eq!(written, names);
}

/// The page says what the vendor's documentation says; the words are looked for, not their order.
#[test]
fn a_page_tells_rows_statuses_codes_and_reasons() {
    let page = printed(&["--reference", "fusionauth"]);
    for said in [
        // Where the credential and the tenant are.
        "| credential | header `authorization` |",
        "| tenant | header `x-fusionauth-tenantid` |",
        // A request with its place, field, spelling and need.
        "| body `identityProviderLink.identityProviderUserId` | `subject` | `string`, max `191` | yes",
        "`POST /api/identity-provider/link` does `link.create`, where the body lacks `pendingIdPLinkId`.",
        "| `lastLoginInstant` | `last_login_at` | `epoch_ms` |",
        // A failure by its status and code, in the cases where the vendor has two.
        "| `tenant_required` | every operation | 400 | `generalErrors[0].code` `[TenantIdRequired]` | seen |",
        "| `user_not_found` | `link.create`, `pending.complete` | 400 |",
        "| `user_not_found` | every other operation | 404 |",
        // A switch with its reason, and a rule.
        "| `undefined_parameters` | `strict`, `absent` | `strict` | the TypeScript SDK",
        "| `on_repeat` | `error` |",
        "| `OpenIDConnect` | `oidc` |",
    ] {
        assert!(page.contains(said), "{said} is not in\n{page}");
    }
}

/// Every op, every row of a request and every wording has its line.
#[test]
fn a_page_leaves_nothing_out() {
    for plan in plans() {
        let page = printed(&["--reference", &plan.name]);
        for op in &plan.ops {
            assert!(
                page.contains(&format!("### Op {}\n", op.name)),
                "{}",
                op.name
            );
            let names = op.captures.iter().chain(&op.query).map(|(name, _)| name);
            for name in names {
                assert!(page.contains(&format!("`{name}`")), "{name} of {}", op.name);
            }
            for (path, _) in op.request.rows.iter().chain(&op.answer.tree.rows) {
                assert!(page.contains(path.dotted()), "{path:?} of {}", op.name);
            }
        }
        for index in 1..=plan.errors.len() {
            assert!(page.contains(&format!("### Wording {index}\n")), "{index}");
        }
        let reasons = plan.errors.iter().filter_map(|row| row.because.as_deref());
        let reasons = reasons.chain(plan.ops.iter().filter_map(|op| op.because.as_deref()));
        for because in reasons {
            // A reason may hold what Markdown must be kept from reading.
            let start: String = because
                .chars()
                .take_while(|c| !"|<\n".contains(*c))
                .collect();
            assert!(page.contains(&start), "{because}");
        }
    }
}

#[test]
fn a_mapping_of_ones_own_has_a_page_and_a_report() {
    let file = "tests/loss/plain.toml";
    let file = root().join(file).display().to_string();
    let page = printed(&["--mapping", &file, "--reference"]);
    assert!(
        page.starts_with("# plain\n\nLinks of their own.\n"),
        "{page}"
    );
    let report = printed(&[
        "--mapping",
        &file,
        "--loss",
        "fusionauth",
        "plain",
        "--json",
    ]);
    let text = printed(&["--loss", "fusionauth", "linkbridge"]);
    let start =
        "From fusionauth to linkbridge: what is lost\n\nRules that decide otherwise\n  on_repeat\n";
    assert!(text.starts_with(start), "{text}");
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(
        (&report["from"], &report["to"]),
        (&"fusionauth".into(), &"plain".into())
    );
    let lost = report["lost"].as_array().unwrap();
    let is_told = |item: &serde_json::Value| {
        item["group"] == "fields_told" && item["what"] == "last_login_at"
    };
    assert!(lost.iter().any(is_told), "{report}");
}

#[test]
fn a_dialect_that_is_none_is_refused_with_the_nearest_name() {
    let out = Command::new(env!("CARGO_BIN_EXE_linkbridge"))
        .args(["dialects", "--loss", "fusionauht", "linkbridge"])
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(2));
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(said.contains("did you mean `fusionauth`?"), "{said}");
}
