//! Fields that one dialect tells or takes, and the other does not.

use super::said::{self, Kind, Said};
use super::{Group, Item, listed, shortened};
use crate::mapping::plan::Plan;

/// The fields of a link.
pub(super) fn of_links(from: &Plan, to: &Plan) -> Vec<Item> {
    let told = lost(said::told(from, Kind::Link), &said::told(to, Kind::Link));
    let given = lost(said::given(from, Kind::Link), &said::given(to, Kind::Link));
    let told = told.into_iter().map(|(field, ops)| {
        let why = format!(
            "told by {}; no answer of {} has it",
            shortened(&ops),
            to.name
        );
        Item::new(Group::Told, field, why)
    });
    let given = given.into_iter().map(|(field, ops)| {
        let why = format!(
            "taken by {}; no request of {} has it",
            shortened(&ops),
            to.name
        );
        Item::new(Group::Given, field, why)
    });
    told.chain(given).collect()
}

/// The fields that only `from` says, with the ops that say them.
fn lost<'p>(from: Said<'p>, to: &Said<'_>) -> Vec<(&'static str, Vec<&'p str>)> {
    let lost = from
        .into_iter()
        .filter(|(field, _)| !to.contains_key(field));
    lost.map(|(field, ops)| (field.name(), ops)).collect()
}

/// What only pending links, providers and users carry: one item for all that answers tell, one for all
/// that requests give.
pub(super) fn of_other_records(from: &Plan, to: &Plan) -> Vec<Item> {
    let mut items = Vec::new();
    for kind in Kind::ALL.iter().copied().filter(|kind| *kind != Kind::Link) {
        type Reader = for<'p> fn(&'p Plan, Kind) -> Said<'p>;
        let ways: [(Reader, _, _); 2] = [
            (said::told, "tell of", "answer"),
            (said::given, "give of", "request"),
        ];
        for (read, verb, part) in ways {
            let there = read(to, kind);
            let fields: Vec<&str> = lost(read(from, kind), &there)
                .iter()
                .map(|(f, _)| *f)
                .collect();
            if fields.is_empty() {
                continue;
            }
            let records = kind.plural();
            let why = if there.is_empty() {
                format!("no {part} of {} is about {records}", to.name)
            } else {
                format!("no {part} of {} has this of {records}", to.name)
            };
            let what = format!("{} ({part}s {verb} {records})", listed(fields));
            items.push(Item::new(Group::Records, what, why));
        }
    }
    items
}
