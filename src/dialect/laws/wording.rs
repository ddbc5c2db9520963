//! One example of an error row, held to the laws of how failures are worded.

use super::compare;
use super::trial::Trial;
use crate::dialect::{OpId, failure, op_id};
use crate::mapping::plan::{ErrorRow, Form};
use crate::model::{Failure, FailureKind, Field, Record};

impl Trial<'_> {
    /// The laws of an error row: writing gives the answer; reading it gives a failure that is written
    /// as the same answer.
    pub(super) fn error(&mut self, row: &ErrorRow) {
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
}
