//! Sources and ids of requests, by who is believed.

use super::*;

const PEER: &str = "10.0.0.1";

fn trusted(field: SourceField) -> TrustedPeers {
    let nets = ["10.0.0.0/8", "fd00::/8"];
    let nets = nets.iter().map(|net| Net::parse(net).unwrap()).collect();
    TrustedPeers { nets, field }
}

fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn source(peer: &str, fields: &[(&str, &str)]) -> String {
    let peer = peer.parse().unwrap();
    let field = match fields.iter().any(|(name, _)| *name == "Forwarded") {
        true => SourceField::Forwarded,
        false => SourceField::XForwardedFor,
    };
    trusted(field).source(peer, &headers(fields)).to_string()
}

#[test]
fn the_last_hop_that_is_not_believed_is_the_source() {
    for (field, value, expected) in [
        ("X-Forwarded-For", "192.0.2.1", "192.0.2.1"),
        ("X-Forwarded-For", "203.0.113.9, 192.0.2.1", "192.0.2.1"),
        ("X-Forwarded-For", "192.0.2.1, 10.1.1.1", "192.0.2.1"),
        ("X-Forwarded-For", "10.9.9.9, 10.1.1.1", "10.9.9.9"),
        ("X-Forwarded-For", "192.0.2.1:4711", "192.0.2.1"),
        ("X-Forwarded-For", "[2001:db8::7]:4711", "2001:db8::7"),
        ("X-Forwarded-For", "2001:db8::7", "2001:db8::7"),
        ("X-Forwarded-For", "::ffff:192.0.2.1", "192.0.2.1"),
        ("X-Forwarded-For", "192.0.2.1, ::ffff:10.1.1.1", "192.0.2.1"),
        ("X-Forwarded-For", "192.0.2.1, rubbish", PEER),
        (
            "X-Forwarded-For",
            "192.0.2.1, rubbish, 10.1.1.1",
            "10.1.1.1",
        ),
        ("X-Forwarded-For", "192.0.2.1, \u{e9}", PEER),
        // A client that opens a quote hides what the balancer writes behind it no more than other rubbish does.
        ("X-Forwarded-For", "\", 192.0.2.1", "192.0.2.1"),
        ("X-Forwarded-For", "\"\\, 192.0.2.1", "192.0.2.1"),
        ("Forwarded", "for=\", for=192.0.2.1", "192.0.2.1"),
        ("Forwarded", "x=\"\\, for=192.0.2.1", "192.0.2.1"),
        (
            "Forwarded",
            "x=\", for=\"[2001:db8::7]:80\";host=a",
            "2001:db8::7",
        ),
        ("X-Forwarded-For", "", PEER),
        ("Forwarded", "for=192.0.2.1", "192.0.2.1"),
        (
            "Forwarded",
            "FOR = \"192.0.2.1:80\" ; proto=https",
            "192.0.2.1",
        ),
        ("Forwarded", "for=\"[2001:db8::7]:80\"", "2001:db8::7"),
        (
            "Forwarded",
            "for=203.0.113.9, for=192.0.2.1;by=x, for=10.1.1.1",
            "192.0.2.1",
        ),
        (
            "Forwarded",
            "for=192.0.2.1;host=\"a,for=8.8.8.8\"",
            "192.0.2.1",
        ),
        (
            "Forwarded",
            "for=192.0.2.1;host=\"a\\\",for=8.8.8.8\"",
            "192.0.2.1",
        ),
        ("Forwarded", "for=192.0.2.1, for=unknown", PEER),
        ("Forwarded", "for=192.0.2.1, for=_hidden", PEER),
        ("Forwarded", "for=192.0.2.1;for=192.0.2.2", PEER),
        ("Forwarded", "for=192.0.2.1, proto=https", PEER),
    ] {
        assert_eq!(
            source(PEER, &[(field, value)]),
            expected,
            "{field}: {value}"
        );
    }
    let both = [
        ("X-Forwarded-For", "192.0.2.1"),
        ("Forwarded", "for=192.0.2.2"),
    ];
    assert_eq!(source(PEER, &both), "192.0.2.2");
    let other = trusted(SourceField::XForwardedFor);
    let source_of_other = other.source(PEER.parse().unwrap(), &headers(&both));
    assert_eq!(source_of_other.to_string(), "192.0.2.1");
    let several = [
        ("X-Forwarded-For", "192.0.2.1"),
        ("X-Forwarded-For", "192.0.2.2"),
    ];
    assert_eq!(source(PEER, &several), "192.0.2.2");
}

#[test]
fn whoever_is_not_believed_is_the_source_whatever_it_says() {
    let lies = [
        ("X-Forwarded-For", "192.0.2.1"),
        ("Forwarded", "for=192.0.2.1"),
    ];
    assert_eq!(source("198.51.100.7", &lies), "198.51.100.7");
    let none = TrustedPeers::default();
    let peer: IpAddr = PEER.parse().unwrap();
    assert_eq!(none.source(peer, &headers(&lies)), peer);
    // A listener at `[::]` has peers of IPv4, too, and calls them so.
    let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
    assert_eq!(none.source(mapped, &headers(&lies)), peer);
    assert_eq!(source("::ffff:198.51.100.7", &lies), "198.51.100.7");
    assert_eq!(source("::ffff:10.0.0.1", &[]), PEER);
}

#[test]
fn an_id_is_taken_over_from_who_is_believed_if_it_is_one() {
    let id = |peer: &str, values: &[&str]| {
        let fields: Vec<_> = values.iter().map(|v| ("X-Request-Id", *v)).collect();
        let headers = headers(&fields);
        let id = trusted(SourceField::default())
            .request_id(peer.parse().unwrap(), &headers)?
            .to_owned();
        Some(id)
    };
    let longest = "a".repeat(64);
    for good in ["7f3c-11.b_2", longest.as_str()] {
        assert_eq!(id(PEER, &[good]).as_deref(), Some(good));
        assert_eq!(id("198.51.100.7", &[good]), None);
    }
    let too_long = "a".repeat(65);
    for bad in ["", "a b", "a\"b", "a{b", "\u{e9}", "a;b", too_long.as_str()] {
        assert_eq!(id(PEER, &[bad]), None, "{bad}");
    }
    assert_eq!(id(PEER, &["a", "a"]), None);
}
