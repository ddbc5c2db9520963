//! Lines of JSON that are users, and those that are none.

use super::super::input::testing::bytes;
use super::super::known::testing::known;
use super::*;

fn read(line: &str) -> Result<Row, Fault> {
    row(line.as_bytes(), &known(&["acme"], None))
}

fn refused(line: &str) -> String {
    match read(line).unwrap_err() {
        Fault::Refused(text) => text,
        Fault::Unknown(text) => panic!("unknown: {text}"),
    }
}

#[test]
fn a_line_becomes_a_row() {
    let line =
        r#" {"document":{"b": 1, "a": [null]},"ids":{"two":"7","one":"x"},"user_id":"ann"} "#;
    let row = read(line).unwrap();
    assert_eq!(row.user_id.as_str(), "ann");
    assert_eq!(row.tenant.as_str(), "acme");
    // As the native API keeps it: members in their order, no white space between them.
    assert_eq!(row.document.as_deref(), Some(r#"{"b":1,"a":[null]}"#));
    let ids: Vec<_> = row
        .ids
        .iter()
        .map(|alias| (alias.vendor.as_str(), alias.vendor_id.as_str()))
        .collect();
    assert_eq!(ids, [("two", "7"), ("one", "x")]);
}

#[test]
fn null_is_as_good_as_nothing_but_not_as_an_id() {
    let row = read(r#"{"user_id":"ann","tenant":null,"ids":null,"document":null}"#).unwrap();
    assert_eq!((row.document, row.ids.len()), (None, 0));
    assert_eq!(refused(r#"{"user_id":null}"#), "user_id is missing");
    let fault = refused(r#"{"user_id":"ann","ids":{"one":null}}"#);
    assert!(
        fault.contains("null") && fault.ends_with("column 34"),
        "{fault}"
    );
}

#[test]
fn ids_are_texts_and_not_empty() {
    let fault = refused(r#"{"user_id":"ann","ids":{"one":281474976710657}}"#);
    assert!(fault.contains("expected a string"), "{fault}");
    assert_eq!(
        refused(r#"{"user_id":"ann","ids":{"one":""}}"#),
        "one: the id is blank"
    );
}

#[test]
fn a_member_that_stands_there_twice_is_no_choice() {
    for (line, name) in [
        (r#"{"user_id":"ann","user_id":"bob"}"#, "user_id"),
        (r#"{"user_id":"ann","ids":{},"ids":{}}"#, "ids"),
        (r#"{"user_id":"ann","ids":{"one":"1","one":"2"}}"#, "one"),
    ] {
        let fault = refused(line);
        let expected = format!("the member `{name}` stands there twice, at column ");
        assert!(fault.starts_with(&expected), "{fault}");
    }
}

#[test]
fn names_that_mean_nothing_concern_the_whole_file() {
    let unknown = |line: &str| match read(line).unwrap_err() {
        Fault::Unknown(text) => text,
        Fault::Refused(text) => panic!("refused: {text}"),
    };
    assert_eq!(
        unknown(r#"{"user_id":"ann","Ids":{},"ids":{"tow":"1"}}"#),
        "`Ids` is no member: known are: user_id, tenant, ids, document; \
         `tow` is no vendor: known are: one, two"
    );
    assert_eq!(
        unknown(r#"{"user":"ann"}"#),
        "`user` is no member: did you mean `user_id`?"
    );
}

#[test]
fn what_is_no_object_is_refused() {
    for line in ["[]", "7", "{", "{}x", "\"ann\"", "{\"user_id\":\"a\u{0}\"}"] {
        assert!(refused(line).contains(", at column "), "{line}");
    }
    let deep = format!(r#"{{"user_id":"a","document":{}}}"#, "[".repeat(100_000));
    assert!(refused(&deep).starts_with("recursion limit"));
}

#[test]
fn lines_are_counted_and_bounded() {
    let known = known(&["acme"], None);
    let long = "x".repeat(MAX_RECORD);
    let text = format!("\n{{\"user_id\":\"a\"}}\r\n \r\n{long}\n{{\"user_id\":\"b\"}}");
    for step in [1, 5, 100_000] {
        let mut lines = Lines::new(bytes(text.as_bytes(), step), Position::default());
        let mut found = Vec::new();
        while let Some(record) = lines.next(&known).unwrap() {
            assert!(record.raw.len() <= MAX_RECORD);
            let row = record.row.map(|row| row.user_id.to_string());
            found.push((record.line, row.map_err(String::from)));
        }
        let too_long = "is longer than 262144 bytes".to_owned();
        let expected = [
            (2, Ok("a".to_owned())),
            (4, Err(too_long)),
            (5, Ok("b".to_owned())),
        ];
        assert_eq!(found, expected);
        assert_eq!(lines.position().offset, text.len() as u64);
    }
}

#[test]
fn bytes_that_are_no_text_are_told() {
    let fault = row(b"{\"user_id\":\"\xff\"}", &known(&["acme"], None)).unwrap_err();
    assert_eq!(fault, Fault::Refused("is not UTF-8".to_owned()));
}
