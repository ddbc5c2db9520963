//! The credential of a request: where a dialect keeps it, and what there is.

use super::{Dialect, text};
use crate::mapping::plan::Take;
use crate::model::{Request, Secret};

/// What a request has where a dialect looks for the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// Nothing.
    Absent,
    /// Something that is no credential: without the scheme word, or empty.
    Odd,
    /// A credential.
    Given,
}

impl Presented {
    /// The word that mappings use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Presented::Absent => "absent",
            Presented::Odd => "odd",
            Presented::Given => "given",
        }
    }
}

impl Dialect {
    /// The credential where the dialect keeps it: the first place that has one decides.
    #[must_use]
    pub fn credential(&self, request: &Request<'_>) -> Option<Secret> {
        self.plan.take.iter().find_map(|take| {
            let text::Param::Value(value) = text::header(request.headers, &take.header) else {
                return None;
            };
            let secret = match &take.scheme {
                None => value.as_str(),
                Some(scheme) => {
                    let (word, rest) = value.split_once(' ')?;
                    word.eq_ignore_ascii_case(scheme).then(|| rest.trim())?
                }
            };
            (!secret.is_empty()).then(|| Secret::new(secret))
        })
    }

    /// Where a request has its credential, with the scheme word before it: the first of the places.
    #[must_use]
    pub fn credential_place(&self) -> Option<(http::HeaderName, Option<String>)> {
        let take = self.plan.take.first()?;
        Some((take.header.clone(), take.scheme.clone()))
    }

    /// What there is in the places where the dialect keeps the credential.
    #[must_use]
    pub fn presented(&self, request: &Request<'_>) -> Presented {
        let has_something = |take: &Take| request.headers.contains_key(&take.header);
        if self.credential(request).is_some() {
            Presented::Given
        } else if self.plan.take.iter().any(has_something) {
            Presented::Odd
        } else {
            Presented::Absent
        }
    }
}
