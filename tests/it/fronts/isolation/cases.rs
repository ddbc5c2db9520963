//! The operations that are asked for, read from `tests/fronts/isolation.toml`, and the holes in them.

use std::sync::LazyLock;

use linkbridge::mapping::builtin;

use super::super::super::support::rpc::{methods, protocols};
use super::super::clients::{CLIENTS, table, tables, text, texts};
use super::super::template::Request;

/// What may be another tenant's.
pub(in crate::fronts) const HOLES: [&str; 9] = [
    "user",
    "provider",
    "subject",
    "account",
    "link",
    "pending",
    "username",
    "domain",
    "vendor_id",
];

/// One request of one operation.
#[derive(Debug)]
pub(in crate::fronts) struct Case {
    pub(in crate::fronts) dialect: String,
    pub(in crate::fronts) op: String,
    pub(in crate::fronts) request: Request,
    /// Whether the operation writes.
    pub(in crate::fronts) writes: bool,
    /// Where in the answer new ids stand.
    pub(in crate::fronts) random: Vec<String>,
    /// Where in the answer the id of a user stands who is new.
    pub(in crate::fronts) makes_user: Option<String>,
    /// Whether the answer does not even tell the tenant whose things are named.
    pub(in crate::fronts) tells_nothing: bool,
    /// The method that gRPC calls, if it does.
    pub(in crate::fronts) grpc: Option<String>,
}

/// Something that one tenant does learn of another.
#[derive(Debug)]
pub(in crate::fronts) struct Exception {
    pub(in crate::fronts) dialect: String,
    pub(in crate::fronts) op: String,
    pub(in crate::fronts) hole: String,
}

/// The operations of every dialect, and whether they write.
static OPS: LazyLock<Vec<(String, String, bool)>> = LazyLock::new(|| {
    let plan = |dialect: &str| builtin::load_builtin(dialect).unwrap().plan.unwrap();
    let ops = CLIENTS.iter().flat_map(|client| {
        let ops = plan(&client.dialect).ops.into_iter();
        ops.map(|op| (client.dialect.clone(), op.name, op.does.writes()))
    });
    ops.collect()
});

pub(in crate::fronts) static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let read = |table: &toml::Table| {
        let (dialect, op) = (text(table, "dialect")?, text(table, "op")?);
        let known = OPS
            .iter()
            .find(|known| (&known.0, &known.1) == (&dialect, &op));
        let (.., writes) = known.ok_or_else(|| format!("{dialect} has no {op}"))?;
        Ok(Case {
            writes: *writes,
            dialect,
            op,
            request: Request::parse(&text(table, "request")?)?,
            random: texts(table, "random"),
            makes_user: text(table, "makes_user").ok(),
            tells_nothing: text(table, "tells_nothing").is_ok(),
            grpc: None,
        })
    };
    let cases = tables(&file(), "case");
    let cases: Result<Vec<Case>, String> = cases.iter().map(read).collect();
    cases.unwrap()
});

/// The same operations by remote procedure calls, in each protocol that the front speaks.
pub(in crate::fronts) static CALLS: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let read = |table: &toml::Table| -> Result<Vec<Case>, String> {
        let dialect = text(table, "dialect")?;
        let (method, message) = (text(table, "method")?, text(table, "message")?);
        let mut known = methods(&dialect).into_iter();
        let op = known.find(|(name, _)| *name == method).map(|(_, op)| op);
        let op = op.ok_or_else(|| format!("no op has {method}"))?;
        let spoken = protocols(&dialect);
        let spoken = [
            ("connect", "application/json"),
            ("grpc", "application/grpc+proto"),
        ]
        .into_iter()
        .filter(|(protocol, _)| spoken.iter().any(|word| word == protocol));
        let case = |(protocol, kind)| {
            let request = format!("POST /{method}\nContent-Type: {kind}\n\n{message}");
            Ok(Case {
                writes: OPS
                    .iter()
                    .any(|known| (&known.0, &known.1) == (&dialect, &op) && known.2),
                dialect: dialect.clone(),
                op: op.clone(),
                request: Request::parse(&request)?,
                random: Vec::new(),
                makes_user: None,
                tells_nothing: false,
                grpc: (protocol == "grpc").then(|| method.clone()),
            })
        };
        spoken.map(case).collect()
    };
    let calls = tables(&file(), "call");
    let calls: Result<Vec<Vec<Case>>, String> = calls.iter().map(read).collect();
    calls.unwrap().into_iter().flatten().collect()
});

