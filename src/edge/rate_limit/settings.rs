//! What is configured of rates.

use super::class::ClassRates;
use super::rate::Rate;
use crate::edge::authn::Client;

/// The rates that hold for everybody, and for clients that have none of their own. `None` = no limit.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Requests of everybody together.
    pub global: Option<Rate>,
    /// Requests of one source address.
    pub source: Rate,
    /// Failed authentications of one source address.
    pub failed_auth: Rate,
    /// Failed attempts to get a token in the name of one client, from wherever.
    pub failed_token: Rate,
    /// Requests and items of one client.
    pub client: Rate,
    /// Requests and items of one tenant, whoever's.
    pub tenant: Option<Rate>,
    /// Requests and items of each class at one front.
    pub front: ClassRates,
    /// Changes of what one user has: links made and taken away, documents written.
    pub user: Option<Rate>,
    /// What one client takes away: links and users.
    pub deletes: Option<Rate>,
}

impl Settings {
    /// The same rate for what must have one, and no other limits.
    #[must_use]
    pub fn plain(rate: Rate) -> Self {
        Self {
            global: None,
            source: rate,
            failed_auth: rate,
            failed_token: rate,
            client: rate,
            tenant: None,
            front: ClassRates::default(),
            user: None,
            deletes: None,
        }
    }
}

/// What one client has of its own.
#[derive(Clone, Copy, Debug)]
pub struct ClientRates<'a> {
    /// The client's name, which its budgets go by over a reload.
    pub name: &'a str,
    /// All of its requests and items; `None` = the default.
    pub rate: Option<Rate>,
    /// Those of each class besides.
    pub classes: ClassRates,
    /// What it takes away; `None` = the default.
    pub deletes: Option<Rate>,
}

impl<'a> From<&'a Client> for ClientRates<'a> {
    fn from(client: &'a Client) -> Self {
        Self {
            name: client.name.as_str(),
            rate: client.rate,
            classes: client.rates,
            deletes: client.delete_budget,
        }
    }
}
