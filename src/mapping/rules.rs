//! `[rules]`: what a vendor does where others do otherwise. A rule is one of its words, or the value of
//! an option that has these words.

use super::plan::{OptionSpec, RulePlan};
use crate::finding::{Table, Text, suggest};
use crate::model::Rules;
use crate::model::operation::{LastFactor, OnMissingDelete, OnRepeat, SubjectCase, UniqueScope};

/// A rule: its name, and its two words.
struct Rule {
    name: &'static str,
    words: &'static [&'static str],
    /// Sets the first word, or the other one.
    set: fn(&mut Rules, bool),
}

/// Every rule; the first word is what holds without one.
const RULES: &[Rule] = &[
    Rule {
        name: "on_repeat",
        words: &["error", "same"],
        set: |rules, other| {
            rules.on_repeat = if other {
                OnRepeat::Same
            } else {
                OnRepeat::Error
            }
        },
    },
    Rule {
        name: "on_missing_delete",
        words: &["error", "same"],
        set: |rules, other| {
            rules.on_missing_delete = if other {
                OnMissingDelete::Same
            } else {
                OnMissingDelete::Error
            }
        },
    },
    Rule {
        name: "unique_scope",
        words: &["tenant", "instance"],
        set: |rules, other| {
            rules.unique_scope = if other {
                UniqueScope::Instance
            } else {
                UniqueScope::Tenant
            }
        },
    },
    Rule {
        name: "subject_case",
        words: &["exact", "fold"],
        set: |rules, other| {
            rules.subject_case = if other {
                SubjectCase::Fold
            } else {
                SubjectCase::Exact
            }
        },
    },
    Rule {
        name: "last_factor",
        words: &["ignore", "keep"],
        set: |rules, other| {
            rules.last_factor = if other {
                LastFactor::Keep
            } else {
                LastFactor::Ignore
            }
        },
    },
];

/// The names of all rules, for the reference.
pub const NAMES: &[&str] = &[
    "on_repeat",
    "on_missing_delete",
    "unique_scope",
    "subject_case",
    "last_factor",
    "per_user",
    "per_user_provider",
];

/// Reads `[rules]`.
pub(super) fn read(table: &Table<'_>, options: &[OptionSpec]) -> RulePlan {
    let mut plan = RulePlan::default();
    let Some(rules) = table.table("rules") else {
        return plan;
    };
    for rule in RULES {
        match rules
            .value(rule.name)
            .map(|v| v.get_ref().as_str().is_some())
        {
            Some(true) => {
                if let Some(index) = rules.word(rule.name, rule.words) {
                    (rule.set)(&mut plan.fixed, index == 1);
                }
            }
            Some(false) => switched(&rules, rule, options, &mut plan),
            None => {}
        }
    }
    let most = |key| {
        let most = rules.int_in(key, 1..=i64::from(u32::MAX));
        most.and_then(|n| u32::try_from(n).ok())
    };
    plan.fixed.per_user = most("per_user");
    plan.fixed.per_user_provider = most("per_user_provider");
    rules.finish();
    plan
}

/// `rule = { option = "name" }`.
fn switched(rules: &Table<'_>, rule: &Rule, options: &[OptionSpec], plan: &mut RulePlan) {
    let Some(table) = rules.table(rule.name) else {
        return;
    };
    if let Some(name) = table.need_text("option") {
        match options.iter().find(|option| option.name == name.value) {
            Some(option) => {
                check_words(&table, &name, rule, option);
                let pair = (rule.name.to_owned(), option.name.clone());
                plan.switched.push(pair);
            }
            None => {
                let known: Vec<&str> = options.iter().map(|o| o.name.as_str()).collect();
                let message = format!("there is no [option.{}]", name.value);
                let hint = suggest(&name.value, &known);
                table.sink().error_hint("LB110", name.span, message, hint);
            }
        }
    }
    table.finish();
}

/// Every value of the option must be a word of the rule.
fn check_words(table: &Table<'_>, name: &Text<'_>, rule: &Rule, option: &OptionSpec) {
    let foreign = |value: &&String| !rule.words.contains(&value.as_str());
    if let Some(value) = option.values.iter().find(foreign) {
        let message = format!(
            "the option has the value `{value}`, which is no word of `{}`",
            rule.name
        );
        let hint = format!("the words are: {}", rule.words.join(", "));
        let sink = table.sink();
        sink.error_hint("LB004", name.span.clone(), message, hint);
    }
}

impl RulePlan {
    /// The rules where the options have these values.
    pub fn with<'a>(&self, option: impl Fn(&str) -> Option<&'a str>) -> Rules {
        let mut rules = self.fixed;
        for (name, switch) in &self.switched {
            let rule = RULES.iter().find(|rule| rule.name == name);
            let word = option(switch);
            if let (Some(rule), Some(word)) = (rule, word)
                && let Some(index) = rule.words.iter().position(|known| *known == word)
            {
                (rule.set)(&mut rules, index == 1);
            }
        }
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_told_every_rule() {
        let mut known: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
        known.extend(["per_user", "per_user_provider"]);
        assert_eq!(known, NAMES);
    }

    #[test]
    fn the_first_word_of_a_rule_is_what_holds_without_it() {
        for rule in RULES {
            let mut rules = Rules::default();
            (rule.set)(&mut rules, false);
            assert_eq!(rules, Rules::default(), "{}", rule.name);
            (rule.set)(&mut rules, true);
            assert_ne!(rules, Rules::default(), "{}", rule.name);
        }
    }

    #[test]
    fn an_option_that_has_no_value_leaves_a_rule_as_the_file_has_it() {
        let plan = RulePlan {
            fixed: Rules {
                last_factor: LastFactor::Keep,
                ..Rules::default()
            },
            switched: vec![("last_factor".to_owned(), "mode".to_owned())],
        };
        let last = |value: Option<&'static str>| plan.with(|_| value).last_factor;
        assert_eq!(last(None), LastFactor::Keep);
        assert_eq!(last(Some("keeps")), LastFactor::Keep, "no word of the rule");
        assert_eq!(last(Some("ignore")), LastFactor::Ignore);
    }
}
