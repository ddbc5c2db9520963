//! Findings: what `check` and the start have to say about a mapping or a configuration.
//!
//! Every finding has a code that never changes its meaning, a place (file, line, column), a message
//! and, where we know one, a hint. Readers collect all findings of a file instead of stopping at the
//! first: an operator mends a file once, not once for each mistake.

mod render;
mod table;

use std::cell::RefCell;
use std::collections::BTreeMap;
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
    masked: RefCell<Vec<Range<usize>>>,
    keys: RefCell<BTreeMap<String, bool>>,
}

impl Sink {
    /// A sink for `text`, shown as `name`.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        Self {
            source: Arc::new(Source {
                name: name.to_owned(),
                text: text.to_owned(),
            }),
            findings: RefCell::default(),
            masked: RefCell::default(),
            keys: RefCell::default(),
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
        self.push(
            code,
            Severity::Error,
            span,
            message.into(),
            Some(hint.into()),
        );
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
        self.findings.borrow_mut().push(Finding {
            code,
            severity,
            source,
            span,
            message,
            hint,
        });
    }

    /// Hides a part of the text from every finding: a secret that stands where it should not.
    pub fn mask(&self, span: Range<usize>) {
        self.masked.borrow_mut().push(span);
    }

    /// Notes that the reader knows a key, and whether the text has it.
    pub(crate) fn note_key(&self, name: String, present: bool) {
        *self.keys.borrow_mut().entry(name).or_default() |= present;
    }

    /// Every key that was asked for in a table that the text has, and whether it was there.
    #[must_use]
    pub fn known_keys(&self) -> BTreeMap<String, bool> {
        self.keys.borrow().clone()
    }

    /// Whether an error was noted.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings
            .borrow()
            .iter()
            .any(|f| f.severity == Severity::Error)
    }

    /// Everything that was noted, in the order of the text.
    #[must_use]
    pub fn into_findings(self) -> Vec<Finding> {
        let mut findings = self.findings.into_inner();
        findings.sort_by_key(|f| f.span.start);
        let masked = self.masked.into_inner();
        if !masked.is_empty() {
            let text = mask(&self.source.text, &masked);
            let source = Arc::new(Source {
                name: self.source.name.clone(),
                text,
            });
            for finding in &mut findings {
                finding.source = Arc::clone(&source);
            }
        }
        findings
    }
}

/// The text with every character of the spans as asterisks, one for each byte, so that places stay right.
fn mask(text: &str, spans: &[Range<usize>]) -> String {
    let hidden = |at: usize, c: char| c != '\n' && spans.iter().any(|span| span.contains(&at));
    let shown = |(at, c): (usize, char)| {
        if hidden(at, c) {
            "*".repeat(c.len_utf8())
        } else {
            c.to_string()
        }
    };
    text.char_indices().map(shown).collect()
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
    if known.is_empty() {
        return "there are none".to_owned();
    }
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_secret_is_in_no_finding() {
        let sink = Sink::new("a.toml", "key = \"s€cret\"\nb = 1\n");
        sink.mask(6..16);
        sink.error("LB002", 17..18, "`b` is not a key here");
        let findings = sink.into_findings();
        assert_eq!(findings[0].source.text, "key = **********\nb = 1\n");
        assert_eq!(findings[0].position(), (2, 1));
    }
}
