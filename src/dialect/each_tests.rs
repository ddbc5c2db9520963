//! Lists of single values, in queries and in bodies: what is no item, what is no list, what can be sent.

use proptest::prelude::*;

use crate::dialect::Dialect;
use crate::dialect::testing::{self, answered, asked, body, faults, list, op, params, sent, texts};
use crate::model::{Failure, Field, OperationKind, Record, Value};

const OPS: &str = r#"
[query]
blank = "absent"
repeated = "join"

[[op]]
name = "by-ids"
does = "user.list"
method = "GET"
path = "/users"
emit = true
[op.query]
'ids' = { each = "users", is = "user_id", need = true }
[op.response]
status = 200
'$.ids' = { each = "users", is = "user_id", where = "vendor is not x", sorted = true }
'$.accounts' = { each = "links", join = "{provider_id}:{subject}" }
'$.told' = { each = "links", join = "{provider_id}:{subject}", only = "emit", because = "not split again" }

[[op]]
name = "strictly-by-ids"
does = "user.list"
method = "GET"
path = "/strict"
[op.query]
'ids' = { each = "users", is = "user_id", codec = "uuid", blank = "refuse", bad = "user_not_found" }
'uuids' = { each = "providers", is = "provider_id", codec = "uuid" }
[op.response]
status = 200

[[op]]
name = "accounts"
does = "user.put"
method = "POST"
path = "/users/{user_id}"
emit = true
[op.request]
'$.accounts' = { each = "links", join = "{provider_id}:{subject}", need = true }
'$.ids' = { each = "ids", is = "vendor_id", codec = "uuid" }
'$.sizes' = { each = "users", is = "link_count", codec = "int", max = 9, bad = "link_not_found" }
[op.response]
status = 200
"#;

fn dialect() -> Dialect {
    testing::dialect("consumes = [\"application/json\"]", OPS)
}

/// The ids that a query names.
fn ids(dialect: &Dialect, query: &str) -> Vec<String> {
    let params = params(dialect, &format!("GET /users?{query}"));
    let users = params.list(Field::Users).unwrap();
    users
        .iter()
        .map(|user| {
            assert_eq!(user.len(), 1);
            user.text(Field::UserId).unwrap().to_owned()
        })
        .collect()
}

#[test]
fn a_query_has_one_item_between_each_two_commas_and_blank_ones_are_none() {
    let dialect = dialect();
    for query in [
        "ids=a,b",
        "ids=a&ids=b",
        "ids=,a,,b,",
        "ids=&ids=a%2Cb",
        "ids=a&x=1&ids=,b",
    ] {
        assert_eq!(ids(&dialect, query), ["a", "b"], "{query}");
    }
    // White space is data, and so is what is repeated.
    assert_eq!(ids(&dialect, "ids=%20a,+"), [" a", " "]);
    assert_eq!(ids(&dialect, "ids=a,a"), ["a", "a"]);
    for nothing in ["", "?ids=", "?ids=,", "?ids=,,&ids=,"] {
        let faults = faults(&dialect, &format!("GET /users{nothing}"));
        assert_eq!(faults, ["ids missing"], "{nothing}");
    }
    assert_eq!(
        faults(&dialect, "GET /users?ids=a&ids=%ff"),
        ["ids malformed"]
    );
}

#[test]
fn ten_thousand_items_are_read_and_more_are_one_problem() {
    let dialect = dialect();
    let query = |count: usize| format!("GET /users?ids={}", vec!["a"; count].join(","));
    let read = params(&dialect, &query(10_000));
    assert_eq!(read.list(Field::Users).map(<[_]>::len), Some(10_000));
    assert_eq!(faults(&dialect, &query(10_001)), ["ids too_long"]);
    let body = |count: usize, item: &str| {
        let items = vec![item; count].join(",");
        format!("POST /users/u\nContent-Type: application/json\n\n{{\"accounts\":[{items}]}}")
    };
    let read = params(&dialect, &body(10_000, "\"p:s\""));
    assert_eq!(read.list(Field::Links).map(<[_]>::len), Some(10_000));
    assert_eq!(
        faults(&dialect, &body(10_001, "\"p:s\"")),
        ["accounts too_long"]
    );
    // Each faulty item of a body has its place, up to what an answer has room for.
    let told = faults(&dialect, &body(10_000, "7"));
    assert_eq!(
        (told.len(), told[99].as_str()),
        (100, "accounts[99] wrong_type")
    );
}

#[test]
fn the_items_of_a_query_are_read_as_their_row_says() {
    let dialect = dialect();
    // One parameter is one place, however much is wrong with it.
    assert_eq!(
        faults(&dialect, "GET /strict?uuids=a,b,c"),
        ["uuids malformed"]
    );
    let refusal = |query: &str| {
        let read = asked(&dialect, &format!("GET /strict?{query}")).unwrap();
        assert!(read.problems.is_empty());
        read.refusal
    };
    let id = "206a5101-bf29-487c-af8f-7485ca48d6d5";
    assert_eq!(
        refusal(&format!("ids={id},ann")),
        Some(Failure::UserNotFound)
    );
    assert_eq!(refusal(&format!("ids={id},")), Some(Failure::UserNotFound));
    assert_eq!(refusal(&format!("ids={id}")), None);
}

/// What a body says, and what is wrong with it.
fn posted(accounts: &str) -> (Record, Vec<String>, Option<Failure>) {
    let request = format!("POST /users/u\nContent-Type: application/json\n\n{accounts}");
    let read = asked(&dialect(), &request).unwrap();
    let told = read.problems.iter();
    let told = told.map(|p| format!("{} {}", p.at, p.why.name()));
    (read.params, told.collect(), read.refusal)
}

