//! Responses: encoding for a front, decoding for an upstream; failures included.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::Value as Json;

use super::at::At;
use super::read::Reader;
use super::write::{Writer, untellable};
use super::{Settings, failure, page, text};
use crate::mapping::condition::{Condition, Scene};
use crate::mapping::path::{Found, Path};
use crate::mapping::plan::{ErrorRow, Form, Only, Op, Plan, Row, Tree};
use crate::model::{Failure, FailureKind, Field, OperationKind, Place, Record, Response, Value};

/// What an answer is written from.
struct Parts<'a> {
    tree: &'a Tree,
    text: Option<&'a str>,
    headers: &'a [(HeaderName, Row)],
    produces: &'a [String],
    status: u16,
}

/// Writes the answer of an op.
pub(super) fn encode(
    plan: &Plan,
    op: &Op,
    reply: &Record,
    params: &Record,
    settings: &Settings,
) -> Response {
    let option = |name: &str| super::option(plan, settings, name);
    let scene = Scene {
        request: params,
        option: &option,
        body: false,
    };
    let status = status(&op.answer.status_if, reply, &scene);
    let parts = Parts {
        tree: &op.answer.tree,
        text: op.answer.text.as_deref(),
        headers: &op.answer.headers,
        produces: &op.answer.produces,
        status: status
            .or(op.answer.statuses.first().copied())
            .unwrap_or(200),
    };
    match untellable(&op.answer.tree, reply) {
        None => {
            let mut response = write(plan, &parts, reply, params, settings);
            if let Some(links) = page::links(plan, op, reply, params, settings) {
                response.headers.insert(header::LINK, links);
            }
            response
        }
        Some(field) => {
            let failure = failure_of(op.does, field);
            encode_failure(plan, &failure, Some(op.does), params, settings)
        }
    }
}

/// The status whose condition holds.
fn status(special: &[(u16, Condition)], record: &Record, scene: &Scene<'_>) -> Option<u16> {
    let mut special = special.iter();
    let holding = special.find(|(_, condition)| condition.holds(record, scene));
    holding.map(|(status, _)| *status)
}

/// What an answer is that this vendor cannot be told. What was written is not denied.
fn failure_of(operation: OperationKind, field: Field) -> Failure {
    match field {
        _ if operation.writes() => Failure::OutcomeUnknown,
        Field::UserId => Failure::UserNotFound,
        Field::ProviderId => Failure::ProviderNotFound,
        _ => Failure::LinkNotFound,
    }
}

/// Writes a failure for an operation, or for a request without one.
pub(super) fn encode_failure(
    plan: &Plan,
    failure: &Failure,
    operation: Option<OperationKind>,
    params: &Record,
    settings: &Settings,
) -> Response {
    let wording = plan
        .wording
        .get(&(failure.kind(), operation))
        .or_else(|| plan.wording.get(&(failure.kind(), None)));
    let Some(row) = wording.and_then(|index| plan.errors.get(*index)) else {
        // Load has refused every file in which a failure has no row (LB301).
        return Response {
            status: 500,
            headers: HeaderMap::new(),
            body: Vec::new(),
        };
    };
    let record = failure::to_record(failure);
    let option = |name: &str| super::option(plan, settings, name);
    let scene = Scene {
        request: params,
        option: &option,
        body: false,
    };
    let parts = Parts {
        tree: &row.tree,
        text: None,
        headers: &row.headers,
        produces: &row.produces,
        status: status(&row.status_if, &record, &scene).unwrap_or(row.status),
    };
    let mut response = write(plan, &parts, &record, params, settings);
    // What HTTP itself wants beside these statuses does not depend on the vendor.
    let standard = [
        (header::ALLOW, record.text(Field::Allow).map(str::to_owned)),
        (
            header::RETRY_AFTER,
            record.int(Field::RetryAfter).map(|n| n.to_string()),
        ),
    ];
    for (name, value) in standard {
        if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
            response.headers.entry(name).or_insert(value);
        }
    }
    response
}

fn write(
    plan: &Plan,
    parts: &Parts<'_>,
    record: &Record,
    params: &Record,
    settings: &Settings,
) -> Response {
    let has_body = !parts.tree.rows.is_empty() || parts.text.is_some();
    let option = |name: &str| super::option(plan, settings, name);
    let writer = Writer {
        scene: Scene {
            request: params,
            option: &option,
            body: has_body,
        },
        origin: &settings.origin,
        omits_defaults: plan.json.omits_defaults,
    };
    let mut headers = HeaderMap::new();
    let mut body = Vec::new();
    if let Some(text) = parts.text {
        body = text.as_bytes().to_vec();
    } else if has_body {
        let mut root = Json::Object(serde_json::Map::new());
        writer.tree(parts.tree, record, &mut root);
        body = super::write::bytes(&root);
    }
    if let (true, Ok(media)) = (
        has_body,
        HeaderValue::try_from(media(parts.produces, params)),
    ) {
        headers.insert(header::CONTENT_TYPE, media);
    }
    writer.headers(&plan.response_headers, record, &mut headers);
    writer.headers(parts.headers, record, &mut headers);
    Response {
        status: parts.status,
        headers,
        body,
    }
}

