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
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap()
    }

    #[test]
    fn patterns_are_read_and_shown() {
        for (text, shown) in [
            ("/a/{b}/c", "/a/*/c"),
            ("/a/*", "/a/*"),
            ("/a/**", "/a/**"),
            ("/**", "/**"),
        ] {
            assert_eq!(pattern(text).to_string(), shown);
        }
        for bad in [
            "", "a", "/", "//a", "/a//b", "/a/", "/a**", "/**/a", "/a*", "/{}", "/a%20", "/a?b",
            "/a;b", "/../a", "/a/{b}c",
        ] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_permits_is_matched_as_it_is_spelled() {
        let fits = |text: &str, path: &str| pattern(text).fits(path);
        assert!(fits("/a/*/c", "/a/x%2Fy/c") && fits("/a/**", "/a/b/c") && fits("/a/**", "/a"));
        assert!(fits("/**", "/") && fits("/**", "/x/") && fits("/a/**", "/a/"));
        for other in ["/A/b", "/%61/b", "/a", "/a/", "/a/b/", "/a/b/c", "/ab/c"] {
            assert!(!fits("/a/*", other), "{other}");
        }
        assert!(!fits("/a/**", "/ab"));
    }

    #[test]
    fn patterns_meet_where_one_path_fits_both() {
        let meet = |a: &str, b: &str| {
            let (a, b) = (pattern(a), pattern(b));
            assert_eq!(a.meets(&b), b.meets(&a));
            a.meets(&b)
        };
        assert!(meet("/a/*", "/A/b") && meet("/a/**", "/a") && meet("/**", "/a/b"));
        assert!(meet("/a/b/**", "/a/**") && meet("/*/x", "/y/*"));
        assert!(!meet("/a/*", "/a") && !meet("/a/b", "/a/c/**") && !meet("/a/b/c/**", "/a/b"));
    }

    #[test]
    fn what_denies_is_matched_against_what_a_path_may_mean() {
        let denied = |path: &str| {
            Reading::of(path).is_none_or(|reading| pattern("/v2/users/human").may_mean(&reading))
        };
        for path in [
            "/v2/users/human",
            "/v2/users/human/",
            "/V2/Users/HUMAN",
            "/v2/users/%68uman",
            "/v2/users/h%75man",
            "/v2/users/human.",
            "/v2/users/human%20",
            "/v2/users/human+",
            "/v2/users/human:",
            "/v2/users/human:x",
            "/v2/users/human.json",
            "/v2/users/human;a=b",
            "/v2;x/users/human",
            "/v2/users%2Fhuman",
            "/v2/users%5chuman",
            "/v2/users/%2568uman",
            "/v2/users/human%3Fx",
            "/v2/users/human%23x",
            "/v2/users/human%3B",
            "/v2/users/human%00",
            "/v2/users/human%0a",
            "/v2//users/human",
            "/v2/users/human//",
            "/v2/./users/human",
            "/v2/%2e/users/human",
            "/v2/u%C5%BFers/human",
            "/v2/users/human%zz",
        ] {
            assert!(denied(path), "{path}");
        }
        for path in [
            "/v2/users",
            "/v2/users/humans",
            "/v2/users/human-x",
            "/v2/users/1/human",
        ] {
            assert!(!denied(path), "{path}");
        }
    }

    /// What a server makes of a path that decodes as long as it can, forgives everything and folds case.
    fn most_lenient(path: &str) -> Vec<String> {
        let mut text = path.to_owned();
        for _ in 0..4 {
            let decoded = percent_encoding::percent_decode_str(&text);
            text = decoded.decode_utf8_lossy().into_owned();
        }
        let text = text.to_lowercase().replace('\\', "/");
        let text = text.split(['?', '#', '\0']).next().unwrap_or_default();
        let mut segments: Vec<String> = Vec::new();
        for segment in text.split('/') {
            let segment = segment.split(';').next().unwrap_or_default();
            match segment.trim() {
                "" | "." => {}
                ".." => drop(segments.pop()),
                other => {
                    let other = other.trim_end_matches(['.', ':', '+', ' ']);
                    let other = other.strip_suffix(".json").unwrap_or(other);
                    segments.push(other.trim_matches([' ', '+']).to_owned());
                }
            }
        }
        segments
    }

    #[test]
    fn the_most_lenient_server_finds_no_way_around_a_denial() {
        use proptest::prelude::*;
        use proptest::strategy::ValueTree as _;
        let denied = pattern("/v2/users/human");
        let noise = proptest::sample::select(vec![
            "/",
            "//",
            "/.",
            "/%2e",
            "/..",
            "/x/..",
            "/x/%2E%2e",
            "\\",
            "%5c",
            "%2F",
            "%252f",
            ";",
            ";a=b",
            "%3b",
            "%00",
            "%20",
            "+",
            ".",
            ":",
            ".json",
            "%2ejson",
            "%09",
            "?a",
            "%3f",
            "%23",
            "",
        ]);
        let spell = |word: &'static str| {
            let letters = word.chars().map(|c| {
                let byte = u32::from(c);
                let upper = c.to_ascii_uppercase();
                proptest::sample::select(vec![
                    c.to_string(),
                    c.to_string(),
                    c.to_string(),
                    upper.to_string(),
                    format!("%{byte:02x}"),
                    format!("%{:02X}", u32::from(upper)),
                    format!("%25{byte:02x}"),
                ])
            });
            letters.collect::<Vec<_>>().prop_map(|parts| parts.concat())
        };
        let path = (
            (noise.clone(), spell("v2"), noise.clone()),
            (noise.clone(), spell("users"), noise.clone()),
            (noise.clone(), spell("human"), noise),
        )
            .prop_map(|((a, v2, b), (c, users, d), (e, human, f))| {
                format!("/{a}{v2}{b}/{c}{users}{d}/{e}{human}{f}")
            });
        let mut found = 0;
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        for _ in 0..20_000 {
            let path = path.new_tree(&mut runner).unwrap().current();
            if most_lenient(&path) == ["v2", "users", "human"] {
                found += 1;
                let raw = path.split('?').next().unwrap_or_default();
                let passes = Reading::of(raw).is_some_and(|reading| !denied.may_mean(&reading));
                assert!(!passes, "{path}");
            }
        }
        assert!(found > 500, "{found}");
    }
}
