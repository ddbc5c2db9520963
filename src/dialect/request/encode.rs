//! Writing the request of an op: path, query, headers and body.

use http::{HeaderMap, HeaderValue, header};
use serde_json::Value as Json;

use crate::dialect::write::{self, Writer};
use crate::dialect::{Settings, form, text};
use crate::mapping::codec::Codec;
use crate::mapping::condition::Scene;
use crate::mapping::path::Path;
use crate::mapping::plan::{Form, Only, Op, Plan, Repeated, Row};
use crate::mapping::route::Segment;
use crate::model::{OwnedRequest, Record};

/// Writes the request of an op.
pub(in crate::dialect) fn encode(
    plan: &Plan,
    op: &Op,
    params: &Record,
    settings: &Settings,
) -> OwnedRequest {
    let option = |name: &str| crate::dialect::option(plan, settings, name);
    let written = |(_, row): &(Path, Row)| row.only != Some(Only::Parse);
    let has_body = op.request.rows.iter().any(written);
    let scene = Scene {
        request: params,
        option: &option,
        body: has_body,
    };
    let writer = Writer {
        scene,
        origin: &settings.origin,
        omits_defaults: plan.json.omits_defaults,
    };
    let mut headers = HeaderMap::new();
    writer.headers(&plan.headers, params, &mut headers);
    writer.headers(&op.headers, params, &mut headers);
    let mut body = Vec::new();
    if has_body {
        let mut root = Json::Object(serde_json::Map::new());
        writer.tree(&op.request, params, &mut root);
        body = match op
            .consumes
            .first()
            .is_some_and(|media| form::is_form(media))
        {
            true => form::write(&root),
            false => write::bytes(&root),
        };
        if let Some(Ok(media)) = op
            .consumes
            .first()
            .map(|m| HeaderValue::try_from(if m == "*/*" { "application/json" } else { m }))
        {
            headers.insert(header::CONTENT_TYPE, media);
        }
    }
    OwnedRequest {
        method: op.method.clone(),
        path: path(op, &writer, params),
        query: query(op, &writer, params, plan.query.repeated),
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

/// The target of an op with these parameters: path and query.
pub(in crate::dialect) fn target(
    plan: &Plan,
    op: &Op,
    params: &Record,
    settings: &Settings,
) -> String {
    let request = encode(plan, op, params, settings);
    if request.query.is_empty() {
        return request.path;
    }
    format!("{}?{}", request.path, request.query)
}

fn query(op: &Op, writer: &Writer<'_>, params: &Record, repeated: Repeated) -> String {
    let written = op
        .query
        .iter()
        .filter(|(_, row)| row.presence != Some(false) && !matches!(row.form, Form::Presence));
    let mut pairs: Vec<String> = Vec::new();
    for (name, row) in written {
        let Some(value) = writer.text(row, params) else {
            continue;
        };
        // Where a client may repeat a name, that is what every vendor understands; commas are not.
        let is_several = repeated == Repeated::Join && is_words(row);
        let values: Vec<&str> = match is_several {
            true => value.split(',').collect(),
            false => vec![&value],
        };
        let name = text::encode(name);
        let said = values.into_iter();
        pairs.extend(said.map(|value| format!("{name}={}", text::encode(value))));
    }
    pairs.join("&")
}

/// Whether a row holds several words.
fn is_words(row: &Row) -> bool {
    matches!(
        &row.form,
        Form::Field {
            codec: Codec::Words,
            ..
        }
    )
}
