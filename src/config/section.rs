//! One section of scalar keys, where flag, environment and file may each have a say.
//!
//! Precedence is decided here and nowhere else: flag > environment > file; defaults are the callers'.

mod given;
mod overlay;

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::time::Duration;

pub(super) use self::given::{At, Given, Source};
pub(super) use self::overlay::Overlay;
use crate::edge::rate_limit::Rate;
use crate::finding::{Table, suggest};

/// One section of scalar keys.
pub(super) struct Section<'a> {
    name: &'static str,
    table: Option<Table<'a>>,
    overlays: [&'a Overlay; 2],
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// A section of the file, which need not have it.
    pub(super) fn new(
        name: &'static str,
        root: &Table<'a>,
        flags: &'a Overlay,
        environment: &'a Overlay,
    ) -> Self {
        Self {
            name,
            table: root.table(name),
            overlays: [flags, environment],
            asked: RefCell::default(),
        }
    }

    /// What flag or environment say.
    fn over(&self, key: &'static str) -> Option<Given<'a, String>> {
        self.asked.borrow_mut().push(key);
        let name = format!("{}.{key}", self.name);
        self.overlays.iter().find_map(|overlay| {
            let (value, span) = overlay.values.get(&name)?;
            Some(Given {
                value: value.clone(),
                at: At::new(&overlay.sink, span.clone()),
            })
        })
    }

    /// What gave a value of this section.
    pub(super) fn source<T>(&self, given: &Given<'_, T>) -> Source {
        let [flags, environment] = self.overlays;
        if given.at.is_in(&flags.sink) {
            Source::Flag
        } else if given.at.is_in(&environment.sink) {
            Source::Environment
        } else {
            Source::File
        }
    }

    /// A text.
    pub(super) fn text(&self, key: &'static str) -> Option<Given<'a, String>> {
        let filed = self.table.as_ref().and_then(|table| {
            let text = table.text(key)?;
            Some(Given::in_table(table, text))
        });
        self.over(key).or(filed)
    }

    /// A list of texts; outside the file they are separated by commas.
    pub(super) fn texts(&self, key: &'static str) -> Vec<Given<'a, String>> {
        let filed = self.table.as_ref().and_then(|table| {
            let given = |text| Given::in_table(table, text);
            Some(table.texts(key)?.into_iter().map(given).collect())
        });
        match self.over(key) {
            Some(over) => over
                .value
                .split(',')
                .map(|part| Given {
                    value: part.trim().to_owned(),
                    at: over.at.clone(),
                })
                .collect(),
            None => filed.unwrap_or_default(),
        }
    }

    /// A table within the section: it stands in the file or nowhere.
    pub(super) fn table(&self, key: &'static str) -> Option<Table<'a>> {
        self.table.as_ref().and_then(|table| table.table(key))
    }

    /// A list of tables within the section.
    pub(super) fn tables(&self, key: &'static str) -> Vec<Table<'a>> {
        let filed = self.table.as_ref().map(|table| table.tables(key));
        filed.unwrap_or_default()
    }

    /// A whole number.
    pub(super) fn int(&self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let filed = self
            .table
            .as_ref()
            .and_then(|table| table.int_in(key, range.clone()));
        let Some(over) = self.over(key) else {
            return filed;
        };
        let number = over.value.parse().ok().filter(|n| range.contains(n));
        if number.is_none() {
            let hint = format!(
                "a whole number between {} and {}",
                range.start(),
                range.end()
            );
            over.at.error(
                "LB520",
                format!("the value for `{key}` of [{}] cannot be used", self.name),
                hint,
            );
        }
        number
    }

    /// An error about these keys, at the first of them that was given.
    pub(super) fn error(
        &self,
        keys: &[&'static str],
        code: &'static str,
        message: &str,
        hint: &str,
    ) {
        let given = |key: &&'static str| {
            let name = format!("{}.{key}", self.name);
            let over = self.overlays.iter().find_map(|overlay| {
                let (_, span) = overlay.values.get(&name)?;
                Some(At::new(&overlay.sink, span.clone()))
            });
            let filed = || {
                let table = self.table.as_ref().filter(|table| table.has(key))?;
                Some(At::new(table.sink(), table.key_span(key)))
            };
            over.or_else(filed)
        };
        if let Some(at) = keys.iter().find_map(given) {
            at.error(code, message, hint);
        }
    }

    /// A size or count that has a default.
    pub(super) fn size(
        &self,
        key: &'static str,
        range: RangeInclusive<i64>,
        default: usize,
    ) -> usize {
        self.int(key, range)
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(default)
    }

    /// A span of whole seconds that has a default, a day at the longest.
    pub(super) fn seconds(&self, key: &'static str, least: i64, default: u64) -> Duration {
        let given = self
            .int(key, least..=86_400)
            .and_then(|n| u64::try_from(n).ok());
        Duration::from_secs(given.unwrap_or(default))
    }

    /// A rate that has a default.
    pub(super) fn rate(&self, key: &'static str, default: Rate) -> Rate {
        let Some(given) = self.text(key) else {
            return default;
        };
        rate(&given).unwrap_or(default)
    }

    /// A rate that may be `off`.
    pub(super) fn rate_or_off(&self, key: &'static str, default: Option<Rate>) -> Option<Rate> {
        let Some(given) = self.text(key) else {
            return default;
        };
        match given.value.as_str() {
            "off" => None,
            _ => rate(&given).or(default),
        }
    }

    /// Reports what nobody asked for: keys of the file, and variables.
    pub(super) fn finish(self) {
        let asked = self.asked.borrow();
        for overlay in self.overlays {
            for (name, (_, span)) in &overlay.values {
                let Some((section, key)) = name.split_once('.') else {
                    continue;
                };
                if section == self.name && !asked.contains(&key) {
                    let message = format!("[{section}] has no key `{key}`");
                    overlay
                        .sink
                        .error_hint("LB521", span.clone(), message, suggest(key, &asked));
                }
            }
        }
        if let Some(table) = self.table {
            table.finish();
        }
    }
}

/// A rate that is written in the source; that each of them is one, a test says.
pub(super) fn known_rate(text: &str) -> Rate {
    let one = std::num::NonZeroU32::MIN;
    Rate::parse(text).unwrap_or(Rate {
        count: one,
        per: Duration::from_secs(1),
        burst: one,
    })
}

/// Reads a rate, or says how one is written.
pub(super) fn rate(given: &Given<'_, String>) -> Option<Rate> {
    let rate = Rate::parse(&given.value);
    if rate.is_none() {
        let message = format!("`{}` is not a rate", given.value);
        given.at.error(
            "LB516",
            message,
            "such as `50/s`, `10/m burst 20`, `1000/h` or `5000/d`",
        );
    }
    rate
}
