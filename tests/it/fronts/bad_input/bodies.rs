//! Bodies that are wrong: too large, no JSON, no object, too deep, and with members of other types.

use super::attempts::{Attempt, Requests, attempt};
use super::wire::{Goes, Wire};

impl Requests<'_> {
    pub(super) fn too_large(&self) -> Vec<Attempt> {
        let mut announced = self.fresh();
        announced.length = Some(1 << 40);
        let large = self.fresh().body(vec![b' '; 300 << 10]);
        vec![
            attempt("announced", announced, Goes::Ends),
            attempt("sent", large, Goes::Ends),
        ]
    }

    /// Ten thousand levels, where they may come.
    pub(super) fn deep(&self) -> Vec<Attempt> {
        let arrays = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        let objects = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
        let inside = |wire: &Wire| -> Vec<u8> {
            // In place of the first text of the body there is a deep array.
            let body = String::from_utf8(wire.body.clone().unwrap()).unwrap();
            let json: serde_json::Value = serde_json::from_str(&body).unwrap();
            let name = json.as_object().unwrap().keys().next().unwrap().clone();
            format!("{{\"{name}\":{}}}", arrays(10_000)).into_bytes()
        };
        let base = self.fresh();
        let unknown = format!("{{\"unknownMember\":{}}}", arrays(10_000));
        [
            ("arrays", arrays(10_000).into_bytes()),
            ("arrays that never end", "[".repeat(10_000).into_bytes()),
            ("objects", objects.into_bytes()),
            ("in a member", inside(&base)),
            ("in an unknown member", unknown.into_bytes()),
        ]
        .into_iter()
        .map(|(what, body)| attempt(what, base.clone().body(body), Goes::On))
        .collect()
    }

    /// Every text of the body in turn is something else.
    pub(super) fn wrong_types(&self) -> Vec<Attempt> {
        let base = self.fresh();
        let json: serde_json::Value =
            serde_json::from_slice(base.body.as_deref().unwrap()).unwrap();
        let mut found = Vec::new();
        for place in leaves(&json, String::new()) {
            for wrong in ["7", "true", "[\"x\"]", "{\"x\":1}"] {
                let is_number = json.pointer(&place).unwrap().is_number();
                let mut bent = json.clone();
                // A number may also be a text in some APIs; a truth value is neither.
                if is_number && wrong == "7" {
                    continue;
                }
                *bent.pointer_mut(&place).unwrap() = serde_json::from_str(wrong).unwrap();
                let what = format!("{place} is {wrong}");
                found.push(attempt(what, base.clone().body(bent.to_string()), Goes::On));
            }
        }
        found
    }
}

/// The places of all texts, numbers and truth values.
fn leaves(json: &serde_json::Value, place: String) -> Vec<String> {
    match json {
        serde_json::Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| leaves(value, format!("{place}/{name}")))
            .collect(),
        serde_json::Value::Array(elements) => elements
            .iter()
            .enumerate()
            .flat_map(|(index, value)| leaves(value, format!("{place}/{index}")))
            .collect(),
        _ => vec![place],
    }
}

/// What is no JSON.
pub(super) const NO_JSON: &[&[u8]] = &[
    b"{",
    b"{\"a\":",
    b"{\"a\":1,}",
    b"{} {}",
    b"{'a':1}",
    b"nope",
    b"\0",
    b"{\"a\":NaN}",
    b"{\"a\":\"\xff\xfe\"}",
    b"{\"a\":\"\xc0\xaf\"}",
    b"{\"a\":\"\xed\xa0\x80\"}",
    b"{\"a\":\"\\ud800\"}",
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\0}\0",
];

/// What is no object.
pub(super) const NO_OBJECT: &[&[u8]] = &[b"[]", b"[{}]", b"\"x\"", b"7", b"true", b"null"];

/// The request with each of these bodies.
pub(super) fn bodies(base: &Wire, bodies: &[&[u8]]) -> Vec<Attempt> {
    let all = bodies.iter();
    all.map(|body| {
        let what = String::from_utf8_lossy(body).into_owned();
        attempt(what, base.clone().body(*body), Goes::On)
    })
    .collect()
}
