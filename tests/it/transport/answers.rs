//! Answers and failures, byte for byte.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use linkbridge::transport::{
    Answer, Code, Codec, Detail, Protocol, Status, answer, message, refuse,
};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use toml::Table;

use super::{ALL, field, read, text, unhex};

fn golden() -> Table {
    read(include_str!("../../transport/golden.toml"))
}

/// Header fields that a neutral answer might have.
fn given() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("17"));
    headers.insert("x-own", HeaderValue::from_static("kept"));
    headers
}

/// What every answer has, whatever it says.
fn check_headers(answer: &Answer, content_type: &str) {
    assert_eq!(field(&answer.headers, "content-type"), Some(content_type));
    assert_eq!(field(&answer.headers, "content-length"), None);
    assert_eq!(field(&answer.headers, "x-own"), Some("kept"));
}

#[test]
fn golden_frames_are_taken_apart_and_made_again() {
    let golden = golden();
    let trailers = unhex(text(golden["success"].as_table().unwrap(), "trailers"));
    for entry in golden["message"].as_array().unwrap() {
        let frame = unhex(text(entry.as_table().unwrap(), "frame"));
        let (bare, whole) = (frame[5..].to_vec(), [&frame[..], &trailers].concat());
        let none = HeaderMap::new();
        let sent = |protocol, body: &[u8]| {
            message(protocol, &none, Bytes::copy_from_slice(body), 4096).unwrap()
        };
        let base64 = STANDARD.encode(&frame);
        assert_eq!(sent(Protocol::Grpc(Codec::Proto), &frame), bare);
        assert_eq!(sent(Protocol::GrpcWeb(Codec::Proto), &frame), bare);
        assert_eq!(
            sent(Protocol::GrpcWebText(Codec::Proto), base64.as_bytes()),
            bare
        );
        assert_eq!(sent(Protocol::Connect(Codec::Proto), &bare), bare);

        let told = |protocol| answer(protocol, given(), bare.clone());
        let grpc = told(Protocol::Grpc(Codec::Proto));
        assert_eq!((grpc.status, &grpc.body[..]), (200, &frame[..]));
        let status = HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]);
        assert_eq!(grpc.trailers, Some(status));
        let web = told(Protocol::GrpcWeb(Codec::Proto));
        assert_eq!(
            (web.status, &web.body[..], web.trailers),
            (200, &whole[..], None)
        );
        let text = told(Protocol::GrpcWebText(Codec::Proto));
        assert_eq!(STANDARD.decode(&text.body).unwrap(), whole);
        let connect = told(Protocol::Connect(Codec::Proto));
        assert_eq!(
            (connect.status, &connect.body[..], connect.trailers),
            (200, &bare[..], None)
        );
    }
}

/// Mappings have the words in a list of their own, for neither module may know the other.
#[test]
fn mappings_have_a_word_for_every_protocol() {
    assert_eq!(linkbridge::mapping::rpc::PROTOCOLS, Protocol::NAMES);
}

#[test]
fn answers_have_the_content_type_that_their_protocol_is_named_by() {
    for protocol in ALL {
        let told = answer(protocol, given(), b"{}".to_vec());
        check_headers(&told, protocol.content_type());
        // Text is proto alone; JSON in it has a type all the same.
        if protocol != Protocol::GrpcWebText(Codec::Json) {
            assert_eq!(Protocol::named(protocol.content_type()), Some(protocol));
        }
        assert_eq!(
            Protocol::named_word(protocol.name(), protocol.codec()),
            Some(protocol)
        );
        assert!(Protocol::NAMES.contains(&protocol.name()));
    }
}

/// A failure of the golden table.
fn status(failure: &Table) -> Status {
    let code = Code::named(text(failure, "code")).unwrap();
    let mut status = Status::new(code, text(failure, "message"));
    if failure.contains_key("type") {
        status.details.push(Detail {
            type_name: text(failure, "type").to_owned(),
            value: STANDARD_NO_PAD.decode(text(failure, "value")).unwrap(),
        });
    }
    status
}

#[test]
fn a_golden_failure_is_told_over_grpc_in_the_header_fields() {
    let golden = golden();
    let failure = golden["failure"].as_table().unwrap();
    let told = refuse(Protocol::Grpc(Codec::Proto), given(), &status(failure));
    assert_eq!(
        (told.status, told.body.len(), told.trailers.is_none()),
        (200, 0, true)
    );
    check_headers(&told, "application/grpc+proto");
    for (name, key) in [
        ("grpc-status", "grpc_status"),
        ("grpc-message", "grpc_message"),
        ("grpc-status-details-bin", "details_bin"),
    ] {
        assert_eq!(
            field(&told.headers, name),
            Some(text(failure, key)),
            "{name}"
        );
    }
    let bare = refuse(
        Protocol::Grpc(Codec::Proto),
        given(),
        &status(golden["bare"].as_table().unwrap()),
    );
    assert_eq!(field(&bare.headers, "grpc-status"), Some("16"));
    assert_eq!(field(&bare.headers, "grpc-status-details-bin"), None);
}

