//! Requests: the message, the time that the client waits, the protocol.

use http::{HeaderMap, HeaderName, HeaderValue};
use linkbridge::transport::{Code, Codec, Protocol, message, timeout};
use toml::{Table, Value};

use super::{ALL, read, text, unhex};

#[test]
fn each_request_has_its_message_or_its_code() {
    let cases = read(include_str!("../../transport/requests.toml"));
    let mut wrong = String::new();
    for case in cases["case"].as_array().unwrap() {
        let case = case.as_table().unwrap();
        let (expected, got) = (expected(case), received(case));
        if expected != got {
            wrong += &format!("{}: {got} in place of {expected}\n", text(case, "name"));
        }
        assert!(case.contains_key("source"), "a case has a judge");
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn expected(case: &Table) -> String {
    let parts = ["message", "code", "says"].map(|key| case.get(key).map(|_| text(case, key)));
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The message in hex or the code, and the text if the case has one.
fn received(case: &Table) -> String {
    let protocol = Protocol::named(text(case, "content_type")).unwrap();
    let mut headers = HeaderMap::new();
    for pair in case
        .get("headers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let name: HeaderName = pair[0].as_str().unwrap().parse().unwrap();
        headers.append(name, pair[1].as_str().unwrap().parse().unwrap());
    }
    let body = match case.get("hex") {
        Some(hex) => unhex(hex.as_str().unwrap()),
        None => text(case, "text").as_bytes().to_vec(),
    };
    let limit = case
        .get("limit")
        .map_or(1024, |limit| limit.as_integer().unwrap());
    match message(
        protocol,
        &headers,
        body.into(),
        usize::try_from(limit).unwrap(),
    ) {
        Ok(message) => message.iter().map(|byte| format!("{byte:02x}")).collect(),
        Err(status) if case.contains_key("says") => {
            format!("{} {}", status.code.name(), status.message)
        }
        Err(status) => status.code.name().to_owned(),
    }
}

#[test]
fn timeouts_are_read_with_their_units() {
    let table = read(include_str!("../../transport/timeouts.toml"));
    let fields = [("grpc", "grpc-timeout"), ("connect", "connect-timeout-ms")];
    for (word, name) in fields {
        for (value, expected) in table[word].as_table().unwrap() {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            for protocol in ALL {
                let of_this = protocol.name().split('-').next() == Some(word);
                let got = match timeout(protocol, &headers) {
                    Ok(time) => time.map(|time| time.as_nanos().to_string()),
                    Err(status) => {
                        assert_eq!(status.code, Code::InvalidArgument);
                        Some("bad".to_owned())
                    }
                };
                let expected = of_this.then(|| expected.as_str().unwrap());
                assert_eq!(got.as_deref(), expected, "{word}: {value:?}");
            }
        }
    }
}

#[test]
fn content_types_name_protocols() {
    use Protocol as P;
    let named = [
        ("application/json", P::Connect(Codec::Json)),
        ("application/json; charset=utf-8", P::Connect(Codec::Json)),
        ("Application/JSON ;charset=utf-8", P::Connect(Codec::Json)),
        ("application/proto", P::Connect(Codec::Proto)),
        ("application/grpc", P::Grpc(Codec::Proto)),
        ("application/grpc;blah", P::Grpc(Codec::Proto)),
        ("application/grpc+proto", P::Grpc(Codec::Proto)),
        ("APPLICATION/GRPC+JSON", P::Grpc(Codec::Json)),
        ("application/grpc-web", P::GrpcWeb(Codec::Proto)),
        ("application/grpc-web+proto", P::GrpcWeb(Codec::Proto)),
        ("application/grpc-web+json", P::GrpcWeb(Codec::Json)),
        ("application/grpc-web-text", P::GrpcWebText(Codec::Proto)),
        (
            "application/grpc-web-text+proto",
            P::GrpcWebText(Codec::Proto),
        ),
    ];
    for (content_type, protocol) in named {
        assert_eq!(
            Protocol::named(content_type),
            Some(protocol),
            "{content_type}"
        );
    }
    for other in [
        "",
        ";",
        "text/plain",
        "application/connect+json",
        "application/connect+proto",
        "application/grpcd",
        "application/grpc+thrift",
        "application/grpc-web-text+json",
        "application/jsonp",
        "json",
    ] {
        assert_eq!(Protocol::named(other), None, "{other}");
    }
    assert_eq!(Protocol::named_word("rest", Codec::Json), None);
}
