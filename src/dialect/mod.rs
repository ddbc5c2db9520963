//! A plan at work: routing, and the four functions between wire exchanges and records.
//!
//! `decode_request` and `encode_response` serve the front role, `encode_request` and
//! `decode_response` the upstream role. Everything here is pure: no I/O, no clock, no async.

#![allow(unused_variables, clippy::todo, reason = "signatures first")]

use crate::model::{
    Failure, OperationKind, OwnedRequest, Problem, Record, Request, Response, Rules, Secret, VendorName,
};

/// An op of a dialect: an index that only the dialect that made it can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpId(u16);

/// Where a method and path lead.
#[derive(Debug)]
pub enum Routed<'d> {
    /// To one or several ops.
    Ops(Candidates<'d>),
    /// The path exists, with other methods.
    WrongMethod {
        /// The methods it has.
        allow: Vec<String>,
    },
    /// Nowhere.
    Unknown,
}

/// The ops that a method and path may mean; query, media type and body decide.
#[derive(Debug)]
pub struct Candidates<'d> {
    /// wip
    pub ops: &'d [OpId],
}

/// Whether an op wants a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Without one: `Failure::Unauthenticated`.
    Required,
    /// A wrong one is refused, none is accepted.
    Optional,
    /// None is looked at.
    None,
}

/// A decoded request: the op, what could be read, and everything that is wrong.
#[derive(Debug)]
pub struct Decoded {
    /// The op that the request means.
    pub op: OpId,
    /// What could be read.
    pub params: Record,
    /// Everything that is wrong; empty if nothing is.
    pub problems: Vec<Problem>,
    /// A failure that the mapping names for a value that cannot be read (`bad = "…"`); answered
    /// where the thing that it names would be looked up.
    pub refusal: Option<Failure>,
}

/// What a deployment sets for a front.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The front's public URL, without a slash at the end: base of every link in an answer.
    pub origin: String,
    /// Values of the mapping's options, by name.
    pub options: std::collections::BTreeMap<String, String>,
}

/// One vendor's API, ready to speak.
#[derive(Debug)]
pub struct Dialect {}

impl Dialect {
    /// The dialect's name: that of its mapping file.
    pub fn name(&self) -> &str {
        todo!()
    }
    /// Whose ids it speaks.
    pub fn vendor(&self) -> &VendorName {
        todo!()
    }
    /// The rules that travel in each operation of this front.
    pub fn rules(&self) -> Rules {
        todo!()
    }
    /// Where a method and a raw path lead.
    pub fn route<'d>(&'d self, method: &http::Method, path: &str) -> Routed<'d> {
        todo!()
    }
    /// How much of the literal path prefix this dialect has in common with `path`, in bytes; decides
    /// who words the 404 of a path that nobody serves.
    pub fn affinity(&self, path: &str) -> usize {
        todo!()
    }
    /// The credential where the dialect keeps it.
    pub fn credential(&self, request: &Request<'_>) -> Option<Secret> {
        todo!()
    }
    /// Reads a request.
    ///
    /// # Errors
    /// `UnsupportedMedia`, or `Invalid` for a body that is not JSON: then no op can be chosen.
    pub fn decode_request(&self, candidates: &Candidates<'_>, request: &Request<'_>, settings: &Settings) -> Result<Decoded, Failure> {
        todo!()
    }
    /// What the op does.
    pub fn operation(&self, op: OpId) -> OperationKind {
        todo!()
    }
    /// The op's name in the mapping.
    pub fn op_name(&self, op: OpId) -> &str {
        todo!()
    }
    /// Writes the answer of an op. `reply` holds the outcome in the vendor's ids, `params` the request.
    pub fn encode_response(&self, op: OpId, reply: &Record, params: &Record, settings: &Settings) -> Response {
        todo!()
    }
    /// Writes a failure, for an op if one is known. Never fails: every failure has an answer.
    pub fn encode_failure(&self, failure: &Failure, op: Option<OpId>, params: &Record, settings: &Settings) -> Response {
        todo!()
    }
    /// Writes the request that does `kind` with `params`.
    pub fn encode_request(&self, kind: OperationKind, params: &Record, settings: &Settings) -> Option<(OpId, OwnedRequest)> {
        todo!()
    }
    /// Reads an answer: the reply record, or the failure.
    ///
    /// # Errors
    /// The failure that the vendor's answer means.
    pub fn decode_response(&self, op: OpId, response: &Response, params: &Record, settings: &Settings) -> Result<Record, Failure> {
        todo!()
    }
}

impl Candidates<'_> {
    /// Whether the ops want a credential (the strictest of them).
    pub fn auth(&self) -> Auth {
        todo!()
    }
}
