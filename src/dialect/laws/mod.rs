//! The laws that every example is held to, in both directions (`mappings/README.md`, "Laws").
//!
//! One description serves four functions; the laws are what keeps them from drifting apart. `check`
//! replays them for every mapping, the tests for every built-in one.

mod compare;
mod coverage;
mod cross;
mod sample;

use http::{HeaderValue, header};

use self::compare::{Difference, differences};
use super::{Candidates, Dialect, OpId, Routed, Settings, failure, op_id};
use crate::finding::{Finding, Severity};
use crate::mapping::example::Example;
use crate::mapping::json::{Secrets, show};
use crate::mapping::plan::{ErrorRow, Form, Op, Origin};
use crate::model::{Failure, FailureKind, Field, OwnedRequest, Record, Response, Value};

pub use self::cross::{Crossing, cross};
pub use self::sample::Rng;

/// How many random records each op goes through laws 6 and 7 with.
const ROUNDS: usize = 64;

/// Replays every example of a dialect. For a strict check (built-in mappings), an op, error row or
/// field without an example is an error, else a warning.
#[must_use]
pub fn replay(dialect: &Dialect, strict: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, op) in dialect.plan.ops.iter().enumerate() {
        for example in &op.examples {
            let mut trial = Trial::new(dialect, example, &mut findings);
            trial.request = example
                .request
                .clone()
                .map(|request| with_media_type(request, op));
            trial.op(op_id(index), op);
        }
        random(dialect, op_id(index), op, &mut findings);
    }
    for row in worded(dialect) {
        for example in &row.examples {
            let mut trial = Trial::new(dialect, example, &mut findings);
            trial.error(row);
        }
    }
    coverage::report(&dialect.plan, strict, &mut findings);
    findings
}

/// The error rows that word something here, or are there to be read. A row of an included file may word
/// only what the file that includes it words in another way.
fn worded(dialect: &Dialect) -> impl Iterator<Item = &ErrorRow> {
    let plan = &dialect.plan;
    let rows = plan.errors.iter().enumerate();
    let is_used = |index| plan.wording.values().any(|used| *used == index);
    let used = rows.filter(move |(index, row)| row.matches.is_some() || is_used(*index));
    used.map(|(_, row)| row)
}

/// One example being replayed.
struct Trial<'a> {
    dialect: &'a Dialect,
    example: &'a Example,
    request: Option<OwnedRequest>,
    settings: Settings,
    /// The members that hold sentences of ours.
    free: Vec<String>,
    findings: &'a mut Vec<Finding>,
}

impl<'a> Trial<'a> {
    fn new(dialect: &'a Dialect, example: &'a Example, findings: &'a mut Vec<Finding>) -> Self {
        let settings = Settings {
            origin: example.url.clone(),
            options: example.options.iter().cloned().collect(),
        };
        Self {
            dialect,
            example,
            request: None,
            settings,
            free: compare::sentences(&dialect.plan),
            findings,
        }
    }

    fn op(&mut self, id: OpId, op: &Op) {
        if self.request.is_some() {
            self.routed(op);
            self.decoded(id);
            self.sent(id, op);
        }
        self.answered(id);
    }

    /// Law 1: the request means this op, and no other.
    fn routed(&mut self, op: &Op) {
        let Some(request) = self.request.clone() else {
            return;
        };
        let routed = self.dialect.route(&request.method, &request.path);
        let Routed::Ops(candidates) = routed else {
            self.find("LB401", "this request leads to no op".to_owned());
            return;
        };
        let fitting = self
            .dialect
            .fitting(&candidates, &request.view(), &self.settings);
        if fitting != [op.name.as_str()] {
            let names = if fitting.is_empty() {
                "no op".to_owned()
            } else {
                fitting.join(" and ")
            };
            self.find(
                "LB401",
                format!("this request means {names}, not only `{}`", op.name),
            );
        }
    }

