//! Links between the pages of a list: written for clients, and found in what vendors send.

use http::{HeaderMap, HeaderValue, header};

use super::*;
use crate::dialect::Dialect;
use crate::dialect::testing::{self, asked, op, texts};
use crate::model::{OperationKind, Response, Value};

const OPS: &str = r#"
[[op]]
name = "list"
does = "user.list"
method = "GET"
path = "/groups/{tenant}/users"
also = ["/people/{tenant}"]
emit = true
page = { style = "link-header", limit = 10, first = "-" }
[op.query]
'size&' = { is = "page.limit", codec = "int" }
'token' = "page.after"
'name' = "username"
[op.response]
status = 200
'$' = { list = "users", item = "user" }

[[op]]
name = "plain"
does = "user.list"
method = "GET"
path = "/plain"
page = { style = "after", limit = 10 }
[op.query]
'token' = "page.after"
[op.response]
status = 200
'$' = { list = "users", item = "user" }

[shape.user]
'$.id' = "user_id"
"#;

fn dialect() -> Dialect {
    testing::dialect("", OPS)
}

/// The header `Link` of the answer to a request.
fn written(origin: &str, target: &str, next: Option<&str>) -> Option<String> {
    let dialect = dialect();
    let asked = asked(&dialect, &format!("GET {target}")).unwrap();
    let mut reply = Record::new().with(Field::Users, Value::List(Vec::new()));
    reply.set_text_opt(Field::PageNext, next);
    let settings = Settings {
        origin: origin.to_owned(),
        ..Settings::default()
    };
    let answer = dialect.encode_response(asked.op, &reply, &asked.params, &settings);
    let link = answer.headers.get(header::LINK)?;
    Some(link.to_str().unwrap().to_owned())
}

#[test]
fn the_first_page_and_the_next_keep_the_rest_of_the_request() {
    let link = written(
        "https://a.test",
        "/groups/a%2Fb/users?name=%C3%BC%26%3E&size%26=2&token=u1",
        Some("u 2"),
    );
    let rest = "name=%C3%BC%26%3E";
    let expected = format!(
        "</groups/a%2Fb/users?size%26=2&token=-&{rest}>; rel=\"first\",\
         </groups/a%2Fb/users?size%26=2&token=u%202&{rest}>; rel=\"next\""
    );
    assert_eq!(link, Some(expected));
}

#[test]
fn links_stand_below_the_path_of_the_public_url() {
    let first = |origin| written(origin, "/groups/g/users", None).unwrap();
    let below = |prefix| format!("<{prefix}/groups/g/users?token=->; rel=\"first\"");
    assert_eq!(first("https://a.test/iam/v1"), below("/iam/v1"));
    assert_eq!(first("https://a.test:8443"), below(""));
    assert_eq!(first(""), below(""));
}

#[test]
fn a_client_that_asks_by_another_path_is_led_to_the_one_that_is_sent() {
    let link = written("", "/people/g", None).unwrap();
    assert!(link.starts_with("</groups/g/users?"), "{link}");
}

#[test]
fn a_list_whose_pages_have_no_links_has_no_header() {
    assert_eq!(written("", "/plain", Some("u1")), None);
}

#[test]
fn what_means_from_the_start_is_no_user() {
    let dialect = dialect();
    let after = |target| {
        let asked = asked(&dialect, target).unwrap();
        asked.params.text(Field::PageAfter).map(str::to_owned)
    };
    assert_eq!(after("GET /groups/g/users?token=-"), None);
    assert_eq!(after("GET /groups/g/users?token=u1").as_deref(), Some("u1"));
    // Where the style names nothing that means it, it is a user like others.
    assert_eq!(after("GET /plain?token=-").as_deref(), Some("-"));
}

/// The user after whom the next page begins, as a vendor's answer with these headers says.
fn read(links: &[&str]) -> Option<String> {
    let dialect = dialect();
    let params = texts(&[(Field::Tenant, "g")]);
    let op = op(&dialect, OperationKind::UserList, &params);
    let mut headers = HeaderMap::new();
    for link in links {
        headers.append(header::LINK, HeaderValue::from_str(link).unwrap());
    }
    let response = Response {
        status: 200,
        headers,
        body: b"[]".to_vec(),
    };
    let read = dialect.decode_response(op, &response).unwrap();
    read.text(Field::PageNext).map(str::to_owned)
}

#[test]
fn the_next_page_is_found_however_the_header_is_written() {
    for links in [
        &["</x?token=u7>; rel=\"next\""][..],
        &["</x?token=-&a=1,2>; rel=\"first\",</x?a=1,2&token=u7>; rel=\"next\""],
        &["</x?token=->; rel=first", "</x?token=u7>; rel=next"],
        &["</x?token=u7#token=u8>;title=\"a, b\";REL=\"prev Next\" , <x>"],
        &["<https://other.test:1/y?token=%757>;rel=next"],
        &["</x?token=no>; title=\"a,<b?token=no>; rel=next\",</x?token=u7>; rel=next"],
    ] {
        assert_eq!(read(links).as_deref(), Some("u7"), "{links:?}");
    }
}

#[test]
fn a_header_that_names_no_next_page_names_none() {
    for links in [
        &[][..],
        &[""],
        &["</x?token=u7>; rel=\"first\""],
        &["</x?token=u7>; rel=\"nextish\""],
        &["</x?token=u7>"],
        &["</x?token=u7; rel=\"next\""],
        &["/x?token=u7>; rel=\"next\""],
        &["</x>; rel=\"next\""],
        &["</x?other=u7>; rel=\"next\""],
        &["</x#?token=u7>; rel=\"next\""],
        &["</x?token=u7&token=u8>; rel=\"next\""],
        &["</x?token=%ff>; rel=\"next\""],
        &["</x>; title=\"rel=next"],
    ] {
        assert_eq!(read(links), None, "{links:?}");
    }
    let many = "<a>,".repeat(50_000);
    assert_eq!(read(&[&many]), None);
}
