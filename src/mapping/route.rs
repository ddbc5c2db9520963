//! Paths of ops: the tree that finds the ops of a method and path, and the proof that no
//! request can mean two of them.
//!
//! The raw path is split first and captures are decoded after, so that `%2F` inside an id is data.

mod template;

use std::collections::BTreeMap;

use http::Method;

use super::plan::Op;
pub use template::{Segment, parse_template};
use template::{captured, fits, rank, same_path};

/// Method and path to ops, as indexes into the plan.
#[derive(Debug, Default)]
pub struct Routes {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    literals: BTreeMap<String, Node>,
    capture: Option<Box<Node>>,
    methods: Vec<(Method, Vec<usize>)>,
}

/// What a method and path lead to.
#[derive(Debug, PartialEq)]
pub enum Match<'r> {
    /// To these ops.
    Ops(&'r [usize]),
    /// The path has other methods only.
    Methods(Vec<&'r Method>),
    /// Nowhere.
    Nothing,
}

impl Routes {
    /// The tree of these ops.
    #[must_use]
    pub fn new(ops: &[Op]) -> Self {
        let mut routes = Self::default();
        for (index, op) in ops.iter().enumerate() {
            for path in paths(op) {
                routes.root.add(path, &op.method, index);
            }
        }
        routes
    }

    /// The ops of a method and a raw path. A literal segment wins over a capture, where both have the
    /// method.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Match<'_> {
        let mut nodes = Vec::new();
        if let Some(rest) = path.strip_prefix('/') {
            self.root.descend(rest, &mut nodes);
        }
        let methods = || nodes.iter().flat_map(|node| &node.methods);
        if let Some((_, ops)) = methods().find(|(m, _)| m == method) {
            return Match::Ops(ops);
        }
        let mut others: Vec<&Method> = Vec::new();
        for (method, _) in methods() {
            if !others.contains(&method) {
                others.push(method);
            }
        }
        if others.is_empty() {
            Match::Nothing
        } else {
            Match::Methods(others)
        }
    }

    /// Every method with its path; a capture is `None`.
    #[must_use]
    pub fn templates(&self) -> Vec<(Method, Vec<Option<String>>)> {
        let mut found = Vec::new();
        self.root.templates(&mut Vec::new(), &mut found);
        found
    }

    /// How many bytes of `path` the literal segments of some op's path have in common with it, from
    /// the start, in whole segments.
    #[must_use]
    pub fn affinity(&self, path: &str) -> usize {
        let mut node = &self.root;
        let mut common = 0;
        for text in path.strip_prefix('/').unwrap_or(path).split('/') {
            let Some(next) = node.literals.get(text) else {
                break;
            };
            common += text.len() + 1;
            node = next;
        }
        common
    }
}

/// Every path that means an op: the one that is sent, and the others.
pub fn paths(op: &Op) -> impl Iterator<Item = &[Segment]> {
    let also = op.also.iter().map(Vec::as_slice);
    std::iter::once(op.path.as_slice()).chain(also)
}

impl Node {
    fn add(&mut self, path: &[Segment], method: &Method, index: usize) {
        let node = path.iter().fold(self, |node, segment| match segment {
            Segment::Literal(text) => node.literals.entry(text.clone()).or_default(),
            Segment::Capture(_) => node.capture.get_or_insert_with(Box::default),
        });
        match node.methods.iter_mut().find(|(known, _)| known == method) {
            Some((_, list)) => list.push(index),
            None => node.methods.push((method.clone(), vec![index])),
        }
    }

    /// Every node that the rest of a path leads to, the most literal first.
    fn descend<'n>(&'n self, rest: &str, found: &mut Vec<&'n Node>) {
        let (head, tail) = match rest.split_once('/') {
            Some((head, tail)) => (head, Some(tail)),
            None => (rest, None),
        };
        let literal = self.literals.get(head);
        let capture = self.capture.as_deref().filter(|_| !head.is_empty());
        for node in [literal, capture].into_iter().flatten() {
            match tail {
                Some(tail) => node.descend(tail, found),
                None => found.push(node),
            }
        }
    }
}

impl Node {
    fn templates(
        &self,
        above: &mut Vec<Option<String>>,
        found: &mut Vec<(Method, Vec<Option<String>>)>,
    ) {
        let here = self.methods.iter();
        found.extend(here.map(|(method, _)| (method.clone(), above.clone())));
        let literals = self.literals.iter();
        let below = literals.map(|(text, node)| (Some(text.clone()), node));
        let capture = self.capture.iter().map(|node| (None, node.as_ref()));
        for (segment, node) in below.chain(capture) {
            above.push(segment);
            node.templates(above, found);
            above.pop();
        }
    }
}

/// The captures of a raw path that is known to fit the op, still percent-encoded.
pub fn captures<'p>(op: &'p Op, path: &'p str) -> impl Iterator<Item = (&'p str, &'p str)> {
    captured(template(op, path), path)
}

/// Whether a raw path that is known to fit the op is read as the path that is sent, and not as another one
/// of the op.
#[must_use]
pub fn is_sent_path(op: &Op, path: &str) -> bool {
    template(op, path) == op.path
}

/// Of the paths of the op that fit a raw path, the one that the tree leads to.
fn template<'p>(op: &'p Op, path: &str) -> &'p [Segment] {
    let fitting = match op.also.is_empty() {
        true => None,
        false => paths(op)
            .filter(|template| fits(template, path))
            .min_by_key(|template| rank(template)),
    };
    fitting.unwrap_or(&op.path)
}

/// Whether two of an op's own paths are for the same requests, so that their captures would be two things.
#[must_use]
pub fn is_ambiguous(op: &Op) -> bool {
    let all: Vec<&[Segment]> = paths(op).collect();
    let before = |index: usize| all.iter().take(index);
    let mut indexed = all.iter().enumerate();
    indexed.any(|(index, path)| before(index).any(|other| same_path(other, path)))
}

/// Whether the two ops have the same method and paths of the same rank, so that something else must
/// tell them apart. (A literal segment beside a capture is told apart by the tree.)
#[must_use]
pub fn collide(a: &Op, b: &Op) -> bool {
    a.method == b.method && paths(a).any(|x| paths(b).any(|y| same_path(x, y)))
}

/// Whether no request can fit both ops: a parameter that one needs and the other forbids, or a body
/// member that one has and the other lacks.
#[must_use]
pub fn disjoint(a: &Op, b: &Op) -> bool {
    let bodies = |x: &Op, y: &Op| {
        x.has
            .iter()
            .any(|has| y.lacks.iter().any(|lacks| lacks.is_prefix_of(has)))
    };
    bodies(a, b) || bodies(b, a) || queries_disjoint(a, b)
}

fn queries_disjoint(a: &Op, b: &Op) -> bool {
    let differs = |name: &String, wanted: bool| {
        let same_name = b.query.iter().filter(|(other, _)| other == name);
        same_name
            .filter_map(|(_, row)| row.presence)
            .any(|p| p != wanted)
    };
    a.query
        .iter()
        .any(|(name, row)| row.presence.is_some_and(|wanted| differs(name, wanted)))
}
