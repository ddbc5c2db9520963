//! Whether something can be written at all, before it is: what cannot be spelled would be left out, and what is
//! left would say something else.

use super::Writer;
use crate::dialect::read::is_there;
use crate::mapping::codec::Codec;
use crate::mapping::plan::{FieldRef, Form, Row, Tree};
use crate::model::{Field, Record};

impl Writer<'_> {
    /// Whether a document says all that the row binds and the record has, and all that a reader needs: no item
    /// is left out of a list.
    fn says(&self, row: &Row, record: &Record) -> bool {
        let all = |field, filter: Option<&_>, is_said: &dyn Fn(&Record) -> bool| {
            self.chosen(field, filter, record)
                .is_none_or(|mut chosen| chosen.all(is_said))
        };
        if !self.writes(row, record) {
            return true;
        }
        if row.need.is_some() && self.json(row, record).is_none() {
            return false;
        }
        match &row.form {
            Form::One { shape, field } => field
                .map_or(Some(record), |field| record.record(field))
                .is_none_or(|inner| self.says_tree(shape, inner)),
            Form::List {
                field,
                item,
                filter,
                ..
            }
            | Form::Group {
                field,
                item,
                filter,
                ..
            } => all(*field, filter.as_ref(), &|r| self.says_tree(item, r)),
            Form::Dict { field, item, .. } => all(*field, None, &|r| self.says_tree(item, r)),
            Form::Each {
                field,
                item,
                filter,
                ..
            } => all(*field, filter.as_ref(), &|r| self.json(item, r).is_some()),
            Form::Field { .. } | Form::Join(_) => {
                !is_there(row, record) || is_free(row) || self.json(row, record).is_some()
            }
            _ => true,
        }
    }

    /// Whether a document says all that its rows bind and the record has.
    pub(in crate::dialect) fn says_tree(&self, tree: &Tree, record: &Record) -> bool {
        tree.rows.iter().all(|(_, row)| self.says(row, record))
    }

    /// Whether there is a document, where a row stands for the whole of it: an object without members would be
    /// another one.
    pub(in crate::dialect) fn says_whole(&self, tree: &Tree, record: &Record) -> bool {
        let is_whole = |row: &Row| !matches!(row.form, Form::One { .. });
        let mut roots = tree.rows.iter().filter(|(path, _)| path.steps().is_empty());
        roots.all(|(_, row)| !is_whole(row) || self.json(row, record).is_some())
    }

    /// Whether a query says what the row binds, if the record has it.
    pub(in crate::dialect) fn says_text(&self, row: &Row, record: &Record) -> bool {
        let is_asked = self.writes(row, record) && !row.fields.is_empty() && is_there(row, record);
        !is_asked || is_free(row) || self.text(row, record).is_some()
    }
}

/// Whether what the row cannot spell is as good as not there: a zero of protobuf, and a word that says what
/// else is to be told.
fn is_free(row: &Row) -> bool {
    matches!(
        row.form,
        Form::Field {
            codec: Codec::Words | Codec::Proto { .. },
            ..
        }
    )
}

/// The field of `record` that the rows need and cannot spell: an id that is none to this vendor.
pub(in crate::dialect) fn untellable(tree: &Tree, record: &Record) -> Option<Field> {
    tree.rows.iter().find_map(|(_, row)| match &row.form {
        Form::Field {
            field: FieldRef::Here(field),
            codec,
            ..
        } => {
            let spoiled = |value| row.need.is_some() && !codec.can_write(value);
            record.value(*field).is_some_and(spoiled).then_some(*field)
        }
        Form::One { shape, field } => {
            let inner = field.map_or(Some(record), |field| record.record(field))?;
            untellable(shape, inner)
        }
        _ => None,
    })
}

#[cfg(test)]
#[path = "says_tests.rs"]
mod tests;
