//! Fronts: dialects where clients reach them, by host, prefix and path.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::passthrough::Passthrough;
use crate::dialect::{self, Candidates, Dialect, Routed};
use crate::model::ClientName;

/// A dialect in the role towards clients.
#[derive(Clone, Debug)]
pub struct Front {
    /// The dialect.
    pub dialect: Arc<Dialect>,
    /// What the deployment sets for it.
    pub settings: dialect::Settings,
    /// The only host it answers to, in lower case; `None` = any.
    pub host: Option<String>,
    /// The path it is mounted under: empty, or with a slash at its start and none at its end.
    pub prefix: String,
    /// Who a request without a credential is.
    pub anonymous: Option<ClientName>,
    /// Where requests go that no op has; `None` = nowhere.
    pub passthrough: Option<Arc<Passthrough>>,
}

/// The path below a prefix on a host, if that front is meant at all.
fn path_below<'p>(front: (Option<&str>, &str), host: &str, path: &'p str) -> Option<&'p str> {
    let (own_host, prefix) = front;
    if own_host.is_some_and(|own| own != host) {
        return None;
    }
    path.strip_prefix(prefix)
        .filter(|rest| rest.starts_with('/'))
}

/// The most particular fronts come first: those with a host, then those with the longest prefix.
fn rank(host: Option<&str>, prefix: &str) -> (bool, std::cmp::Reverse<usize>) {
    (host.is_none(), std::cmp::Reverse(prefix.len()))
}

/// Which front a request is for, and what it means there.
pub(super) enum Found<'f> {
    /// One or several ops.
    Ops {
        /// The front's place in the list.
        index: usize,
        /// What it may mean.
        candidates: Candidates<'f>,
    },
    /// A path of this front, with other methods.
    WrongMethod {
        /// The front's place in the list.
        index: usize,
        /// The methods.
        allow: Vec<String>,
    },
    /// A path that nobody serves; the front that has most of it in common words the answer.
    Unknown {
        /// The front's place in the list.
        index: Option<usize>,
    },
}

/// Finds the front. Of several the first one wins that serves the method and path: see [`sort`].
pub(super) fn find<'f>(
    fronts: &'f [Front],
    host: &str,
    method: &http::Method,
    path: &str,
) -> Found<'f> {
    let mut wrong_method = None;
    for (index, front) in fronts.iter().enumerate() {
        let Some(below) = front.path_below(host, path) else {
            continue;
        };
        match front.dialect.route(method, below) {
            Routed::Ops(candidates) => {
                return Found::Ops { index, candidates };
            }
            Routed::WrongMethod { allow } if wrong_method.is_none() => {
                wrong_method = Some(Found::WrongMethod { index, allow });
            }
            Routed::WrongMethod { .. } | Routed::Unknown => {}
        }
    }
    wrong_method.unwrap_or_else(|| Found::Unknown {
        index: nearest(fronts, host, path),
    })
}

/// The front that has most of a path in common with it: who words what is wrong with the path.
pub(super) fn nearest(fronts: &[Front], host: &str, path: &str) -> Option<usize> {
    let affinity = |front: &Front| {
        Some(front.prefix.len() + front.dialect.affinity(front.path_below(host, path)?))
    };
    let near = fronts
        .iter()
        .enumerate()
        .filter_map(|(index, front)| Some((affinity(front)?, index)));
    // Of equals the first one, which is the most particular.
    let best = near
        .filter(|(affinity, _)| *affinity > 0)
        .max_by_key(|(affinity, index)| (*affinity, std::cmp::Reverse(*index)));
    best.map(|(_, index)| index)
}

impl Front {
    /// What the front's budgets are kept under: the same after a reload, as long as it is mounted there.
    pub(super) fn key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.dialect.name(), &self.host, &self.prefix).hash(&mut hasher);
        hasher.finish()
    }

    pub(super) fn path_below<'p>(&self, host: &str, path: &'p str) -> Option<&'p str> {
        path_below((self.host.as_deref(), self.prefix.as_str()), host, path)
    }

    /// Whether a path is that of server reflection here.
    pub(super) fn reflects(&self, host: &str, path: &str) -> bool {
        self.path_below(host, path)
            .is_some_and(|below| self.dialect.reflects(below))
    }
}

/// Puts the most particular fronts first.
pub(super) fn sort(fronts: &mut [Front]) {
    fronts.sort_by_key(|front| rank(front.host.as_deref(), &front.prefix));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_at_a_segment() {
        assert_eq!(path_below((None, "/fa"), "any", "/fa/api"), Some("/api"));
        assert_eq!(path_below((None, "/fa"), "any", "/fab"), None);
        assert_eq!(path_below((None, ""), "any", "/api"), Some("/api"));
        assert_eq!(path_below((Some("a"), ""), "b", "/api"), None);
    }

    #[test]
    fn the_most_particular_front_comes_first() {
        let mut fronts = [(None, ""), (None, "/fa"), (Some("a"), "")];
        fronts.sort_by_key(|(host, prefix)| rank(*host, prefix));
        assert_eq!(fronts, [(Some("a"), ""), (None, "/fa"), (None, "")]);
    }
}
