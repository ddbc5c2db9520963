//! What a move from one dialect to another cannot carry: the report, against what the mappings of `tests/loss`
//! say in so many words, and against what is known of the built-in vendors.

use std::fs;
use std::path::Path;

use linkbridge::dialect::loss::{Group, Item, loss};
use linkbridge::dialect::{Dialect, laws};
use linkbridge::finding::{Severity, render};
use linkbridge::mapping::{self, builtin};

/// A mapping of `tests/loss`, with one text replaced by another.
pub(crate) fn fixture(name: &str, from: &str, to: &str) -> Dialect {
    let file = format!("{name}.toml");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/loss");
    let text = fs::read_to_string(folder.join(&file)).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    let beside = |file: &str| fs::read_to_string(folder.join(file)).ok();
    let loaded = mapping::load(name, &file, &text.replace(from, to), &beside);
    let findings: String = loaded.findings.iter().map(render).collect();
    Dialect::new(loaded.plan.unwrap_or_else(|| panic!("{findings}")))
}

#[test]
fn the_fixtures_keep_every_law_of_one_dialect() {
    for name in ["plain", "nested", "remover"] {
        let findings = laws::replay(&fixture(name, "", ""), false);
        let errors = findings.iter().filter(|f| f.severity == Severity::Error);
        let errors: String = errors.map(render).collect();
        assert!(errors.is_empty(), "{errors}");
    }
}

/// A built-in dialect.
pub(crate) fn built_in(name: &str) -> Dialect {
    Dialect::new(builtin::load_builtin(name).unwrap().plan.unwrap())
}

fn of(items: &[Item], group: Group) -> Vec<(&str, &str)> {
    let items = items.iter().filter(|item| item.group == group);
    items
        .map(|item| (item.what.as_str(), item.why.as_str()))
        .collect()
}

fn whats(items: &[Item], group: Group) -> Vec<&str> {
    of(items, group).into_iter().map(|(what, _)| what).collect()
}

#[test]
fn links_of_their_own_lose_what_links_inside_users_cannot_say() {
    let items = loss(&fixture("plain", "", ""), &fixture("nested", "", ""));
    // Who the user is stands around the links there, so it is not lost.
    assert_eq!(
        whats(&items, Group::Told),
        ["token", "email", "provider_kind"]
    );
    assert_eq!(whats(&items, Group::Given), ["token", "provider_kind"]);
    assert_eq!(
        of(&items, Group::Operations),
        [
            (
                "link.create",
                "nested does it only along with the user: `put-user`"
            ),
            (
                "link.list",
                "nested does it only along with the user: `get-user`"
            ),
            (
                "link.delete by `user_id` and `provider_id`",
                "`delete-link` of nested wants `subject` too"
            ),
        ]
    );
    assert_eq!(
        of(&items, Group::Rules),
        [(
            "on_missing_delete",
            "a link that is not there is deleted: `error` in plain, `same` in nested"
        )]
    );
    assert_eq!(
        of(&items, Group::Formats),
        [("user_id", "nested takes UUIDs only")]
    );
    assert!(whats(&items, Group::Records).is_empty());
}

#[test]
fn links_inside_users_lose_what_links_of_their_own_cannot_say() {
    let items = loss(&fixture("nested", "", ""), &fixture("plain", "", ""));
    assert!(whats(&items, Group::Told).is_empty());
    assert!(whats(&items, Group::Given).is_empty());
    assert_eq!(
        of(&items, Group::Records),
        [
            (
                "`user_id` and `document` (answers tell of users)",
                "no answer of plain is about users"
            ),
            (
                "`user_id` and `document` (requests give of users)",
                "no request of plain is about users"
            ),
        ]
    );
    assert_eq!(
        whats(&items, Group::Operations),
        ["user.get", "user.put"],
        "deleting by user, provider and account is there in both"
    );
    assert_eq!(
        of(&items, Group::Formats),
        [
            (
                "subject",
                "at most 200 characters in plain, no limit in nested"
            ),
            (
                "display_name",
                "at most 40 characters in plain, no limit in nested"
            ),
        ]
    );
}

