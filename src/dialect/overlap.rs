//! Dialects side by side: whether a request could be for two of them.

use http::Method;

/// A method and the path that it is for. A segment is a literal, or `None` for any text that is not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The segments.
    pub path: Vec<Option<String>>,
}

/// Routes where clients reach them.
#[derive(Clone, Copy, Debug)]
pub struct Mounted<'a> {
    /// The only host; `None` = any. A front with a host goes before one without, so the two are never in
    /// each other's way.
    pub host: Option<&'a str>,
    /// The path above: empty, or with a slash at its start and none at its end.
    pub prefix: &'a str,
    /// What is there.
    pub routes: &'a [Route],
}

/// A request that is for two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// Its method.
    pub method: Method,
    /// A path that both serve.
    pub path: String,
}

/// A request that both serve, if there is one.
#[must_use]
pub fn overlap(a: Mounted<'_>, b: Mounted<'_>) -> Option<Overlap> {
    if a.host != b.host {
        return None;
    }
    let pairs = a
        .routes
        .iter()
        .flat_map(|x| b.routes.iter().map(move |y| (x, y)));
    let same_method = pairs.filter(|(x, y)| x.method == y.method);
    let mut found = same_method.filter_map(|(x, y)| {
        Some(Overlap {
            method: x.method.clone(),
            path: common_path(&whole(a.prefix, x), &whole(b.prefix, y))?,
        })
    });
    found.next()
}

/// The segments of a route below its prefix.
fn whole<'a>(prefix: &'a str, route: &'a Route) -> Vec<Option<&'a str>> {
    let above = prefix.split('/').skip(1).map(Some);
    above
        .chain(route.path.iter().map(Option::as_deref))
        .collect()
}

/// A path that fits both, if there is one.
fn common_path(a: &[Option<&str>], b: &[Option<&str>]) -> Option<String> {
    if a.len() != b.len() {
        return None;
    }
    let segments = a.iter().zip(b).map(|(a, b)| match (a, b) {
        (Some(a), Some(b)) => (a == b).then_some(*a),
        (Some(literal), None) | (None, Some(literal)) => Some(*literal),
        (None, None) => Some("x"),
    });
    segments.map(|s| Some(format!("/{}", s?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(templates: &[&str]) -> Vec<Route> {
        let route = |template: &&str| {
            let (method, path) = template.split_once(" /").unwrap();
            let segment = |text: &str| (text != "*").then(|| text.to_owned());
            Route {
                method: method.parse().unwrap(),
                path: path.split('/').map(segment).collect(),
            }
        };
        templates.iter().map(route).collect()
    }

    fn at(
        host: Option<&str>,
        prefix: &str,
        one: &str,
        (h, p, two): (Option<&str>, &str, &str),
    ) -> Option<String> {
        let (one, two) = (routes(&[one]), routes(&[two]));
        let a = Mounted {
            host,
            prefix,
            routes: &one,
        };
        let b = Mounted {
            host: h,
            prefix: p,
            routes: &two,
        };
        let found = overlap(a, b);
        assert_eq!(found, overlap(b, a), "the order does not matter");
        found.map(|found| format!("{} {}", found.method, found.path))
    }

    fn bare(one: &str, two: &str) -> Option<String> {
        at(None, "", one, (None, "", two))
    }

    #[test]
    fn a_literal_and_a_capture_have_a_path_in_common() {
        assert_eq!(bare("GET /a/*", "GET /*/b").as_deref(), Some("GET /a/b"));
        assert_eq!(bare("GET /a/*", "GET /a/*").as_deref(), Some("GET /a/x"));
        assert_eq!(bare("GET /a/b", "GET /a/c"), None);
        assert_eq!(bare("GET /a", "GET /a/*"), None);
        assert_eq!(bare("GET /a/b", "GET /ab/b"), None);
        assert_eq!(bare("GET /a", "POST /a"), None);
    }

    #[test]
    fn a_prefix_is_part_of_the_path() {
        let below = |prefix, one, other| at(None, prefix, one, (None, "", other));
        assert_eq!(
            below("/fa", "GET /api", "GET /fa/api").as_deref(),
            Some("GET /fa/api")
        );
        assert_eq!(
            below("/fa", "GET /api", "GET /*/api").as_deref(),
            Some("GET /fa/api")
        );
        assert_eq!(below("/fa", "GET /api", "GET /fa"), None);
        assert_eq!(below("/fa", "GET /api", "GET /api"), None);
        assert_eq!(below("/f", "GET /a/api", "GET /fa/api"), None);
        let both = at(None, "/a/b", "GET /c", (None, "/a", "GET /*/c"));
        assert_eq!(both.as_deref(), Some("GET /a/b/c"));
    }

    #[test]
    fn only_one_host_is_in_its_own_way() {
        let hosts = |one, two| at(one, "", "GET /a", (two, "", "GET /a"));
        assert_eq!(hosts(Some("a.test"), Some("b.test")), None);
        assert_eq!(hosts(Some("a.test"), None), None);
        assert!(hosts(Some("a.test"), Some("a.test")).is_some());
    }
}
