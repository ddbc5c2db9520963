//! As much of PromQL as it takes to see which metrics and labels an expression asks for.

use std::collections::{BTreeMap, BTreeSet};

/// What an expression asks for.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Asked {
    /// Metrics with the labels that their selectors name, each with what it is compared with.
    pub(super) metrics: BTreeMap<String, BTreeMap<String, String>>,
    /// Labels that things are grouped or matched by.
    pub(super) groups: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

/// What stands before a list of labels.
const GROUPING: &[&str] = &[
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];
/// What stands between two expressions.
const BETWEEN: &[&str] = &["and", "or", "unless", "bool", "offset"];

pub(super) fn asked(expression: &str) -> Result<Asked, String> {
    let tokens = tokens(expression)?;
    let mut found = Asked::default();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let Token::Word(word) = token else {
            continue;
        };
        let follows = |sign| tokens.get(at) == Some(&Token::Sign(sign));
        if GROUPING.contains(&word.as_str()) && follows('(') {
            at += 1;
            while let Some(Token::Word(label)) = tokens.get(at) {
                found.groups.insert(label.clone());
                at += 1;
                if tokens.get(at) == Some(&Token::Sign(',')) {
                    at += 1;
                }
            }
            if tokens.get(at) != Some(&Token::Sign(')')) {
                return Err(format!("a list of labels does not end: {expression}"));
            }
            at += 1;
        } else if !(follows('(')
            || BETWEEN.contains(&word.as_str())
            // An aggregation before its labels: `sum by (a) (…)`.
            || matches!(tokens.get(at), Some(Token::Word(next)) if GROUPING.contains(&next.as_str())))
        {
            let labels = found.metrics.entry(word.clone()).or_default();
            if follows('{') {
                at += 1;
                at = matchers(&tokens, at, labels)
                    .ok_or_else(|| format!("a selector that cannot be read: {expression}"))?;
            }
        }
    }
    Ok(found)
}

fn matchers(
    tokens: &[Token],
    mut at: usize,
    labels: &mut BTreeMap<String, String>,
) -> Option<usize> {
    while tokens.get(at) != Some(&Token::Sign('}')) {
        let Token::Word(label) = tokens.get(at)? else {
            return None;
        };
        at += 1;
        while matches!(tokens.get(at), Some(Token::Sign('=' | '!' | '~'))) {
            at += 1;
        }
        let Token::Text(value) = tokens.get(at)? else {
            return None;
        };
        labels.insert(label.clone(), value.clone());
        at += 1;
        if tokens.get(at) == Some(&Token::Sign(',')) {
            at += 1;
        }
    }
    Some(at + 1)
}

fn tokens(expression: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let part = |fits: fn(char) -> bool| {
            let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
            rest.split_at(end)
        };
        rest = match first {
            '"' => {
                let (text, after) = rest[1..].split_once('"').ok_or("a text without an end")?;
                found.push(Token::Text(text.to_owned()));
                after
            }
            '[' => {
                let (range, after) = rest[1..].split_once(']').ok_or("a range without an end")?;
                let is_time = range.ends_with(['s', 'm', 'h', 'd'])
                    && range[..range.len() - 1].parse::<u32>().is_ok();
                if range != "$__rate_interval" && !is_time {
                    return Err(format!("not a range: {range}"));
                }
                after
            }
            c if c.is_ascii_digit() => part(|c| c.is_ascii_alphanumeric() || c == '.').1,
            c if c.is_ascii_alphabetic() || c == '_' => {
                let (word, after) = part(|c| c.is_ascii_alphanumeric() || "_:".contains(c));
                found.push(Token::Word(word.to_owned()));
                after
            }
            c if "(){},=!~<>+-*/%^".contains(c) => {
                found.push(Token::Sign(c));
                &rest[1..]
            }
            c => return Err(format!("{c:?} in {expression}")),
        }
        .trim_start();
    }
    Ok(found)
}

#[test]
fn metrics_labels_and_groups_are_found() {
    let read = asked(
        "histogram_quantile(0.99, sum by (front, le) (rate(a_bucket{x=~\"1|2\", y!=\"\"}[5m]))) / b > 1.5 \
         and on (z) c{} unless count(d)",
    );
    let read = read.unwrap();
    let names: Vec<&str> = read.metrics.keys().map(String::as_str).collect();
    assert_eq!(names, ["a_bucket", "b", "c", "d"]);
    assert_eq!(read.metrics["a_bucket"]["x"], "1|2");
    assert_eq!(read.metrics["a_bucket"].len(), 2);
    let groups: Vec<&str> = read.groups.iter().map(String::as_str).collect();
    assert_eq!(groups, ["front", "le", "z"]);
    for bad in ["a{", "a{b}", "a{b=c}", "sum by (a", "a[x]", "a ; b"] {
        assert!(asked(bad).is_err(), "{bad}");
    }
}
