//! The shapes of a mapping: each is shown once, and named where it stands.

use toml::{Table, Value};

use super::cells::{self, cells};
use super::markdown::table;
use crate::mapping::plan::{Plan, Tree};
use crate::mapping::survey;

/// The shapes, in the order in which the rows name them.
pub(super) struct Records<'p> {
    found: Vec<(String, &'p Tree)>,
}

impl<'p> Records<'p> {
    /// The shapes that the rows of a mapping name.
    pub(super) fn of(plan: &'p Plan) -> Self {
        let mut found: Vec<(String, &Tree)> = Vec::new();
        for row in cells::rows(plan) {
            let text = row.origin.source.text.get(row.origin.span.clone());
            let document = text.and_then(|text| format!("row = {text}").parse::<Table>().ok());
            let written = document.and_then(|mut document| document.remove("row"));
            let name = written.as_ref().and_then(|written| {
                let name = written.get("item").or(written.get("one"));
                name.and_then(Value::as_str)
            });
            if let (Some(name), Some(tree)) = (name, survey::shape_of(row))
                && !found.iter().any(|(other, _)| other == name)
            {
                found.push((name.to_owned(), tree));
            }
        }
        Self { found }
    }

    /// A link to a record.
    pub(super) fn link(&self, name: &str) -> String {
        format!("[{name}](#record-{})", name.to_lowercase())
    }

    /// Every record with its rows.
    pub(super) fn section(&self) -> String {
        if self.found.is_empty() {
            return String::new();
        }
        let mut out = String::from("## Records\n");
        for (name, tree) in &self.found {
            out.push_str(&format!("\n### Record {name}\n\n"));
            out.push_str(&self.rows(tree));
        }
        out
    }

    /// The rows of a document as a table.
    pub(super) fn rows(&self, tree: &Tree) -> String {
        let rows = tree
            .rows
            .iter()
            .map(|(path, row)| cells(super::ops::place("", path.dotted()), row, self));
        table(cells::TITLES, rows)
    }
}