/// The media type of an answer: the first, unless the client names another one.
fn media<'p>(produces: &'p [String], params: &Record) -> &'p str {
    let accept = params.text(Field::Accept).unwrap_or_default();
    let is_named = |media: &&String| text::accepts_by_name(accept, text::essence(media));
    let named = produces.iter().skip(1).find(is_named);
    named.or(produces.first()).map_or("", String::as_str)
}

/// Reads the answer of an op.
///
/// # Errors
/// The failure that the answer means; `UpstreamRefused` for an answer that nothing explains.
pub(super) fn decode(plan: &Plan, op: &Op, response: &Response) -> Result<Record, Failure> {
    let mut special = op.answer.status_if.iter();
    let special = special.find(|(status, _)| *status == response.status);
    let is_success = special.is_some() || op.answer.statuses.contains(&response.status);
    // The text of an answer tells nothing; a failure has no such text.
    let is_text = is_success && op.answer.text.is_some();
    let body = if response.body.is_empty() || is_text {
        Json::Null
    } else {
        serde_json::from_slice(&response.body).map_err(|_| Failure::UpstreamRefused)?
    };
    if !is_success {
        return Err(decode_failure(plan, op.does, response, &body));
    }
    let mut record = Record::new();
    read(&op.answer.tree, &body, &mut record).ok_or(Failure::UpstreamRefused)?;
    for (field, word) in special.iter().flat_map(|(_, condition)| condition.words()) {
        record.set(field, word);
    }
    record.set_text_opt(Field::PageNext, page::next(plan, op, &response.headers));
    Ok(record)
}

fn read(tree: &Tree, body: &Json, record: &mut Record) -> Option<()> {
    let (mut problems, mut refusal) = (Vec::new(), None);
    let mut reader = Reader {
        place: Place::Body,
        answers: true,
        problems: &mut problems,
        refusal: &mut refusal,
    };
    reader.tree(tree, body, &At::path(""), record);
    (problems.is_empty() && refusal.is_none()).then_some(())
}

/// The first row whose status, constants and query fit; rows for this operation before rows for all.
fn decode_failure(
    plan: &Plan,
    operation: OperationKind,
    response: &Response,
    body: &Json,
) -> Failure {
    let specific = plan.errors.iter().filter(|row| row.on.contains(&operation));
    let general = plan.errors.iter().filter(|row| row.on.is_empty());
    for row in specific.chain(general) {
        let mut special = row.status_if.iter();
        let special = special.find(|(status, _)| *status == response.status);
        if (special.is_some() || row.status == response.status) && matches(row, body) {
            let mut record = standard(&response.headers);
            if read(&row.tree, body, &mut record).is_some() {
                for (field, word) in special.iter().flat_map(|(_, condition)| condition.words()) {
                    record.set(field, word);
                }
                // A vendor that names the failure in its answer is believed as far as the row goes.
                let named = record.text(Field::Kind).and_then(FailureKind::named);
                let named = named.filter(|kind| row.kinds.contains(kind));
                let kind = named
                    .or(row.kinds.first().copied())
                    .unwrap_or(FailureKind::Invalid);
                return failure::from_record(kind, &record);
            }
        }
    }
    Failure::UpstreamRefused
}

/// What HTTP itself says beside a refusal.
fn standard(headers: &HeaderMap) -> Record {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let mut record = Record::new();
    record.set_text_opt(Field::Allow, text(header::ALLOW));
    if let Some(seconds) = text(header::RETRY_AFTER).and_then(|t| t.trim().parse().ok()) {
        record.set(Field::RetryAfter, Value::Int(seconds));
    }
    record
}

fn matches(row: &ErrorRow, body: &Json) -> bool {
    let query = row.matches.as_ref().is_none_or(|query| query.matches(body));
    query
        && row
            .tree
            .rows
            .iter()
            .all(|(path, row)| constant_fits(path, row, body))
}

/// Whether the body has the constant of a row. One that is never read, or that need not be written, tells
/// nothing by not being there; where it is and may be read, the row itself refuses another value.
fn constant_fits(path: &Path, row: &Row, body: &Json) -> bool {
    let Form::Const(expected) = &row.form else {
        return true;
    };
    // What is only written, a sentence say, is no sign of what an answer means; nor is what need not be there.
    if row.only == Some(Only::Emit) || row.condition.is_some() {
        return true;
    }
    // Vendors leave out what is empty, at times.
    let empty = match expected {
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
        _ => false,
    };
    match path.find(body) {
        Found::Value(json) => json == expected,
        Found::Absent => empty,
        Found::Blocked(_) => false,
    }
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
