//! The compiled form of a mapping file. Nothing in it is parsed or decided per request that load
//! could decide. `dialect` is its only reader; the loader of this module its only writer.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use http::{HeaderName, Method};
use serde_json::Value as Json;

use super::codec::Codec;
use super::condition::Condition;
use super::example::Example;
use super::neighbor::Neighbor;
use super::path::{Path, Query};
use super::route::{Routes, Segment};
use super::rpc::{OpRpc, RpcPlan};
use super::upstream::UpstreamPlan;
use crate::finding::Source;
use crate::model::{FailureKind, Field, OperationKind, Rules, VendorName};

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

/// Which record a row's field is looked up in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldRef {
    /// The record at hand.
    Here(Field),
    /// The parameters of the request (`req.x`).
    Request(Field),
}

impl FieldRef {
    /// The field, wherever it is looked up.
    #[must_use]
    pub fn field(self) -> Field {
        match self {
            FieldRef::Here(field) | FieldRef::Request(field) => field,
        }
    }
}

/// A translation table between a vendor's words and canonical ones.
#[derive(Debug, Default, PartialEq)]
pub struct Words {
    /// Vendor's word to canonical word; synonyms too.
    pub read: HashMap<String, String>,
    /// Canonical word to vendor's word.
    pub write: HashMap<String, String>,
    /// The vendor's word for what it has no word for.
    pub write_else: Option<String>,
    /// Whether a word that is not known is left out of several; else it is a problem.
    pub drops_unknown: bool,
}

/// A piece of a joined text or of a link.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text as it stands.
    Literal(String),
    /// The value of a field.
    Field(FieldRef),
    /// A text that is a member of the user's document; only in links.
    Document {
        /// The member.
        member: String,
        /// Whether it is written in base64url, without padding.
        base64: bool,
    },
    /// The front's public URL.
    Origin,
}

/// One direction only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    /// An alias that is never sent.
    Parse,
    /// A value that is never trusted.
    Emit,
}

/// What replaces an absent field when writing.
#[derive(Clone, Debug, PartialEq)]
pub enum Otherwise {
    /// Another field.
    Field(FieldRef),
    /// A literal.
    Literal(Json),
}

/// How a row turns a wire value into fields and back.
#[derive(Debug)]
pub enum Form {
    /// One field.
    Field {
        /// Which.
        field: FieldRef,
        /// How it is spelled.
        codec: Codec,
        /// Its translation table.
        words: Option<Arc<Words>>,
    },
    /// A constant.
    Const(Json),
    /// Several fields in one text.
    Join(Vec<Part>),
    /// A computed link; parts are percent-encoded; never read.
    Url(Vec<Part>),
    /// A nested shape.
    One {
        /// The shape.
        shape: Arc<Tree>,
        /// The field that holds the nested record; `None` = the record at hand.
        field: Option<Field>,
    },
    /// An array of records.
    List {
        /// The field that holds them.
        field: Field,
        /// The shape of each.
        item: Arc<Tree>,
        /// Which records are meant.
        filter: Option<Condition>,
        /// The most items that are read.
        max: Option<usize>,
    },
    /// An array of single values, or such values in one text, joined by commas: each is a record.
    Each {
        /// The field that holds the records.
        field: Field,
        /// What a value says of its record.
        item: Box<Row>,
        /// Which records are meant.
        filter: Option<Condition>,
        /// Whether the values are written in their order as texts.
        sorted: bool,
    },
    /// The credential of HTTP Basic authentication: a name and a secret, in a header.
    Basic {
        /// The field of the name.
        user: Field,
        /// The field of the secret.
        secret: Field,
    },
    /// A member of the user's document, kept as it stands.
    Carry {
        /// The member.
        member: String,
        /// What it may be.
        kind: CarryKind,
        /// The only texts that it may be, if they are known.
        allowed: Vec<String>,
    },
    /// An object whose keys are a field of each record.
    Dict {
        /// The field that holds the records.
        field: Field,
        /// The field that is the key.
        key: Field,
        /// The only keys there are, if the field has a closed list of words.
        keys: Option<Vec<&'static str>>,
        /// The shape of each value.
        item: Arc<Tree>,
    },
    /// An object keyed by a field, with an array of records under each key.
    Group {
        /// The field that holds the records.
        field: Field,
        /// The field that is the key.
        by: Field,
        /// The shape of each record.
        item: Arc<Tree>,
        /// Which records are meant.
        filter: Option<Condition>,
    },
    /// Alternatives: the first whose condition holds is written, the first that fits is read.
    First(Vec<Row>),
    /// Nothing but a route condition.
    Presence,
}

/// What a member that is carried may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CarryKind {
    /// Any JSON.
    #[default]
    Any,
    /// A text.
    Text,
    /// An object.
    Object,
}

/// One row of a mapping.
#[derive(Debug)]
pub struct Row {
    /// What it does.
    pub form: Form,
    /// The fields that the form binds.
    pub fields: Vec<Field>,
    /// When it is written; read without regard to it, but see [`Form::First`].
    pub condition: Option<Condition>,
    /// One direction only.
    pub only: Option<Only>,
    /// The value must be there.
    pub need: Option<Need>,
    /// What is written instead of an absent field.
    pub otherwise: Option<Otherwise>,
    /// Whether `null` is written where there is nothing else to write.
    pub null: bool,
    /// Where the text is kept as it stands, for answers that repeat it.
    pub raw: Option<Field>,
    /// The failure that an unreadable value is.
    pub bad: Option<FailureKind>,
    /// A query parameter that must be present (`true`) or absent (`false`) for this op.
    pub presence: Option<bool>,
    /// Another readable row of the same tree sets the same field.
    pub contested: bool,
    /// An empty text is a problem, also where the codec takes it for nothing.
    pub refuses_blank: bool,
    /// Of a link: the parameter of its query that a field is read from.
    pub parameter: Option<(String, Field)>,
    /// Where the fact comes from.
    pub evidence: Option<Evidence>,
    /// Why the row is as it is.
    pub because: Option<String>,
    /// Where it stands.
    pub origin: Origin,
}

impl Row {
    /// A row that does nothing.
    #[must_use]
    pub fn plain(origin: Origin) -> Self {
        Self {
            form: Form::Presence,
            fields: Vec::new(),
            condition: None,
            only: None,
            need: None,
            otherwise: None,
            null: false,
            raw: None,
            bad: None,
            presence: None,
            contested: false,
            refuses_blank: false,
            parameter: None,
            evidence: None,
            because: None,
            origin,
        }
    }
}

/// How the absence of a needed value is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Absent is `missing`, empty is `blank`.
    Missing,
    /// Absent is `blank` too.
    Blank,
}

/// The rows of a JSON document, in the order of the file.
#[derive(Debug, Default)]
pub struct Tree {
    /// Each row with its place.
    pub rows: Vec<(Path, Row)>,
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
