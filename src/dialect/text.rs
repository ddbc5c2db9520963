//! Texts around the body: query strings, path captures, headers, percent-encoding.

use http::{HeaderMap, HeaderName};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::mapping::condition::Scene;
use crate::mapping::plan::{QueryRules, Repeated};
use crate::model::Record;

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Percent-encodes a text as one path segment or one query value.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Decodes a path segment; `None` if it is not UTF-8.
pub(super) fn decode_segment(text: &str) -> Option<String> {
    percent_decode_str(text)
        .decode_utf8()
        .ok()
        .map(std::borrow::Cow::into_owned)
}

/// The value of a parameter in the query of a link.
pub(super) fn parameter(link: &str, name: &str) -> Option<String> {
    let (_, query) = link.split_once('?')?;
    let query = query.split('#').next().unwrap_or_default();
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(n, _)| decode_query(n).as_deref() == Some(name))?;
    decode_query(value)
}

/// Decodes a query text: `+` is a space, as in forms.
fn decode_query(text: &str) -> Option<String> {
    decode_segment(&text.replace('+', "%20"))
}

/// What a query says of one parameter.
#[derive(Debug, PartialEq)]
pub(super) enum Param {
    /// Nothing.
    Absent,
    /// One value.
    Value(String),
    /// It cannot be read: not UTF-8.
    Unreadable,
    /// It is there several times, and that is refused.
    Repeated,
}

/// The parameters of a query string, under the rules of a dialect.
pub(super) struct Query<'q> {
    pairs: Vec<(Option<String>, &'q str)>,
    rules: &'q QueryRules,
    absent_values: &'q [String],
}

impl<'q> Query<'q> {
    pub(super) fn parse(text: &'q str, rules: &'q QueryRules, scene: &Scene<'_>) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_query(name), value)
        });
        let active = rules
            .absent_values_if
            .as_ref()
            .is_none_or(|c| c.holds(&Record::new(), scene));
        Self {
            pairs: pairs.collect(),
            rules,
            absent_values: if active { &rules.absent_values } else { &[] },
        }
    }

    /// What the query says of `name`.
    pub(super) fn param(&self, name: &str) -> Param {
        let mut values = Vec::new();
        for (_, raw) in self
            .pairs
            .iter()
            .filter(|(n, _)| n.as_deref() == Some(name))
        {
            match decode_query(raw) {
                Some(value) => values.push(value),
                None => return Param::Unreadable,
            }
        }
        values.retain(|value| !self.counts_as_absent(value));
        match (values.len(), self.rules.repeated) {
            (0, _) => Param::Absent,
            (1, _) => Param::Value(values.swap_remove(0)),
            (_, Repeated::Join) => Param::Value(values.join(",")),
            (_, Repeated::Refuse) => Param::Repeated,
        }
    }

    fn counts_as_absent(&self, value: &str) -> bool {
        (value.is_empty() && self.rules.blank_is_absent)
            || self.absent_values.iter().any(|v| v == value)
    }
}

/// The text of a header that is there once and is visible text.
pub(super) fn header(headers: &HeaderMap, name: &HeaderName) -> Param {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Param::Absent,
        (Some(value), None) => std::str::from_utf8(value.as_bytes())
            .map_or(Param::Unreadable, |text| {
                Param::Value(text.trim().to_owned())
            }),
        (Some(_), Some(_)) => Param::Repeated,
    }
}

/// The media type of a `Content-Type`, without parameters.
pub(super) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(http::header::CONTENT_TYPE)?;
    let text = String::from_utf8_lossy(value.as_bytes());
    let media = essence(&text);
    (!media.is_empty()).then(|| media.to_owned())
}

/// A media type without its parameters.
pub(super) fn essence(media: &str) -> &str {
    media.split(';').next().unwrap_or_default().trim()
}

/// Whether an `Accept` header names a media type, and does not refuse it.
pub(super) fn accepts_by_name(text: &str, media: &str) -> bool {
    let is_refused = |range: &str| {
        let given = range
            .split(';')
            .skip(1)
            .find_map(|p| p.trim().strip_prefix("q="));
        given.is_some_and(|q| q.trim().parse().unwrap_or(0.0) <= 0.0_f32)
    };
    let mut ranges = text.split(',');
    ranges.any(|range| essence(range).eq_ignore_ascii_case(media) && !is_refused(range))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(text: &str, rules: &QueryRules, name: &str) -> Param {
        let request = Record::new();
        let scene = Scene {
            request: &request,
            option: &|_| None,
            body: false,
        };
        Query::parse(text, rules, &scene).param(name)
    }

    #[test]
    fn plus_and_percent_twenty_are_both_a_space() {
        let rules = QueryRules::default();
        assert_eq!(param("a=x+y", &rules, "a"), Param::Value("x y".into()));
        assert_eq!(
            param("a=x%20y%2B", &rules, "a"),
            Param::Value("x y+".into())
        );
        assert_eq!(param("a=%ff", &rules, "a"), Param::Unreadable);
    }

    #[test]
    fn blank_and_repeated_parameters_follow_the_rules() {
        let rules = QueryRules {
            blank_is_absent: true,
            repeated: Repeated::Join,
            ..QueryRules::default()
        };
        assert_eq!(param("a=&b=1", &rules, "a"), Param::Absent);
        assert_eq!(param("a=1&a=2", &rules, "a"), Param::Value("1,2".into()));
        let rules = QueryRules::default();
        assert_eq!(param("a=", &rules, "a"), Param::Value(String::new()));
        assert_eq!(param("a=1&a=2", &rules, "a"), Param::Repeated);
        assert_eq!(param("A=1", &rules, "a"), Param::Absent);
    }

    #[test]
    fn a_link_tells_the_parameters_of_its_query() {
        let link = "https://api.test/users?limit=2&cursor=a%2Bb+c#cursor=x";
        assert_eq!(parameter(link, "cursor").as_deref(), Some("a+b c"));
        assert_eq!(parameter(link, "limit").as_deref(), Some("2"));
        assert_eq!(parameter(link, "imit"), None);
        assert_eq!(parameter("https://api.test/users#?cursor=x", "y"), None);
        assert_eq!(parameter("?cursor=%ff", "cursor"), None);
    }

    #[test]
    fn a_media_type_is_accepted_by_name_unless_its_weight_is_zero() {
        let text = "*/*, a/b;q=0.5, E/F;v=1;q=0, g/h ; q=1.0, i/j;q=none";
        let named = |media| accepts_by_name(text, media);
        assert!(named("a/b") && named("g/h") && named("A/B"));
        assert!(!named("e/f") && !named("i/j") && !named("x/y"));
    }

    #[test]
    fn encoding_leaves_only_unreserved_characters() {
        assert_eq!(encode("a b+c/ü&="), "a%20b%2Bc%2F%C3%BC%26%3D");
        assert_eq!(
            decode_segment(&encode("a b+c/ü&=")).as_deref(),
            Some("a b+c/ü&=")
        );
    }
}
