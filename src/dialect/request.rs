//! Requests: choosing the op, decoding for a front, encoding for an upstream.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::Value as Json;

use super::at::At;
use super::read::{Reader, is_there};
use super::text::{self, Param, Query};
use super::write::Writer;
use super::{Candidates, Decoded, Settings, body, form, page};
use crate::mapping::check;
use crate::mapping::codec::Codec;
use crate::mapping::condition::Scene;
use crate::mapping::path::{Found, Path};
use crate::mapping::plan::{Form, Only, Op, Plan, Repeated, Row, Tree};
use crate::mapping::route::{Segment, captures};
use crate::mapping::rpc::RpcMethod;
use crate::model::{
    Failure, Field, OperationKind, OwnedRequest, Place, Problem, Record, Request, Value, Why,
};

/// A request, looked at once for all the ops that it may mean.
pub(super) struct Look<'a> {
    plan: &'a Plan,
    request: &'a Request<'a>,
    query: Query<'a>,
    body: Json,
    /// The message of a call: it has what stands in the path of a request.
    message: Option<Json>,
}

impl<'a> Look<'a> {
    /// Parses query and body.
    ///
    /// # Errors
    /// `UnsupportedMedia`, or `Invalid` for what is not JSON.
    pub(super) fn new(
        plan: &'a Plan,
        candidates: &Candidates<'_>,
        request: &'a Request<'a>,
        settings: &Settings,
    ) -> Result<Self, Failure> {
        let no_params = Record::new();
        let option = |name: &str| super::option(plan, settings, name);
        let scene = Scene {
            request: &no_params,
            option: &option,
            body: false,
        };
        Ok(Self {
            plan,
            request,
            query: Query::parse(request.query, &plan.query, &scene),
            body: body::parse(candidates, request, plan)?,
            message: None,
        })
    }

    /// A call: a message that has body and captures. There is no query.
    pub(super) fn of_message(
        plan: &'a Plan,
        request: &'a Request<'a>,
        mut message: Json,
        method: &RpcMethod,
    ) -> Self {
        let body = match &method.body {
            // Absent, or null, is an empty message.
            Some(member) => match message.get_mut(member).map(Json::take) {
                None | Some(Json::Null) => Json::Object(serde_json::Map::new()),
                Some(body) => body,
            },
            None => message.clone(),
        };
        Self {
            plan,
            request,
            query: Query::none(&plan.query),
            body,
            message: Some(message),
        }
    }

    /// Whether the request has the parameters and members that tell this op from its neighbors.
    pub(super) fn fits(&self, op: &Op) -> bool {
        self.conditions(op).all(|condition| condition.met)
    }

    /// What tells the op from its neighbors and does not hold, as problems.
    pub(super) fn unmet(&self, op: &Op) -> Vec<Problem> {
        let unmet = self.conditions(op).filter(|condition| !condition.met);
        let problem = |condition: Condition| Problem {
            place: condition.place,
            at: condition.at.to_owned(),
            field: None,
            why: if condition.wanted {
                Why::Missing
            } else {
                Why::NotAllowed
            },
            max: None,
        };
        unmet.map(problem).collect()
    }

    fn conditions<'o>(&'o self, op: &'o Op) -> impl Iterator<Item = Condition<'o>> {
        let texts = op.query.iter().filter_map(|(name, row)| {
            let wanted = row.presence?;
            let is_there = self.query.param(name) != Param::Absent;
            Some(Condition::new(Place::Query, name, wanted, is_there))
        });
        let has = op.has.iter().map(|path| (path, true));
        let members = has.chain(op.lacks.iter().map(|path| (path, false)));
        let members = members.map(|(path, wanted)| {
            let is_there = matches!(path.find(&self.body), Found::Value(_));
            Condition::new(Place::Body, path.dotted(), wanted, is_there)
        });
        texts.chain(members)
    }

