//! Bodies that are no plain text: bytes in hexadecimal digits, and messages of remote procedure calls.

use serde_json::Value;

use super::super::support::client::Answer;
use super::super::support::rpc;
use super::case::fill;
use super::compare::document;

/// A body as an expected answer has it.
#[derive(Debug, PartialEq)]
pub(crate) enum Payload {
    /// `hex:`: exactly these bytes.
    Bytes(Vec<u8>),
    /// `message: package.Name`: one message, as its JSON.
    Message(String, Value),
    /// JSON.
    Json(Value),
}

/// Puts values in place of placeholders. In hexadecimal digits, the bytes of the value take the place.
pub(crate) fn fill_body(text: &str, values: &[(String, String)]) -> Result<String, String> {
    if !text.starts_with("hex:") {
        return fill(text, values);
    }
    let hex = |value: &String| value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let values: Vec<_> = values.iter().map(|(n, v)| (n.clone(), hex(v))).collect();
    fill(text, &values)
}

/// The bytes of the body of a request, in which placeholders are filled.
pub(crate) fn bytes(text: &str) -> Result<Vec<u8>, String> {
    match text.strip_prefix("hex:") {
        Some(digits) => rpc::unhex(digits),
        None => Ok(text.as_bytes().to_vec()),
    }
}

/// Reads the body of an expected answer, in which placeholders are filled.
pub(crate) fn expected(text: &str) -> Result<Payload, String> {
    if let Some(digits) = text.strip_prefix("hex:") {
        return rpc::unhex(digits).map(Payload::Bytes);
    }
    let json =
        |text: &str| document(text).map_err(|e| format!("the expected body is no JSON: {e}"));
    match text.strip_prefix("message:") {
        Some(message) => {
            let (name, body) = message.split_once('\n').ok_or("a message has no body")?;
            rpc::descriptor(name.trim())?;
            Ok(Payload::Message(name.trim().to_owned(), json(body)?))
        }
        None => json(text).map(Payload::Json),
    }
}

/// The one message of an answer, as its JSON.
pub(crate) fn message(answer: &Answer, name: &str) -> Result<Value, String> {
    let parts = rpc::parts(answer)?;
    match parts.messages.as_slice() {
        [message] => rpc::to_json(name, message),
        other => Err(format!("{} messages", other.len())),
    }
}

/// What is wrong with the trailers: those that are expected are all that there are.
pub(crate) fn trailers(expected: &[(&str, &str)], answer: &Answer) -> Option<String> {
    let pairs = expected
        .iter()
        .map(|(n, v)| (n.to_lowercase(), (*v).into()));
    let mut expected: Vec<(String, String)> = pairs.collect();
    let mut actual = match rpc::parts(answer) {
        Ok(parts) => parts.trailers,
        Err(error) => return Some(error),
    };
    expected.sort();
    actual.sort();
    (expected != actual).then(|| format!("trailers: expected {expected:?}, got {actual:?}"))
}

#[test]
fn placeholders_are_bytes_in_hexadecimal_digits() {
    let values = [("A".to_owned(), "18".to_owned())];
    let filled = fill_body("hex: 0a02{A}\n 12 00", &values).unwrap();
    assert_eq!(bytes(&filled), Ok(vec![10, 2, b'1', b'8', 0x12, 0]));
    assert_eq!(fill_body("a{A}", &values), Ok("a18".to_owned()));
    assert_eq!(bytes("hexes"), Ok(b"hexes".to_vec()));
    assert!(bytes("hex: 0").is_err() && fill_body("hex: {B}", &values).is_err());
}

#[test]
fn an_expected_body_is_of_one_of_three_forms() {
    assert_eq!(expected("hex: 00ff"), Ok(Payload::Bytes(vec![0, 255])));
    assert_eq!(expected("{}"), Ok(Payload::Json(serde_json::json!({}))));
    let name = "zitadel.user.v2.AddIDPLinkResponse";
    let read = expected(&format!("message: {name}\n{{}}"));
    let empty = serde_json::json!({});
    assert_eq!(read, Ok(Payload::Message(name.to_owned(), empty)));
    for bad in ["message: no.Such\n{}", "message: x", "{", "hex: xx"] {
        assert!(expected(bad).is_err(), "{bad}");
    }
}