#[test]
fn the_items_of_a_body_are_read_as_their_row_says() {
    let (params, told, _) = posted(r#"{"accounts":["p:a:b",null,"q:c"],"ids":["",null]}"#);
    assert!(told.is_empty(), "{told:?}");
    let account =
        |provider, subject| texts(&[(Field::ProviderId, provider), (Field::Subject, subject)]);
    let accounts = [account("p", "a:b"), account("q", "c")];
    assert_eq!(params.list(Field::Links), Some(&accounts[..]));
    // What its codec takes for nothing is no item either; an empty list is a list.
    assert_eq!(params.list(Field::Ids), Some(&[][..]));
    let (_, told, _) = posted(r#"{"accounts":["p",":s","p:",7,["p:s"],""]}"#);
    let expected = [
        "accounts[0] malformed",
        "accounts[1] malformed",
        "accounts[2] malformed",
        "accounts[3] wrong_type",
        "accounts[4] wrong_type",
        "accounts[5] malformed",
    ];
    assert_eq!(told, expected);
    for wrong in [
        r#"{"accounts":"p:s"}"#,
        r#"{"accounts":{"0":"p:s"}}"#,
        r#"{"accounts":0}"#,
    ] {
        assert_eq!(posted(wrong).1, ["accounts wrong_type"], "{wrong}");
    }
    for missing in ["{}", r#"{"accounts":null}"#] {
        assert_eq!(posted(missing).1, ["accounts missing"]);
    }
    // A failure that the row names takes the place of all its problems.
    for sizes in [r#"[1,10]"#, r#"["x"]"#, r#"7"#] {
        let body = format!(r#"{{"accounts":[],"sizes":{sizes}}}"#);
        let (_, told, refusal) = posted(&body);
        assert_eq!(
            (told.len(), refusal),
            (0, Some(Failure::LinkNotFound)),
            "{sizes}"
        );
    }
}

#[test]
fn an_answer_tells_the_chosen_records_in_order() {
    let dialect = dialect();
    let op = op(&dialect, OperationKind::UserList, &users(&["a"]));
    let mut records = vec![texts(&[(Field::UserId, "b"), (Field::Vendor, "x")])];
    records.extend(["c", "a", "b"].map(|id| texts(&[(Field::UserId, id)])));
    records.push(Record::new());
    let account =
        |provider, subject| texts(&[(Field::ProviderId, provider), (Field::Subject, subject)]);
    let links = vec![account("p", "a:b"), account("p:q", "c"), account("p", "")];
    let reply = Record::new()
        .with(Field::Users, Value::List(records))
        .with(Field::Links, Value::List(links));
    let told = body(&answered(&dialect, op, &reply, &Record::new()).body);
    // A record without the field has nothing to tell, and a joined text that would be split otherwise
    // would tell of another account.
    let expected = serde_json::json!({
        "ids": ["a", "b", "c"],
        "accounts": ["p:a:b"],
        "told": ["p:a:b", "p:q:c", "p:"],
    });
    assert_eq!(told, expected);
}

fn users(ids: &[&str]) -> Record {
    Record::new().with(Field::Users, list(Field::UserId, ids))
}

#[test]
fn a_list_that_a_query_cannot_say_is_not_sent() {
    let dialect = dialect();
    let query =
        |ids: &[&str]| sent(&dialect, OperationKind::UserList, &users(ids)).map(|r| r.query);
    assert_eq!(query(&["b", "a&b"]).as_deref(), Some("ids=b%2Ca%26b"));
    // Without its items, the list would be that of all users; with a comma, of others.
    for lost in [&[][..], &["a,b"], &["a", ""], &[""]] {
        assert_eq!(query(lost), None, "{lost:?}");
    }
    let without_id = Record::new().with(Field::Users, Value::List(vec![Record::new()]));
    assert!(sent(&dialect, OperationKind::UserList, &without_id).is_none());
}

#[test]
fn a_list_that_a_body_cannot_say_is_not_sent() {
    let dialect = dialect();
    let put = |provider| {
        let link = texts(&[(Field::ProviderId, provider), (Field::Subject, "s")]);
        let params = texts(&[(Field::UserId, "u")]).with(Field::Links, Value::List(vec![link]));
        sent(&dialect, OperationKind::UserPut, &params).map(|request| body(&request.body))
    };
    assert_eq!(put("p"), Some(serde_json::json!({"accounts":["p:s"]})));
    assert_eq!(put("p:q"), None);
}

proptest! {
    /// E after D after E is E: what a query says is said again in the same way.
    #[test]
    fn ids_survive_a_query(ids in proptest::collection::vec("[^,]{1,8}", 1..20)) {
        let dialect = dialect();
        let all: Vec<&str> = ids.iter().map(String::as_str).collect();
        let params = users(&all);
        let request = sent(&dialect, OperationKind::UserList, &params).unwrap();
        let read = testing::read(&dialect, &request).unwrap();
        prop_assert!(read.problems.is_empty());
        prop_assert_eq!(&read.params, &params);
    }

    /// D after E after D is D, whatever the query is.
    #[test]
    fn what_a_query_says_is_said_again(query in "(ids=|&|,|%2C|%20|\\+|%|[a-c]|=){0,24}") {
        let dialect = dialect();
        let request = format!("GET /users?{query}");
        if let Ok(read) = asked(&dialect, &request) && read.problems.is_empty() {
            let again = sent(&dialect, OperationKind::UserList, &read.params).unwrap();
            let again = testing::read(&dialect, &again).unwrap();
            prop_assert_eq!(again.params, read.params);
        }
    }
}
