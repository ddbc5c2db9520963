//! Values from outside the file, by the keys that they stand for.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::vars::Vars;
use crate::finding::Sink;

/// The sections whose scalar keys have an environment variable, `LINKBRIDGE_<SECTION>_<KEY>`.
const SECTIONS: &[&str] = &["server", "log", "backend", "limits", "tokens", "audit"];

/// Values from outside the file: those of the environment, or those of flags.
#[derive(Debug)]
pub(in crate::config) struct Overlay {
    pub(super) sink: Sink,
    /// By the key that each stands for, with the place where its name is shown.
    pub(super) values: BTreeMap<String, (String, Range<usize>)>,
}

impl Overlay {
    /// The variables of all sections. Findings show their names only: a value may be a secret that
    /// was put where a reference belongs.
    pub(in crate::config) fn of_environment(vars: &Vars) -> Self {
        let of_section = |name: &str| {
            let key = name.strip_prefix("LINKBRIDGE_")?.to_ascii_lowercase();
            let section = SECTIONS.iter().find(|s| {
                key.strip_prefix(**s)
                    .is_some_and(|rest| rest.starts_with('_'))
            })?;
            Some(key.replacen(&format!("{section}_"), &format!("{section}."), 1))
        };
        let values = vars
            .iter()
            .filter_map(|(name, value)| Some((of_section(name)?, name, value)));
        Self::new("environment", values)
    }

    /// Flags, by the key that each stands for: `server.listen` is `--listen`.
    pub(in crate::config) fn of_flags(flags: &[(&'static str, String)]) -> Self {
        let shown: Vec<String> = flags
            .iter()
            .map(|(key, _)| format!("--{}", key.rsplit('.').next().unwrap_or(key)))
            .collect();
        let values = flags.iter().zip(&shown);
        Self::new(
            "command line",
            values.map(|((key, value), shown)| ((*key).to_owned(), shown.as_str(), value.as_str())),
        )
    }

    fn new<'v>(source: &str, entries: impl Iterator<Item = (String, &'v str, &'v str)>) -> Self {
        let (mut text, mut values) = (String::new(), BTreeMap::new());
        for (key, shown, value) in entries {
            let span = text.len()..text.len() + shown.len();
            text.push_str(shown);
            text.push('\n');
            values.insert(key, (value.to_owned(), span));
        }
        Self {
            sink: Sink::new(source, &text),
            values,
        }
    }

    /// Every key, as in `server.listen`, with its value.
    pub(in crate::config) fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        let values = self.values.iter();
        values.map(|(key, (value, _))| (key.as_str(), value.as_str()))
    }

    /// What there is to say about these values.
    pub(in crate::config) fn into_sink(self) -> Sink {
        self.sink
    }
}
