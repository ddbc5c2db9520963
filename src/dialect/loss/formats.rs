//! Lengths, spellings and words that the other dialect cannot have.
//!
//! Codecs are asked, not looked at: what they read says what they are for, so that a new codec needs
//! nothing here.

use std::collections::BTreeMap;

use super::{Group, Item, listed};
use crate::mapping::codec::Codec;
use crate::mapping::plan::{Plan, Words};
use crate::mapping::survey::{self, Bound};
use crate::model::{Field, FieldType, Value, Why};

/// The longest text that is tried, in characters.
const LONGEST: usize = 4096;

/// What any text is.
const PLAIN: &str = "plain texts";

/// Spellings of ids that vendors have, each with an example.
const SPELLINGS: &[(&str, &str)] = &[
    ("UUIDs", "206a5101-bf29-487c-af8f-7485ca48d6d5"),
    ("decimal numbers", "281474976710657"),
    (PLAIN, "ann"),
    ("texts with upper-case letters", "Ann"),
];

/// What can be said of a field wherever a dialect binds it.
#[derive(Default)]
struct Limit {
    /// Which of the spellings some place does not read as they stand.
    refused: Vec<usize>,
    /// The most characters that every place reads.
    longest: Option<usize>,
    /// Whether some place keeps whole seconds only.
    coarse: bool,
    /// Canonical words that some place cannot say.
    unsaid: Vec<&'static str>,
}

impl Limit {
    /// The most characters that a value can have: what takes no plain text takes ids of a known length.
    fn longest(&self) -> Option<usize> {
        let taken = SPELLINGS
            .iter()
            .enumerate()
            .filter(|(index, _)| !self.refused.contains(index));
        let lengths = taken.map(|(_, (_, example))| example.len());
        let is_open = SPELLINGS
            .iter()
            .zip(0..)
            .any(|((name, _), index)| *name == PLAIN && !self.refused.contains(&index));
        let known = if is_open { None } else { lengths.max() };
        [self.longest, known].into_iter().flatten().min()
    }
}

/// What `from` can spell and `to` cannot, by field.
pub(super) fn narrower(from: &Plan, to: &Plan) -> Vec<Item> {
    let (here, there) = (limits(from), limits(to));
    let mut items = Vec::new();
    for (field, wide) in &here {
        let Some(narrow) = there.get(field) else {
            continue;
        };
        let mut lost = |why: String| items.push(Item::new(Group::Formats, field.name(), why));
        if let Some(spellings) = spellings(wide, narrow) {
            lost(format!("{} {spellings}", to.name));
        }
        let widest = wide.longest();
        if let Some(max) = narrow.longest
            && widest.is_none_or(|other| other > max)
        {
            let other = widest.map_or_else(
                || format!("no limit in {}", from.name),
                |other| format!("{other} in {}", from.name),
            );
            lost(format!("at most {max} characters in {}, {other}", to.name));
        }
        if narrow.coarse && !wide.coarse {
            lost(format!("{} has whole seconds only", to.name));
        }
        let unsaid = narrow.unsaid.iter().filter(|w| !wide.unsaid.contains(w));
        let unsaid: Vec<&str> = unsaid.copied().collect();
        if !unsaid.is_empty() {
            lost(format!("{} has no word for {}", to.name, listed(unsaid)));
        }
    }
    items
}

/// What the other dialect does not take, if there is something.
fn spellings(wide: &Limit, narrow: &Limit) -> Option<String> {
    let lost = |index: &usize| narrow.refused.contains(index) && !wide.refused.contains(index);
    let names = |chosen: &dyn Fn(&usize) -> bool| -> Vec<&str> {
        let numbered = SPELLINGS.iter().enumerate();
        let chosen = numbered.filter(|(index, _)| chosen(index));
        chosen.map(|(_, (name, _))| *name).collect()
    };
    let (lost, taken) = (
        names(&lost),
        names(&|index| !narrow.refused.contains(index)),
    );
    match (lost.as_slice(), taken.as_slice()) {
        ([], _) => None,
        // What takes one spelling is named by it.
        (_, [only]) => Some(format!("takes {only} only")),
        (lost, _) => Some(format!("does not take {}", lost.join(", "))),
    }
}

/// The limits of every field that stands in a request or an answer.
fn limits(plan: &Plan) -> BTreeMap<Field, Limit> {
    let mut limits: BTreeMap<Field, Limit> = BTreeMap::new();
    // How a client gets its token is no part of a link.
    for op in plan.ops.iter().filter(|op| !op.does.is_about_tokens()) {
        let parts = survey::request(op)
            .into_iter()
            .chain(survey::document(&op.answer.tree));
        for bound in parts.filter(|bound| bound.only.is_none()) {
            narrow(limits.entry(bound.field.field()).or_default(), &bound);
        }
    }
    limits
}

fn narrow(limit: &mut Limit, bound: &Bound<'_>) {
    let Some(codec) = bound.codec else { return };
    if let Some(words) = bound.words {
        let canonical = survey::vocabulary(bound.field.field()).unwrap_or_default();
        let unsaid = canonical
            .into_iter()
            .filter(|word| !comes_back(words, word));
        limit.unsaid.extend(unsaid);
        limit.unsaid.sort_unstable();
        limit.unsaid.dedup();
        return;
    }
    match bound.field.field().kind() {
        FieldType::Text => {
            for (index, (_, example)) in SPELLINGS.iter().enumerate() {
                if !keeps(codec, example) && !limit.refused.contains(&index) {
                    limit.refused.push(index);
                }
            }
            limit.longest = [limit.longest, longest(codec)].into_iter().flatten().min();
        }
        FieldType::Instant => limit.coarse |= is_coarse(codec),
        _ => {}
    }
}

/// Whether a text is the same after it was read.
fn keeps(codec: &Codec, text: &str) -> bool {
    codec.read_text(text) == Ok(Some(Value::Text(text.to_owned())))
}

/// The most characters that are read, if there is a limit that can be found.
fn longest(codec: &Codec) -> Option<usize> {
    let fits = |n: usize| codec.read_text(&"1".repeat(n)) != Err(Why::TooLong);
    if fits(LONGEST) {
        return None;
    }
    let (mut low, mut high) = (0, LONGEST);
    while high - low > 1 {
        let middle = low.midpoint(high);
        if fits(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}

fn is_coarse(codec: &Codec) -> bool {
    let instant = Value::Int(1_714_557_600_123);
    let read = codec
        .write_json(&instant)
        .map(|json| codec.read_json(&json));
    read != Some(Ok(Some(instant)))
}

/// Whether a canonical word is the same after it was written and read.
fn comes_back(words: &Words, canonical: &str) -> bool {
    let vendors = words.write.get(canonical);
    vendors
        .and_then(|vendors| words.read.get(vendors))
        .map(String::as_str)
        == Some(canonical)
}
