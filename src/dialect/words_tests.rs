//! Several words in one text: unknown, blank and repeated ones, in both directions.

use proptest::prelude::*;

use crate::dialect::Dialect;
use crate::dialect::testing::{self, asked, faults, params, sent, texts};
use crate::model::{Field, OperationKind};

const OPS: &str = r#"
[query]
blank = "absent"
repeated = "join"

[[op]]
name = "get"
does = "user.get"
method = "GET"
path = "/users/{user_id}"
emit = true
[op.query]
'with' = { is = "expand", codec = "words", enum = { A = "a", "b c" = "b", ALL = "all" }, read_also = { a = "a", "*" = "all" }, raw = "asked.id" }
[op.response]
status = 200
'$.a' = { const = true, if = "req.expand has a", only = "emit", because = "a test" }
'$.all' = { const = true, if = "req.expand has all", only = "emit", because = "a test" }

[[op]]
name = "list"
does = "user.list"
method = "GET"
path = "/users"
emit = true
[op.query]
'with' = { is = "expand", codec = "words", enum = { A = "a", B = "b" }, other = "drop", raw = "asked.id", need = true }
[op.response]
status = 200
"#;

fn dialect() -> Dialect {
    testing::dialect("", OPS)
}

/// What the words of a query mean, and how the client has spelled what an answer would repeat.
fn read(target: &str) -> (Option<String>, Option<String>) {
    let read = asked(&dialect(), &format!("GET {target}")).unwrap();
    let text = |field| read.params.text(field).map(str::to_owned);
    (text(Field::Expand), text(Field::AskedId))
}

fn some(expand: &str, asked: &str) -> (Option<String>, Option<String>) {
    (Some(expand.to_owned()), Some(asked.to_owned()))
}

#[test]
fn words_are_read_once_each_in_their_order() {
    assert_eq!(read("/users/u?with=ALL,A"), some("all a", "ALL,A"));
    assert_eq!(read("/users/u?with=A&with=b+c"), some("a b", "A,b c"));
    assert_eq!(
        read("/users/u?with=A,a,*,A,ALL"),
        some("a all", "A,a,*,A,ALL")
    );
    assert_eq!(read("/users/u?with=%20A%20,%09*"), some("a all", " A ,\t*"));
    assert_eq!(read("/users/u?with="), (None, None));
}

#[test]
fn of_words_that_are_not_known_the_first_is_what_an_answer_repeats() {
    for (query, unknown) in [
        ("X", "X"),
        ("A,X,Y", "X"),
        ("b", "b"),
        ("b,c", "b"),
        ("A,", ""),
        (",A", ""),
        ("A,,B", ""),
        (",", ""),
        ("%20", ""),
        ("A+ALL", "A ALL"),
        ("ALL;A", "ALL;A"),
    ] {
        let target = format!("/users/u?with={query}");
        assert_eq!(read(&target), (None, Some(unknown.to_owned())), "{query:?}");
        let told = faults(&dialect(), &format!("GET {target}"));
        assert_eq!(told, ["with unknown_value"], "{query:?}");
    }
    assert_eq!(
        faults(&dialect(), "GET /users/u?with=%ff"),
        ["with malformed"]
    );
}

#[test]
fn words_that_are_not_known_may_be_dropped() {
    assert_eq!(read("/users?with=B,,X,A,B"), some("b a", ""));
    assert_eq!(read("/users?with=X,B"), some("b", "X"));
    // None is left of what is needed.
    for nothing in ["?with=X", "?with=,", "?with=", ""] {
        assert_eq!(
            faults(&dialect(), &format!("GET /users{nothing}")),
            ["with missing"]
        );
    }
}

#[test]
fn a_huge_list_of_words_is_read_as_quickly_as_it_is_long() {
    let dialect = dialect();
    let target = format!("GET /users?with={}", "A,B,X,".repeat(50_000));
    let read = params(&dialect, &target);
    assert_eq!(read.text(Field::Expand), Some("a b"));
    assert_eq!(read.text(Field::AskedId), Some("X"));
}

#[test]
fn a_condition_finds_one_word_among_several() {
    let dialect = dialect();
    let told = |query: &str| {
        let asked = asked(&dialect, &format!("GET /users/u?with={query}")).unwrap();
        let nothing = texts(&[]);
        let answer = testing::answered(&dialect, asked.op, &nothing, &asked.params);
        testing::body(&answer.body).to_string()
    };
    assert_eq!(told("A"), r#"{"a":true}"#);
    assert_eq!(
        told("ALL"),
        r#"{"all":true}"#,
        "a is a part of all, and not one of the words"
    );
    assert_eq!(told("ALL,A"), r#"{"a":true,"all":true}"#);
}

#[test]
fn words_that_the_vendor_has_none_for_are_not_sent() {
    let dialect = dialect();
    let query = |expand| {
        let params = texts(&[(Field::UserId, "u"), (Field::Expand, expand)]);
        sent(&dialect, OperationKind::UserGet, &params)
            .unwrap()
            .query
    };
    assert_eq!(query("a b all"), "with=A&with=b%20c&with=ALL");
    assert_eq!(query("x a y"), "with=A");
    assert_eq!(query("x"), "");
    assert_eq!(query(""), "");
}

proptest! {
    /// Whatever the words are: what was read is read again from what is sent for it.
    #[test]
    fn words_survive_a_query(words in proptest::collection::vec("A|a|b c|ALL|\\*| A|X|", 0..8)) {
        let dialect = dialect();
        let encoded = crate::dialect::text::encode(&words.join(","));
        let read = asked(&dialect, &format!("GET /users/u?with={encoded}")).unwrap();
        let expand = read.params.text(Field::Expand);
        if read.problems.is_empty() {
            let request = sent(&dialect, OperationKind::UserGet, &read.params).unwrap();
            let again = testing::read(&dialect, &request).unwrap();
            prop_assert_eq!(again.params.text(Field::Expand), expand);
        } else {
            prop_assert_eq!(expand, None);
        }
    }
}
