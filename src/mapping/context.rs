//! What the rows of one file share while it is read: shapes, the kinds table, the options.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use toml::de::DeTable;

use super::condition::{Condition, Operand};
use super::plan::{OptionSpec, Tree, Words};
use super::tree;
use crate::finding::{Noted, Sink, Table, Text, suggest};

/// A shape as it stands in a file, not yet read.
pub(super) struct RawShape<'a> {
    pub(super) table: &'a DeTable<'a>,
    pub(super) span: Range<usize>,
    pub(super) sink: &'a Sink,
}

enum Shape {
    Reading,
    Wrong,
    Ready(Arc<Tree>),
}

/// What the rows of a file share.
pub(super) struct Context<'a> {
    pub(super) raw: HashMap<String, RawShape<'a>>,
    shapes: RefCell<HashMap<String, Shape>>,
    pub(super) kinds: Option<Arc<Words>>,
    pub(super) options: Vec<OptionSpec>,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        raw: HashMap<String, RawShape<'a>>,
        kinds: Option<Arc<Words>>,
        options: Vec<OptionSpec>,
    ) -> Self {
        Self {
            raw,
            shapes: RefCell::default(),
            kinds,
            options,
        }
    }

    /// The shape of this name, read when it is first asked for.
    pub(super) fn shape(&self, name: &Text<'_>, sink: &Sink) -> Option<Arc<Tree>> {
        match self.shapes.borrow().get(name.value.as_ref()) {
            Some(Shape::Ready(tree)) => return Some(Arc::clone(tree)),
            Some(Shape::Wrong) => return None,
            Some(Shape::Reading) => {
                sink.error(
                    "LB005",
                    name.span.clone(),
                    format!("the shape `{}` holds itself", name.value),
                );
                return None;
            }
            None => {}
        }
        let Some(raw) = self.raw.get(name.value.as_ref()) else {
            let known: Vec<&str> = self.raw.keys().map(String::as_str).collect();
            let message = format!("there is no [shape.{}]", name.value);
            sink.error_hint(
                "LB005",
                name.span.clone(),
                message,
                suggest(&name.value, &known),
            );
            return None;
        };
        let key = name.value.clone().into_owned();
        self.shapes.borrow_mut().insert(key.clone(), Shape::Reading);
        let table = Table::new(raw.table, raw.span.clone(), raw.sink);
        let tree = tree::read(&table, self).map(Arc::new);
        let state = tree.clone().map_or(Shape::Wrong, Shape::Ready);
        self.shapes.borrow_mut().insert(key, state);
        tree
    }

    /// The shapes that nothing has asked for.
    pub(super) fn unused_shapes(&self) -> impl Iterator<Item = (&String, &RawShape<'a>)> {
        self.raw
            .iter()
            .filter(|(name, _)| !self.shapes.borrow().contains_key(*name))
    }

    /// Reads a condition; options that it names must exist.
    pub(super) fn condition(
        &self,
        table: &Table<'_>,
        key: &'static str,
    ) -> Result<Option<Condition>, Noted> {
        let Some(text) = table.text(key) else {
            return Ok(None);
        };
        self.parse_condition(&text, table.sink()).map(Some)
    }

    /// The condition that a text says.
    pub(super) fn parse_condition(&self, text: &Text<'_>, sink: &Sink) -> Result<Condition, Noted> {
        let condition = Condition::parse(&text.value).map_err(|fault| {
            let hint = "tests are `x present`, `x absent`, `x is word`, `x is not word`, `x has word`, `body`, joined by `and`";
            sink.error_hint("LB110", text.span.clone(), fault, hint);
            Noted
        })?;
        for clause in &condition.0 {
            let Operand::Option(name) = &clause.operand else {
                continue;
            };
            let known: Vec<&str> = self.options.iter().map(|o| o.name.as_str()).collect();
            if !known.contains(&name.as_str()) {
                let message = format!("there is no [option.{name}]");
                sink.error_hint("LB110", text.span.clone(), message, suggest(name, &known));
                return Err(Noted);
            }
        }
        Ok(condition)
    }
}