/// All ways to ask.
pub(super) fn all() -> impl Iterator<Item = &'static Case> {
    CASES.iter().chain(CALLS.iter())
}

pub(in crate::fronts) static EXCEPTIONS: LazyLock<Vec<Exception>> = LazyLock::new(|| {
    let read = |table: &toml::Table| {
        assert!(!text(table, "reason").unwrap().trim().is_empty());
        Exception {
            dialect: text(table, "dialect").unwrap(),
            op: text(table, "op").unwrap(),
            hole: text(table, "hole").unwrap(),
        }
    };
    tables(&file(), "exception").iter().map(read).collect()
});

fn file() -> toml::Table {
    table("isolation.toml").unwrap()
}

impl Case {
    /// The holes of the request.
    pub(in crate::fronts) fn holes(&self) -> Vec<&'static str> {
        let all = HOLES.iter().copied();
        all.filter(|hole| self.request.names(hole)).collect()
    }

    /// Whether it is known that the other tenant is learnt of where this is its own.
    pub(in crate::fronts) fn is_exception(&self, foreign: &[&str]) -> bool {
        EXCEPTIONS.iter().any(|known| {
            known.dialect == self.dialect && known.op == self.op && foreign == [known.hole.as_str()]
        })
    }
}

#[test]
fn every_operation_is_asked_for_or_exempt() {
    let exempt = tables(&file(), "exempt");
    let mut listed: Vec<(String, String)> = Vec::new();
    for entry in &exempt {
        assert!(!text(entry, "reason").unwrap().trim().is_empty());
        listed.push((text(entry, "dialect").unwrap(), text(entry, "op").unwrap()));
    }
    for case in CASES.iter() {
        let known = (case.dialect.clone(), case.op.clone());
        assert!(
            !exempt.iter().any(
                |e| text(e, "dialect").unwrap() == known.0 && text(e, "op").unwrap() == known.1
            ),
            "{known:?} is asked for and exempt"
        );
        listed.push(known);
    }
    for (dialect, op, _) in OPS.iter() {
        let name = (dialect.clone(), op.clone());
        assert!(
            listed.contains(&name),
            "{name:?} is neither asked for nor exempt"
        );
        listed.retain(|known| *known != name);
    }
    assert!(
        listed.is_empty(),
        "there are no such operations: {listed:?}"
    );
    for known in EXCEPTIONS.iter() {
        let is_case = |case: &Case| {
            case.dialect == known.dialect
                && case.op == known.op
                && case.holes().contains(&known.hole.as_str())
        };
        assert!(CASES.iter().any(is_case), "stale: {known:?}");
    }
}

#[test]
fn every_method_is_called_or_its_operation_exempt() {
    let exempt = tables(&file(), "exempt");
    let is_exempt = |dialect: &str, op: &str| {
        let mut all = exempt.iter();
        all.any(|e| text(e, "dialect").unwrap() == dialect && text(e, "op").unwrap() == op)
    };
    let called: Vec<String> = tables(&file(), "call")
        .iter()
        .map(|call| text(call, "method").unwrap())
        .collect();
    let mut wanted = Vec::new();
    for client in CLIENTS.iter() {
        let methods = methods(&client.dialect).into_iter();
        let asked = methods.filter(|(_, op)| !is_exempt(&client.dialect, op));
        wanted.extend(asked.map(|(method, _)| method));
    }
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    assert_eq!(sorted(called), sorted(wanted));
}
