//! Messages and frames of remote procedure calls as tests read and make them: written here a second time, so that
//! it is not the server's code that judges it. What a message's fields are is in `mappings/*.proto`, which
//! `tests/sdk/zitadel-proto` holds to the vendor's own descriptors.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use linkbridge::mapping::builtin;
use linkbridge::transport::Code;
use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor};
use serde_json::Value;

use super::client::Answer;
use super::http2::Http2;

/// Every message and service of the built-in mappings.
static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings");
    let all = std::fs::read_dir(&folder).unwrap();
    let all = all.map(|entry| entry.unwrap().path());
    let protos: Vec<PathBuf> = all
        .filter(|path| path.extension().is_some_and(|e| e == "proto"))
        .collect();
    let set = protox::compile(protos, [folder]).unwrap();
    DescriptorPool::from_file_descriptor_set(set).unwrap()
});

/// The message of this full name.
pub(crate) fn descriptor(name: &str) -> Result<MessageDescriptor, String> {
    let found = POOL.get_message_by_name(name);
    found.ok_or_else(|| format!("there is no message {name}"))
}

/// The method of this name, `package.Service/Method`.
pub(crate) fn method(name: &str) -> Result<MethodDescriptor, String> {
    let found = name.split_once('/').and_then(|(service, method)| {
        let service = POOL.get_service_by_name(service)?;
        service.methods().find(|m| m.name() == method)
    });
    found.ok_or_else(|| format!("there is no method {name}"))
}

/// Every method of a built-in dialect that means an op, and the op: `package.Service/Method`.
pub(crate) fn methods(dialect: &str) -> Vec<(String, String)> {
    let plan = builtin::load_builtin(dialect).and_then(|loaded| loaded.plan);
    let ops = plan.unwrap().ops.into_iter();
    let named = ops.flat_map(|op| {
        let names = op.rpc.names.into_iter();
        names.map(move |(name, _)| (name, op.name.clone()))
    });
    named.collect()
}

/// The protocols of a built-in dialect's calls.
pub(crate) fn protocols(dialect: &str) -> Vec<String> {
    let plan = builtin::load_builtin(dialect).and_then(|loaded| loaded.plan);
    let rpc = plan.unwrap().rpc;
    rpc.map(|rpc| rpc.protocols).unwrap_or_default()
}

/// The JSON of a message; one with fields that nobody knows is refused.
pub(crate) fn to_json(name: &str, bytes: &[u8]) -> Result<Value, String> {
    let message = DynamicMessage::decode(descriptor(name)?, bytes);
    let message = message.map_err(|error| format!("no {name}: {error}"))?;
    if let Some(field) = message.unknown_fields().next() {
        return Err(format!("{name} has no field {}", field.number()));
    }
    serde_json::to_value(&message).map_err(|error| error.to_string())
}

/// The binary form of a message.
pub(crate) fn to_binary(message: MessageDescriptor, json: &Value) -> Result<Vec<u8>, String> {
    let read = DynamicMessage::deserialize(message, json);
    read.map(|message| message.encode_to_vec())
        .map_err(|error| error.to_string())
}

/// A message in a frame.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}

/// Takes frames apart: what each is marked with, and what is in it.
pub(crate) fn frames(mut bytes: &[u8]) -> Result<Vec<(u8, Vec<u8>)>, String> {
    let mut found = Vec::new();
    while let [mark, a, b, c, d, rest @ ..] = bytes {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (data, rest) = rest.split_at_checked(length).ok_or("a frame is cut off")?;
        found.push((*mark, data.to_vec()));
        bytes = rest;
    }
    match bytes {
        [] => Ok(found),
        rest => Err(format!("{} bytes after the last frame", rest.len())),
    }
}

/// What an answer to a call consists of.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Parts {
    /// Its messages, out of their frames.
    pub(crate) messages: Vec<Vec<u8>>,
    /// Its trailers, wherever the protocol puts them. Those of an answer without anything else stay header fields.
    pub(crate) trailers: Vec<(String, String)>,
}

