//! What a refusal of a call says, whichever protocol says it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use linkbridge::transport::Code;
use serde_json::{Value, json};

use super::super::super::support::client::Answer;
use super::super::super::support::rpc;

/// The detail of the vendor's errors.
const DETAIL: &str = "zitadel.v1.ErrorDetail";

/// What a refusal says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    /// The word for the code.
    pub(super) code: String,
    /// The text, which is never empty.
    pub(super) says: String,
    /// The id in the detail, if there is one.
    pub(super) id: Option<String>,
}

/// Reads an error of Connect.
pub(super) fn by_connect(answer: &Answer) -> Result<Told, String> {
    let body = answer.json()?;
    let code = text(&body, "code")?;
    let known = Code::named(&code).ok_or_else(|| format!("no code: {code}"))?;
    let kind = answer.header("content-type");
    if (answer.status, kind) != (known.http_status(), Some("application/json")) {
        return Err(format!("{} {kind:?} {body}", answer.status));
    }
    let mut members: Vec<&str> = body.as_object().unwrap().keys().map(|k| &**k).collect();
    members.retain(|member| !matches!(*member, "code" | "message" | "details"));
    if !members.is_empty() {
        return Err(format!("members that are no error's: {members:?}"));
    }
    let (says, details) = (text(&body, "message")?, &body["details"]);
    let id = match details.as_array().map(Vec::as_slice) {
        None => None,
        Some([one]) if one["type"] == DETAIL => {
            let value = text(one, "value")?;
            let value = STANDARD_NO_PAD.decode(value).map_err(|e| e.to_string())?;
            Some(id_of(&says, &rpc::to_json(DETAIL, &value)?)?)
        }
        Some(other) => return Err(format!("details: {other:?}")),
    };
    let says = bare(says, id.as_deref());
    Ok(Told { code, says, id })
}

/// Reads a refusal of gRPC: an answer of trailers only.
pub(super) fn by_grpc(answer: &Answer) -> Result<Told, String> {
    let kind = answer.header("content-type");
    let is_bare = answer.body.is_empty() && answer.trailers.is_empty();
    if answer.status != 200 || kind != Some("application/grpc+proto") || !is_bare {
        return Err(format!("not of trailers only: {answer:?}"));
    }
    let number = answer.header("grpc-status").unwrap_or_default();
    let code = number.parse().ok().and_then(Code::from_number);
    let code = code.ok_or_else(|| format!("no code: {number}"))?;
    let encoded = answer.header("grpc-message").unwrap_or_default();
    let decoded = percent_encoding::percent_decode_str(encoded).decode_utf8();
    let says = decoded.map_err(|error| error.to_string())?.into_owned();
    let binary = answer.header("grpc-status-details-bin");
    let id = match binary {
        None => None,
        Some(binary) => {
            let status = STANDARD_NO_PAD.decode(binary).map_err(|e| e.to_string())?;
            // The detail is the last thing in it, and its id the end of the text.
            let id = says
                .rsplit_once(" (")
                .and_then(|(_, id)| id.strip_suffix(')'));
            let id = id.ok_or_else(|| format!("no id: {says}"))?;
            let wanted = status_of(code, &says, id)?;
            if status != wanted {
                return Err(format!("details: {status:02x?} in place of {wanted:02x?}"));
            }
            Some(id.to_owned())
        }
    };
    let code = code.name().to_owned();
    let says = bare(says, id.as_deref());
    Ok(Told { code, says, id })
}

/// `google.rpc.Status` with the vendor's detail, written by hand.
fn status_of(code: Code, says: &str, id: &str) -> Result<Vec<u8>, String> {
    let text = bare(says.to_owned(), Some(id));
    let detail = json!({ "id": id, "message": text });
    let detail = rpc::to_binary(rpc::descriptor(DETAIL)?, &detail)?;
    let url = format!("type.googleapis.com/{DETAIL}");
    let any = [part(1, url.as_bytes()), part(2, &detail)].concat();
    let head = vec![0x08, code.number()];
    Ok([head, part(2, says.as_bytes()), part(3, &any)].concat())
}

/// A field of bytes.
fn part(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).ok().filter(|n| *n < 128).unwrap();
    [&[number << 3 | 2, length], bytes].concat()
}

/// The id of a detail, which also stands at the end of the text.
fn id_of(says: &str, detail: &Value) -> Result<String, String> {
    let (id, text) = (text(detail, "id")?, text(detail, "message")?);
    match says == format!("{text} ({id})") {
        true => Ok(id),
        false => Err(format!("{says} and {detail} are not one")),
    }
}

/// The text without the id at its end.
fn bare(says: String, id: Option<&str>) -> String {
    let end = id.map(|id| format!(" ({id})")).unwrap_or_default();
    says.strip_suffix(&end).unwrap_or(&says).to_owned()
}

fn text(json: &Value, name: &str) -> Result<String, String> {
    let text = json[name].as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned)
        .ok_or_else(|| format!("no {name}: {json}"))
}
