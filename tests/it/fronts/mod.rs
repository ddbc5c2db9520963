//! The fronts of all vendors at work on one store: what one makes, every other one tells in its own words and
//! ids, and rules hold whoever wrote. `tests/fronts/` has the data: how each vendor's client works
//! (`clients/`), what a vendor's API makes impossible, and what bad input is answered.

mod bad_calls;
mod bad_input;
pub(crate) mod clients;
mod deadlines;
pub(crate) mod facts;
mod impossible;
mod isolation;
mod matrix;
mod odd_ids;
mod races;
mod rules;
pub(crate) mod speaker;
pub(crate) mod template;

use std::net::SocketAddr;

use super::support::client::Client;
use super::support::fixtures::{ROSA, TENANTS, USERS};
use super::support::native::put_fixture;

/// Makes users A, B and Rosa known in the first tenant, and C in the second if there is one.
fn settle(addr: SocketAddr, two_tenants: bool) -> Client {
    let mut client = Client::new(addr);
    let [acme, other] = &TENANTS;
    let [a, b, c, _] = &USERS;
    for (tenant, user) in [(acme, a), (acme, b), (acme, &ROSA), (other, c)] {
        if two_tenants || tenant.key == acme.key {
            put_fixture(&mut client, tenant.key, user.key, None).unwrap();
        }
    }
    client
}
