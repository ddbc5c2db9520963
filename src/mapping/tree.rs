//! Reading the rows of a JSON document: paths, and that no two rows are in each other's way.

use super::context::Context;
use super::path::{Path, PathFault};
use super::plan::{Form, Only, Row, Tree};
use super::row::{Site, row};
use super::words;
use crate::finding::{Table, Text};

/// Reads every row of `table` (its keys that start with `$`).
pub(super) fn read(table: &Table<'_>, context: &Context<'_>) -> Option<Tree> {
    let mut tree = Tree::default();
    let mut places = Vec::new();
    let mut sound = true;
    for (key, value) in table
        .entries()
        .filter(|(key, _)| key.value.starts_with('$'))
    {
        let row = row(value, Site::Body, context, table.sink());
        match (row, place(&key, table)) {
            (Some(row), Some(path)) => {
                places.push(key);
                tree.rows.push((path, row));
            }
            _ => sound = false,
        }
    }
    sound &= check_places(&tree, &places, table);
    mark_contested(&mut tree);
    sound.then_some(tree)
}

/// Where the row stands.
fn place(key: &Text<'_>, table: &Table<'_>) -> Option<Path> {
    let (code, message) = match Path::parse(&key.value) {
        Ok(path) => return Some(path),
        Err(PathFault::NotSingular) => (
            "LB101",
            "this path is not singular, so nothing can be written to it".to_owned(),
        ),
        Err(PathFault::Syntax(text)) => ("LB100", format!("not a path: {text}")),
    };
    let hint = "paths have names and indexes from 0 to 99: $.a[\"b c\"][0]";
    table
        .sink()
        .error_hint(code, key.span.clone(), message, hint);
    None
}

/// Whether a row writes or reads a whole value, so that no other row may stand below it.
fn is_whole(row: &Row) -> bool {
    // `one` without a field spreads the record at hand: other rows may add members beside it.
    !matches!(&row.form, Form::One { .. } | Form::Presence)
}

/// No path twice, and none inside a value that another row holds whole.
fn check_places(tree: &Tree, places: &[Text<'_>], table: &Table<'_>) -> bool {
    let mut sound = true;
    for (index, (path, row)) in tree.rows.iter().enumerate() {
        check_words(row, table);
        for ((other, other_row), place) in tree.rows.iter().zip(places).skip(index + 1) {
            let inside = (path.is_prefix_of(other) && is_whole(row))
                || (other.is_prefix_of(path) && is_whole(other_row));
            if path == other || inside {
                let first = places.get(index).map_or("", |p| p.value.as_ref());
                let message = if path == other {
                    "this path is bound twice".to_owned()
                } else {
                    format!("this path and `{first}` are one inside the other")
                };
                let hint = "a reader could not tell which to trust; alternatives go into one row as a list";
                table
                    .sink()
                    .error_hint("LB106", place.span.clone(), message, hint);
                sound = false;
            }
        }
    }
    sound
}

/// A table of words that cannot write every canonical word of its field would lose values.
fn check_words(row: &Row, table: &Table<'_>) {
    let Form::Field {
        field,
        words: Some(words),
        ..
    } = &row.form
    else {
        return;
    };
    let lost = words::unwritable(words, field.field());
    if row.only != Some(Only::Parse) && !lost.is_empty() {
        let message = format!(
            "these canonical words cannot be written: {}",
            lost.join(", ")
        );
        table.sink().error_hint(
            "LB109",
            row.origin.span.clone(),
            message,
            "add `write_else = \"…\"`",
        );
    }
}

/// Marks rows that read a field which another row of the tree reads too: the last in document order wins.
fn mark_contested(tree: &mut Tree) {
    let fields: Vec<_> = tree.rows.iter().map(|(_, row)| read_field(row)).collect();
    for (index, (_, row)) in tree.rows.iter_mut().enumerate() {
        let own = fields.get(index).copied().flatten();
        row.contested = own.is_some() && fields.iter().filter(|f| **f == own).count() > 1;
    }
}

fn read_field(row: &Row) -> Option<crate::model::Field> {
    match &row.form {
        Form::Field { field, .. } if row.only != Some(Only::Emit) => Some(field.field()),
        _ => None,
    }
}
