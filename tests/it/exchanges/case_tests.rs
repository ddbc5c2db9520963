//! The reader of case files is shown good and bad ones.

use super::super::support::config::Profile;
use super::case::{Case, Step, fill};

#[test]
fn a_file_is_read_as_it_is_meant() {
    let text = "# case 13\n# mark D\n# source section 2\n# setup: tenants=2 | limit=3 | users=open | rate=1\n# given: link {\"user\":\"{A}\"}\n\n\
                ### first\nPOST /x?a=b\nAuthorization: {K}\n\n{\"a\":\n1}\n\nHTTP/1.1 200 OK\nX-A: absent\n\n{}\n\n\
                ### second\nGET /y\n\nHTTP/1.1 404\n";
    let case = Case::parse(text).unwrap();
    assert_eq!(case.number, Some(13));
    assert_eq!(
        case.profile,
        Profile {
            two_tenants: true,
            open_users: true,
            limit: Some(3),
            rate: Some(1),
            ..Profile::default()
        }
    );
    assert_eq!(
        case.given,
        [("link".to_owned(), "{\"user\":\"{A}\"}".to_owned())]
    );
    let [first, second] = case.steps.as_slice() else {
        panic!("not two steps: {case:?}")
    };
    assert_eq!(
        (
            first.title.as_str(),
            first.method.as_str(),
            first.target.as_str()
        ),
        ("first", "POST", "/x?a=b")
    );
    assert_eq!(
        first.headers,
        [("Authorization".to_owned(), "{K}".to_owned())]
    );
    assert_eq!(first.body.as_deref(), Some("{\"a\":\n1}"));
    assert_eq!(
        (first.status, first.expected_body.as_deref()),
        (200, Some("{}"))
    );
    assert_eq!(
        first.expected_headers,
        [("X-A".to_owned(), "absent".to_owned())]
    );
    assert_eq!(
        (second.status, &second.body, &second.expected_body),
        (404, &None, &None)
    );
}

#[test]
fn a_file_that_is_not_one_is_refused() {
    let good = "# extra\n# mark D\n# source s\n\n### t\nGET /\n\nHTTP/1.1 200\n";
    assert!(Case::parse(good).is_ok());
    for (from, to) in [
        ("# extra\n", ""),
        ("# mark D\n", ""),
        ("# source s", "# sauce s"),
        ("HTTP/1.1 200\n", ""),
    ] {
        assert!(
            Case::parse(&good.replace(from, to)).is_err(),
            "accepted without {from}"
        );
    }
    assert!(
        Case::parse("# extra\n# mark D\n# source s\n").is_err(),
        "accepted without a step"
    );
    for setup in [
        "tenants=9",
        "limit=x",
        "users=known",
        "backend=gone",
        "option.x=y",
        "on",
        "",
    ] {
        assert!(
            Case::parse(&good.replace("# mark", &format!("# setup: {setup}\n# mark"))).is_err(),
            "accepted the setup {setup}"
        );
    }
}

#[test]
fn a_request_of_http2_has_an_answer_of_http2() {
    let text = "# extra\n# mark D\n# source s\n\n### t\nPOST /x HTTP/2\n\nhex: 00\n\nHTTP/2 200\nTrailer-A: 0\n";
    let case = Case::parse(text).unwrap();
    let [step] = case.steps.as_slice() else {
        panic!("not one step: {case:?}")
    };
    assert_eq!((step.http2, step.target.as_str()), (true, "/x"));
    assert_eq!(step.body.as_deref(), Some("hex: 00"));
    assert!(Case::parse(&text.replace("x HTTP/2", "x")).is_err());
    assert!(Case::parse(&text.replace("HTTP/2 200", "HTTP/1.1 200")).is_err());
}

#[test]
fn placeholders_are_filled_and_unknown_ones_refused() {
    let values = [("A".to_owned(), "1".to_owned())];
    assert_eq!(
        fill("{\"x\":{\"y\":\"{A}\"},\"z\":{}}", &values).unwrap(),
        "{\"x\":{\"y\":\"1\"},\"z\":{}}"
    );
    assert!(fill("{B}", &values).is_err());
}

#[test]
fn the_settings_of_fronts_name_their_dialect() {
    let text = "# extra\n# mark D\n# source s\n# setup: option.a-b.c=d | anonymous=e | backend=conflict\n\n\
                ### t\nGET /\n\nHTTP/1.1 200\n";
    let profile = Case::parse(text).unwrap().profile;
    let option = ("a-b".to_owned(), "c".to_owned(), "d".to_owned());
    assert_eq!(
        profile,
        Profile {
            options: vec![option],
            anonymous: vec!["e".to_owned()],
            conflict: true,
            ..Profile::default()
        }
    );
}

#[test]
fn free_values_are_found_in_headers_and_bodies() {
    let step = |headers: &[(&str, &str)], body: &str| Step {
        expected_headers: headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
        expected_body: Some(body.to_owned()),
        ..Step::default()
    };
    let both = step(
        &[("A", "any:string as LOC"), ("B", "absent")],
        r#"{"a":["any:order","any:uuid as L1"],"any:members":"more","n":{L1}}"#,
    );
    assert_eq!(both.free_values(), ["any:string as LOC", "any:uuid as L1"]);
    assert_eq!(step(&[], "any:errors").free_values(), ["any:errors"]);
    assert!(step(&[], "any:body").free_values().is_empty());
}
