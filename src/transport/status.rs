//! What a call failed with, and its binary form, `google.rpc.Status`.

use super::Code;

/// What went wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The kind of failure.
    pub code: Code,
    /// The text for people.
    pub message: String,
    /// What programs read.
    pub details: Vec<Detail>,
}

/// One message of any type (`google.protobuf.Any`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The full name of its type, without `type.googleapis.com/`.
    pub type_name: String,
    /// The encoded message.
    pub value: Vec<u8>,
}

/// What stands before the name of a type in an `Any`.
const TYPE_PREFIX: &str = "type.googleapis.com/";

impl Status {
    /// A status without details.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            code,
            message,
            details: Vec::new(),
        }
    }

    /// `google.rpc.Status`: 1 code, 2 message, 3 details. What is empty is left out.
    pub(super) fn encoded(&self) -> Vec<u8> {
        let mut out = vec![1 << 3, self.code.number()];
        put(&mut out, 2, self.message.as_bytes());
        for detail in &self.details {
            let mut any = Vec::new();
            put(
                &mut any,
                1,
                format!("{TYPE_PREFIX}{}", detail.type_name).as_bytes(),
            );
            put(&mut any, 2, &detail.value);
            put(&mut out, 3, &any);
        }
        out
    }
}

/// Writes a field of bytes.
fn put(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    const LENGTH_DELIMITED: u8 = 2;
    if bytes.is_empty() {
        return;
    }
    out.push(number << 3 | LENGTH_DELIMITED);
    let mut length = bytes.len();
    while length > 0x7f {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
}
