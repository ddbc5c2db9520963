//! W3C Trace Context: `traceparent` and `tracestate`, read as strictly as they are specified.
//!
//! What is not exactly right is as good as absent: then a trace begins here.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The field with trace, parent and flags.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The field with what vendors add.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The most members of a `tracestate` (section 3.3.1.1), and the most bytes that are passed on.
const MAX_MEMBERS: usize = 32;
const MAX_STATE_BYTES: usize = 512;

/// The id of a trace; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(pub(super) [u8; 16]);

/// The id of a span; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanId(pub(super) [u8; 8]);

impl TraceId {
    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> [u8; 16] {
        self.0
    }

    /// What is random in it, as a number: for sampling that every service decides alike.
    pub(super) fn low(&self) -> u64 {
        let [.., a, b, c, d, e, f, g, h] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

impl SpanId {
    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> [u8; 8] {
        self.0
    }
}

impl std::fmt::Display for TraceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Display for SpanId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Where a request stands in a trace that somebody else has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The trace.
    pub trace: TraceId,
    /// Who calls.
    pub span: SpanId,
    /// Whether the caller records it.
    pub sampled: bool,
    /// What vendors have added, to be passed on as it is.
    pub state: Option<HeaderValue>,
}

impl Parent {
    /// What the head of a request says; `None` if that is nothing, or nothing valid.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let mut fields = headers.get_all(TRACEPARENT).iter();
        let (field, None) = (fields.next()?, fields.next()) else {
            return None;
        };
        let (trace, span, sampled) = traceparent(field.as_bytes())?;
        Some(Self {
            trace,
            span,
            sampled,
            state: tracestate(headers),
        })
    }
}

/// `00-<32 hex>-<16 hex>-<2 hex>`; a later version may have more behind it (section 3.2.4).
fn traceparent(text: &[u8]) -> Option<(TraceId, SpanId, bool)> {
    let mut parts = text.splitn(5, |byte| *byte == b'-');
    let [version]: [u8; 1] = hex(parts.next()?)?;
    let trace: [u8; 16] = hex(parts.next()?)?;
    let span: [u8; 8] = hex(parts.next()?)?;
    let [flags]: [u8; 1] = hex(parts.next()?)?;
    let is_known = match version {
        0 => parts.next().is_none(),
        0xff => false,
        _ => true,
    };
    let is_zero = trace == [0; 16] || span == [0; 8];
    (is_known && !is_zero).then_some((TraceId(trace), SpanId(span), flags & 1 == 1))
}

/// Exactly `2 * N` digits, lower case.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * N {
        return None;
    }
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(out)
}

/// Several fields are one list. One that is broken, or has a key twice, is dropped whole (section 3.3).
fn tracestate(headers: &HeaderMap) -> Option<HeaderValue> {
    let fields = headers.get_all(TRACESTATE).iter();
    let texts: Option<Vec<&str>> = fields.map(|value| value.to_str().ok()).collect();
    let joined = texts?.join(",");
    let members = joined.split(',').map(|m| m.trim_matches([' ', '\t']));
    let members: Vec<&str> = members.filter(|member| !member.is_empty()).collect();
    if members.is_empty() || members.len() > MAX_MEMBERS {
        return None;
    }
    let mut keys: Vec<&str> = Vec::with_capacity(members.len());
    for member in &members {
        let (key, value) = member.split_once('=')?;
        if !is_key(key) || !is_value(value) || keys.contains(&key) {
            return None;
        }
        keys.push(key);
    }
    let text = members.join(",");
    (text.len() <= MAX_STATE_BYTES)
        .then(|| HeaderValue::try_from(text).ok())
        .flatten()
}

fn is_key(key: &str) -> bool {
    let word = |text: &str, most: usize, digit_first: bool| {
        let first = text.bytes().next();
        let starts =
            first.is_some_and(|b| b.is_ascii_lowercase() || (digit_first && b.is_ascii_digit()));
        let goes_on = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-*/".contains(&b);
        starts && text.len() <= most && text.bytes().all(goes_on)
    };
    match key.split_once('@') {
        Some((tenant, system)) => word(tenant, 241, true) && word(system, 14, false),
        None => word(key, 256, false),
    }
}

fn is_value(value: &str) -> bool {
    let is_char = |b: u8| matches!(b, 0x20..=0x7e) && b != b',' && b != b'=';
    !value.is_empty() && value.len() <= 256 && value.bytes().all(is_char)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn read(fields: &[(&str, &str)]) -> Option<Parent> {
        let fields = fields.iter().map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, value);
        }
        Parent::read(&headers)
    }

    /// The cases of the specification's own test suite that concern this field.
    #[test]
    fn traceparent_is_read_strictly() {
        let parent = read(&[("traceparent", GOOD)]).unwrap();
        assert_eq!(parent.trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(parent.span.to_string(), "00f067aa0ba902b7");
        assert!(parent.sampled && parent.state.is_none());
        let unsampled = GOOD.replace("-01", "-00");
        assert!(!read(&[("traceparent", &unsampled)]).unwrap().sampled);
        for good in [
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-brings",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff",
        ] {
            assert!(read(&[("traceparent", good)]).is_some(), "{good}");
        }
        for bad in [
            "",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e47366-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
            "00-4bf92f3577b34da6a3ce929d0e0e473.-00f067aa0ba902b7-01",
        ] {
            assert_eq!(read(&[("traceparent", bad)]), None, "{bad}");
        }
        assert_eq!(read(&[("traceparent", GOOD), ("traceparent", GOOD)]), None);
    }

    #[test]
    fn tracestate_is_one_list_or_nothing() {
        let state = |values: &[&str]| {
            let mut fields = vec![("traceparent", GOOD)];
            fields.extend(values.iter().map(|value| ("tracestate", *value)));
            let state = read(&fields).unwrap().state;
            state.map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(state(&["foo=1", " bar=2 "]).as_deref(), Some("foo=1,bar=2"));
        assert_eq!(state(&["foo=1,,bar=2"]).as_deref(), Some("foo=1,bar=2"));
        assert_eq!(state(&["0x@sys-1=a b"]).as_deref(), Some("0x@sys-1=a b"));
        let long = format!("foo={}", "x".repeat(257));
        let many: Vec<String> = (0..33).map(|n| format!("k{n}=v")).collect();
        for bad in [
            "foo=1,foo=2",
            "Foo=1",
            "foo",
            "foo=",
            "foo=1=2",
            "1foo=1",
            "foo@=1",
            "@foo=1",
            "foo@bar@baz=1",
            "foo =1",
            &long,
            &many.join(","),
        ] {
            assert_eq!(state(&[bad]), None, "{bad}");
        }
    }
}
