//! Lines that are refused, and what is said of them.

use super::place::Place;

/// Line, reason and text of every record of a report. The reports of these tests have no line ends in
/// their fields.
fn report(place: &Place) -> Vec<(u64, String, String)> {
    let text = place.read("refused.csv");
    let lines = text.strip_prefix("line,reason,text\n").unwrap().lines();
    let field = |text: &str| text.replace("\"\"", "\"");
    let split = |line: &str| {
        let (number, rest) = line.split_once(",\"").unwrap();
        let (reason, text) = rest.strip_suffix('"').unwrap().split_once("\",\"").unwrap();
        (number.parse().unwrap(), field(reason), field(text))
    };
    lines.map(split).collect()
}

#[test]
fn every_reason_is_told_with_the_line_as_it_was() {
    let place = Place::new(&["acme", "other"]);
    let long = "x".repeat(1025);
    let text = format!(
        "user_id,tenant,fusionauth,zitadel\n\
         ann,acme,A,1\n\
         bob,acme,,1\n\
         ann,acme,,2\n\
         cid,acme,ann,\n\
         dan,acme,,ann\n\
         ,acme,,3\n\
         eve,,,3\n\
         eve,amce,,3\n\
         \" eve\",acme,,3\n\
         eve,acme,{long},3\n\
         eve,acme,3\n\
         eve,acme,,3,\n\
         e\"v\"e,acme,,3\n\
         eve,other,A,1\n"
    );
    place.write("users.csv", &text);
    let ran = place.import("users.csv", &["--report", "refused.csv"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let lines: Vec<&str> = text.lines().collect();
    let expected = [
        (3, "zitadel: this id is that of user `ann`"),
        (4, "zitadel: the user has the id `1` there"),
        (7, "user_id is missing"),
        (8, "tenant is missing"),
        (9, "there is no tenant `amce`: did you mean `acme`?"),
        (10, "user_id has white space at an end, or a NUL"),
        (11, "fusionauth: the id is longer than 1024 bytes"),
        (12, "has 3 fields where the header has 4"),
        (13, "has 5 fields where the header has 4"),
        (
            14,
            "has a quote where none may be: a field with quotes is quoted, and they are doubled",
        ),
    ];
    let found = report(&place);
    for ((line, reason, text), (expected_line, expected)) in found.iter().zip(expected) {
        assert_eq!((*line, reason.as_str()), (expected_line, expected));
        assert_eq!(text, lines[usize::try_from(*line).unwrap() - 1]);
    }
    // Ann has an id of her own at both vendors, so that hers as such is nobody's there; and what is hers
    // at one tenant is free at the other.
    assert_eq!(found.len(), expected.len());
    assert_eq!(ran.rows(), (4, 10));
    assert_eq!(
        place.ask("SELECT user_id FROM users ORDER BY 1"),
        ["ann", "cid", "dan", "eve"]
    );
}

#[test]
fn the_canonical_id_of_a_user_is_that_users_at_every_vendor() {
    let place = Place::new(&["acme"]);
    place.write("users.csv", "user_id,zitadel\nann,\nbob,ann\nann,ann\n");
    let ran = place.import("users.csv", &[]);
    assert_eq!((ran.code, ran.rows()), (1, (2, 1)), "{ran:?}");
    assert!(
        ran.err
            .contains("line 3: zitadel: this id is that of user `ann`"),
        "{}",
        ran.err
    );
}

#[test]
fn a_refused_row_leaves_nothing_of_itself() {
    let place = Place::new(&["acme"]);
    place.write(
        "users.csv",
        "user_id,fusionauth,zitadel\nann,1,1\nbob,2,1\n",
    );
    let ran = place.import("users.csv", &[]);
    assert_eq!((ran.code, ran.rows()), (1, (1, 1)));
    let all = place.everything();
    assert!(all.iter().all(|row| !row.contains("bob")), "{all:?}");
    assert_eq!(place.number("SELECT count(*) FROM user_aliases"), 2);
}

#[test]
fn hostile_lines_cost_themselves_and_nothing_else() {
    let place = Place::new(&["acme"]);
    let megabyte = "x".repeat(1 << 20);
    let mut csv = b"user_id,zitadel\nann,1\n".to_vec();
    for line in [
        megabyte.as_bytes(),
        b"a\0b,2",
        b"a\xff,3",
        b"\"",
        b",,,,,,,,",
        b"\x1b[2J,4",
    ] {
        csv.extend_from_slice(line);
        csv.push(b'\n');
    }
    // The quote that was left open ends with the next one: what is between them is one record, of one field.
    csv.extend_from_slice(b"\"\nzoe,9\n");
    place.write("users.csv", csv);
    let ran = place.import("users.csv", &[]);
    assert_eq!((ran.code, ran.rows()), (1, (2, 4)), "{ran:?}");
    assert!(
        ran.err.contains("line 3: is longer than 262144 bytes"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains("line 4: user_id has white space"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("line 5: is not UTF-8"), "{}", ran.err);
    assert!(ran.err.contains("line 6: has 1 field where"), "{}", ran.err);
    assert_eq!(
        place.ask("SELECT user_id FROM users ORDER BY 1"),
        ["ann", "zoe"]
    );

    let mut jsonl = b"{\"user_id\":\"ann\"}\n".to_vec();
    for line in [
        megabyte.as_bytes(),
        b"{\"user_id\":\"a\0b\"}",
        b"{\"user_id\":\"a\\u0000b\"}",
        b"{\"user_id\":\"a\xff\"}",
        b"{\"user_id\":\"a\",\"user_id\":\"b\"}",
        b"{\"user_id\":\"a\",\"ids\":{\"zitadel\":\"1\",\"zitadel\":\"2\"}}",
        b"{\"user_id\":7}",
        b"[{\"user_id\":\"a\"}]",
        b"{\"user_id\":\"a\"",
        "[".repeat(200_000).as_bytes(),
    ] {
        jsonl.extend_from_slice(line);
        jsonl.push(b'\n');
    }
    jsonl.extend_from_slice(b"{\"user_id\":\"yan\"}");
    place.write("users.jsonl", jsonl);
    let ran = place.import("users.jsonl", &[]);
    assert_eq!((ran.code, ran.rows()), (1, (2, 10)), "{ran:?}");
    assert_eq!(
        place.ask("SELECT user_id FROM users ORDER BY 1"),
        ["ann", "yan", "zoe"]
    );
}

#[test]
fn without_a_report_a_hundred_lines_are_shown_and_the_rest_is_counted() {
    let place = Place::new(&["acme"]);
    let text: String = (0..250).map(|n| format!("u{n},\u{7f}{n} \n")).collect();
    place.write("users.csv", format!("user_id,zitadel\n{text}"));
    let ran = place.import("users.csv", &["--batch", "30"]);
    assert_eq!((ran.code, ran.rows()), (1, (0, 250)));
    let shown = ran
        .err
        .lines()
        .filter(|line| line.starts_with("line "))
        .count();
    assert_eq!(shown, 100);
    assert!(ran.err.contains("… and 150 more"), "{}", ran.err);
    assert!(!ran.err.contains('\u{7f}'));
}

#[test]
fn a_report_replaces_a_report_and_nothing_else() {
    let place = Place::new(&["acme"]);
    place.write("users.csv", "user_id\nann\n ann\n");
    for _ in 0..2 {
        let ran = place.import("users.csv", &["--report", "refused.csv"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert_eq!(report(&place).len(), 1);
    }
    let ran = place.import("users.csv", &["--report", "users.csv"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("is no report"), "{}", ran.err);
    assert_eq!(place.read("users.csv"), "user_id\nann\n ann\n");
}
