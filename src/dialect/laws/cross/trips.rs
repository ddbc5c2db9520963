//! Trips: one way in which a dialect carries a link, written and read again.

use std::cell::RefCell;

use super::sides::Side;
use crate::dialect::laws::{Rng, sample};
use crate::dialect::loss::{Kind, Place, carried};
use crate::dialect::{Dialect, OpId, Routed, Settings, op_id};
use crate::mapping::plan::Op;
use crate::mapping::survey::{self, Bound};
use crate::model::{Field, FieldType, OperationKind, Record, Value};

/// How often a document around a link is made up: what the mapping wants of it besides is left to chance.
const TRIES: usize = 64;

/// Which of the tries takes the document in which a link came back last.
const KEPT: usize = 4;

/// What stands around a link.
#[derive(Clone)]
struct Around {
    document: Record,
    asked: Record,
}

/// One way in which a dialect carries a link.
pub(super) struct Trip<'d> {
    id: OpId,
    op: &'d Op,
    is_answer: bool,
    place: Place,
    /// Fields that the request cannot do without.
    needed: Vec<Field>,
    /// Fields that the request has, nested ones left out.
    said: Vec<Field>,
    /// Fields that the rows complete where they are absent.
    completed: Vec<Field>,
    /// Where a link came back last.
    kept: RefCell<Option<Around>>,
}

/// The answers that carry links. Who asks for one knows what the request needs, too.
pub(super) fn answers(dialect: &Dialect) -> Vec<Trip<'_>> {
    let ops = dialect.plan().ops.iter().enumerate();
    let trips = ops.flat_map(|(index, op)| {
        let bound = survey::document(&op.answer.tree);
        let completed = completed(&bound);
        let places = carried(&bound, Kind::Link).into_iter();
        places.map(move |mut place| {
            place.fields.extend(survey::needed(op));
            Trip::new(op_id(index), op, true, place, completed.clone())
        })
    });
    trips.collect()
}

/// The requests that make links, of those that are sent.
pub(super) fn requests(dialect: &Dialect) -> Vec<Trip<'_>> {
    let ops = dialect.plan().ops.iter().enumerate();
    let sent = ops.filter(|(_, op)| op.emit && op.does.writes());
    let trips = sent.flat_map(|(index, op)| {
        let bound = survey::request(op);
        let completed = completed(&bound);
        let places = if op.does == OperationKind::LinkCreate {
            vec![Place {
                within: Vec::new(),
                fields: own(&bound),
                around: Vec::new(),
            }]
        } else {
            carried(&bound, Kind::Link)
        };
        places
            .into_iter()
            .map(move |place| Trip::new(op_id(index), op, false, place, completed.clone()))
    });
    trips.collect()
}

