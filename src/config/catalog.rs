//! The dialects that a configuration may name, and what must be known of them to read it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::OddMapping;
use crate::dialect::overlap::Route;
use crate::dialect::{Dialect, Neighbor, Tenants};
use crate::model::OperationKind;

/// A dialect that a configuration may name.
#[derive(Clone, Debug)]
pub struct KnownDialect {
    /// Its name.
    pub name: String,
    /// Whose ids it speaks.
    pub vendor: String,
    /// Its options with their values.
    pub options: BTreeMap<String, Vec<String>>,
    /// What it serves.
    pub routes: Vec<Route>,
    /// What never passes to an origin of its vendor.
    pub neighbors: Vec<Neighbor>,
    /// What the requests that it sends say of tenants.
    pub tenants: Tenants,
    /// What an IdP of it would have to do to keep links, and does not.
    pub lacks: Vec<OperationKind>,
    /// Whether an IdP of it tells pending links.
    pub tells_pending: bool,
}

impl From<&Dialect> for KnownDialect {
    fn from(dialect: &Dialect) -> Self {
        let options = dialect.plan().options.iter();
        Self {
            name: dialect.name().to_owned(),
            vendor: dialect.vendor().as_str().to_owned(),
            options: options
                .map(|o| (o.name.clone(), o.values.clone()))
                .collect(),
            routes: dialect.routes(),
            neighbors: dialect.neighbors().to_vec(),
            tenants: dialect.tenants(),
            lacks: dialect.lacks_as_upstream(),
            tells_pending: dialect.is_done_upstream(OperationKind::PendingGet),
        }
    }
}

/// The dialects that a configuration may name.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// The dialects there are.
    pub dialects: Vec<KnownDialect>,
    /// The mapping files that are not among them, with what is wrong.
    pub odd: Vec<(PathBuf, OddMapping)>,
}

impl Catalog {
    pub(super) fn names(&self) -> Vec<&str> {
        self.dialects
            .iter()
            .map(|dialect| dialect.name.as_str())
            .collect()
    }

    pub(super) fn vendors(&self) -> Vec<&str> {
        let spoken = self.dialects.iter().map(|dialect| dialect.vendor.as_str());
        let mut vendors: Vec<&str> = spoken.collect();
        vendors.sort_unstable();
        vendors.dedup();
        vendors
    }

    pub(super) fn options(&self, dialect: &str) -> Option<&BTreeMap<String, Vec<String>>> {
        self.known(dialect).map(|known| &known.options)
    }

    pub(super) fn routes(&self, dialect: &str) -> &[Route] {
        self.known(dialect)
            .map_or(&[], |known| known.routes.as_slice())
    }

    /// What never passes through a front of this dialect: what no dialect of its vendor lets pass.
    pub(super) fn neighbors(&self, dialect: &str) -> Vec<&Neighbor> {
        let vendor = self.known(dialect).map(|known| known.vendor.as_str());
        let kin = self.dialects.iter();
        let kin = kin.filter(|other| Some(other.vendor.as_str()) == vendor);
        kin.flat_map(|other| &other.neighbors).collect()
    }

    /// Whether a mapping file of this name is named, and wrong.
    pub(super) fn is_odd(&self, dialect: &str) -> bool {
        let mut names = self.odd.iter().map(|(path, _)| path.file_stem());
        names.any(|name| name.is_some_and(|name| name == dialect))
    }

    pub(super) fn known(&self, dialect: &str) -> Option<&KnownDialect> {
        self.dialects.iter().find(|known| known.name == dialect)
    }
}
