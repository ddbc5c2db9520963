//! The laws that every example is held to, in both directions (`mappings/README.md`, "Laws").
//!
//! One description serves four functions; the laws are what keeps them from drifting apart. `check`
//! replays them for every mapping, the tests for every built-in one.

mod carried;
mod compare;
mod coverage;
mod cross;
mod sample;
mod trial;
mod wording;

use http::{HeaderValue, header};

use self::compare::{Difference, differences};
use self::trial::Trial;
use super::{Dialect, OpId, Settings, op_id};
use crate::finding::{Finding, Severity};
use crate::mapping::json::{Secrets, show};
use crate::mapping::plan::{ErrorRow, Op, Origin};
use crate::model::{Field, OwnedRequest, Record};

pub use self::cross::{Carrier, Crossing, cross};
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

/// A record as far as an answer can tell it.
fn told(dialect: &Dialect, record: Record) -> Record {
    if dialect.plan.json.omits_defaults {
        carried::without_defaults(&record)
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
        let carried = carried::carried(op, &record, &nothing);
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
