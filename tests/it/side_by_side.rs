//! The built-in dialects on one listener: no request is for two of them, and a path of one is none of
//! another, with whatever method.

use linkbridge::dialect::overlap::{Mounted, Overlap, Route, overlap};
use linkbridge::mapping::builtin;
use linkbridge::mapping::route::Segment;

use crate::loss::built_in;

/// The paths of a dialect, all with one method: which methods a path has is no reason to share it.
fn paths(name: &str) -> Vec<Route> {
    let routes = built_in(name).routes().into_iter();
    routes
        .map(|route| Route {
            method: http::Method::GET,
            ..route
        })
        .collect()
}

fn shared(a: &[Route], b: &[Route]) -> Option<Overlap> {
    let mounted = |routes| Mounted {
        host: None,
        prefix: "",
        routes,
    };
    overlap(mounted(a), mounted(b))
}

#[test]
fn no_two_built_in_dialects_have_a_path_in_common() {
    let names: Vec<&str> = builtin::SOURCES.iter().map(|(name, _)| *name).collect();
    for (index, one) in names.iter().enumerate() {
        assert!(!paths(one).is_empty(), "{one} has no path");
        for other in names.iter().skip(index + 1) {
            let found = shared(&paths(one), &paths(other));
            assert_eq!(found, None, "{one} and {other}");
        }
    }
}

#[test]
fn every_path_of_a_dialect_is_among_its_routes() {
    for (name, _) in builtin::SOURCES {
        let dialect = built_in(name);
        let routes = dialect.routes();
        for op in &dialect.plan().ops {
            let segment = |segment: &Segment| match segment {
                Segment::Literal(text) => Some(text.clone()),
                Segment::Capture(_) => None,
            };
            let route = Route {
                method: op.method.clone(),
                path: op.path.iter().map(segment).collect(),
            };
            assert!(routes.contains(&route), "{name}: {}", op.name);
        }
        // A dialect is in its own way.
        assert!(shared(&paths(name), &paths(name)).is_some());
    }
}
