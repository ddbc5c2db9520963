//! Whether two answers of two servers are the same, but for what is different in any two answers: instants,
//! ids of requests, the servers' own addresses, and ids that are new.

use std::net::SocketAddr;

use serde_json::Value;

use super::super::super::exchanges::accepts;
use super::super::super::support::client::Answer;

/// Headers that differ from answer to answer. The length is that of a body that is compared.
const OF_THE_ANSWER: [&str; 4] = [
    "date",
    "content-length",
    "correlation-id",
    "flip-request-id",
];

/// An answer without what differs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plain {
    /// Its status.
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    body: Value,
}

/// Takes away what differs; `random` says where new ids stand.
pub(super) fn plain(answer: &Answer, addr: SocketAddr, random: &[String]) -> Plain {
    let mut unlike = vec![(format!("http://{addr}"), "<origin>".to_owned())];
    for name in &OF_THE_ANSWER[2..] {
        let id = answer.header(name).unwrap_or_default();
        unlike.push((id.to_owned(), "<request>".to_owned()));
    }
    let json = answer.json().ok();
    for place in random {
        let id = json.as_ref().and_then(|json| json.pointer(place));
        let id = id.and_then(Value::as_str).unwrap_or_default();
        unlike.push((id.to_owned(), "<new>".to_owned()));
    }
    unlike.retain(|(text, _)| !text.is_empty());
    let same = |text: &str| {
        let replaced = unlike.iter();
        replaced.fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !OF_THE_ANSWER.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), same(&without_time(name, value))))
        .collect();
    // That there is an id of the request is the same in both.
    let ids = OF_THE_ANSWER[2..].iter();
    headers.extend(
        ids.filter(|name| answer.header(name).is_some())
            .map(|name| ((*name).to_owned(), "<request>".to_owned())),
    );
    headers.sort();
    let body = match json {
        Some(json) => plain_json(&json, &same),
        None => Value::from(same(&answer.text())),
    };
    Plain {
        status: answer.status,
        headers,
        body,
    }
}

/// How much is left of a limit, and how long it takes, depends on when the answer is made; which limit is told does
/// not.
fn without_time(name: &str, value: &str) -> String {
    match name {
        "ratelimit" => value.split(';').next().unwrap_or_default().to_owned(),
        "x-ratelimit-remaining" | "x-ratelimit-reset" => "<left>".to_owned(),
        _ => value.to_owned(),
    }
}

fn plain_json(json: &Value, same: &impl Fn(&str) -> String) -> Value {
    match json {
        Value::String(text) if accepts("any:rfc3339", json) && !text.is_empty() => {
            Value::from("<instant>")
        }
        Value::Number(_) if accepts("any:instant", json) => Value::from("<instant>"),
        Value::String(text) => Value::from(same(text)),
        Value::Array(elements) => elements.iter().map(|e| plain_json(e, same)).collect(),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| (same(name), plain_json(value, same)))
                .collect(),
        ),
        other => other.clone(),
    }
}

#[test]
fn only_what_always_differs_is_taken_away() {
    let answer = |id: &str, port: u16, at: &str, more: &str| {
        let headers = [("date", at), ("correlation-id", id), ("x", more)];
        Answer {
            status: 400,
            headers: headers.map(|(n, v)| (n.to_owned(), v.to_owned())).into(),
            body: format!(
                "{{\"id\":\"{id}\",\"at\":\"{at}\",\"href\":\"http://127.0.0.1:{port}/x\",\"new\":\"n-{id}\",\"m\":\"{more}\"}}"
            )
            .into_bytes(),
            ..Answer::default()
        }
    };
    let plain = |id: &str, port: u16, at: &str, more: &str| {
        let addr = SocketAddr::from(([127, 0, 0, 1], port));
        plain(&answer(id, port, at, more), addr, &["/new".to_owned()])
    };
    let one = plain("a1", 80, "2026-03-01T10:00:00.250Z", "x");
    assert_eq!(one, plain("b2", 8081, "2027-03-01T10:00:00Z", "x"));
    assert_ne!(one, plain("a1", 80, "2026-03-01T10:00:00.250Z", "y"));
    assert_ne!(one, plain("a1", 80, "soon", "x"));
}