/// What takes UUIDs only needs room for 36 characters.
#[test]
fn a_length_is_told_only_where_something_is_too_long_for_it() {
    let user = "'$.user' = { is = \"user_id\", need = true }";
    let lost = |max: usize| {
        let limited = format!(
            "'$.user' = {{ is = \"user_id\", codec = \"string\", min = 1, max = {max}, need = true }}"
        );
        let items = loss(
            &fixture("nested", "", ""),
            &fixture("plain", user, &limited),
        );
        let told = of(&items, Group::Formats).into_iter();
        let told = told.filter(|(what, _)| *what == "user_id");
        told.map(|(_, why)| why.to_owned()).collect::<Vec<_>>()
    };
    assert!(lost(36).is_empty());
    let whys = [
        "plain does not take UUIDs",
        "at most 35 characters in plain, 36 in nested",
    ];
    assert_eq!(lost(35), whys);
}

#[test]
fn failures_are_merged_where_one_table_tells_them_apart_and_the_other_does_not() {
    let (plain, nested) = (fixture("plain", "", ""), fixture("nested", "", ""));
    let items = loss(&plain, &nested);
    let merged = of(&items, Group::Failures);
    let holds = |parts: &[&str]| {
        merged.iter().any(|(what, _)| {
            parts
                .iter()
                .all(|part| what.split(" / ").any(|p| p == *part))
        })
    };
    // Not found of four kinds is one 404 there, and named by its kind here.
    assert!(
        holds(&["user_not_found (400)", "pending_not_found (400)"]),
        "{merged:?}"
    );
    assert!(
        holds(&["subject_taken (400)", "last_factor (400)"]),
        "{merged:?}"
    );
    // Both tables word these two alike, so nothing is lost.
    assert!(!holds(&["unauthenticated (401)"]), "{merged:?}");
    // The sentence is another one for each reason, and no client may tell by it.
    assert!(
        !holds(&["invalid: missing (400)", "invalid: blank (400)"]),
        "{merged:?}"
    );
    // The other way nothing is merged: what shares a name here shares a status there.
    let back = loss(&nested, &plain);
    assert!(of(&back, Group::Failures).is_empty(), "{back:?}");
}

#[test]
fn a_list_without_pages_and_filters_is_told() {
    let whole = "page = { style = \"offset\", limit = 10 }\n[op.query]\nuser = { is = \"user_id\", need = true }\nprovider = \"provider_id\"\nskip = { is = \"page.offset\", codec = \"int\", min = 0 }\n";
    let bare = "[op.query]\nuser = { is = \"user_id\", need = true }\n";
    let items = loss(&fixture("plain", "", ""), &fixture("plain", whole, bare));
    assert_eq!(
        of(&items, Group::Operations),
        [
            (
                "link.list with `provider_id`",
                "`list` of plain does not take `provider_id`"
            ),
            ("link.list in pages", "plain answers the whole list"),
        ]
    );
}

#[test]
fn words_that_the_other_vendor_has_not_are_told() {
    let fewer = loss(
        &fixture("plain", "", ""),
        &fixture("plain", "G = \"google\", ", ""),
    );
    assert_eq!(
        of(&fewer, Group::Formats),
        [("provider_kind", "plain has no word for `google`")]
    );
}

#[test]
fn a_dialect_loses_nothing_to_itself() {
    for (name, _) in builtin::SOURCES {
        let dialect = built_in(name);
        let items = loss(&dialect, &dialect);
        assert!(items.is_empty(), "{name}: {items:?}");
    }
}

/// What FusionAuth's documentation says of its API, beside our own.
#[test]
fn the_native_api_loses_to_fusionauth_what_that_vendor_does_not_have() {
    let items = loss(&built_in("linkbridge"), &built_in("fusionauth"));
    let told = whats(&items, Group::Told);
    assert!(
        told.contains(&"link_id") && told.contains(&"revision"),
        "{told:?}"
    );
    assert!(
        !told.contains(&"token") && !told.contains(&"last_login_at"),
        "{told:?}"
    );
    let operations = whats(&items, Group::Operations);
    for lost in [
        "link.get",
        "link.list in pages",
        "pending.create",
        "user.alias",
    ] {
        assert!(operations.contains(&lost), "{lost}: {operations:?}");
    }
    // The account must be named there, and a user may hold several at a provider.
    assert!(operations.contains(&"link.delete by `user_id` and `provider_id`"));
    let formats = of(&items, Group::Formats);
    assert!(formats.contains(&("user_id", "fusionauth takes UUIDs only")));
    assert!(formats.contains(&(
        "subject",
        "at most 191 characters in fusionauth, no limit in linkbridge"
    )));
    let failures = of(&items, Group::Failures);
    let answer = "fusionauth answers all of them 401, alike";
    assert!(failures.contains(&("unauthenticated (401) / forbidden (403)", answer)));
}
