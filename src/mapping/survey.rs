//! What the rows of an exchange bind, wherever it stands: for what is said of a whole mapping.
//!
//! The one place that looks into every form for what it holds. A form that is not known here binds the
//! fields that its row names, and says nothing of how they are spelled.

use super::check;
use super::codec::Codec;
use super::plan::{FieldRef, Form, Only, Op, Part, Row, Tree, Words};
use crate::model::Field;

pub use super::words::vocabulary;

/// One value that a row binds.
#[derive(Debug)]
pub struct Bound<'p> {
    /// The fields that lead to its record, from the outermost; empty = the record of the exchange.
    pub within: Vec<Field>,
    /// The field.
    pub field: FieldRef,
    /// How it is spelled; `None` if the form has no codec, as a part of a joined text.
    pub codec: Option<&'p Codec>,
    /// Its translation table.
    pub words: Option<&'p Words>,
    /// One direction only: that of the row, or of a row around it.
    pub only: Option<Only>,
    /// The innermost row.
    pub row: &'p Row,
}

impl Bound<'_> {
    /// Whether the value must be there.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        self.row.need.is_some() || self.row.presence == Some(true)
    }
}

/// What the rows of a document bind.
#[must_use]
pub fn document(tree: &Tree) -> Vec<Bound<'_>> {
    let mut found = Vec::new();
    shape(tree, &[], None, &mut found);
    found
}

/// What the rows of an op's request bind: captures, query, body. A parameter that must be absent binds
/// nothing. Captures are always needed.
#[must_use]
pub fn request(op: &Op) -> Vec<Bound<'_>> {
    let mut found = Vec::new();
    for row in check::request_rows(op).filter(|row| row.presence != Some(false)) {
        visit(row, &[], None, &mut found);
    }
    found
}

/// The fields of the request that an op cannot do without, each once.
#[must_use]
pub fn needed(op: &Op) -> Vec<Field> {
    let captures = op.captures.iter().flat_map(|(_, row)| row.fields.clone());
    let bound = request(op);
    let rows = bound
        .iter()
        .filter(|bound| bound.within.is_empty() && bound.only.is_none() && bound.is_needed())
        .map(|bound| bound.field.field());
    let mut fields: Vec<Field> = captures.chain(rows).collect();
    fields.sort_unstable();
    fields.dedup();
    fields
}

fn shape<'p>(tree: &'p Tree, within: &[Field], only: Option<Only>, found: &mut Vec<Bound<'p>>) {
    for (_, row) in &tree.rows {
        visit(row, within, only, found);
    }
}

fn visit<'p>(row: &'p Row, within: &[Field], only: Option<Only>, found: &mut Vec<Bound<'p>>) {
    let only = only.or(row.only);
    let inside = |field: Field| [within, &[field]].concat();
    let bound = |within: &[Field], field: FieldRef| Bound {
        within: within.to_vec(),
        field,
        codec: None,
        words: None,
        only,
        row,
    };
    match &row.form {
        Form::Field {
            field,
            codec,
            words,
        } => found.push(Bound {
            codec: Some(codec),
            words: words.as_deref(),
            ..bound(within, *field)
        }),
        Form::Join(parts) => found.extend(parts.iter().filter_map(|part| match part {
            Part::Field(field) => Some(bound(within, *field)),
            Part::Literal(_) | Part::Origin | Part::Document { .. } => None,
        })),
        Form::One {
            shape: inner,
            field,
        } => match field {
            Some(field) => shape(inner, &inside(*field), only, found),
            None => shape(inner, within, only, found),
        },
        Form::List { field, item, .. } => shape(item, &inside(*field), only, found),
        Form::Dict {
            field,
            key: by,
            item,
            ..
        }
        | Form::Group {
            field, by, item, ..
        } => {
            found.push(bound(&inside(*field), FieldRef::Here(*by)));
            shape(item, &inside(*field), only, found);
        }
        Form::Each { field, item, .. } => visit(item, &inside(*field), only, found),
        Form::First(rows) => rows.iter().for_each(|row| visit(row, within, only, found)),
        _ => found.extend(
            row.fields
                .iter()
                .map(|field| bound(within, FieldRef::Here(*field))),
        ),
    }
}

/// The shape that a row names for what stands in it.
#[must_use]
pub fn shape_of(row: &Row) -> Option<&Tree> {
    match &row.form {
        Form::One { shape: inner, .. }
        | Form::List { item: inner, .. }
        | Form::Dict { item: inner, .. }
        | Form::Group { item: inner, .. } => Some(inner),
        _ => None,
    }
}

/// The rows inside a row: its alternatives, or those of the shape that it names.
#[must_use]
pub fn parts(row: &Row) -> Vec<&Row> {
    let of_shape = shape_of(row).into_iter().flat_map(|tree| &tree.rows);
    let of_shape = of_shape.map(|(_, row)| row);
    match &row.form {
        Form::First(rows) => rows.iter().collect(),
        _ => of_shape.collect(),
    }
}
