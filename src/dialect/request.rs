//! Requests: choosing the op, decoding for a front, encoding for an upstream.

use http::{HeaderMap, HeaderValue, header};
use serde_json::Value as Json;

use super::at::At;
use super::read::Reader;
use super::text::{self, Param, Query};
use super::write::Writer;
use super::{Decoded, Settings};
use crate::mapping::check;
use crate::mapping::condition::Scene;
use crate::mapping::path::Found;
use crate::mapping::plan::{Form, Op, Plan, Row};
use crate::mapping::route::{Segment, captures};
use crate::model::{Failure, Field, OwnedRequest, Place, Problem, Record, Request, Why};

/// The body of a request, parsed once for all candidate ops.
///
/// # Errors
/// `UnsupportedMedia`, or `Invalid` for what is not JSON.
pub(super) fn parse_body(ops: &[&Op], request: &Request<'_>) -> Result<Json, Failure> {
    let reads_body = ops.iter().any(|op| !op.request.rows.is_empty());
    if request.body.is_empty() || !reads_body {
        return Ok(Json::Object(serde_json::Map::new()));
    }
    let given = text::media_type(request.headers);
    let consumes = |media: &String| ops.iter().any(|op| op.consumes.contains(media));
    if !given.as_ref().is_some_and(consumes) {
        return Err(Failure::UnsupportedMedia { given });
    }
    serde_json::from_slice(request.body)
        .map_err(|_| Failure::Invalid(vec![whole_body(Why::Malformed)]))
}

fn whole_body(why: Why) -> Problem {
    Problem {
        place: Place::Body,
        at: String::new(),
        field: None,
        why,
        max: None,
    }
}

/// Whether the request has the parameters and members that tell this op from its neighbors.
pub(super) fn fits(op: &Op, query: &Query<'_>, body: &Json) -> bool {
    let has = |path: &crate::mapping::path::Path| matches!(path.find(body), Found::Value(_));
    let presence = |(name, row): &(String, Row)| {
        row.presence
            .is_none_or(|wanted| wanted == (query.param(name) != Param::Absent))
    };
    op.has.iter().all(has) && !op.lacks.iter().any(has) && op.query.iter().all(presence)
}

/// Reads a request that means the op at `index`.
pub(super) fn decode(
    plan: &Plan,
    index: usize,
    op: &Op,
    request: &Request<'_>,
    query: &Query<'_>,
    body: &Json,
) -> Decoded {
    let mut params = Record::with_capacity(8);
    let (mut problems, mut refusal) = (Vec::new(), None);
    let mut reader = Reader {
        place: Place::Header,
        problems: &mut problems,
        refusal: &mut refusal,
    };
    for (name, row) in &plan.headers {
        let value = text::header(request.headers, name);
        reader.text(row, &value, &At::path(name.as_str()), &mut params);
    }
    reader.place = Place::Path;
    for (name, raw) in captures(&op.path, request.path) {
        let Some((_, row)) = op.captures.iter().find(|(n, _)| n == name) else {
            continue;
        };
        let param = text::decode_segment(raw).map_or(Param::Unreadable, Param::Value);
        reader.text(row, &param, &At::path(name), &mut params);
    }
    reader.place = Place::Query;
    for (name, row) in &op.query {
        reader.text(row, &query.param(name), &At::path(name), &mut params);
    }
    reader.place = Place::Body;
    if !op.request.rows.is_empty() {
        if body.is_object() {
            reader.tree(&op.request, body, &At::path(""), &mut params);
        } else {
            problems.push(whole_body(Why::WrongType));
        }
    }
    let refusal = refusal.map(|kind| super::failure::from_record(kind, &Record::new()));
    Decoded {
        op: super::op_id(index),
        params,
        problems,
        refusal,
    }
}

