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
    /// Names with their values, still encoded, in the order of the names: a client can send thousands, and
    /// each row looks for its own.
    pairs: Vec<(String, &'q str)>,
    rules: &'q QueryRules,
    absent_values: &'q [String],
}

impl<'q> Query<'q> {
    pub(super) fn parse(text: &'q str, rules: &'q QueryRules, scene: &Scene<'_>) -> Self {
        let given = text.split('&').filter(|pair| !pair.is_empty());
        // What is no text is the name of no row.
        let named = given.filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode_query(name)?, value))
        });
        let mut pairs: Vec<_> = named.collect();
        // Values of one name stay in the order in which they came.
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        let active = rules
            .absent_values_if
            .as_ref()
            .is_none_or(|c| c.holds(&Record::new(), scene));
        Self {
            pairs,
            rules,
            absent_values: if active { &rules.absent_values } else { &[] },
        }
    }

    /// A query without parameters.
    pub(super) fn none(rules: &'q QueryRules) -> Self {
        Self {
            pairs: Vec::new(),
            rules,
            absent_values: &[],
        }
    }

    /// What the query says of `name`.
    pub(super) fn param(&self, name: &str) -> Param {
        let mut values = Vec::new();
        let first = self.pairs.partition_point(|(n, _)| n.as_str() < name);
        let from_first = self.pairs.iter().skip(first);
        for (_, raw) in from_first.take_while(|(n, _)| n == name) {
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
    let weight = |parameter: &str| {
        let (name, value) = parameter.split_once('=')?;
        let is_weight = name.trim().eq_ignore_ascii_case("q");
        is_weight.then(|| value.trim().parse().unwrap_or(f32::NAN))
    };
    // A weight that is none weighs nothing.
    let is_wanted = |range: &str| {
        let given = range.split(';').skip(1).find_map(weight);
        given.is_none_or(|q| q > 0.0 && q <= 1.0)
    };
    let mut ranges = text.split(',');
    ranges.any(|range| essence(range).eq_ignore_ascii_case(media) && is_wanted(range))
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
    fn an_accept_header_that_is_malformed_names_nothing_by_its_faults() {
        for refused in [
            "",
            ",",
            ";;",
            "a",
            "/",
            "a/",
            "a/bc",
            "xa/b",
            "a/b;q=0",
            "a/b;Q=0.0",
            "a/b; q = 0",
            "a/b;q=",
            "a/b;q=nan",
            "a/b;q=-1",
            "a/b;q=inf",
            "a/b;q=2",
            "a/b;q=0;q=1",
            "q=1;a/b",
            "a /b",
        ] {
            assert!(!accepts_by_name(refused, "a/b"), "{refused:?}");
        }
        for accepted in [
            "a/b",
            ",,a/b,,",
            "a/b;",
            "a/b;q",
            "a/b;=;q=0.001",
            "a/b;v=\"1\";q=1",
            "a/b;q=0,a/b",
        ] {
            assert!(accepts_by_name(accepted, "a/b"), "{accepted:?}");
        }
    }

    #[test]
    fn a_parameter_is_found_among_many_and_its_values_keep_their_order() {
        let rules = QueryRules {
            repeated: Repeated::Join,
            ..QueryRules::default()
        };
        let many: Vec<String> = (0..20_000).map(|n| format!("x{n}={n}")).collect();
        let text = format!("b=2&a=z&{}&a=y&%61=x&=w&a=%2C&%ff=1&ab=1", many.join("&"));
        assert_eq!(param(&text, &rules, "a"), Param::Value("z,y,x,,".into()));
        assert_eq!(param(&text, &rules, "x7"), Param::Value("7".into()));
        assert_eq!(param(&text, &rules, ""), Param::Value("w".into()));
        assert_eq!(param(&text, &rules, "c"), Param::Absent);
    }

    #[test]
    fn reserved_characters_are_data_where_they_are_encoded() {
        let rules = QueryRules::default();
        let text = "a=1%262%3D3&b=x=y&c=%23%3F&d";
        assert_eq!(param(text, &rules, "a"), Param::Value("1&2=3".into()));
        assert_eq!(param(text, &rules, "b"), Param::Value("x=y".into()));
        assert_eq!(param(text, &rules, "c"), Param::Value("#?".into()));
        assert_eq!(param(text, &rules, "d"), Param::Value(String::new()));
        assert_eq!(param("a=%4", &rules, "a"), Param::Value("%4".into()));
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
