//! One example of an op, held to the laws of routing, decoding and encoding.

use super::compare::{self, Difference, differences};
use super::{carried, finding, told};
use crate::dialect::{Candidates, Dialect, OpId, Routed, Settings, failure};
use crate::finding::{Finding, Severity};
use crate::mapping::example::Example;
use crate::mapping::json::{Secrets, show};
use crate::mapping::plan::{Form, Op};
use crate::model::{Failure, Field, OwnedRequest, Problem, Record, Response, Value};

/// One example being replayed.
pub(super) struct Trial<'a> {
    pub(super) dialect: &'a Dialect,
    pub(super) example: &'a Example,
    pub(super) request: Option<OwnedRequest>,
    pub(super) settings: Settings,
    /// The members that hold sentences of ours.
    pub(super) free: Vec<String>,
    findings: &'a mut Vec<Finding>,
}

impl<'a> Trial<'a> {
    pub(super) fn new(
        dialect: &'a Dialect,
        example: &'a Example,
        findings: &'a mut Vec<Finding>,
    ) -> Self {
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

    pub(super) fn op(&mut self, id: OpId, op: &Op) {
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
                let carried = carried::carried(self.dialect.op(id), result, params);
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

    fn same_records(&mut self, law: &str, expected: &Record, got: &Record) {
        let expected = compare::sorted(&show(expected, Secrets::Shown));
        let got = compare::sorted(&show(got, Secrets::Shown));
        self.report(law, differences(&expected, &got));
    }

    pub(super) fn report(&mut self, law: &str, found: Vec<Difference>) {
        for difference in found {
            self.find("LB402", format!("{law}: {difference}"));
        }
    }

    pub(super) fn find(&mut self, code: &'static str, message: String) {
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

/// A problem as a record with no more members than the expected ones speak of.
fn problem_record(problem: &Problem, expected: &[Record]) -> Record {
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
