//! What a dialect keeps to itself: requests that must not be passed on to an origin of its vendor.

use http::Method;

use super::Dialect;
use crate::mapping::neighbor::{Neighbor, paths_of};
use crate::mapping::pattern::{Pattern, Reading};
use crate::mapping::plan::Plan;

/// The paths of every op.
pub(super) fn claimed(plan: &Plan) -> Vec<Pattern> {
    plan.ops.iter().flat_map(paths_of).collect()
}

impl Dialect {
    /// The requests beside its ops that carry links, or make them vanish.
    #[must_use]
    pub fn neighbors(&self) -> &[Neighbor] {
        &self.plan.neighbors
    }

    /// Whether a request may be one of a neighbor, or one to the path of an op, whatever its method.
    #[must_use]
    pub fn denies(&self, method: &Method, reading: &Reading) -> bool {
        let mut denied = self.plan.neighbors.iter();
        let is_neighbor =
            |neighbor: &Neighbor| neighbor.has_method(method) && neighbor.path.may_mean(reading);
        denied.any(is_neighbor) || self.claimed.iter().any(|path| path.may_mean(reading))
    }

    /// The header fields in which it takes a credential.
    pub fn credential_fields(&self) -> impl Iterator<Item = &http::HeaderName> {
        self.plan.take.iter().map(|take| &take.header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::builtin;

    fn keeps(dialect: &str, method: &str, path: &str) -> bool {
        let plan = builtin::load_builtin(dialect).unwrap().plan.unwrap();
        let dialect = Dialect::new(plan);
        let reading = Reading::of(path).unwrap();
        dialect.denies(&method.parse().unwrap(), &reading)
    }

    #[test]
    fn neighbors_and_the_paths_of_ops_are_kept() {
        for (dialect, method, path) in [
            ("zitadel-v2", "POST", "/v2/users/human"),
            ("zitadel-v2", "POST", "/v2/users/HUMAN/"),
            (
                "zitadel-v2",
                "POST",
                "/zitadel.user.v2.UserService/AddHumanUser",
            ),
            ("zitadel-v2", "PUT", "/v2/users/1/links/"),
            (
                "zitadel-v2",
                "GET",
                "/zitadel.user.v2.UserService/AddIDPLink",
            ),
            ("fusionauth", "DELETE", "/api/user/1"),
            ("fusionauth", "GET", "/api/identity-provider/link/"),
            ("ory", "POST", "/self-service/settings"),
            ("flip", "DELETE", "/api/admin/users/v4/users/1"),
            ("pingone", "DELETE", "/v1/environments/1"),
        ] {
            assert!(keeps(dialect, method, path), "{dialect} {method} {path}");
        }
        for (dialect, method, path) in [
            ("zitadel-v2", "PUT", "/v2/users/human/1"),
            ("zitadel-v2", "GET", "/v2/organizations"),
            ("fusionauth", "GET", "/api/user/1"),
            ("fusionauth", "HEAD", "/api/user/1"),
        ] {
            assert!(!keeps(dialect, method, path), "{dialect} {method} {path}");
        }
    }
}