/// Takes an answer apart in the way that its content type asks for.
pub(crate) fn parts(answer: &Answer) -> Result<Parts, String> {
    let kind = answer.header("content-type").unwrap_or_default();
    let mut parts = Parts {
        trailers: answer.trailers.clone(),
        ..Parts::default()
    };
    let text = kind.starts_with("application/grpc-web-text");
    let bytes = match text {
        true => STANDARD.decode(&answer.body).map_err(|e| e.to_string())?,
        false => answer.body.clone(),
    };
    if !kind.starts_with("application/grpc") {
        parts.messages.push(bytes);
        return Ok(parts);
    }
    for (mark, data) in frames(&bytes)? {
        match mark {
            0 if parts.trailers.is_empty() || !kind.contains("web") => parts.messages.push(data),
            0x80 if kind.contains("web") && parts.trailers.is_empty() => {
                parts.trailers = block(&data)?;
            }
            _ => return Err(format!("a frame that should not be there: {mark:#x}")),
        }
    }
    Ok(parts)
}

/// The lines of a trailer frame.
fn block(data: &[u8]) -> Result<Vec<(String, String)>, String> {
    let text = str::from_utf8(data).map_err(|error| error.to_string())?;
    let lines = text.split_terminator("\r\n").map(|line| {
        let pair = line.split_once(": ");
        let (name, value) = pair.ok_or_else(|| format!("no trailer: {line}"))?;
        Ok((name.to_owned(), value.to_owned()))
    });
    lines.collect()
}

/// Calls a method over gRPC with a message that is written as JSON, and answers as REST would: the message as JSON,
/// the trailers among the headers, and the status that the code has in other protocols.
pub(crate) fn grpc(
    http2: &mut Http2,
    name: &str,
    headers: &[(&str, &str)],
    json: &[u8],
) -> Result<Answer, String> {
    let method = method(name)?;
    let json: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let body = framed(&to_binary(method.input(), &json)?);
    let answer = http2.send("POST", &format!("/{name}"), headers, body)?;
    plain(answer, method.output().full_name())
}

/// An answer of gRPC as REST would have it.
pub(crate) fn plain(answer: Answer, message: &str) -> Result<Answer, String> {
    let parts = parts(&answer)?;
    let all = || answer.headers.iter().chain(&parts.trailers);
    let codes: Vec<_> = all().filter(|(name, _)| name == "grpc-status").collect();
    let code = match codes.as_slice() {
        [(_, code)] if answer.status == 200 => code.parse().map_err(|_| code.clone()),
        _ => Err(format!("{} with codes {codes:?}", answer.status)),
    };
    let code: u8 = code?;
    let body = match parts.messages.as_slice() {
        [one] if code == 0 => to_json(message, one)?.to_string(),
        [] if code != 0 => String::new(),
        other => return Err(format!("{} messages with code {code}", other.len())),
    };
    let status = match Code::from_number(code) {
        Some(code) => code.http_status(),
        None => 200,
    };
    Ok(Answer {
        status,
        headers: all().cloned().collect(),
        body: body.into_bytes(),
        trailers: Vec::new(),
    })
}

/// Reads hexadecimal digits; white space between them is free.
pub(crate) fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| {
        let pair = str::from_utf8(pair).ok().filter(|pair| pair.len() == 2);
        pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())
    };
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    bytes.ok_or_else(|| format!("no hex: {text:.60}"))
}

#[test]
fn answers_are_taken_apart_as_their_protocols_put_them_together() {
    let answer = |kind: &str, body: &[u8]| Answer {
        headers: vec![("content-type".to_owned(), kind.to_owned())],
        body: body.to_vec(),
        ..Answer::default()
    };
    // The golden success of gRPC-Web, with a message of one byte before it.
    let web = unhex("00 00000001 07 80 00000010 677270632d7374617475733a20300d0a").unwrap();
    let expected = Parts {
        messages: vec![vec![7]],
        trailers: vec![("grpc-status".to_owned(), "0".to_owned())],
    };
    let kind = "application/grpc-web+proto";
    assert_eq!(parts(&answer(kind, &web)), Ok(expected));
    assert!(parts(&answer(kind, &web[..9])).is_err());
    assert!(parts(&answer("application/grpc+proto", &web)).is_err());
    let text = answer("application/grpc-web-text+proto", b"AAAAAAEH");
    assert_eq!(parts(&text).unwrap().messages, [[7]]);
    let bare = parts(&answer("application/proto", &[7, 8])).unwrap();
    assert_eq!(bare.messages, [[7, 8]]);
    assert_eq!(framed(&[7]), [0, 0, 0, 0, 1, 7]);
    assert!(unhex("0").is_err() && unhex("0g").is_err() && unhex("é0").is_err());
}
