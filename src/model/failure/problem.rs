//! Problems: what is wrong with a request, where, and why.

use crate::model::{Field, FieldType};

/// Which part of a request a problem is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The body.
    Body,
    /// The query string.
    Query,
    /// The path.
    Path,
    /// A header field.
    Header,
}

impl Place {
    /// The word that mappings use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Place::Body => "body",
            Place::Query => "query",
            Place::Path => "path",
            Place::Header => "header",
        }
    }

    /// The place of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Place::Body, Place::Query, Place::Path, Place::Header]
            .into_iter()
            .find(|p| p.name() == name)
    }
}

macro_rules! whys {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),* $(,)?) => {
        /// Why a value is refused: a closed list, worded by each dialect.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Why { $($(#[$doc])* $variant),* }

        impl Why {
            /// Every reason.
            pub const ALL: &'static [Why] = &[$(Why::$variant),*];
            /// The word that mappings use.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Why::$variant => $name),* }
            }
            /// The reason of this name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Why::$variant),)* _ => None }
            }
        }
    };
}

whys! {
    /// A needed value is not there.
    Missing = "missing",
    /// A needed text is empty.
    Blank = "blank",
    /// The value does not have the form that the field wants.
    Malformed = "malformed",
    /// The value has another JSON type than the field wants.
    WrongType = "wrong_type",
    /// The text is longer than allowed.
    TooLong = "too_long",
    /// The text is shorter than allowed.
    TooShort = "too_short",
    /// The value is none of those that are known.
    UnknownValue = "unknown_value",
    /// The id names nothing that exists.
    Unresolved = "unresolved",
    /// The value may not be given here.
    NotAllowed = "not_allowed",
    /// The value was good until a time that has passed.
    Expired = "expired",
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Which part of the request.
    pub place: Place,
    /// Where in that part: a dotted path in a body (empty for the whole of it), a name elsewhere.
    pub at: String,
    /// The canonical field, where one is meant.
    pub field: Option<Field>,
    /// What is wrong.
    pub why: Why,
    /// The longest or largest that is allowed, where that is the matter.
    pub max: Option<u64>,
}

impl Problem {
    fn is_number(&self) -> bool {
        self.field.is_some_and(|f| f.kind() == FieldType::Int)
    }

    /// A sentence for the client, in our own words (vendors' texts are never copied).
    #[must_use]
    pub fn message(&self) -> String {
        let what = match self.why {
            Why::Missing => "is missing".to_owned(),
            Why::Blank => "must not be blank".to_owned(),
            Why::Malformed => "does not have the right form".to_owned(),
            Why::WrongType => "has the wrong type".to_owned(),
            Why::TooLong => match (self.max, self.is_number()) {
                (Some(max), true) => format!("is more than {max}"),
                (Some(max), false) => format!("is longer than {max}"),
                (None, _) => "is too long".to_owned(),
            },
            Why::TooShort if self.is_number() => "is too small".to_owned(),
            Why::TooShort => "is too short".to_owned(),
            Why::UnknownValue => "is not one of the known values".to_owned(),
            Why::Unresolved => "names nothing that exists".to_owned(),
            Why::NotAllowed => "is not allowed here".to_owned(),
            Why::Expired => "has expired".to_owned(),
        };
        match (self.place, self.at.is_empty()) {
            (Place::Body, true) => format!("The request body {what}."),
            (Place::Body, false) => format!("The member {} {what}.", self.at),
            (Place::Query, _) => format!("The query parameter {} {what}.", self.at),
            (Place::Path, true) => format!("The path {what}."),
            (Place::Path, false) => format!("The path parameter {} {what}.", self.at),
            (Place::Header, _) => format!("The header {} {what}.", self.at),
        }
    }
}