    fn candidates(&self) -> Option<Candidates<'a>> {
        let request = self.request.as_ref()?;
        match self.dialect.route(&request.method, &request.path) {
            Routed::Ops(candidates) => Some(candidates),
            _ => None,
        }
    }

    /// Law 2: decoding gives the parameters, or the problems.
    fn decoded(&mut self, id: OpId) {
        let (Some(request), Some(candidates)) = (&self.request, self.candidates()) else {
            return;
        };
        let decoded =
            match self
                .dialect
                .decode_request(&candidates, &request.view(), &self.settings)
            {
                Ok(decoded) if decoded.op == id => decoded,
                Ok(_) => return,
                Err(failure) => {
                    self.find(
                        "LB402",
                        format!(
                            "front decode: the request is refused: {}",
                            failure.message()
                        ),
                    );
                    return;
                }
            };
        let expected = self.example.problems.clone().unwrap_or_default();
        let problems: Vec<Record> = decoded
            .problems
            .iter()
            .map(|p| problem_record(p, &expected))
            .collect();
        let wrapped = |list: Vec<Record>| Record::new().with(Field::Problems, Value::List(list));
        self.same_records("front decode", &wrapped(expected), &wrapped(problems));
        if let Some(params) = &self.example.params {
            self.same_records("front decode", params, &decoded.params);
        }
    }

    /// Law 3: encoding the parameters gives the request; for a form that is only read, encoding the
    /// form that is sent and decoding that gives the parameters again.
    fn sent(&mut self, id: OpId, op: &Op) {
        let (Some(request), Some(params)) = (&self.request, &self.example.params) else {
            return;
        };
        let Some((sent, encoded)) = self.dialect.encode_request(op.does, params, &self.settings)
        else {
            if op.emit || self.example.problems.is_none() {
                self.find(
                    "LB402",
                    "upstream encode: no op can say these parameters".to_owned(),
                );
            }
            return;
        };
        if op.emit {
            if sent != id {
                let other = self.dialect.op_name(sent).to_owned();
                self.find(
                    "LB402",
                    format!("upstream encode: `{other}` is sent instead"),
                );
                return;
            }
            let found = compare::requests(request, &encoded, self.dialect);
            self.report("upstream encode", found);
        } else {
            let Routed::Ops(candidates) = self.dialect.route(&encoded.method, &encoded.path) else {
                return;
            };
            match self
                .dialect
                .decode_request(&candidates, &encoded.view(), &self.settings)
            {
                Ok(decoded) => self.same_records("upgrade", params, &decoded.params),
                Err(failure) => self.find("LB402", format!("upgrade: {}", failure.message())),
            }
        }
    }

    /// Laws 4 to 7 for the answer of the example.
    fn answered(&mut self, id: OpId) {
        let Some(response) = &self.example.response else {
            return;
        };
        let nothing = Record::new();
        let params = self.example.params.as_ref().unwrap_or(&nothing);
        let result = self.example.result.as_ref().unwrap_or(&nothing);
        let encoded = self
            .dialect
            .encode_response(id, result, params, &self.settings);
        let found = compare::responses(response, &encoded, &self.free);
        self.report("front encode", found);
        match self.dialect.decode_response(id, response) {
            Ok(record) => {
                let carried = compare::carried(self.dialect.op(id), result, params);
                let (carried, told) = (
                    told(self.dialect, carried),
                    told(self.dialect, record.clone()),
                );
                self.same_records("upstream decode", &carried, &told);
                let again = self
                    .dialect
                    .encode_response(id, &record, params, &self.settings);
                let read = without_links(response, self.dialect.op(id));
                let found = compare::responses(&read, &again, &self.free);
                self.report("GetPut", found);
            }
            Err(failure) => self.find("LB402", format!("upstream decode: {}", failure.message())),
        }
    }

    /// The laws of an error row: writing gives the answer; reading it gives a failure that is written
    /// as the same answer.
    fn error(&mut self, row: &ErrorRow) {
        let (Some(record), Some(response)) = (&self.example.failure, &self.example.response) else {
            self.find(
                "LB400",
                "an example of an error has `failure` and `response`".to_owned(),
            );
            return;
        };
        let Some(kind) = record.text(Field::Kind).and_then(FailureKind::named) else {
            self.find("LB400", "`failure` has no `kind` that is known".to_owned());
            return;
        };
        let Some(op) = self.op_of_error(row) else {
            return;
        };
        let does = op.map(|op| self.dialect.operation(op));
        let wording = self.dialect.plan.wording.get(&(kind, does));
        let worded = wording.and_then(|index| self.dialect.plan.errors.get(*index));
        if row.is_included && !worded.is_some_and(|worded| std::ptr::eq(worded, row)) {
            // Another row words this failure here.
            return;
        }
        let failure = failure::from_record(kind, record);
        let nothing = Record::new();
        let params = self.example.params.as_ref().unwrap_or(&nothing);
        let encoded = self
            .dialect
            .encode_failure(&failure, op, params, &self.settings);
        let found = compare::responses(response, &encoded, &self.free);
        self.report("front encode", found);
        let Some(op) = op else { return };
        let read = self
            .dialect
            .decode_response(op, &encoded)
            .err()
            .unwrap_or(Failure::UpstreamRefused);
        let does = Some(self.dialect.operation(op));
        let wording = |kind: FailureKind| self.dialect.plan.wording.get(&(kind, does));
        if wording(kind) != wording(read.kind()) {
            let message = format!(
                "upstream decode: this answer is read as `{}`",
                read.kind().name()
            );
            self.find("LB402", message);
        }
        // Which alternative was written can depend on what no answer tells (a given media type, say).
        if !row
            .tree
            .rows
            .iter()
            .any(|(_, row)| matches!(row.form, Form::First(_)))
        {
            let again = self
                .dialect
                .encode_failure(&read, Some(op), params, &self.settings);
            let found = compare::responses(&encoded, &again, &self.free);
            self.report("GetPut of a failure", found);
        }
    }

    /// The op that the error answers: the one that is named, else any that the row is for.
    #[allow(
        clippy::option_option,
        reason = "a wrong name and no op are two different things"
    )]
    fn op_of_error(&mut self, row: &ErrorRow) -> Option<Option<OpId>> {
        let ops = &self.dialect.plan.ops;
        let index = match &self.example.op {
            Some(name) => {
                let index = ops.iter().position(|op| op.name == *name);
                if index.is_none() {
                    self.find("LB400", format!("there is no op `{name}`"));
                    return None;
                }
                index
            }
            None => ops
                .iter()
                .position(|op| row.on.is_empty() || row.on.contains(&op.does)),
        };
        Some(index.map(op_id))
    }

    fn same_records(&mut self, law: &str, expected: &Record, got: &Record) {
        let expected = compare::sorted(&show(expected, Secrets::Shown));
        let got = compare::sorted(&show(got, Secrets::Shown));
        self.report(law, differences(&expected, &got));
    }

    fn report(&mut self, law: &str, found: Vec<Difference>) {
        for difference in found {
            self.find("LB402", format!("{law}: {difference}"));
        }
    }

    fn find(&mut self, code: &'static str, message: String) {
        self.findings.push(finding(
            code,
            Severity::Error,
            &self.example.origin,
            message,
        ));
    }
}

