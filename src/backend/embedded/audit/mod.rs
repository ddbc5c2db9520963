//! The audit: who changed what, when and through what, as a chain of records.
//!
//! A record is written in the transaction of its change. Its hash goes over everything that it says and over
//! the hash before it; the last one is kept in `meta`, so that a record that was changed, taken out, put in,
//! moved or cut off is found by whoever goes over the chain (`verify`). Whoever can write to the file can make
//! a new chain: against that help anchors, heads that were noted elsewhere.
//!
//! Accounts, names and documents stand in it as keyed hashes only (`key`); tokens not at all.

mod entry;
mod key;
mod ledger;
mod line;
mod log;
mod lost;
mod prune;
mod record;
mod settle;
mod tell;
mod verify;

use std::sync::atomic::AtomicU64;

pub(in crate::backend::embedded) use self::entry::Entry;
pub(in crate::backend::embedded) use self::key::AuditKey;
pub(in crate::backend::embedded) use self::ledger::{Ledger, create, look_at_end};
pub use self::line::{Line, NAMES, parse};
pub use self::log::{Log, LogError};
pub use self::lost::Lost;
pub(in crate::backend::embedded) use self::prune::prune;
pub(in crate::backend::embedded) use self::record::{Record, phase};
pub use self::settle::{Unsettled, Word, settle};
pub(in crate::backend::embedded) use self::settle::{conclude_lost, conclude_open};
pub(in crate::backend::embedded) use self::tell::{Said, json};
pub use self::verify::{Anchor, OpenIntent, Verdict, Verifier};

/// Counters of the audit, for metrics.
#[derive(Debug, Default)]
pub struct Counts {
    /// Records that were kept.
    pub records: AtomicU64,
    /// Changes that did not take place because their record could not be kept.
    pub refused: AtomicU64,
    /// Records that were taken away because of their age.
    pub pruned: AtomicU64,
    /// Requests to an IdP whose outcome could not be kept.
    pub outcomes_lost: AtomicU64,
    /// Those of them that still have none.
    pub lost: Lost,
    /// Intents of an earlier process that were found without an outcome at the start, and got `unknown` as theirs.
    pub found_open: AtomicU64,
}

/// The last record of a chain, or the place before its first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number; 0 before the first.
    pub seq: i64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl Head {
    /// Before the first record.
    pub const START: Head = Head {
        seq: 0,
        hash: [0; 32],
    };
}

/// `HASH@SEQ`.
impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", hex(&self.hash), self.seq)
    }
}

impl std::str::FromStr for Head {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "a head is HASH@SEQ: 64 hexadecimal digits, `@`, a number";
        let (hash, seq) = text.split_once('@').ok_or(FORM)?;
        let hash = unhex(hash).and_then(|bytes| bytes.try_into().ok());
        Ok(Head {
            hash: hash.ok_or(FORM)?,
            seq: seq.parse().ok().filter(|seq| *seq >= 0).ok_or(FORM)?,
        })
    }
}

/// Bytes in hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The bytes that hexadecimal digits mean.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        (byte as char)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let pairs = pairs.iter();
    pairs
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

#[cfg(test)]
mod tests;
