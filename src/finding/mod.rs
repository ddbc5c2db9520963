//! Findings: what `check` and the start have to say about a mapping or a configuration.
//!
//! Every finding has a code that never changes its meaning, a place (file, line, column), a message
//! and, where we know one, a hint. Readers collect all findings of a file instead of stopping at the
//! first: an operator mends a file once, not once for each mistake.

mod render;
mod table;

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

pub use render::render;
pub use table::{Table, Text, parse_toml};

/// A named text that findings point into.
#[derive(Debug)]
pub struct Source {
    /// The file's name, as it is shown.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Whether a finding stops the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing can be served with this.
    Error,
    /// Worth knowing.
    Warning,
}

/// One thing to say about a file.
#[derive(Clone, Debug)]
pub struct Finding {
    /// `LBnnn`; see `docs/findings.md`.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// The file.
    pub source: Arc<Source>,
    /// The bytes meant.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub hint: Option<String>,
}

impl Finding {
    /// Line and column of the first byte meant, both counted from 1; columns are characters.
    #[must_use]
    pub fn position(&self) -> (usize, usize) {
        render::position(&self.source.text, self.span.start)
    }
}

/// Something is wrong, and the sink already knows what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noted;

/// Collects the findings of one source.
#[derive(Debug)]
pub struct Sink {
    source: Arc<Source>,
    findings: RefCell<Vec<Finding>>,
}

impl Sink {
    /// A sink for `text`, shown as `name`.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        Self {
            source: Arc::new(Source { name: name.to_owned(), text: text.to_owned() }),
            findings: RefCell::new(Vec::new()),
        }
    }

    /// The text that is read.
    #[must_use]
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Notes an error at `span`.
    pub fn error(&self, code: &'static str, span: Range<usize>, message: impl Into<String>) {
        self.push(code, Severity::Error, span, message.into(), None);
    }

    /// Notes an error at `span`, with what would be right.
    pub fn error_hint(
        &self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(code, Severity::Error, span, message.into(), Some(hint.into()));
    }

    /// Notes a warning at `span`, with what would be right.
    pub fn warning(
        &self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.push(code, Severity::Warning, span, message.into(), hint);
    }

    fn push(
        &self,
        code: &'static str,
        severity: Severity,
        span: Range<usize>,
        message: String,
        hint: Option<String>,
    ) {
        let source = Arc::clone(&self.source);
        self.findings.borrow_mut().push(Finding { code, severity, source, span, message, hint });
    }

    /// Whether an error was noted.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.borrow().iter().any(|f| f.severity == Severity::Error)
    }

    /// Everything that was noted, in the order of the text.
    #[must_use]
    pub fn into_findings(self) -> Vec<Finding> {
        let mut findings = self.findings.into_inner();
        findings.sort_by_key(|f| f.span.start);
        findings
    }
}

/// The word of `known` that `word` was probably meant to be.
#[must_use]
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// A hint that names the nearest known word, else all of them.
#[must_use]
pub fn suggest(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are: {}", known.join(", ")),
    }
}
