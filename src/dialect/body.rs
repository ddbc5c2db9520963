//! Bodies of requests: from bytes (JSON or a form) to JSON under a vendor's habits.

use serde_json::{Map, Value as Json};

use super::{Candidates, form, text};
use crate::mapping::plan::{Op, Plan};
use crate::model::{Failure, Place, Problem, Request, Why};

/// The deepest nesting of a body that is read.
const MAX_DEPTH: usize = 64;

/// The media type that stands for all, and for none.
const ANY_MEDIA: &str = "*/*";

/// The body of a request, if one of the ops looks at it.
///
/// # Errors
/// `UnsupportedMedia`, or `Invalid` for what is neither JSON nor a form.
pub(super) fn parse(
    candidates: &Candidates<'_>,
    request: &Request<'_>,
    plan: &Plan,
) -> Result<Json, Failure> {
    let reads = |op: &Op| !(op.request.rows.is_empty() && op.has.is_empty() && op.lacks.is_empty());
    if request.body.is_empty() || !candidates.ops().any(|(_, op)| reads(op)) {
        return Ok(Json::Object(Map::new()));
    }
    let given = text::media_type(request.headers);
    let consumed = |wanted: &str| {
        let mut all = candidates.ops().flat_map(|(_, op)| &op.consumes);
        let same = |media: &str| match plan.exact_media {
            true => media == wanted,
            false => media.eq_ignore_ascii_case(wanted),
        };
        all.any(|media| same(media) || media == ANY_MEDIA)
    };
    if !consumed(given.as_deref().unwrap_or_default()) {
        return Err(Failure::UnsupportedMedia { given });
    }
    let mut consumed = candidates.ops().flat_map(|(_, op)| &op.consumes);
    let takes_forms = consumed.any(|media| form::is_form(media));
    // Where any media type is taken for JSON, this one is, too: `curl` names it of itself.
    if takes_forms && given.as_deref().is_some_and(form::is_form) {
        // The names of a form are what they are, whatever the habits of the vendor's JSON.
        return form::read(request.body)
            .map_err(|problem| Failure::Invalid(vec![problem.unwrap_or(whole(Why::Malformed))]));
    }
    json(request.body, plan)
}

/// JSON, read under a vendor's habits.
///
/// # Errors
/// `Invalid` for what is not JSON.
pub(super) fn json(text: &[u8], plan: &Plan) -> Result<Json, Failure> {
    let malformed = || Failure::Invalid(vec![whole(Why::Malformed)]);
    if depth(text) > MAX_DEPTH {
        return Err(malformed());
    }
    let parsed = match plan.json.refuses_duplicates {
        true => crate::json::strict(text),
        false => serde_json::from_slice(text),
    };
    let json = parsed.map_err(|_| malformed())?;
    match plan.json.snake_too {
        true => camel(json).ok_or_else(malformed),
        false => Ok(json),
    }
}

/// How deep the brackets of a JSON text nest. Texts are skipped; what is not JSON gives some number.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A problem of the body as a whole.
pub(super) fn whole(why: Why) -> Problem {
    Problem {
        place: Place::Body,
        at: String::new(),
        field: None,
        why,
        max: None,
    }
}

/// The value with `some_name` called `someName`; `None` if an object then has two members of one name.
fn camel(json: Json) -> Option<Json> {
    match json {
        Json::Object(members) => {
            let mut renamed = Map::with_capacity(members.len());
            for (name, value) in members {
                if renamed.insert(camel_name(&name), camel(value)?).is_some() {
                    return None;
                }
            }
            Some(Json::Object(renamed))
        }
        Json::Array(items) => items
            .into_iter()
            .map(camel)
            .collect::<Option<_>>()
            .map(Json::Array),
        other => Some(other),
    }
}

pub(super) fn camel_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut is_raised = false;
    for c in name.chars() {
        match c {
            '_' => is_raised = true,
            c if is_raised => {
                out.push(c.to_ascii_uppercase());
                is_raised = false;
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn snake_case_is_read_as_camel_case_at_any_depth() {
        let got = camel(json!({"idp_link":{"idp_id":"1","userId":"2"},"x":[{"a_b_c":1}]}));
        let want = json!({"idpLink":{"idpId":"1","userId":"2"},"x":[{"aBC":1}]});
        assert_eq!(got, Some(want));
        assert_eq!(camel(json!({"idp_id":"1","idpId":"1"})), None);
    }
}

#[cfg(test)]
#[path = "habits_tests.rs"]
mod habits_tests;
