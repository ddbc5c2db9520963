//! JSON paths of rows: RFC 9535, parsed once at load.
//!
//! A row that writes needs a *singular* path (names and indexes only): it has exactly one way to be
//! written to, so reading and writing come from the same row. Singular paths are lowered to a list of
//! steps; only filters keep the prepared query of `jsonpath-rust`, the one module that names it.

use std::fmt::Write as _;

use jsonpath_rust::parser::model::{JpQuery, Segment, Selector};
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use serde_json::{Map, Value as Json};

/// One step of a singular path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A member of an object.
    Key(String),
    /// An element of an array, counted from 0.
    Index(usize),
}

/// The longest array that a path may create, so that `$[999999999]` cannot fill the memory.
const MAX_INDEX: i64 = 99;

/// A singular path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    steps: Vec<Step>,
    dotted: String,
}

/// A prepared RFC 9535 query.
#[derive(Clone, Debug)]
pub struct Query(JpQuery);

/// Why a text is no path of a row.
#[derive(Debug, PartialEq, Eq)]
pub enum PathFault {
    /// Not RFC 9535.
    Syntax(String),
    /// A valid query that may select several nodes.
    NotSingular,
}

/// What stands at a path.
#[derive(Debug, PartialEq)]
pub enum Found<'j> {
    /// A value that is not null.
    Value(&'j Json),
    /// Nothing, or null: the two are one in every API that is mapped.
    Absent,
    /// Something of the wrong type stands above it, after this many steps.
    Blocked(usize),
}

impl Path {
    /// Parses a singular path.
    ///
    /// # Errors
    /// [`PathFault`] for anything but `$`, names and indexes from 0 to 99.
    pub fn parse(text: &str) -> Result<Self, PathFault> {
        let query = parse_json_path(text).map_err(|e| PathFault::Syntax(e.to_string()))?;
        let mut steps = Vec::with_capacity(query.segments.len());
        for segment in query.segments {
            match segment {
                Segment::Selector(Selector::Name(name)) => steps.push(Step::Key(name)),
                Segment::Selector(Selector::Index(index)) if (0..=MAX_INDEX).contains(&index) => {
                    steps.push(Step::Index(usize::try_from(index).unwrap_or(0)));
                }
                _ => return Err(PathFault::NotSingular),
            }
        }
        let dotted = dotted(&steps);
        Ok(Self { steps, dotted })
    }

    /// The path as problems name it: `a.b[0].c`, empty for the root.
    #[must_use]
    pub fn dotted(&self) -> &str {
        &self.dotted
    }

    /// The first `count` steps as problems name them.
    #[must_use]
    pub fn dotted_prefix(&self, count: usize) -> String {
        dotted(self.steps.get(..count).unwrap_or(&self.steps))
    }

    /// The steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether `self` stands above `other`, or is the same.
    #[must_use]
    pub fn is_prefix_of(&self, other: &Path) -> bool {
        other.steps.starts_with(&self.steps)
    }

    /// What stands at the path in `root`.
    #[must_use]
    pub fn find<'j>(&self, root: &'j Json) -> Found<'j> {
        let mut node = root;
        for (depth, step) in self.steps.iter().enumerate() {
            let next = match (step, node) {
                (_, Json::Null) => return Found::Absent,
                (Step::Key(key), Json::Object(map)) => map.get(key),
                (Step::Index(index), Json::Array(items)) => items.get(*index),
                _ => return Found::Blocked(depth),
            };
            match next {
                Some(value) => node = value,
                None => return Found::Absent,
            }
        }
        if node.is_null() {
            Found::Absent
        } else {
            Found::Value(node)
        }
    }

    /// Where the path stands in the document: the position of each member, comparable by document order.
    #[must_use]
    pub fn position(&self, root: &Json) -> Vec<usize> {
        let mut position = Vec::with_capacity(self.steps.len());
        let mut node = root;
        for step in &self.steps {
            let next = match (step, node) {
                (Step::Key(key), Json::Object(map)) => map
                    .iter()
                    .enumerate()
                    .find(|(_, (k, _))| *k == key)
                    .map(|(i, (_, v))| (i, v)),
                (Step::Index(index), Json::Array(items)) => items.get(*index).map(|v| (*index, v)),
                _ => None,
            };
            let Some((index, value)) = next else { break };
            position.push(index);
            node = value;
        }
        position
    }

    /// Writes `value` at the path, making what is missing above it. What is in the way is replaced:
    /// load has refused files in which two rows are in each other's way.
    pub fn put(&self, root: &mut Json, value: Json) {
        *self.node(root) = value;
    }

    /// The node at the path, made if it is not there.
    pub fn node<'j>(&self, root: &'j mut Json) -> &'j mut Json {
        self.steps.iter().fold(root, child)
    }
}

/// The child of `node` at `step`, made if it is not there.
fn child<'j>(node: &'j mut Json, step: &Step) -> &'j mut Json {
    match step {
        Step::Key(key) => {
            if !node.is_object() {
                *node = Json::Object(Map::new());
            }
            match node {
                Json::Object(map) => map.entry(key.as_str()).or_insert(Json::Null),
                other => other,
            }
        }
        Step::Index(index) => {
            if !node.is_array() {
                *node = Json::Array(Vec::new());
            }
            match node {
                Json::Array(items) => {
                    while items.len() <= *index {
                        items.push(Json::Null);
                    }
                    items
                        .get_mut(*index)
                        .expect("the loop above made the element")
                }
                other => other,
            }
        }
    }
}

fn dotted(steps: &[Step]) -> String {
    let mut out = String::new();
    for step in steps {
        match step {
            Step::Key(key) => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(key);
            }
            // Writing to a String cannot fail.
            Step::Index(index) => drop(write!(out, "[{index}]")),
        }
    }
    out
}

impl Query {
    /// Parses any RFC 9535 query but those that the library reads otherwise than the RFC.
    ///
    /// # Errors
    /// [`PathFault::Syntax`].
    pub fn parse(text: &str) -> Result<Self, PathFault> {
        // The known departures (of 703 compliance tests): functions whose result is compared with
        // nothing, and descendant segments with several selectors. No error body needs either.
        for function in ["count(", "length(", "value("] {
            if text.contains(&format!("?{function}")) {
                let fault = format!("the result of {function}…) has to be compared with something");
                return Err(PathFault::Syntax(fault));
            }
        }
        if text.contains("..[") {
            return Err(PathFault::Syntax(
                "`..[` with selectors is not supported".to_owned(),
            ));
        }
        parse_json_path(text)
            .map(Self)
            .map_err(|e| PathFault::Syntax(e.to_string()))
    }

    /// The first node that the query selects in `root`.
    #[must_use]
    pub fn first<'j>(&self, root: &'j Json) -> Option<&'j Json> {
        js_path_process(&self.0, root)
            .ok()?
            .into_iter()
            .next()
            .map(|node| node.val())
    }

    /// Whether the query selects anything in `root`.
    #[must_use]
    pub fn matches(&self, root: &Json) -> bool {
        self.first(root).is_some()
    }
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
