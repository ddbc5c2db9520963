//! Golden cases of a vendor's stub, as data (`tests/stubs/<vendor>.toml`): what the vendor file says is asked and
//! answered. So the judge is judged, too.
//!
//! `{NAME}` is one of `[values]`. In what has to be told, `"*"` is anything, `"abc*"` begins so, and a member
//! `"..."` lets others be there; a step without `told` says nothing of the body, with `""` it has to be empty.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::{Stub, Vendor};
use crate::support::client::{Answer, Client};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    values: BTreeMap<String, String>,
    /// Sent with every request that does not say otherwise.
    headers: BTreeMap<String, String>,
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Number in the vendor file, and what it is about.
    name: String,
    /// Why it is so: the vendor file's mark.
    mark: String,
    /// What differs from the usual state, in the words of the vendor's test.
    #[serde(default)]
    given: Vec<String>,
    step: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    ask: String,
    /// Headers besides the usual ones; an empty value takes one away.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    /// Seconds that pass before it.
    #[serde(default)]
    after: u64,
    status: u16,
    told: Option<String>,
    /// Headers that have to be there; an empty value must not.
    #[serde(default)]
    has: BTreeMap<String, String>,
}

/// Where the cases are asked.
pub(crate) trait Place {
    fn addr(&self) -> SocketAddr;
    fn url(&self) -> String;
    /// Lets time pass.
    fn advance(&self, by: Duration);
    /// The value of a header as it has to be there.
    fn header(&self, value: String) -> String {
        value
    }
}

impl<V: Vendor + 'static> Place for Stub<V> {
    fn addr(&self) -> SocketAddr {
        Stub::addr(self)
    }

    fn url(&self) -> String {
        Stub::url(self)
    }

    fn advance(&self, by: Duration) {
        Stub::advance(self, by);
    }
}

/// Runs every case of a file on a vendor of its own: `vendor` makes one in its usual state, `given` changes it.
/// Answers how many exchanges there were.
pub(crate) fn run<V: Vendor + 'static>(
    file: &str,
    vendor: impl Fn() -> V,
    given: impl Fn(&mut V, &[&str]),
) -> usize {
    judge(file, &|lines: &[String]| {
        let stub = Stub::start(vendor());
        for words in lines {
            let words: Vec<_> = words.split_whitespace().collect();
            stub.with(|vendor| given(vendor, &words));
        }
        Some(Box::new(stub))
    })
}

/// Finds the place of a case that is given these lines, if there is one.
pub(crate) type Places<'a> = dyn Fn(&[String]) -> Option<Box<dyn Place>> + 'a;

