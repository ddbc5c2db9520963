//! Rows: how each wire value becomes fields and back, and the trees of them that stand for documents.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::{Evidence, Origin};
use crate::mapping::codec::Codec;
use crate::mapping::condition::Condition;
use crate::mapping::path::Path;
use crate::model::{FailureKind, Field};

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
