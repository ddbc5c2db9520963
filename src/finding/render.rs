//! Findings as an operator reads them: code, place, the line with a caret, the hint.

use super::{Finding, Severity};

/// Line and column of a byte, both counted from 1; a column is a character.
pub(super) fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    let column = before.get(start..).map_or(0, |l| l.chars().count()) + 1;
    (line, column)
}

/// One finding in the form `error[LB102]: …` with its place, line, caret and hint.
#[must_use]
pub fn render(finding: &Finding) -> String {
    let (line, column) = finding.position();
    let text = &finding.source.text;
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let source_line = text.lines().nth(line - 1).unwrap_or("");
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let carets = caret_count(finding, source_line, column);
    let mut out = format!(
        "{severity}[{}]: {}\n{margin}--> {}:{line}:{column}\n{margin} |\n{number} | {source_line}\n{margin} | {}{}\n",
        finding.code,
        finding.message,
        finding.source.name,
        " ".repeat(column - 1),
        "^".repeat(carets),
    );
    if let Some(hint) = &finding.hint {
        out.push_str(&format!("{margin} = help: {hint}\n"));
    }
    out
}

/// How many carets: the span, but never past the end of its first line.
fn caret_count(finding: &Finding, source_line: &str, column: usize) -> usize {
    let meant = finding.source.text.get(finding.span.clone()).unwrap_or("");
    let first_line = meant.lines().next().unwrap_or("").chars().count();
    let room = source_line.chars().count().saturating_sub(column - 1);
    first_line.min(room).max(1)
}

#[cfg(test)]
mod tests {
    use crate::finding::{Sink, render};

    #[test]
    fn the_caret_stands_under_the_character_meant() {
        let sink = Sink::new("a.toml", "ä = 1\nb = tru\n");
        sink.error_hint("LB001", 11..14, "not a value", "true or false");
        let findings = sink.into_findings();
        let expected = "error[LB001]: not a value\n --> a.toml:2:5\n  |\n2 | b = tru\n  |     ^^^\n  = help: true or false\n";
        assert_eq!(render(&findings[0]), expected);
    }
}
