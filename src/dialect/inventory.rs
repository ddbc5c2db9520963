//! What a dialect serves, for people who look: every op with its method, path and calls.

use super::{Auth, Dialect};
use crate::mapping::route::Segment;
use crate::model::OperationKind;

/// One way to ask for an op.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served<'d> {
    /// The op's name in its mapping.
    pub op: &'d str,
    /// What it does.
    pub operation: OperationKind,
    /// The method.
    pub method: &'d str,
    /// The paths, below the front, with the names of their captures in braces.
    pub paths: Vec<String>,
    /// The remote procedure calls that mean the same, as `package.Service/Method`.
    pub calls: Vec<&'d str>,
    /// Whether a credential is wanted.
    pub credential: bool,
}

impl Dialect {
    /// Everything that is served, in the order of the mapping.
    #[must_use]
    pub fn inventory(&self) -> Vec<Served<'_>> {
        let ops = self.plan().ops.iter();
        let served = ops.map(|op| Served {
            op: &op.name,
            operation: op.does,
            method: op.method.as_str(),
            paths: std::iter::once(&op.path)
                .chain(&op.also)
                .map(|path| template(path))
                .collect(),
            calls: op.rpc.names.iter().map(|(name, _)| name.as_str()).collect(),
            credential: op.auth == Auth::Required,
        });
        served.collect()
    }
}

fn template(path: &[Segment]) -> String {
    path.iter()
        .fold(String::new(), |text, segment| match segment {
            Segment::Literal(literal) => text + "/" + literal,
            Segment::Capture(name) => text + "/{" + name + "}",
        })
}
