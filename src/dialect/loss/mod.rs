//! What a move from one dialect to another cannot carry, computed from the two mappings alone.
//!
//! The report is about the two APIs, not about a store: a client that keeps its words while the system
//! behind it changes, or changes its words, loses what only one side can say. What both say is held by
//! law 8 ([`super::laws::cross`]), which uses the same sets of fields.

mod failures;
mod fields;
mod formats;
mod operations;
mod rules;
mod said;

pub use self::rules::words as rules;
pub(super) use self::said::{Kind, Place, carried};

use super::Dialect;

/// What an item is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Fields of a link that answers tell.
    Told,
    /// Fields of a link that requests give.
    Given,
    /// Fields of pending links, providers and users.
    Records,
    /// Operations, and ways to ask for them.
    Operations,
    /// Failures that are told apart.
    Failures,
    /// Rules that decide otherwise.
    Rules,
    /// Lengths, spellings and words.
    Formats,
}

impl Group {
    /// Every group, in the order of a report.
    pub const ALL: &'static [Group] = &[
        Group::Told,
        Group::Given,
        Group::Records,
        Group::Operations,
        Group::Failures,
        Group::Rules,
        Group::Formats,
    ];

    /// The word for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Group::Told => "fields_told",
            Group::Given => "fields_given",
            Group::Records => "other_records",
            Group::Operations => "operations",
            Group::Failures => "failures",
            Group::Rules => "rules",
            Group::Formats => "formats",
        }
    }

    /// The heading for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Group::Told => "Fields of a link that answers tell",
            Group::Given => "Fields of a link that requests give",
            Group::Records => "Pending links, providers and users",
            Group::Operations => "Operations, and ways to ask for them",
            Group::Failures => "Failures that are told apart",
            Group::Rules => "Rules that decide otherwise",
            Group::Formats => "Lengths, spellings and words",
        }
    }
}

/// One thing that is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is about.
    pub group: Group,
    /// What is lost, in canonical words.
    pub what: String,
    /// Why: what the one dialect has and the other has not.
    pub why: String,
}

impl Item {
    fn new(group: Group, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            group,
            what: what.into(),
            why: why.into(),
        }
    }
}

/// Everything that a move from `from` to `to` cannot carry, by group.
#[must_use]
pub fn loss(from: &Dialect, to: &Dialect) -> Vec<Item> {
    let mut items = fields::of_links(from.plan(), to.plan());
    items.extend(fields::of_other_records(from.plan(), to.plan()));
    items.extend(operations::lost(from.plan(), to.plan()));
    items.extend(failures::merged(from, to));
    items.extend(rules::different(from.plan(), to.plan()));
    items.extend(formats::narrower(from.plan(), to.plan()));
    items
}

/// The first names of a list that may be long: how many there are is not what matters.
fn shortened(names: &[&str]) -> String {
    match names.get(..3) {
        Some(first) if names.len() > 4 => {
            let quoted: Vec<String> = first.iter().map(|name| format!("`{name}`")).collect();
            format!("{} and {} more", quoted.join(", "), names.len() - 3)
        }
        _ => listed(names.iter().copied()),
    }
}

/// Names in backticks, joined as a sentence joins them.
fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}
