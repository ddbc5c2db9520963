//! Which fields a dialect speaks of, wherever it does.

use crate::dialect::Dialect;
use crate::finding::render;
use crate::mapping::{builtin, load};
use crate::model::Field;

/// Our own dialect with one row written otherwise.
fn native(row: &str, otherwise: &str) -> Dialect {
    let text = builtin::text("linkbridge.toml").unwrap();
    assert!(text.contains(row), "{row}");
    let text = text.replacen(row, otherwise, 1);
    let loaded = load("native", "native.toml", &text, &|_| None);
    let told: String = loaded.findings.iter().map(render).collect();
    Dialect::new(loaded.plan.unwrap_or_else(|| panic!("{told}")))
}

#[test]
fn a_field_is_used_where_any_row_speaks_of_it() {
    let header = "'Cache-Control' = { const = \"no-store\" }";
    let member = "'$.incident' = \"incident\"";
    for (row, otherwise, field) in [
        (
            header,
            "'Cache-Control' = \"req.request_id\"",
            Field::RequestId,
        ),
        (
            header,
            "'Cache-Control' = { const = \"x\", if = \"req.accept is y\" }",
            Field::Accept,
        ),
        (
            member,
            "'$.incident' = { url = \"x:{req.credential}\" }",
            Field::Credential,
        ),
        (
            member,
            "'$.incident' = { is = \"incident\", else = \"req.request_id\" }",
            Field::RequestId,
        ),
        (
            member,
            "'$.incident' = [ { const = \"a\", if = \"req.accept present\" }, { is = \"incident\" } ]",
            Field::Accept,
        ),
        (
            "'$.problems' = { list = \"problems\", item = \"problem\" }",
            "'$.problems' = { list = \"problems\", item = \"problem\", where = \"req.credential is odd\" }",
            Field::Credential,
        ),
    ] {
        assert!(native(row, otherwise).uses(field), "{otherwise}");
        assert!(!native(row, row).uses(field), "{}", field.name());
    }
    // Fields of captures, nested shapes and keys of objects are used as well.
    let plain = native(header, header);
    for field in [
        Field::LinkId,
        Field::PageLimit,
        Field::LastLoginAt,
        Field::Vendor,
    ] {
        assert!(plain.uses(field), "{}", field.name());
    }
}

#[test]
fn what_is_presented_is_told_from_nothing_and_from_nonsense() {
    let dialect = native("", "");
    let presented = |values: &[&'static str]| {
        let mut headers = http::HeaderMap::new();
        for value in values {
            headers.append("authorization", http::HeaderValue::from_static(value));
        }
        let request = crate::model::Request {
            method: &http::Method::GET,
            path: "/",
            query: "",
            headers: &headers,
            body: &[],
        };
        dialect.presented(&request).name()
    };
    assert_eq!(presented(&[]), "absent");
    for odd in ["", "Bearer", "Bearer ", "Basic x", "x"] {
        assert_eq!(presented(&[odd]), "odd", "{odd:?}");
    }
    assert_eq!(presented(&["Bearer x", "Bearer x"]), "odd");
    assert_eq!(presented(&["bearer x"]), "given");
}