/// Where in the op's request a field stands; a row that is sent before an alias.
pub(super) fn place(plan: &Plan, op: &Op, field: Field) -> Option<(Place, String)> {
    let binds = |row: &Row| row.only.is_none() && row.fields.contains(&field);
    let named = |rows: &[(String, Row)], place: Place| {
        let row = rows.iter().find(|(_, row)| binds(row));
        row.map(|(name, _)| (place, name.clone()))
    };
    let body = || {
        let row = op.request.rows.iter().find(|(_, row)| binds(row));
        row.map(|(path, _)| (Place::Body, path.dotted().to_owned()))
    };
    let header = || {
        let row = plan.headers.iter().find(|(_, row)| binds(row));
        row.map(|(name, _)| (Place::Header, name.as_str().to_owned()))
    };
    named(&op.captures, Place::Path)
        .or_else(|| named(&op.query, Place::Query))
        .or_else(body)
        .or_else(header)
}

/// The op to send for `params`: of those that are sent and whose needs are met, the one that says most.
pub(super) fn choose<'p>(
    plan: &'p Plan,
    kind: crate::model::OperationKind,
    params: &Record,
) -> Option<(usize, &'p Op)> {
    let candidates = plan
        .ops
        .iter()
        .enumerate()
        .filter(|(_, op)| op.does == kind && op.emit && can_send(op, params));
    candidates.max_by_key(|(index, op)| (said(op, params), std::cmp::Reverse(*index)))
}

fn can_send(op: &Op, params: &Record) -> bool {
    let there = |row: &Row| row.fields.iter().all(|field| params.has(*field));
    let met = |row: &Row| match row.presence {
        Some(true) => there(row),
        Some(false) => row.fields.iter().all(|field| !params.has(*field)),
        None => there(row) || row.need.is_none(),
    };
    op.captures.iter().all(|(_, row)| there(row)) && check::request_rows(op).all(met)
}

/// How many of the parameters the op says.
fn said(op: &Op, params: &Record) -> usize {
    let says = |field: Field| check::request_rows(op).any(|row| row.fields.contains(&field));
    params.iter().filter(|(field, _)| says(*field)).count()
}

/// Writes the request of an op.
pub(super) fn encode(plan: &Plan, op: &Op, params: &Record, settings: &Settings) -> OwnedRequest {
    let option = |name: &str| super::option(plan, settings, name);
    let scene = Scene {
        request: params,
        option: &option,
        body: !op.request.rows.is_empty(),
    };
    let writer = Writer {
        scene,
        origin: &settings.origin,
    };
    let mut headers = HeaderMap::new();
    writer.headers(&plan.headers, params, &mut headers);
    let mut body = Vec::new();
    if !op.request.rows.is_empty() {
        let mut root = Json::Object(serde_json::Map::new());
        writer.tree(&op.request, params, &mut root);
        body = root.to_string().into_bytes();
        if let Some(Ok(media)) = op
            .consumes
            .first()
            .map(|m| HeaderValue::try_from(m.as_str()))
        {
            headers.insert(header::CONTENT_TYPE, media);
        }
    }
    OwnedRequest {
        method: op.method.clone(),
        path: path(op, &writer, params),
        query: query(op, &writer, params),
        headers,
        body,
    }
}

fn path(op: &Op, writer: &Writer<'_>, params: &Record) -> String {
    let mut path = String::new();
    for segment in &op.path {
        path.push('/');
        match segment {
            Segment::Literal(text) => path.push_str(text),
            Segment::Capture(name) => {
                let row = op
                    .captures
                    .iter()
                    .find(|(n, _)| n == name)
                    .map(|(_, row)| row);
                let value = row
                    .and_then(|row| writer.text(row, params))
                    .unwrap_or_default();
                path.push_str(&text::encode(&value));
            }
        }
    }
    path
}

fn query(op: &Op, writer: &Writer<'_>, params: &Record) -> String {
    let written = op
        .query
        .iter()
        .filter(|(_, row)| row.presence != Some(false) && !matches!(row.form, Form::Presence));
    let pairs: Vec<String> = written
        .filter_map(|(name, row)| {
            Some(format!(
                "{}={}",
                text::encode(name),
                text::encode(&writer.text(row, params)?)
            ))
        })
        .collect();
    pairs.join("&")
}
