//! A value with the place where it was given, at which whatever is wrong with it is said.

use std::ops::Range;

use crate::finding::{Sink, Table, Text};

/// What a value was given by; the later one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::config) enum Source {
    /// Nobody: it is the default.
    Default,
    /// The file.
    File,
    /// A variable.
    Environment,
    /// A flag.
    Flag,
}

/// Where a value was given.
#[derive(Clone)]
pub(in crate::config) struct At<'a> {
    sink: &'a Sink,
    span: Range<usize>,
}

impl<'a> At<'a> {
    pub(in crate::config) fn new(sink: &'a Sink, span: Range<usize>) -> Self {
        Self { sink, span }
    }

    pub(in crate::config) fn error(
        &self,
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.sink.error_hint(code, self.span.clone(), message, hint);
    }

    pub(in crate::config) fn warning(
        &self,
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.sink
            .warning(code, self.span.clone(), message, Some(hint.into()));
    }

    /// Whether the value stands in the text of this sink.
    pub(in crate::config) fn is_in(&self, sink: &Sink) -> bool {
        std::ptr::eq(self.sink, sink)
    }

    /// Keeps the value itself out of every finding.
    pub(in crate::config) fn mask(&self) {
        self.sink.mask(self.span.clone());
    }
}

/// A value with the place where it was given.
pub(in crate::config) struct Given<'a, T> {
    pub(in crate::config) value: T,
    pub(in crate::config) at: At<'a>,
}

impl<'a> Given<'a, String> {
    /// A text of the file.
    pub(in crate::config) fn in_table(table: &Table<'a>, text: Text<'a>) -> Self {
        Self {
            value: text.value.into_owned(),
            at: At::new(table.sink(), text.span),
        }
    }
}
