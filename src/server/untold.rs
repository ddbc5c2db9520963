//! Links that a dialect has no word for: their provider has no id at its vendor, so they are left out
//! of lists. That is counted, and warned of where an operator looks: at the start, and when it happens.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::Front;
use crate::directory::{self, Directory};
use crate::model::{ProviderId, VendorName};

/// How many links were left out, by provider and vendor. Both come from configurations, so that there
/// are few of them.
#[derive(Debug, Default)]
pub(super) struct Untold(Mutex<HashMap<(ProviderId, VendorName), u64>>);

impl Untold {
    /// Counts a link that was left out; the first one of a provider at a vendor is a line in the log.
    pub(super) fn count(&self, provider_id: &ProviderId, vendor: &VendorName) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts
            .entry((provider_id.clone(), vendor.clone()))
            .or_default();
        *count += 1;
        if *count == 1 {
            tracing::warn!(
                provider = provider_id.as_str(),
                vendor = vendor.as_str(),
                "links are left out of answers: their provider has no id at the vendor of the dialect"
            );
        }
    }

    /// How many links of a provider were left out of answers in a vendor's dialects.
    #[cfg(test)]
    pub(super) fn counted(&self, provider_id: &ProviderId, vendor: &VendorName) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (provider_id.clone(), vendor.clone());
        counts.get(&key).copied().unwrap_or(0)
    }
}

/// The providers that a mounted front cannot tell, each with the vendor that has no id for it.
pub(super) fn gaps<'a>(
    fronts: &'a [Front],
    directory: &'a Directory,
) -> Vec<(&'a ProviderId, &'a VendorName)> {
    let mut gaps = Vec::new();
    for vendor in fronts.iter().map(|front| front.dialect.vendor()) {
        for provider in directory.all_providers() {
            let id = directory::id_at(provider.provider_id.as_str(), &provider.ids, vendor);
            let gap = (&provider.provider_id, vendor);
            if id.is_none() && !gaps.contains(&gap) {
                gaps.push(gap);
            }
        }
    }
    gaps
}

/// Says which providers no client of a mounted front will see.
pub(super) fn warn_of_gaps(fronts: &[Front], directory: &Directory) {
    for (provider_id, vendor) in gaps(fronts, directory) {
        tracing::warn!(
            provider = provider_id.as_str(),
            vendor = vendor.as_str(),
            "a provider has no id at the vendor of a dialect: its links are left out there"
        );
    }
}
