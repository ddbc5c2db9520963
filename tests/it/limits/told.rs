//! The fields that tell of limits, read strictly: RFC 9651 for what draft-ietf-httpapi-ratelimit-headers-11 uses.

use super::super::support::client::Answer;

/// What an answer tells of the limit that is nearest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) policy: String,
    pub(super) quota: u64,
    pub(super) window: u64,
    pub(super) remaining: u64,
    pub(super) reset: u64,
    /// `Retry-After`.
    pub(super) retry_after: Option<u64>,
}

impl Told {
    /// Reads what an answer tells, which must be there, once, and in agreement with itself.
    pub(super) fn of(answer: &Answer) -> Self {
        let only = |name: &str| {
            let all = answer.headers.iter().filter(|(n, _)| n == name);
            let all: Vec<&str> = all.map(|(_, value)| value.as_str()).collect();
            match all.as_slice() {
                [one] => (*one).to_owned(),
                other => panic!("{name}: {other:?} in {:?}", answer.headers),
            }
        };
        let (policy, [quota, window]) = item(&only("ratelimit-policy"), ["q", "w"]);
        let (same, [remaining, reset]) = item(&only("ratelimit"), ["r", "t"]);
        let retry_after = answer.header("retry-after");
        let told = Self {
            retry_after: retry_after.map(|text| text.parse().unwrap()),
            policy,
            quota,
            window,
            remaining,
            reset,
        };
        assert_eq!(told.policy, same);
        assert!(told.window > 0 && told.remaining <= told.quota, "{told:?}");
        assert_eq!(told.reset == 0, told.remaining == told.quota, "{told:?}");
        if let Some(wait) = told.retry_after {
            assert_eq!((told.remaining, told.reset), (0, wait), "{told:?}");
        }
        told
    }
}

/// An item of a string with two parameters that are whole numbers, in this order.
fn item(text: &str, names: [&str; 2]) -> (String, [u64; 2]) {
    let quoted = text.strip_prefix('"').and_then(|rest| rest.split_once('"'));
    let (name, rest) = quoted.unwrap_or_else(|| panic!("no string: {text}"));
    assert!(
        name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
        "{text}"
    );
    let mut parameters = rest.strip_prefix(';').unwrap_or_default().split(';');
    let numbers = names.map(|name| {
        let parameter = parameters.next().unwrap_or_default();
        let number = parameter
            .strip_prefix(name)
            .and_then(|p| p.strip_prefix('='));
        // An integer has at most fifteen digits.
        let number = number.filter(|n| n.len() <= 15 && n.bytes().all(|b| b.is_ascii_digit()));
        number
            .unwrap_or_else(|| panic!("{name} in {text}"))
            .parse()
            .unwrap()
    });
    assert_eq!(parameters.next(), None, "{text}");
    (name.to_owned(), numbers)
}

#[test]
#[should_panic(expected = "no string")]
fn a_token_is_no_string() {
    item("client;r=1;t=2", ["r", "t"]);
}

#[test]
fn an_item_is_read() {
    let read = item("\"client\";r=1;t=22", ["r", "t"]);
    assert_eq!(read, ("client".to_owned(), [1, 22]));
}
