//! Heads that are refused, each by its rule, and those that pass.

use super::*;

const SETTINGS: Settings = Settings {
    fields: 4,
    target_bytes: 100,
    field_bytes: 50,
};

fn checked(method: &str, target: &str, fields: &[(&str, &str)]) -> Result<String, HeadFault> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(
            http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
            http::HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    let uri = Uri::try_from(target).unwrap();
    check(
        &Method::from_bytes(method.as_bytes()).unwrap(),
        &uri,
        Version::HTTP_11,
        &headers,
        &SETTINGS,
    )
}

#[test]
fn the_host_is_read_once_and_without_its_port() {
    assert_eq!(
        checked("GET", "/", &[("host", "Auth.Example.com:8443")]).as_deref(),
        Ok("auth.example.com")
    );
    assert_eq!(
        checked("GET", "/", &[("host", "[::1]:80")]).as_deref(),
        Ok("[::1]")
    );
    for host in ["", "a b", "user@a", "a:b", "a:99999", "[::1", "a/b", "ä"] {
        assert_eq!(
            checked("GET", "/", &[("host", host)]),
            Err(HeadFault::Host),
            "{host}"
        );
    }
    assert_eq!(checked("GET", "/", &[]), Err(HeadFault::Host));
    assert_eq!(
        checked("GET", "/", &[("host", "a"), ("host", "a")]),
        Err(HeadFault::Host)
    );
}

#[test]
fn an_absolute_target_must_name_the_host() {
    assert_eq!(
        checked("GET", "http://a/x", &[("host", "a")]).as_deref(),
        Ok("a")
    );
    assert_eq!(
        checked("GET", "http://b/x", &[("host", "a")]),
        Err(HeadFault::ForeignTarget)
    );
}

#[test]
fn tunnels_unknown_methods_and_unknown_expectations_are_refused() {
    assert!(checked("TRACE", "/", &[("host", "a")]).is_ok());
    assert_eq!(
        checked("FROB", "/", &[("host", "a")]),
        Err(HeadFault::UnknownMethod)
    );
    assert_eq!(
        checked("CONNECT", "a:1", &[("host", "a:1")]),
        Err(HeadFault::Connect)
    );
    assert_eq!(
        checked("POST", "/", &[("host", "a"), ("expect", "a-pony")]),
        Err(HeadFault::Expectation)
    );
    assert!(checked("POST", "/", &[("host", "a"), ("expect", "100-Continue")]).is_ok());
}

#[test]
fn a_path_has_one_reading() {
    for good in [
        "/",
        "/a/b",
        "/a/",
        "/a%2Fb",
        "/a...b",
        "/...",
        "/a.b",
        "/%C3%A4",
        "/a;b=c:d@e",
    ] {
        assert!(is_canonical(good), "{good}");
    }
    for bad in [
        "",
        "*",
        "a",
        "//",
        "/a//b",
        "/.",
        "/a/../b",
        "/%2e",
        "/%2E%2e/x",
        "/.%2e",
        "/%00",
        "/%",
        "/%4",
        "/%zz",
        "/a#b",
        "/a\\b",
    ] {
        assert!(!is_canonical(bad), "{bad}");
    }
}

#[test]
fn sizes_are_limited() {
    assert_eq!(
        checked("GET", &format!("/{}", "x".repeat(100)), &[("host", "a")]),
        Err(HeadFault::TargetTooLong)
    );
    let long = "x".repeat(51);
    assert_eq!(
        checked("GET", "/", &[("host", "a"), ("x", &long)]),
        Err(HeadFault::FieldTooLong)
    );
    let many = [("host", "a"), ("x", "1"), ("x", "2"), ("y", "3"), ("z", "")];
    assert!(checked("GET", "/", &many[..4]).is_ok());
    assert_eq!(checked("GET", "/", &many), Err(HeadFault::TooManyFields));
}

/// As many as over HTTP/1, with the host in the target or as a field.
#[test]
fn the_host_of_http2_counts_as_the_field_that_it_stands_for() {
    let checked = |fields: &[&'static str]| {
        let names = fields
            .iter()
            .map(|name| http::HeaderName::from_static(name));
        let headers = names.map(|name| (name, http::HeaderValue::from_static("a")));
        let uri = Uri::from_static("https://a/x");
        let headers = headers.collect();
        check(&Method::GET, &uri, Version::HTTP_2, &headers, &SETTINGS)
    };
    assert!(checked(&["x", "y", "z"]).is_ok());
    assert!(checked(&["host", "x", "y", "z"]).is_ok());
    let refused = Err(HeadFault::TooManyFields);
    assert_eq!(checked(&["w", "x", "y", "z"]), refused);
    assert_eq!(checked(&["host", "w", "x", "y", "z"]), refused);
}

#[test]
fn fields_with_underscores_are_dropped() {
    let mut headers = HeaderMap::new();
    headers.insert("x_tenant", http::HeaderValue::from_static("a"));
    headers.insert("x-tenant", http::HeaderValue::from_static("b"));
    drop_ambiguous_fields(&mut headers);
    assert_eq!(headers.len(), 1);
}
