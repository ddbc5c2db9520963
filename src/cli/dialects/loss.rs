//! `dialects --loss`: what a move from one dialect to another cannot carry, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::dialect::Dialect;
use crate::dialect::loss::{Group, Item, loss};

/// The report as text, by group.
pub(super) fn text(from: &Dialect, to: &Dialect) -> String {
    let items = loss(from, to);
    let mut out = format!("From {} to {}: what is lost\n", from.name(), to.name());
    if items.is_empty() {
        out.push_str("\n  Nothing that the mappings know of.\n");
    }
    for group in Group::ALL {
        let mut items = of(&items, *group).peekable();
        if items.peek().is_some() {
            let _ = writeln!(out, "\n{}", group.title());
        }
        for item in items {
            let _ = writeln!(out, "  {}\n      {}", item.what, item.why);
        }
    }
    out.trim_end().to_owned()
}

/// The report as JSON: an array of what is lost.
pub(super) fn json(from: &Dialect, to: &Dialect) -> Json {
    let items = loss(from, to);
    let item =
        |item: &Item| json!({"group": item.group.name(), "what": item.what, "why": item.why});
    let lost: Vec<Json> = Group::ALL
        .iter()
        .flat_map(|group| of(&items, *group))
        .map(item)
        .collect();
    json!({"from": from.name(), "to": to.name(), "lost": lost})
}

fn of(items: &[Item], group: Group) -> impl Iterator<Item = &Item> {
    items.iter().filter(move |item| item.group == group)
}
