//! What a record says, and the hash that it has in the chain.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use sha2::{Digest, Sha256};

use super::Head;

/// The version of the encoding that is written.
const VERSION: i64 = 1;
/// The version of records that an older linkbridge wrote without a hash: they were chained when they were taken over.
pub(in crate::backend::embedded) const TAKEN_OVER: i64 = 0;

/// How many values a record has, beside its hash.
pub(super) const VALUES: usize = 26;

/// The phases of a record.
pub(in crate::backend::embedded) mod phase {
    /// A change that was made, in the transaction of the record.
    pub(in crate::backend::embedded) const DONE: &str = "done";
    /// A request to an IdP that is about to be made.
    pub(in crate::backend::embedded) const INTENT: &str = "intent";
    /// What became of one.
    pub(in crate::backend::embedded) const OUTCOME: &str = "outcome";
    /// What an operator says became of one, where that was not known.
    pub(in crate::backend::embedded) const SETTLED: &str = "settled";
    /// Records before this one are gone because of their age.
    pub(in crate::backend::embedded) const CHECKPOINT: &str = "checkpoint";
}

/// What a new record says.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::backend::embedded) struct Record<'a> {
    pub(in crate::backend::embedded) at: i64,
    pub(in crate::backend::embedded) phase: &'a str,
    pub(in crate::backend::embedded) action: &'a str,
    pub(in crate::backend::embedded) client: &'a str,
    pub(in crate::backend::embedded) source: Option<&'a str>,
    pub(in crate::backend::embedded) credential: Option<&'a str>,
    pub(in crate::backend::embedded) front: Option<&'a str>,
    pub(in crate::backend::embedded) mapping: Option<&'a [u8]>,
    pub(in crate::backend::embedded) request_id: Option<&'a str>,
    pub(in crate::backend::embedded) tenant: Option<&'a str>,
    pub(in crate::backend::embedded) user_id: Option<&'a str>,
    pub(in crate::backend::embedded) provider_id: Option<&'a str>,
    pub(in crate::backend::embedded) link_id: Option<&'a [u8]>,
    pub(in crate::backend::embedded) subject: Option<&'a [u8]>,
    pub(in crate::backend::embedded) key_id: Option<&'a [u8]>,
    pub(in crate::backend::embedded) vendor: Option<&'a str>,
    pub(in crate::backend::embedded) vendor_id: Option<&'a str>,
    pub(in crate::backend::embedded) reason: Option<&'a str>,
    pub(in crate::backend::embedded) before: Option<&'a str>,
    pub(in crate::backend::embedded) after: Option<&'a str>,
    pub(in crate::backend::embedded) upstream: Option<&'a str>,
    pub(in crate::backend::embedded) upstream_request_id: Option<&'a str>,
    pub(in crate::backend::embedded) intent: Option<i64>,
    pub(in crate::backend::embedded) outcome: Option<&'a str>,
}

impl<'a> Record<'a> {
    /// Its values, in the order of the columns, with its number and version.
    pub(super) fn values(&self, seq: i64) -> [Value<'a>; VALUES] {
        self.values_as(seq, VERSION)
    }

    pub(super) fn values_as(&self, seq: i64, version: i64) -> [Value<'a>; VALUES] {
        let text = |text: Option<&'a str>| text.map_or(Value::Null, Value::Text);
        let blob = |blob: Option<&'a [u8]>| blob.map_or(Value::Null, Value::Blob);
        [
            Value::Int(seq),
            Value::Int(version),
            Value::Int(self.at),
            Value::Text(self.phase),
            Value::Text(self.action),
            Value::Text(self.client),
            text(self.source),
            text(self.credential),
            text(self.front),
            blob(self.mapping),
            text(self.request_id),
            text(self.tenant),
            text(self.user_id),
            text(self.provider_id),
            blob(self.link_id),
            blob(self.subject),
            blob(self.key_id),
            text(self.vendor),
            text(self.vendor_id),
            text(self.reason),
            text(self.before),
            text(self.after),
            text(self.upstream),
            text(self.upstream_request_id),
            self.intent.map_or(Value::Null, Value::Int),
            text(self.outcome),
        ]
    }
}

/// A value of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The value of a column; `None` if it is none that we write.
    pub(super) fn of(value: ValueRef<'a>) -> Option<Self> {
        Some(match value {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(n) => Value::Int(n),
            ValueRef::Text(bytes) => Value::Text(std::str::from_utf8(bytes).ok()?),
            ValueRef::Blob(bytes) => Value::Blob(bytes),
            ValueRef::Real(_) => return None,
        })
    }

    pub(super) fn int(self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(n),
            _ => None,
        }
    }

    pub(super) fn text(self) -> Option<&'a str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn blob(self) -> Option<&'a [u8]> {
        match self {
            Value::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Adds it so that no two lists of values give the same bytes: its kind, then a number of eight bytes, or a
    /// length of four and what is that long.
    fn encode(self, into: &mut Vec<u8>) {
        let mut sized = |kind: u8, bytes: &[u8]| {
            into.push(kind);
            // SQLite holds nothing of four gigabytes.
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            into.extend_from_slice(&length.to_be_bytes());
            into.extend_from_slice(bytes);
        };
        match self {
            Value::Null => into.push(0),
            Value::Int(n) => {
                into.push(1);
                into.extend_from_slice(&n.to_be_bytes());
            }
            Value::Text(text) => sized(2, text.as_bytes()),
            Value::Blob(bytes) => sized(3, bytes),
        }
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(n) => ValueRef::Integer(*n),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// The hash of a record that comes after `previous`.
pub(in crate::backend::embedded) fn digest(
    previous: &[u8; 32],
    values: &[Value<'_>; VALUES],
) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(512);
    bytes.extend_from_slice(b"linkbridge audit\0");
    bytes.extend_from_slice(previous);
    values.iter().for_each(|value| value.encode(&mut bytes));
    Sha256::digest(&bytes).into()
}

/// A head as a row of `meta` holds it: the number, then the hash.
pub(super) fn head_to_bytes(head: Head) -> Vec<u8> {
    [head.seq.to_be_bytes().as_slice(), &head.hash].concat()
}

/// A head of its bytes.
pub(super) fn head_of_bytes(bytes: &[u8]) -> Option<Head> {
    let (seq, hash) = bytes.split_first_chunk::<8>()?;
    Some(Head {
        seq: i64::from_be_bytes(*seq),
        hash: hash.try_into().ok()?,
    })
}
