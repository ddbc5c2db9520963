//! Requests of the mappings' examples with canaries in the place of their secrets, as `explain` reads them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use linkbridge::mapping::plan::Plan;
use linkbridge::model::{Field, OwnedRequest, Record, Value};

use super::worlds::{FIELD, OPAQUE, PASSWORD, TOKEN, WRONG_JWT, WRONG_KEY};

/// The id of a pending link, which is as good as a credential.
pub(super) const PENDING: &str = "canary-pending-id-0c6b2e";

/// The canary for a field that is a secret.
fn canary(field: Field) -> Option<&'static str> {
    Some(match field {
        Field::Token => TOKEN,
        Field::PendingId => PENDING,
        Field::ClientSecret => PASSWORD,
        Field::Assertion => WRONG_JWT,
        Field::AccessToken => OPAQUE,
        _ => return None,
    })
}

/// Puts canaries in the place of an example's secrets; answers whether it has any.
fn mark(request: &mut OwnedRequest, params: &Record) -> bool {
    let mut has_some = false;
    for (field, value) in params.iter() {
        match (canary(field), value) {
            (Some(canary), Value::Text(text)) => {
                for place in [&mut request.path, &mut request.query] {
                    *place = place.replace(text.as_str(), canary);
                }
                let body = String::from_utf8_lossy(&request.body).replace(text.as_str(), canary);
                request.body = body.into_bytes();
                has_some = true;
            }
            (None, Value::Record(record)) => has_some |= mark(request, record),
            (None, Value::List(records)) => {
                for record in records {
                    has_some |= mark(request, record);
                }
            }
            _ => {}
        }
    }
    has_some
}

/// A request in HTTP form, with a credential and a cookie.
pub(super) fn form(plan: &Plan, request: &OwnedRequest) -> String {
    let basic = STANDARD.encode(format!("somebody:{PASSWORD}"));
    let mut out = format!("{} {}", request.method, request.path);
    if !request.query.is_empty() {
        out += &format!("?{}", request.query);
    }
    out += &format!("\nCookie: session={FIELD}\n");
    let mut has_credential = false;
    if !request.body.is_empty() && !request.headers.contains_key("content-type") {
        let is_json = request.body.starts_with(b"{") || request.body.starts_with(b"[");
        out += match is_json {
            true => "Content-Type: application/json\n",
            false => "Content-Type: application/x-www-form-urlencoded\n",
        };
    }
    for (name, value) in &request.headers {
        let value = value.to_str().unwrap();
        let is_basic = name == "authorization" && value.starts_with("Basic ");
        has_credential |= name == "authorization";
        out += &match is_basic {
            true => format!("{name}: Basic {basic}\n"),
            false => format!("{name}: {value}\n"),
        };
    }
    if let (Some(take), false) = (plan.take.first(), has_credential) {
        let scheme = take.scheme.as_deref().unwrap_or_default();
        out += &format!(
            "{}: {}\n",
            take.header,
            format!("{scheme} {WRONG_KEY}").trim()
        );
    }
    out + "\n" + &String::from_utf8_lossy(&request.body)
}

/// The examples of a mapping with secrets in a place and of a kind that no mapping before it had.
pub(super) fn examples<'p>(
    plan: &'p Plan,
    kinds: &mut Vec<String>,
) -> Vec<(&'p str, OwnedRequest)> {
    let mut found = Vec::new();
    for op in &plan.ops {
        for example in &op.examples {
            let (Some(request), Some(params)) = (&example.request, &example.params) else {
                continue;
            };
            let mut request = request.clone();
            if !mark(&mut request, params) {
                continue;
            }
            let texts = [
                request.path.as_bytes(),
                request.query.as_bytes(),
                &request.body,
            ];
            let mut kind = op.does.name().to_owned();
            for canary in [TOKEN, PENDING, PASSWORD, WRONG_JWT, OPAQUE] {
                for text in texts {
                    let text = String::from_utf8_lossy(text);
                    kind.push(if text.contains(canary) { '1' } else { '0' });
                }
            }
            if request.headers.contains_key("authorization") {
                kind.push('h');
            }
            if !kinds.contains(&kind) {
                kinds.push(kind);
                found.push((op.name.as_str(), request));
            }
        }
    }
    found
}