/// The hash is that of the same message, made with Python's protobuf and the definitions of Google.
#[test]
fn lengths_of_details_take_as_many_bytes_as_they_need() {
    let big = Detail {
        type_name: "acme.Big".to_owned(),
        value: (0..20_000_u16).map(|i| (i % 251) as u8).collect(),
    };
    let empty = Detail {
        type_name: "acme.Empty".to_owned(),
        value: Vec::new(),
    };
    let mut status = Status::new(Code::NotFound, "m".repeat(200));
    status.details = vec![big, empty];
    let told = refuse(Protocol::Grpc(Codec::Proto), HeaderMap::new(), &status);
    let binary = field(&told.headers, "grpc-status-details-bin").unwrap();
    let hash = "f6f340f7a3f5bcddf1b36f9e7fd340726b177ea7bd853f0b065ed17dabb1f4f6";
    assert_eq!(Sha256::digest(binary)[..], unhex(hash));
}

#[test]
fn a_golden_failure_is_told_over_grpc_web_in_the_trailer_frame() {
    let golden = golden();
    let failure = golden["failure"].as_table().unwrap();
    let block = format!(
        "grpc-status: {}\r\ngrpc-message: {}\r\ngrpc-status-details-bin: {}\r\n",
        text(failure, "grpc_status"),
        text(failure, "grpc_message"),
        text(failure, "details_bin")
    );
    let length = u32::try_from(block.len()).unwrap().to_be_bytes();
    let frame = [&[0x80], &length[..], block.as_bytes()].concat();
    let web = refuse(Protocol::GrpcWeb(Codec::Proto), given(), &status(failure));
    assert_eq!((web.status, &web.body[..]), (200, &frame[..]));
    check_headers(&web, "application/grpc-web+proto");
    assert_eq!(field(&web.headers, "grpc-status"), None);
    let told = refuse(
        Protocol::GrpcWebText(Codec::Proto),
        given(),
        &status(failure),
    );
    assert_eq!(STANDARD.decode(&told.body).unwrap(), frame);
    check_headers(&told, "application/grpc-web-text+proto");
}

#[test]
fn golden_failures_are_told_over_connect_in_json() {
    for name in ["failure", "bare"] {
        let golden = golden();
        let failure = golden[name].as_table().unwrap();
        for codec in [Codec::Json, Codec::Proto] {
            let told = refuse(Protocol::Connect(codec), given(), &status(failure));
            let http_status = failure["http_status"].as_integer().unwrap();
            assert_eq!(i64::from(told.status), http_status);
            check_headers(&told, "application/json");
            let body: Json = serde_json::from_slice(&told.body).unwrap();
            let expected: Json = serde_json::from_str(text(failure, "connect")).unwrap();
            assert_eq!(body, expected);
        }
    }
}

#[test]
fn a_refusal_says_which_encodings_are_taken() {
    for protocol in ALL {
        let told = refuse(
            protocol,
            HeaderMap::new(),
            &Status::new(Code::Unimplemented, ""),
        );
        let name = match protocol {
            Protocol::Connect(_) => "accept-encoding",
            _ => "grpc-accept-encoding",
        };
        assert_eq!(field(&told.headers, name), Some("gzip,identity"));
    }
}

#[test]
fn texts_of_failures_are_percent_encoded() {
    for (message, encoded) in read(include_str!("../../transport/messages.toml")) {
        let status = Status::new(Code::Unknown, message);
        let told = refuse(Protocol::Grpc(Codec::Proto), HeaderMap::new(), &status);
        assert_eq!(field(&told.headers, "grpc-message"), encoded.as_str());
        let web = refuse(Protocol::GrpcWeb(Codec::Proto), HeaderMap::new(), &status);
        let line = format!("\r\ngrpc-message: {}\r\n", encoded.as_str().unwrap());
        assert!(str::from_utf8(&web.body[5..]).unwrap().ends_with(&line));
    }
    let silent = Status::new(Code::Unknown, "");
    let told = refuse(Protocol::Grpc(Codec::Proto), HeaderMap::new(), &silent);
    assert_eq!(field(&told.headers, "grpc-message"), None);
    let told = refuse(Protocol::Connect(Codec::Json), HeaderMap::new(), &silent);
    assert_eq!(told.body, r#"{"code":"unknown"}"#);
}

#[test]
fn codes_have_the_numbers_words_and_statuses_of_the_specifications() {
    let table = read(include_str!("../../transport/codes.toml"));
    assert_eq!(table.len(), Code::ALL.len());
    for (word, numbers) in table {
        let code = Code::named(&word).unwrap();
        assert_eq!(
            numbers[0].as_integer(),
            Some(code.number().into()),
            "{word}"
        );
        assert_eq!(
            numbers[1].as_integer(),
            Some(code.http_status().into()),
            "{word}"
        );
        assert_eq!(
            (Code::from_number(code.number()), code.name()),
            (Some(code), &*word)
        );
    }
    assert_eq!((Code::from_number(0), Code::from_number(17)), (None, None));
}
