//! Reading TOML with the place of every key and value, and without stopping at the first mistake.
//!
//! A [`Table`] remembers which keys it was asked for; [`Table::finish`] reports the others, with the
//! nearest of those that exist. So the code that reads a file is also the list of its keys.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Sink, suggest};

/// A text with its place.
#[derive(Clone, Debug)]
pub struct Text<'a> {
    /// The text, escapes resolved.
    pub value: Cow<'a, str>,
    /// Its bytes in the source, quotes included.
    pub span: Range<usize>,
}

/// Parses TOML; what is not TOML becomes `LB001` findings.
pub fn parse_toml<'a>(text: &'a str, sink: &Sink) -> Option<Spanned<DeTable<'a>>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        sink.error("LB001", span, format!("not TOML: {}", error.message()));
    }
    errors.is_empty().then_some(table)
}

/// One table of a file, being read.
pub struct Table<'a> {
    /// The table's name with its last dot, as a prefix of its keys' names.
    prefix: String,
    table: &'a DeTable<'a>,
    span: Range<usize>,
    sink: &'a Sink,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Table<'a> {
    /// The root table of a parsed file.
    #[must_use]
    pub fn root(root: &'a Spanned<DeTable<'a>>, sink: &'a Sink) -> Self {
        Self::new(root.get_ref(), root.span(), sink)
    }

    /// A table that stands at `span`.
    #[must_use]
    pub fn new(table: &'a DeTable<'a>, span: Range<usize>, sink: &'a Sink) -> Self {
        Self {
            prefix: String::new(),
            table,
            span,
            sink,
            asked: RefCell::default(),
        }
    }

    fn child(&self, key: &str, table: &'a DeTable<'a>, span: Range<usize>) -> Self {
        Self {
            prefix: format!("{}{key}.", self.prefix),
            ..Self::new(table, span, self.sink)
        }
    }

    /// Where findings go.
    #[must_use]
    pub fn sink(&self) -> &'a Sink {
        self.sink
    }

    /// Where the table stands.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The value of a key, whatever its type.
    #[must_use]
    pub fn value(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.borrow_mut().push(key);
        self.entry(key).map(|(_, value)| value)
    }

    /// Where a key stands; the table's own place if it does not.
    #[must_use]
    pub fn key_span(&self, key: &str) -> Range<usize> {
        self.entry(key).map_or(self.span.clone(), |(span, _)| span)
    }

    /// Where a value stands; the table's own place if it does not.
    #[must_use]
    pub fn value_span(&self, key: &str) -> Range<usize> {
        self.entry(key)
            .map_or(self.span.clone(), |(_, value)| value.span())
    }

    fn entry(&self, key: &str) -> Option<(Range<usize>, &'a Spanned<DeValue<'a>>)> {
        self.table
            .iter()
            .find(|(k, _)| k.get_ref() == key)
            .map(|(k, v)| (k.span(), v))
    }

    /// Whether a key is there, without asking for it.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// A text.
    #[must_use]
    pub fn text(&self, key: &'static str) -> Option<Text<'a>> {
        let value = self.value(key)?;
        let text = as_text(value);
        if text.is_none() {
            self.wrong_type(key, value, "a string");
        }
        text
    }

    /// A text that must be there.
    #[must_use]
    pub fn need_text(&self, key: &'static str) -> Option<Text<'a>> {
        if !self.has(key) {
            self.asked.borrow_mut().push(key);
            self.sink
                .error("LB003", self.span.clone(), format!("`{key}` is missing"));
            return None;
        }
        self.text(key)
    }

    /// A whole number.
    #[must_use]
    pub fn int(&self, key: &'static str) -> Option<i64> {
        let value = self.value(key)?;
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
        if number.is_none() {
            self.wrong_type(key, value, "a whole number");
        }
        number
    }

    /// A whole number within `range`.
    #[must_use]
    pub fn int_in(&self, key: &'static str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let number = self.int(key)?;
        if range.contains(&number) {
            return Some(number);
        }
        let (low, high) = (range.start(), range.end());
        let message = format!("`{key}` must be between {low} and {high}, and is {number}");
        self.sink.error("LB004", self.value_span(key), message);
        None
    }

    /// True or false.
    #[must_use]
    pub fn bool(&self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        let truth = value.get_ref().as_bool();
        if truth.is_none() {
            self.wrong_type(key, value, "true or false");
        }
        truth
    }

    /// A text of a closed list, as its index.
    #[must_use]
    pub fn word(&self, key: &'static str, words: &[&str]) -> Option<usize> {
        let text = self.text(key)?;
        let index = words.iter().position(|w| *w == text.value);
        if index.is_none() {
            let message = format!("`{key}` cannot be `{}`", text.value);
            self.sink
                .error_hint("LB004", text.span, message, suggest(&text.value, words));
        }
        index
    }

    /// A list of texts; a single text counts as a list of one.
    #[must_use]
    pub fn texts(&self, key: &'static str) -> Option<Vec<Text<'a>>> {
        let value = self.value(key)?;
        if let Some(one) = as_text(value) {
            return Some(vec![one]);
        }
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a list of strings");
            return None;
        };
        let texts: Vec<_> = array.iter().filter_map(as_text).collect();
        if texts.len() != array.len() {
            self.wrong_type(key, value, "a list of strings");
        }
        Some(texts)
    }

    /// A table.
    #[must_use]
    pub fn table(&self, key: &'static str) -> Option<Table<'a>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(self.child(key, table, self.section_span(key, value))),
            _ => {
                self.wrong_type(key, value, "a table");
                None
            }
        }
    }

    /// A list of tables (`[[key]]`).
    #[must_use]
    pub fn tables(&self, key: &'static str) -> Vec<Table<'a>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a list of tables");
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in array {
            match item.get_ref() {
                DeValue::Table(table) => tables.push(self.child(key, table, item.span())),
                _ => self.wrong_type(key, item, "a table"),
            }
        }
        tables
    }

    /// Every key with its place and value, for tables whose keys are not fixed.
    pub fn entries(&self) -> impl Iterator<Item = (Text<'a>, &'a Spanned<DeValue<'a>>)> {
        self.table.iter().map(|(key, value)| {
            (
                Text {
                    value: Cow::Borrowed(key.get_ref().as_ref()),
                    span: key.span(),
                },
                value,
            )
        })
    }

    /// Reports every key that was not asked for.
    pub fn finish(self) {
        self.finish_except(|_| false);
    }

    /// Reports every key that was not asked for and is not `allowed`.
    pub fn finish_except(self, allowed: impl Fn(&str) -> bool) {
        let asked = self.asked.borrow();
        for key in asked.iter() {
            self.sink
                .note_key(format!("{}{key}", self.prefix), self.has(key));
        }
        for (key, _) in self.entries() {
            if !allowed(&key.value) && !asked.iter().any(|a| *a == key.value) {
                let message = format!("`{}` is not a key here", key.value);
                self.sink
                    .error_hint("LB002", key.span, message, suggest(&key.value, &asked));
            }
        }
    }

    /// The place of a `[section]` is its header, which is the key's place; of an inline table, its braces.
    fn section_span(&self, key: &str, value: &Spanned<DeValue<'a>>) -> Range<usize> {
        let span = value.span();
        if span.is_empty() {
            self.key_span(key)
        } else {
            span
        }
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'a>>, wanted: &str) {
        let given = value.get_ref().type_str();
        self.sink.error(
            "LB004",
            value.span(),
            format!("`{key}` must be {wanted}, and is {given}"),
        );
    }
}

fn as_text<'a>(value: &'a Spanned<DeValue<'a>>) -> Option<Text<'a>> {
    match value.get_ref() {
        DeValue::String(text) => Some(Text {
            value: Cow::Borrowed(text.as_ref()),
            span: value.span(),
        }),
        _ => None,
    }
}
