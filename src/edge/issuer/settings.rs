//! What the configuration says of an issuer.

use std::collections::HashMap;

use super::{Algorithm, Endpoint, Keep, KeysAt};
use crate::edge::scope::Scope;
use crate::model::VendorName;

/// An issuer, as the configuration describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Its name here.
    pub name: String,
    /// Its `iss`, exactly.
    pub issuer: String,
    /// Whom its tokens must be for: one of these.
    pub audience: Vec<String>,
    /// How it vouches for a token.
    pub proof: Proof,
    /// The only dialects at which its tokens are taken; `None` = all.
    pub fronts: Option<Vec<String>>,
    /// Which claims say what.
    pub claims: ClaimNames,
    /// Whose ids the tenants of its tokens are; `None` = the canonical ones.
    pub tenant_ids: Option<VendorName>,
    /// What its scopes mean here; `None` = those that have the names of ours.
    pub scopes: Option<HashMap<String, Vec<Scope>>>,
}

/// Which claims say what. Each is a member of the token itself, by its exact name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimNames {
    /// Whose the token is.
    pub client: String,
    /// Which tenant it is for; `None` = tokens say nothing of tenants.
    pub tenant: Option<String>,
    /// What it allows.
    pub scopes: String,
}

/// How an issuer vouches for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It signs them.
    Signature {
        /// Where its public keys are.
        keys: KeysAt,
        /// How it may sign.
        algorithms: Vec<Algorithm>,
        /// The `typ` that its tokens may have; empty = any, or none.
        typ: Vec<String>,
        /// How long keys are kept.
        keep: Keep,
    },
    /// It is asked.
    Introspection(Endpoint),
}
