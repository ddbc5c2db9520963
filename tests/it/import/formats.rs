//! The forms in which users may stand in a file.

use std::io::Write as _;

use super::place::Place;

const CSV: &str = "user_id,tenant,fusionauth,zitadel\n\
    ann,acme,61c44860-f2a2-4b8f-9af3-e345dbcd4e5d,163840776835432705\n\
    \"bob, the \"\"builder\"\"\",acme,,163840776835432706\n\
    cid,other,c,\n\
    dan,acme,,\n";

const JSONL: &str = r#"{"user_id":"ann","tenant":"acme","ids":{"fusionauth":"61c44860-f2a2-4b8f-9af3-e345dbcd4e5d","zitadel":"163840776835432705"}}
{"user_id":"bob, the \"builder\"","tenant":"acme","ids":{"zitadel":"163840776835432706"}}
{"user_id":"cid","tenant":"other","ids":{"fusionauth":"c"}}
{"user_id":"dan","tenant":"acme"}
"#;

/// What these users are in the store, by the rules of `user.put`: written down by hand.
const USERS: [&str; 4] = [
    "acme|ann",
    "acme|bob, the \"builder\"",
    "acme|dan",
    "other|cid",
];
const IDS: [&str; 4] = [
    "acme|fusionauth|61c44860-f2a2-4b8f-9af3-e345dbcd4e5d|ann",
    "acme|zitadel|163840776835432705|ann",
    "acme|zitadel|163840776835432706|bob, the \"builder\"",
    "other|fusionauth|c|cid",
];

fn check(place: &Place) {
    let users = place.ask("SELECT concat_ws('|', tenant, user_id) FROM users ORDER BY 1");
    assert_eq!(users, USERS);
    let ids = place.ask(
        "SELECT concat_ws('|', tenant, vendor, vendor_id, user_id) FROM user_aliases ORDER BY 1",
    );
    assert_eq!(ids, IDS);
    assert_eq!(
        place.number("SELECT count(*) FROM revisions WHERE revision = 1"),
        4
    );
    // A row for each user and one for each id.
    let audit = "SELECT count(*) FROM audit WHERE action = 'user.put' AND client = 'users import'";
    assert_eq!(place.number(audit), 8);
}

#[test]
fn both_formats_say_the_same_thing() {
    let crlf = format!("\u{feff}{}", CSV.replace('\n', "\r\n"));
    let spaced = JSONL.replace('\n', "\r\n\r\n");
    let forms = [
        ("users.csv", CSV),
        ("crlf.csv", &crlf),
        ("open.csv", CSV.trim_end()),
        ("users.jsonl", JSONL),
        ("spaced.ndjson", &spaced),
        ("open.jsonl", JSONL.trim_end()),
    ];
    for (name, text) in forms {
        let place = Place::new(&["acme", "other"]);
        place.write(name, text);
        let ran = place.import(name, &[]);
        assert_eq!(ran.code, 0, "{name}: {ran:?}");
        assert_eq!(ran.rows(), (4, 0), "{name}");
        assert_eq!((ran.count("new users"), ran.count("new ids")), (4, 4));
        assert_eq!(ran.count("unchanged"), 0);
        check(&place);
    }
}

#[test]
fn standard_input_is_a_file_too() {
    let place = Place::new(&["acme", "other"]);
    let mut command = place.command("-", &["--format", "csv"]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(CSV.as_bytes())
        .unwrap();
    let ran = super::place::Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.rows()), (0, (4, 0)), "{ran:?}");
    check(&place);
    assert_eq!(
        place.number("SELECT count(*) FROM meta WHERE name LIKE 'import%'"),
        0
    );
}

#[test]
fn a_document_is_kept_as_the_native_api_keeps_it() {
    let place = Place::new(&["acme"]);
    let line = r#"{ "document": {"b": [1, null], "a": "ü"}, "user_id": "ann" }"#;
    place.write("users.jsonl", line);
    assert_eq!(place.import("users.jsonl", &[]).code, 0);
    assert_eq!(
        place.ask("SELECT document FROM users"),
        [r#"{"b":[1,null],"a":"ü"}"#]
    );
    // A file without documents takes none away.
    place.write("users.csv", "user_id,zitadel\nann,7\n");
    let ran = place.import("users.csv", &[]);
    assert_eq!((ran.count("new users"), ran.count("new ids")), (0, 1));
    assert_eq!(place.ask("SELECT document FROM users").len(), 1);
}

#[test]
fn the_tenant_may_come_from_the_command_line() {
    let place = Place::new(&["acme", "other"]);
    place.write("users.csv", "user_id\nann\n");
    let ran = place.import("users.csv", &[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("--tenant KEY"), "{}", ran.err);
    let ran = place.import("users.csv", &["--tenant", "othre"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("did you mean `other`?"), "{}", ran.err);
    assert!(!place.has_store());
    assert_eq!(place.import("users.csv", &["--tenant", "other"]).code, 0);
    assert_eq!(place.ask("SELECT tenant FROM users"), ["other"]);
}

#[test]
fn names_that_are_not_known_stop_an_import_before_it_writes() {
    let place = Place::new(&["acme"]);
    let cases = [
        (
            "a.csv",
            "user_id,zitadle\nann,1\n",
            "`zitadle` is no column: did you mean `zitadel`?",
        ),
        ("b.csv", "zitadel\n1\n", "there is no column `user_id`"),
        (
            "c.csv",
            "user_id,zitadel,zitadel\na,1,2\n",
            "there are two columns `zitadel`",
        ),
        (
            "d.csv",
            "user_id,linkbridge\na,b\n",
            "`linkbridge` is no column",
        ),
        ("e.csv", "", "there is no header line"),
        (
            "a.jsonl",
            "{\"user_id\":\"ann\"}\n{\"user_id\":\"bob\",\"id\":{}}\n",
            "line 2: `id` is no member: did you mean `ids`?",
        ),
        (
            "b.jsonl",
            "{\"user_id\":\"ann\",\"ids\":{\"zitadle\":\"1\"}}\n",
            "line 1: `zitadle` is no vendor: did you mean `zitadel`?",
        ),
    ];
    for (name, text, expected) in cases {
        place.write(name, text);
        let ran = place.import(name, &[]);
        assert_eq!(ran.code, 2, "{name}: {ran:?}");
        assert!(ran.err.contains(expected), "{name}: {}", ran.err);
        assert!(!place.has_store(), "{name}");
    }
}

#[test]
fn what_cannot_be_started_says_why() {
    let place = Place::new(&["acme"]);
    place.write("users", "user_id\nann\n");
    place.write("users.csv", "user_id\nann\n");
    let fails = |file: &str, flags: &[&str], code: i32, expected: &str| {
        let ran = place.import(file, flags);
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.err.contains(expected), "{}", ran.err);
        assert!(!place.has_store());
    };
    fails("users", &[], 2, "give `--format csv` or `--format jsonl`");
    fails("nobody.csv", &[], 3, "nobody.csv cannot be read");
    fails("data.csv", &["--data"], 2, "--data");
    fails("users.csv", &["--rebind", " "], 2, "wants a reason");
    fails("users.csv", &["--batch", "0"], 2, "--batch");
    std::fs::create_dir(place.path("folder.csv")).unwrap();
    fails("folder.csv", &[], 3, "this is a directory");
}
