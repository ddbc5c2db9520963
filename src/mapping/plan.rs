//! The compiled form of a mapping file. Nothing in it is parsed or decided per request that load
//! could decide. `dialect` is its only reader; the loader of this module its only writer.

mod op;
mod row;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use http::HeaderName;

use super::condition::Condition;
use super::neighbor::Neighbor;
use super::route::Routes;
use super::rpc::RpcPlan;
use super::upstream::UpstreamPlan;
use crate::finding::Source;
use crate::model::{FailureKind, OperationKind, Rules, VendorName};

pub use self::op::{AnswerPlan, Auth, ErrorRow, Op, PageRule, PageStyle};
pub use self::row::{CarryKind, FieldRef, Form, Need, Only, Otherwise, Part, Row, Tree, Words};

/// A place in a mapping file, kept for findings about examples and for `explain`.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The file.
    pub source: Arc<Source>,
    /// The bytes.
    pub span: Range<usize>,
}

/// Where a fact about a vendor comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The vendor's documentation says so.
    Documented,
    /// Seen in the vendor's open source, an answer or a client.
    Seen,
    /// Inferred from something near.
    Inferred,
    /// Not known; this is our choice.
    Chosen,
}

impl Evidence {
    /// The words that mappings use, in the order of the variants.
    pub const WORDS: &'static [&'static str] = &["documented", "seen", "inferred", "chosen"];
    /// The variants, in the order of the words.
    pub const ALL: &'static [Evidence] = &[
        Evidence::Documented,
        Evidence::Seen,
        Evidence::Inferred,
        Evidence::Chosen,
    ];
}

/// Where a front looks for the credential.
#[derive(Clone, Debug, PartialEq)]
pub struct Take {
    /// The header.
    pub header: HeaderName,
    /// The scheme word before it, compared without regard to case.
    pub scheme: Option<String>,
}

/// What a repeated query parameter means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeated {
    /// A problem.
    #[default]
    Refuse,
    /// The values joined by commas.
    Join,
}

/// How query strings are read.
#[derive(Debug, Default)]
pub struct QueryRules {
    /// An empty value counts as absent.
    pub blank_is_absent: bool,
    /// A repeated parameter.
    pub repeated: Repeated,
    /// Values that count as absent, if the condition holds.
    pub absent_values: Vec<String>,
    /// When they do.
    pub absent_values_if: Option<Condition>,
}

/// A switch of a dialect.
#[derive(Debug)]
pub struct OptionSpec {
    /// Its name.
    pub name: String,
    /// The values it can have.
    pub values: Vec<String>,
    /// The value it has unless the configuration says otherwise.
    pub default: String,
    /// Why it exists.
    pub because: String,
}

/// Habits of a vendor's JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JsonHabits {
    /// `some_name` is read as `someName`.
    pub snake_too: bool,
    /// Zeros, empty texts, `false` and empty lists are not written.
    pub omits_defaults: bool,
    /// An object with two members of one name is not read.
    pub refuses_duplicates: bool,
}

/// The rules of a dialect, some of which a deployment may switch.
#[derive(Clone, Debug, Default)]
pub struct RulePlan {
    /// The rules as the file has them.
    pub fixed: Rules,
    /// Rules whose word is the value of an option: the rule's name, the option's.
    pub switched: Vec<(String, String)>,
}

/// What the file says about itself.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The vendor's documentation.
    pub docs: Vec<String>,
    /// The version of the vendor's API.
    pub version: String,
    /// When it was read.
    pub read: String,
}

/// One dialect, compiled.
#[derive(Debug)]
pub struct Plan {
    /// The name of the file.
    pub name: String,
    /// SHA-256 over the text of the file and of every file that it names, in the order in which they are
    /// first named. Line ends do not count.
    pub digest: [u8; 32],
    /// Whose ids it speaks.
    pub vendor: VendorName,
    /// What it is, for people.
    pub title: String,
    /// What the file says about itself.
    pub about: About,
    /// Where the credential is.
    pub take: Vec<Take>,
    /// Header rows of every request.
    pub headers: Vec<(HeaderName, Row)>,
    /// How query strings are read.
    pub query: QueryRules,
    /// Whether the media types of requests are compared byte for byte, and not, as HTTP says, in any case.
    pub exact_media: bool,
    /// Habits of its JSON.
    pub json: JsonHabits,
    /// The rules that travel in each operation.
    pub rules: RulePlan,
    /// The switches.
    pub options: Vec<OptionSpec>,
    /// Header rows of every answer, errors included.
    pub response_headers: Vec<(HeaderName, Row)>,
    /// The exchanges.
    pub ops: Vec<Op>,
    /// Method and path to ops.
    pub routes: Routes,
    /// How its ops are reached by remote procedure calls, if they are.
    pub rpc: Option<RpcPlan>,
    /// What is never passed on, beside the ops.
    pub neighbors: Vec<Neighbor>,
    /// How it keeps links for others.
    pub upstream: UpstreamPlan,
    /// The error table, in the order of the file.
    pub errors: Vec<ErrorRow>,
    /// Which error row words a kind for an operation, or for none.
    pub wording: HashMap<(FailureKind, Option<OperationKind>), usize>,
}
