//! Rules that decide otherwise. They are compared as the mappings have them; tenants may add limits.

use std::fmt::Debug;

use super::{Group, Item};
use crate::mapping::plan::Plan;
use crate::model::Rules;

/// A rule: its key in a mapping, what it decides, and its word in a dialect's rules.
struct Rule {
    key: &'static str,
    decides: &'static str,
    word: fn(&Rules) -> String,
}

/// Every rule that a mapping can set. A new one is one line.
#[rustfmt::skip]
const RULES: &[Rule] = &[
    Rule { key: "on_repeat", decides: "a link that the same user has is made again", word: |r| word(r.on_repeat) },
    Rule { key: "on_missing_delete", decides: "a link that is not there is deleted", word: |r| word(r.on_missing_delete) },
    Rule { key: "per_user", decides: "how many links a user may have", word: |r| most(r.per_user) },
    Rule { key: "unique_scope", decides: "within what an account has one holder", word: |r| word(r.unique_scope) },
    Rule { key: "subject_case", decides: "which accounts are one", word: |r| word(r.subject_case) },
    Rule { key: "last_factor", decides: "the last link of a user is deleted", word: |r| word(r.last_factor) },
    Rule { key: "per_user_provider", decides: "how many links a user may have at a provider", word: |r| most(r.per_user_provider) },
];

/// A rule's variant as mappings spell it.
fn word(variant: impl Debug) -> String {
    format!("{variant:?}").to_lowercase()
}

fn most(limit: Option<u32>) -> String {
    limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string())
}

/// The rules of a mapping, with its options as they are by default.
fn of(plan: &Plan) -> Rules {
    let default = |name: &str| {
        let option = plan.options.iter().find(|option| option.name == name);
        option.map(|option| option.default.as_str())
    };
    plan.rules.with(default)
}

/// The rules with their words, for the reference.
pub fn words(plan: &Plan) -> Vec<(&'static str, &'static str, String)> {
    let rules = of(plan);
    let told = RULES
        .iter()
        .map(|rule| (rule.key, rule.decides, (rule.word)(&rules)));
    told.collect()
}

/// The rules whose words differ.
pub(super) fn different(from: &Plan, to: &Plan) -> Vec<Item> {
    let pairs = words(from).into_iter().zip(words(to));
    let different = pairs.filter(|((.., a), (.., b))| a != b);
    different
        .map(|((key, decides, a), (.., b))| {
            let why = format!("{decides}: `{a}` in {}, `{b}` in {}", from.name, to.name);
            Item::new(Group::Rules, key, why)
        })
        .collect()
}
