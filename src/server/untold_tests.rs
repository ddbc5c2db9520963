//! What is left out of answers, and who is told of it.

use std::sync::Arc;

use super::Front;
use super::present::{Asked, Presenter};
use super::testing::{self, FakeAliases, client, link, vendor};
use super::untold::{Untold, gaps};
use crate::dialect::{self, Dialect};
use crate::mapping::builtin;
use crate::model::{Outcome, ProviderId};

#[test]
fn a_link_that_is_left_out_is_counted_unless_it_is_not_the_clients_to_see() {
    let directory = testing::directory(&["blue"]);
    let (untold, vendor) = (Untold::default(), vendor());
    let mut client = client(&[]);
    let unnamed = ProviderId::new("unnamed").unwrap();
    for (allowed, expected) in [(None, 1), (Some(Vec::new()), 1), (None, 2)] {
        client.providers = allowed;
        let presenter = Presenter {
            directory: &directory,
            aliases: &FakeAliases,
            vendor: &vendor,
            client: &client,
            untold: &untold,
        };
        let links = vec![link("unnamed", "1"), link("google", "2")];
        presenter
            .reply(Outcome::Links { links, total: 2 }, &Asked::default())
            .unwrap();
        assert_eq!(untold.counted(&unnamed, &vendor), expected);
    }
    let google = ProviderId::new("google").unwrap();
    assert_eq!(untold.counted(&google, &vendor), 0);
}

#[test]
fn the_start_knows_which_providers_a_mounted_front_cannot_tell() {
    let front = |name: &str| Front {
        dialect: Arc::new(Dialect::new(
            builtin::load_builtin(name).unwrap().plan.unwrap(),
        )),
        settings: dialect::Settings::default(),
        host: None,
        prefix: String::new(),
        anonymous: None,
        passthrough: None,
    };
    let directory = testing::directory(&["blue"]);
    // Our own dialect speaks canonical ids, which every provider has.
    assert_eq!(gaps(&[front("linkbridge")], &directory), []);
    let fronts = [
        front("fusionauth"),
        front("linkbridge"),
        front("fusionauth"),
    ];
    let without: Vec<&str> = gaps(&fronts, &directory)
        .iter()
        .map(|(provider, _)| provider.as_str())
        .collect();
    assert_eq!(without, ["google", "unnamed", "off", "blue-only"]);
}
