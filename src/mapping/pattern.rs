//! Patterns of paths, and readings of paths that are held against them.
//!
//! A pattern permits or denies. What permits is matched exactly, byte for byte. What denies is matched
//! against a *reading* of the path: what the most lenient server could take it for.

use std::fmt;

use super::route::Segment;

/// A pattern: `/api/user/**`, `/users/{id}/links`, `/users/*/links`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Literals; `None` = any text that is not empty.
    segments: Vec<Option<String>>,
    /// Whether it ends with `**`: anything below, and the path itself.
    open: bool,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix('/').ok_or("a path starts with `/`")?;
        let (closed, open) = match rest.strip_suffix("**") {
            Some("") => (None, true),
            Some(above) => {
                let above = above.strip_suffix('/');
                (Some(above.ok_or("`**` is a whole segment")?), true)
            }
            None => (Some(rest), false),
        };
        let segments = closed.map_or(Ok(Vec::new()), |closed| {
            closed.split('/').map(segment).collect()
        });
        Ok(Self {
            segments: segments?,
            open,
        })
    }

    /// The pattern of an op's path.
    #[must_use]
    pub fn of_template(template: &[Segment]) -> Self {
        let segment = |segment: &Segment| match segment {
            Segment::Literal(text) => Some(text.clone()),
            Segment::Capture(_) => None,
        };
        Self {
            segments: template.iter().map(segment).collect(),
            open: false,
        }
    }

    /// Whether a raw path fits, as it is spelled.
    #[must_use]
    pub fn fits(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix('/') else {
            return false;
        };
        self.covers(
            rest.split('/'),
            |literal, text| literal == text,
            str::is_empty,
        )
    }

    /// Whether what a path may be read as fits.
    #[must_use]
    pub fn may_mean(&self, reading: &Reading) -> bool {
        let fits = |literal: &str, segment: &ReadSegment| segment.may_be(literal);
        self.covers(reading.0.iter(), fits, |_| false)
    }

    fn covers<T>(
        &self,
        mut path: impl Iterator<Item = T>,
        fits: impl Fn(&str, T) -> bool,
        is_empty: impl Fn(T) -> bool,
    ) -> bool
    where
        T: Copy,
    {
        let fit = self
            .segments
            .iter()
            .all(|wanted| match (wanted, path.next()) {
                (Some(literal), Some(text)) => fits(literal, text),
                (None, Some(text)) => !is_empty(text),
                (_, None) => false,
            });
        fit && (self.open || path.next().is_none())
    }

    /// Whether some path fits both, upper and lower case told apart by neither.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        let same = |(a, b): (&Option<String>, &Option<String>)| match (a, b) {
            (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
            _ => true,
        };
        let (mine, theirs) = (self.segments.len(), other.segments.len());
        let long_enough =
            mine == theirs || (mine < theirs && self.open) || (theirs < mine && other.open);
        long_enough && self.segments.iter().zip(&other.segments).all(same)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            write!(f, "/{}", segment.as_deref().unwrap_or("*"))?;
        }
        match (self.open, self.segments.is_empty()) {
            (true, _) => f.write_str("/**"),
            (false, true) => f.write_str("/"),
            (false, false) => Ok(()),
        }
    }
}

fn segment(text: &str) -> Result<Option<String>, String> {
    let named = text.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
    if text == "*" || named.is_some_and(|name| !name.is_empty() && !name.contains(['{', '}'])) {
        return Ok(None);
    }
    let odd = ['{', '}', '*', '%', '?', '#', ';', '\\'];
    if text.is_empty() || text == "." || text == ".." || text.contains(odd) {
        return Err(format!("`{text}` is no path segment"));
    }
    Ok(Some(text.to_owned()))
}

/// What a path may be read as, by a server that decodes, folds case and forgives.
#[derive(Clone, Debug)]
pub struct Reading(Vec<ReadSegment>);

#[derive(Clone, Debug)]
struct ReadSegment {
    /// Decoded, in lower case, without what servers take off its ends.
    text: String,
    /// It has letters beyond ASCII, which may fold to any others.
    is_foreign: bool,
}

impl Reading {
    /// Reads a raw path; `None` if servers differ about what it means: empty and dot segments, parameters
    /// (`;`), and characters that are percent-encoded although they divide (`/ \ % ; ? #`) or control.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let rest = path.strip_prefix('/')?;
        // A slash at the end is forgiven by many.
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.is_empty() {
            return (path == "/").then(|| Self(Vec::new()));
        }
        rest.split('/')
            .map(ReadSegment::of)
            .collect::<Option<_>>()
            .map(Self)
    }
}

impl ReadSegment {
    fn of(raw: &str) -> Option<Self> {
        let mut decoded = Vec::with_capacity(raw.len());
        let mut bytes = raw.bytes();
        while let Some(byte) = bytes.next() {
            let is_encoded = byte == b'%';
            let byte = if is_encoded {
                hex(bytes.next()?)? << 4 | hex(bytes.next()?)?
            } else {
                byte
            };
            let divides = matches!(byte, b'/' | b'\\' | b';' | b'?' | b'#' | b'%');
            if divides || byte < 0x20 || byte == 0x7f {
                return None;
            }
            decoded.push(byte.to_ascii_lowercase());
        }
        let is_foreign = !decoded.is_ascii();
        let text = String::from_utf8_lossy(&decoded);
        let text = text
            .trim_matches([' ', '+'])
            .trim_end_matches(['.', ' ', '+', ':']);
        (!text.is_empty()).then(|| Self {
            text: text.to_owned(),
            is_foreign,
        })
    }

    /// Whether it is the literal, or the literal and something that a server may take for a suffix: an
    /// extension, a verb.
    fn may_be(&self, literal: &str) -> bool {
        let literal = literal.to_ascii_lowercase();
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let has_it = self
            .text
            .strip_prefix(literal.as_str())
            .is_some_and(|rest| !rest.starts_with(is_word));
        self.is_foreign || has_it
    }
}

fn hex(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