/// An answer without the headers that are computed links: they are never read.
fn without_links(response: &Response, op: &Op) -> Response {
    let mut response = response.clone();
    for (name, row) in &op.answer.headers {
        if matches!(row.form, Form::Url(_)) {
            response.headers.remove(name);
        }
    }
    response
}

/// Examples leave the media type of a body to the op.
fn with_media_type(mut request: OwnedRequest, op: &Op) -> OwnedRequest {
    let media = op
        .consumes
        .first()
        .and_then(|media| HeaderValue::try_from(media.as_str()).ok());
    if let Some(media) = media.filter(|_| !request.body.is_empty()) {
        request.headers.entry(header::CONTENT_TYPE).or_insert(media);
    }
    request
}

/// A problem as a record with no more members than the expected ones speak of.
fn problem_record(problem: &crate::model::Problem, expected: &[Record]) -> Record {
    let full = failure::to_record(&Failure::Invalid(vec![problem.clone()]));
    let full = full
        .list(Field::Problems)
        .and_then(<[Record]>::first)
        .cloned()
        .unwrap_or_default();
    let spoken = |field: Field| expected.iter().any(|record| record.has(field));
    let always = |field: Field| matches!(field, Field::Place | Field::At | Field::Why);
    full.iter()
        .filter(|(f, _)| always(*f) || spoken(*f))
        .map(|(f, v)| (f, v.clone()))
        .collect()
}

/// A record as far as an answer can tell it.
fn told(dialect: &Dialect, record: Record) -> Record {
    if dialect.plan.json.omits_defaults {
        compare::without_defaults(&record)
    } else {
        record
    }
}

/// Laws 6 and 7 for random records: what is written reads as what was there, as far as it is carried.
fn random(dialect: &Dialect, id: OpId, op: &Op, findings: &mut Vec<Finding>) {
    let mut rng = Rng::new(
        op.name
            .bytes()
            .fold(7, |seed, byte| seed.wrapping_mul(31) ^ u64::from(byte)),
    );
    let settings = Settings {
        origin: "https://front.test".to_owned(),
        ..Settings::default()
    };
    let nothing = Record::new();
    for _ in 0..ROUNDS {
        let record = sample::tree(&op.answer.tree, &mut rng);
        let response = dialect.encode_response(id, &record, &nothing, &settings);
        let carried = compare::carried(op, &record, &nothing);
        let found = match dialect.decode_response(id, &response) {
            Ok(mut read) => {
                // The status says what came of it; a random record mostly does not.
                if !record.has(Field::Outcome) {
                    read.take(Field::Outcome);
                }
                let sorted = |record: &Record| {
                    let told = told(dialect, record.clone());
                    compare::sorted(&show(&told, Secrets::Shown))
                };
                let again = dialect.encode_response(id, &read, &nothing, &settings);
                // What is only written may tell of more than is carried.
                let kept = dialect.encode_response(id, &carried, &nothing, &settings);
                let mut found = differences(&sorted(&carried), &sorted(&read));
                found.extend(compare::responses(&kept, &again, &[]));
                found
            }
            Err(failure) => vec![Difference::sentence(failure.message())],
        };
        if let Some(difference) = found.first() {
            let message = format!("PutGet of a random record in `{}`: {difference}", op.name);
            findings.push(finding("LB402", Severity::Error, &op.origin, message));
            return;
        }
    }
}

fn finding(code: &'static str, severity: Severity, origin: &Origin, message: String) -> Finding {
    Finding {
        code,
        severity,
        source: std::sync::Arc::clone(&origin.source),
        span: origin.span.clone(),
        message,
        hint: None,
    }
}