    /// Reads the request as the op at `index`.
    pub(super) fn decode(&self, index: usize, op: &Op) -> Decoded {
        let (plan, request) = (self.plan, self.request);
        let mut params = Record::with_capacity(8);
        let (mut problems, mut refusal) = (Vec::new(), None);
        let mut reader = Reader {
            place: Place::Header,
            answers: false,
            problems: &mut problems,
            refusal: &mut refusal,
        };
        for (name, row) in &plan.headers {
            let value = text::header(request.headers, name);
            reader.text(row, &value, &At::path(name.as_str()), &mut params);
        }
        for (name, row) in &op.headers {
            let value = text::header(request.headers, name);
            reader.text(row, &value, &At::path(name.as_str()), &mut params);
        }
        let of_header = credential(op, &params);
        match &self.message {
            None => {
                reader.place = Place::Path;
                for (name, raw) in captures(op, request.path) {
                    let Some((_, row)) = op.captures.iter().find(|(n, _)| n == name) else {
                        continue;
                    };
                    let param = text::decode_segment(raw).map_or(Param::Unreadable, Param::Value);
                    reader.text(row, &param, &At::path(name), &mut params);
                }
            }
            Some(message) => {
                reader.place = Place::Body;
                for (name, row) in &op.captures {
                    let param = member_text(message.get(body::camel_name(name)));
                    reader.text(row, &param, &At::path(name), &mut params);
                }
            }
        }
        let of_path = guarded(op, &params);
        reader.place = Place::Query;
        for (name, row) in &op.query {
            reader.text(row, &self.query.param(name), &At::path(name), &mut params);
        }
        reader.place = Place::Body;
        if !op.request.rows.is_empty() {
            if self.body.is_object() || takes_any(&op.request) {
                reader.tree(&op.request, &self.body, &At::path(""), &mut params);
                if op.strict {
                    reader.unread(op, &self.body);
                }
            } else {
                reader.problems.push(body::whole(Why::WrongType));
            }
        }
        for (field, value) in of_path {
            params.set(field, value);
        }
        if self.message.is_some() {
            tell_once(op, reader.problems);
        }
        reader.place = Place::Header;
        for (name, fields) in of_header {
            reader.prevails(name, fields, &mut params);
        }
        page::from_start(op, &mut params);
        let refusal = refusal.map(|kind| super::failure::from_record(kind, &Record::new()));
        Decoded {
            op: super::op_id(index),
            params,
            problems,
            refusal,
        }
    }
}

/// What stands in the path of a request is a member of a message, which an alias has read once more: of
/// what both say of it, the first is told.
fn tell_once(op: &Op, problems: &mut Vec<Problem>) {
    for field in op.captures.iter().flat_map(|(_, row)| &row.fields) {
        let mut is_told = false;
        problems.retain(|problem| {
            let is_again = problem.field == Some(*field) && is_told;
            is_told |= problem.field == Some(*field);
            !is_again
        });
    }
}

/// A member of a message that is the text of a capture.
fn member_text(value: Option<&Json>) -> Param {
    match value {
        None | Some(Json::Null) => Param::Absent,
        Some(Json::String(text)) => Param::Value(text.clone()),
        Some(_) => Param::Unreadable,
    }
}

/// What the path says and an alias elsewhere may say too: the path wins.
fn guarded(op: &Op, params: &Record) -> Vec<(Field, Value)> {
    let query = op.query.iter().map(|(_, row)| row);
    let rows = query.chain(op.request.rows.iter().map(|(_, row)| row));
    let aliases = rows.filter(|row| row.only == Some(Only::Parse));
    let of_path = |field: &Field| {
        op.captures
            .iter()
            .any(|(_, row)| row.fields.contains(field))
    };
    aliases
        .flat_map(|row| row.fields.iter().copied().filter(of_path))
        .filter_map(|field| Some((field, params.value(field)?.clone())))
        .collect()
}