/// Runs the cases of a file, each in its place; a case for which there is none is left out. Answers how many exchanges
/// there were.
pub(crate) fn judge(file: &str, place: &Places<'_>) -> usize {
    let path = format!("{}/tests/stubs/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let file: File = toml::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"));
    let (mut wrong, mut n_steps) = (Vec::new(), 0);
    for case in &file.case {
        assert!(!case.mark.is_empty(), "{}: no mark", case.name);
        let given: Vec<_> = case.given.iter().map(|line| file.filled(line)).collect();
        let Some(place) = place(&given) else { continue };
        for (n, step) in case.step.iter().enumerate() {
            let found = file.walk(&*place, step);
            wrong.extend(found.map(|found| format!("{}, step {}: {found}", case.name, n + 1)));
            n_steps += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    n_steps
}

impl File {
    fn filled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.values {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }

    /// What is wrong with a step's answer.
    fn walk(&self, place: &dyn Place, step: &Step) -> Option<String> {
        place.advance(Duration::from_secs(step.after));
        let ask = self.filled(&step.ask);
        let (method, target) = ask.split_once(' ').expect("a method and a target");
        let mut headers = self.headers.clone();
        headers.extend(step.headers.clone());
        headers.retain(|_, value| !value.is_empty());
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.clone(), place.header(self.filled(value))))
            .collect();
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let body = step.body.as_deref().map(|body| self.filled(body));
        let body = body.as_deref().map(str::as_bytes);
        // A connection of its own: what closes one does not reach the next step.
        let sent = Client::new(place.addr()).send(method, target, &headers, body);
        let answer = match sent {
            Ok(answer) => answer,
            Err(lost) => return Some(format!("{ask}: {lost}")),
        };
        let found = self.differs(step, &answer, &place.url())?;
        Some(format!(
            "{ask}: {found}\n  {} {}",
            answer.status,
            answer.text()
        ))
    }

    fn differs(&self, step: &Step, answer: &Answer, origin: &str) -> Option<String> {
        if answer.status != step.status {
            return Some(format!("not {}", step.status));
        }
        for (name, value) in &step.has {
            let wanted = Some(self.filled(value).replace("{ORIGIN}", origin));
            let given = answer.header(name);
            let is_so = match wanted.as_deref() {
                Some("") => given.is_none(),
                Some("*") => given.is_some(),
                wanted => given == wanted,
            };
            if !is_so {
                return Some(format!("{name} is {given:?}, not {wanted:?}"));
            }
        }
        match step.told.as_deref() {
            None => None,
            Some("") => (!answer.body.is_empty()).then(|| "a body".to_owned()),
            Some(told) => {
                let told = self.filled(told).replace("{ORIGIN}", origin);
                let wanted: Value =
                    serde_json::from_str(&told).unwrap_or_else(|e| panic!("{e} in {told}"));
                match answer.json() {
                    Err(error) => Some(error),
                    Ok(given) => unlike(&wanted, &given, ""),
                }
            }
        }
    }
}

/// Where a document is not as it has to be.
pub(crate) fn unlike(wanted: &Value, given: &Value, at: &str) -> Option<String> {
    let differs = || Some(format!("{at}: {given}, not {wanted}"));
    match (wanted, given) {
        (Value::String(text), _) if text == "*" => None,
        (Value::String(text), Value::String(given)) if text.ends_with('*') => {
            let start = text.trim_end_matches('*');
            (!given.starts_with(start)).then(differs).flatten()
        }
        (Value::Object(wanted), Value::Object(given)) => {
            let open = wanted.contains_key("...");
            let extra = given.keys().find(|key| !wanted.contains_key(*key));
            if let Some(extra) = extra.filter(|_| !open) {
                return Some(format!("{at}/{extra} is too much"));
            }
            let mut members = wanted.iter().filter(|(key, _)| *key != "...");
            members.find_map(|(key, value)| match given.get(key) {
                Some(given) => unlike(value, given, &format!("{at}/{key}")),
                None => Some(format!("{at}/{key} is missing")),
            })
        }
        (Value::Array(wanted), Value::Array(given)) if wanted.len() == given.len() => {
            let mut pairs = wanted.iter().zip(given).enumerate();
            pairs.find_map(|(n, (wanted, given))| unlike(wanted, given, &format!("{at}/{n}")))
        }
        _ => (wanted != given).then(differs).flatten(),
    }
}

#[test]
fn what_differs_is_found() {
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    for (wanted, given, is_like) in [
        (r#"{"a":[1,{"b":"*"}]}"#, r#"{"a":[1,{"b":null}]}"#, true),
        (r#"{"a":"x*"}"#, r#"{"a":"xy"}"#, true),
        (r#"{"a":"x*"}"#, r#"{"a":"yx"}"#, false),
        (r#"{"a":1}"#, r#"{"a":1,"b":2}"#, false),
        (r#"{"a":1,"...":0}"#, r#"{"a":1,"b":2}"#, true),
        (r#"{"a":1,"b":"*"}"#, r#"{"a":1}"#, false),
        ("[1]", "[1,2]", false),
        ("1", "1.5", false),
    ] {
        let found = unlike(&json(wanted), &json(given), "");
        assert_eq!(found.is_none(), is_like, "{wanted} {given}: {found:?}");
    }
}