/// The fields of the record at hand, nested ones left out.
fn own(bound: &[Bound<'_>]) -> Vec<Field> {
    let both_ways = bound
        .iter()
        .filter(|bound| bound.only.is_none() && bound.within.is_empty());
    both_ways.map(|bound| bound.field.field()).collect()
}

fn completed(bound: &[Bound<'_>]) -> Vec<Field> {
    let with_else = bound.iter().filter(|bound| bound.row.otherwise.is_some());
    with_else.map(|bound| bound.field.field()).collect()
}

impl<'d> Trip<'d> {
    fn new(id: OpId, op: &'d Op, is_answer: bool, place: Place, completed: Vec<Field>) -> Self {
        Self {
            id,
            op,
            is_answer,
            place,
            needed: survey::needed(op),
            said: own(&survey::request(op)),
            completed,
            kept: RefCell::default(),
        }
    }

    pub(super) fn name(&self, side: &Side<'_>) -> String {
        let part = if self.is_answer { "answer" } else { "request" };
        format!("{} {} ({part})", side.dialect.name(), self.op.name)
    }

    /// The fields of a link that both carry.
    pub(super) fn carries(&self, other: &Trip<'_>) -> Vec<Field> {
        let fields = self.place.fields.iter();
        let both = fields.filter(|f| other.place.fields.contains(f));
        both.copied().filter(|field| is_of_a_link(*field)).collect()
    }

    /// Whether the field can be there afterwards without having been there before.
    pub(super) fn completes(&self, field: Field) -> bool {
        self.completed.contains(&field)
    }

    /// The link after it was written and read; `None` if no document around it could be found in which it
    /// comes back.
    pub(super) fn take(&self, side: &Side<'_>, link: &Record, rng: &mut Rng) -> Option<Record> {
        let vendors = side.in_vendors_ids(link);
        let kept = self.kept.borrow().clone();
        for attempt in 0..TRIES {
            let around = match &kept {
                Some(kept) if attempt == KEPT => kept.clone(),
                _ => self.around(rng),
            };
            let read = match self.is_answer {
                true => self.answer(side.dialect, &vendors, &around),
                false => self.request(side.dialect, &vendors, &around),
            };
            if let Some(read) = read {
                self.kept.replace(Some(around));
                return Some(side.in_canonical_ids(&read, link));
            }
        }
        None
    }

    /// A document for a link to stand in, and the parameters of an example: what an answer tells can depend
    /// on them.
    fn around(&self, rng: &mut Rng) -> Around {
        let rows = match self.is_answer {
            true => &self.op.answer.tree,
            false => &self.op.request,
        };
        let examples = &self.op.examples;
        let example = examples.get(rng.below(examples.len()));
        Around {
            document: sample::tree(rows, rng),
            asked: example
                .and_then(|example| example.params.clone())
                .unwrap_or_default(),
        }
    }

    fn answer(&self, dialect: &Dialect, link: &Record, around: &Around) -> Option<Record> {
        let mut reply = around.document.clone();
        self.put(&mut reply, link);
        let mut asked = around.asked.clone();
        for (field, value) in link.iter() {
            asked.set(field, value.clone());
        }
        let response = dialect.encode_response(self.id, &reply, &asked, &Settings::default());
        let mut read = self.found(&dialect.decode_response(self.id, &response).ok()?)?;
        for field in &self.needed {
            if let (false, Some(value)) = (read.has(*field), link.value(*field)) {
                read.set(*field, value.clone());
            }
        }
        Some(read)
    }

    fn request(&self, dialect: &Dialect, link: &Record, around: &Around) -> Option<Record> {
        let is_said = |(field, _): &(Field, &Value)| self.place.fields.contains(field);
        let said: Record = link
            .iter()
            .filter(is_said)
            .map(|(field, value)| (field, value.clone()))
            .collect();
        let mut params = said.clone();
        if !self.place.within.is_empty() {
            params = around.document.clone();
            // What the path and the query say of the user, and of the tenant.
            for field in &self.said {
                if let Some(value) = link.value(*field) {
                    params.set(*field, value.clone());
                }
            }
            self.put(&mut params, &said);
        }
        let settings = Settings::default();
        let (sent, request) = dialect.encode_request(self.op.does, &params, &settings)?;
        let Routed::Ops(candidates) = dialect.route(&request.method, &request.path) else {
            return None;
        };
        let view = request.view();
        let decoded = dialect.decode_request(&candidates, &view, &settings).ok()?;
        let is_whole = sent == self.id && decoded.op == self.id && decoded.problems.is_empty();
        self.found(&decoded.params).filter(|_| is_whole)
    }

    /// Puts a link in its place, and says around it whose it is.
    fn put(&self, record: &mut Record, link: &Record) {
        put(record, &self.place.within, &|inner| *inner = link.clone());
        for (path, field) in &self.place.around {
            if let Some(value) = link.value(*field) {
                put(record, path, &|outer| outer.set(*field, value.clone()));
            }
        }
    }

    /// The link in its place, with what is said around it.
    fn found(&self, record: &Record) -> Option<Record> {
        let mut link = found(record, &self.place.within)?.clone();
        for (path, field) in &self.place.around {
            if let Some(value) = found(record, path).and_then(|outer| outer.value(*field)) {
                link.set(*field, value.clone());
            }
        }
        Some(link)
    }
}

/// Whether a trip can carry the field: links are made up with these.
fn is_of_a_link(field: Field) -> bool {
    !matches!(
        field.kind(),
        FieldType::Record | FieldType::List | FieldType::Json
    ) && !matches!(field, Field::Total | Field::Many)
        && !field.name().starts_with("page.")
}

/// Changes the record that `within` leads to; the first of every list, of which no others are left.
fn put(record: &mut Record, within: &[Field], change: &dyn Fn(&mut Record)) {
    let Some((field, rest)) = within.split_first() else {
        return change(record);
    };
    let mut inner = match record.take(*field) {
        Some(Value::Record(inner)) => inner,
        Some(Value::List(items)) => items.into_iter().next().unwrap_or_default(),
        _ => Record::new(),
    };
    put(&mut inner, rest, change);
    let value = match field.kind() {
        FieldType::List => Value::List(vec![inner]),
        _ => Value::Record(inner),
    };
    record.set(*field, value);
}

/// The record that `within` leads to: the first of every list.
fn found<'r>(record: &'r Record, within: &[Field]) -> Option<&'r Record> {
    let Some((field, rest)) = within.split_first() else {
        return Some(record);
    };
    let inner = match record.value(*field)? {
        Value::Record(inner) => inner,
        Value::List(items) => items.first()?,
        _ => return None,
    };
    found(inner, rest)
}