/// The credentials of the op's headers, each with the name of its header.
fn credential<'o>(op: &'o Op, params: &Record) -> Vec<(&'o str, [(Field, Value); 2])> {
    let held = |(name, row): &'o (HeaderName, Row)| {
        let Form::Basic { user, secret } = row.form else {
            return None;
        };
        let pair = |field: Field| Some((field, params.value(field)?.clone()));
        Some((name.as_str(), [pair(user)?, pair(secret)?]))
    };
    op.headers.iter().filter_map(held).collect()
}

/// What the headers of a request say; faults of theirs are told when the request is decoded.
pub(super) fn context(plan: &Plan, request: &Request<'_>) -> Record {
    let (mut problems, mut refusal) = (Vec::new(), None);
    let mut reader = Reader {
        place: Place::Header,
        answers: false,
        problems: &mut problems,
        refusal: &mut refusal,
    };
    let mut record = Record::new();
    for (name, row) in &plan.headers {
        let value = text::header(request.headers, name);
        reader.text(row, &value, &At::path(name.as_str()), &mut record);
    }
    record
}

/// Whether a row stands for the body as a whole, which then need not be an object.
fn takes_any(tree: &Tree) -> bool {
    let is_whole =
        |path: &Path, row: &Row| path.steps().is_empty() && !matches!(row.form, Form::One { .. });
    tree.rows.iter().any(|(path, row)| is_whole(path, row))
}

/// One thing that tells an op from its neighbors.
struct Condition<'a> {
    place: Place,
    at: &'a str,
    wanted: bool,
    met: bool,
}

impl<'a> Condition<'a> {
    fn new(place: Place, at: &'a str, wanted: bool, is_there: bool) -> Self {
        Self {
            place,
            at,
            wanted,
            met: wanted == is_there,
        }
    }
}

/// Where in the op's request a field stands; a row that is sent before an alias.
pub(super) fn place(plan: &Plan, op: &Op, field: Field) -> Option<(Place, String)> {
    let binds = |row: &Row| row.only.is_none() && row.fields.contains(&field);
    let named = |rows: &[(String, Row)], place: Place| {
        let row = rows.iter().find(|(_, row)| binds(row));
        row.map(|(name, _)| (place, name.clone()))
    };
    let body = || Some((Place::Body, member(&op.request, &At::path(""), field)?));
    let header = || {
        let rows = plan.headers.iter().chain(&op.headers);
        let row = rows.into_iter().find(|(_, row)| binds(row));
        row.map(|(name, _)| (Place::Header, name.as_str().to_owned()))
    };
    // A field of one of several records: which of them it is, is not known here.
    let below = || {
        let mut rows = op.request.rows.iter();
        let (path, _) = rows.find(|(_, row)| check::row_tells(row, field))?;
        Some((Place::Body, path.dotted().to_owned()))
    };
    named(&op.captures, Place::Path)
        .or_else(|| named(&op.query, Place::Query))
        .or_else(body)
        .or_else(header)
        .or_else(below)
}

/// The member of a document that holds a field of the record at hand, also one of a shape that is spread.
fn member(tree: &Tree, prefix: &At<'_>, field: Field) -> Option<String> {
    let binds = |row: &Row| row.only.is_none() && row.fields.contains(&field);
    let (path, row) = tree.rows.iter().find(|(_, row)| binds(row))?;
    let at = prefix.below(path.dotted());
    match &row.form {
        Form::One { shape, field: None } => member(shape, &at, field),
        _ => Some(at.text()),
    }
}

/// The op to send for `params`: of those that are sent and whose needs are met, the one that says most.
/// What the values are does not count.
pub(super) fn choose<'p>(
    plan: &'p Plan,
    kind: OperationKind,
    params: &Record,
) -> Option<(usize, &'p Op)> {
    best(plan, kind, params, |_| true)
}

