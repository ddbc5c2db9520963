//! Ops: the exchanges of a vendor's API, what they answer, and how failures are worded.

use http::{HeaderName, Method};

use super::{Evidence, Origin, Row, Tree};
use crate::mapping::condition::Condition;
use crate::mapping::example::Example;
use crate::mapping::path::{Path, Query};
use crate::mapping::route::Segment;
use crate::mapping::rpc::OpRpc;
use crate::model::{FailureKind, OperationKind};

/// Whether an op wants a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Without one: `unauthenticated`.
    Required,
    /// None is looked at.
    None,
}

/// How the next part of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageStyle {
    /// By the number of records to skip.
    Offset,
    /// By the user after whom the page begins.
    After,
    /// As [`PageStyle::After`]; the header `Link` (RFC 8288) has the targets of the first page and the next.
    LinkHeader {
        /// What stands for "from the start".
        first: String,
    },
}

/// How a list is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRule {
    /// How the next part is asked for.
    pub style: PageStyle,
    /// The records of a page if the request does not say.
    pub limit: u64,
}

/// The answer of an op.
#[derive(Debug)]
pub struct AnswerPlan {
    /// The statuses of success: the first is sent, all are read.
    pub statuses: Vec<u16>,
    /// Statuses under conditions: the first that holds wins over the first status.
    pub status_if: Vec<(u16, Condition)>,
    /// The body; no rows = no body.
    pub tree: Tree,
    /// The body, where it is a text and no JSON.
    pub text: Option<String>,
    /// Header fields.
    pub headers: Vec<(HeaderName, Row)>,
    /// The media types of the body: the first is sent unless the client names another one.
    pub produces: Vec<String>,
    /// Failures that are answered as a list of nothing.
    pub empty_for: Vec<FailureKind>,
}

/// One exchange of the vendor's API.
#[derive(Debug)]
pub struct Op {
    /// Its name in the file.
    pub name: String,
    /// What it does.
    pub does: OperationKind,
    /// The method.
    pub method: Method,
    /// The path.
    pub path: Vec<Segment>,
    /// Other paths that mean the same; they are read and never sent.
    pub also: Vec<Vec<Segment>>,
    /// The remote procedure calls that mean the same.
    pub rpc: OpRpc,
    /// Whether members that no row speaks of are problems.
    pub strict: bool,
    /// Whether it wants a credential.
    pub auth: Auth,
    /// The rows of the path's captures.
    pub captures: Vec<(String, Row)>,
    /// The rows of the query.
    pub query: Vec<(String, Row)>,
    /// Rows for headers of this request, beside those of every request.
    pub headers: Vec<(HeaderName, Row)>,
    /// How many seconds a token lives that is issued.
    pub lifetime: Option<u32>,
    /// The media types of the request that it reads.
    pub consumes: Vec<String>,
    /// Body members that must be there.
    pub has: Vec<Path>,
    /// Body members that must not be there.
    pub lacks: Vec<Path>,
    /// Whether it is a form to send.
    pub emit: bool,
    /// The body of the request.
    pub request: Tree,
    /// The members of the user's document that the request carries.
    pub members: Vec<String>,
    /// The answer.
    pub answer: AnswerPlan,
    /// How its list is cut.
    pub page: Option<PageRule>,
    /// Its examples.
    pub examples: Vec<Example>,
    /// Where the facts come from.
    pub evidence: Option<Evidence>,
    /// Why it is as it is.
    pub because: Option<String>,
    /// Where it stands.
    pub origin: Origin,
}

/// How failures are worded.
#[derive(Debug)]
pub struct ErrorRow {
    /// Whether it stands in another file, whose rows come after those of the file itself.
    pub is_included: bool,
    /// The kinds it words; empty = `*`.
    pub kinds: Vec<FailureKind>,
    /// Only for these operations; empty = all.
    pub on: Vec<OperationKind>,
    /// The status.
    pub status: u16,
    /// Statuses under conditions: the first that holds wins over the status.
    pub status_if: Vec<(u16, Condition)>,
    /// The body; no rows = no body.
    pub tree: Tree,
    /// Header fields.
    pub headers: Vec<(HeaderName, Row)>,
    /// What an answer must match to be read as this row.
    pub matches: Option<Query>,
    /// The media types of the body: the first is sent unless the client names another one.
    pub produces: Vec<String>,
    /// Its examples.
    pub examples: Vec<Example>,
    /// Where the facts come from.
    pub evidence: Option<Evidence>,
    /// Why it is as it is.
    pub because: Option<String>,
    /// Where it stands.
    pub origin: Origin,
}
