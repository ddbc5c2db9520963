//! Requests, decoded for a front. Which op is sent to an upstream is chosen in `choose`, its request written in
//! `encode`.

mod choose;
mod encode;

use http::HeaderName;
use serde_json::Value as Json;

use super::at::At;
use super::read::Reader;
use super::text::{self, Param, Query};
use super::{Candidates, Decoded, Settings, body, page};
use crate::mapping::condition::Scene;
use crate::mapping::path::{Found, Path};
use crate::mapping::plan::{Form, Only, Op, Plan, Row, Tree};
use crate::mapping::route::captures;
use crate::mapping::rpc::RpcMethod;
use crate::model::{Failure, Field, Place, Problem, Record, Request, Value, Why};
pub(super) use choose::{can_send, choose, choose_by_values, has_room, place, tells};
pub(super) use encode::{encode, target};

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

#[cfg(test)]
#[path = "carry_tests.rs"]
mod carry_tests;

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