/// The op to send for `params`, of those that can spell all the values.
pub(super) fn choose_by_values<'p>(
    plan: &'p Plan,
    kind: OperationKind,
    params: &Record,
    settings: &Settings,
) -> Option<(usize, &'p Op)> {
    best(plan, kind, params, |op| tells(plan, op, params, settings))
}

fn best<'p>(
    plan: &'p Plan,
    kind: OperationKind,
    params: &Record,
    may: impl Fn(&Op) -> bool,
) -> Option<(usize, &'p Op)> {
    let candidates = plan
        .ops
        .iter()
        .enumerate()
        .filter(|(_, op)| op.does == kind && op.emit && can_send(plan, op, params) && may(op));
    candidates.max_by_key(|(index, op)| (said(op, params), std::cmp::Reverse(*index)))
}

/// Whether the op can say the parameters: all that it needs are there, and none would be lost. A
/// narrowing parameter that is not said would ask for more than was meant; only pages are cut later.
pub(super) fn can_send(plan: &Plan, op: &Op, params: &Record) -> bool {
    let is_said = |field: Field| {
        // Pages are cut later; what is known of a request beside its parameters is never sent.
        let paging = matches!(field, Field::PageOffset | Field::PageLimit);
        paging || field.is_beside() || has_room(plan, op, field)
    };
    if !params.iter().all(|(field, _)| is_said(field)) {
        return false;
    }
    let there = |row: &Row| is_there(row, params);
    let met = |row: &Row| match row.presence {
        Some(true) => there(row),
        Some(false) => row.fields.iter().all(|field| !params.has(*field)),
        None => has_needed(row, params),
    };
    op.captures.iter().all(|(_, row)| there(row)) && check::request_rows(op).all(met)
}

/// Whether a row of the op's request, or of every request, has room for a field.
pub(super) fn has_room(plan: &Plan, op: &Op, field: Field) -> bool {
    let headers = plan.headers.iter().map(|(_, row)| row);
    let mut rows = check::request_rows(op).chain(headers);
    rows.any(|row| row.fields.contains(&field))
}

/// Whether a row has what it needs to be written: the field itself, or what is written in its place.
fn has_needed(row: &Row, params: &Record) -> bool {
    match &row.form {
        Form::One { shape, field: None } if row.need.is_some() => {
            shape.rows.iter().all(|(_, row)| has_needed(row, params))
        }
        _ => row.need.is_none() || row.otherwise.is_some() || is_there(row, params),
    }
}

/// Whether every value of the parameters can be spelled where the op says it. An id that is none to this
/// vendor, or a list without one of its items, would ask for something else.
pub(super) fn tells(plan: &Plan, op: &Op, params: &Record, settings: &Settings) -> bool {
    let option = |name: &str| super::option(plan, settings, name);
    let writer = Writer {
        scene: Scene {
            request: params,
            option: &option,
            body: !op.request.rows.is_empty(),
        },
        origin: &settings.origin,
        omits_defaults: plan.json.omits_defaults,
    };
    let is_sent = |row: &Row| row.presence != Some(false);
    let mut query = op.query.iter().map(|(_, row)| row);
    query.all(|row| !is_sent(row) || writer.says_text(row, params))
        && writer.says_tree(&op.request, params)
        && writer.says_whole(&op.request, params)
}

/// How many of the parameters the op says.
fn said(op: &Op, params: &Record) -> usize {
    let says = |field: Field| check::request_rows(op).any(|row| row.fields.contains(&field));
    params.iter().filter(|(field, _)| says(*field)).count()
}

/// Writes the request of an op.
pub(super) fn encode(plan: &Plan, op: &Op, params: &Record, settings: &Settings) -> OwnedRequest {
    let option = |name: &str| super::option(plan, settings, name);
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
            false => super::write::bytes(&root),
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
pub(super) fn target(plan: &Plan, op: &Op, params: &Record, settings: &Settings) -> String {
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

#[cfg(test)]
#[path = "carry_tests.rs"]
mod carry_tests;

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
