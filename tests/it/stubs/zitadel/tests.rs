//! The vendor file's golden cases.

use std::time::Duration;

use super::super::golden;
use super::{Caller, Idp, Zitadel};

const O: &str = "311700000000000009";
const P: &str = "311700000000000010";

fn vendor() -> Zitadel {
    let mut vendor = Zitadel::new();
    for (id, name) in [(O, "Acme"), (P, "Other")] {
        vendor.organisations.insert(id.to_owned(), name.to_owned());
    }
    vendor.user(O, "311800000000000001", "rosa");
    vendor.user(O, "311800000000000002", "bo");
    vendor.user(P, "311800000000000003", "cleo");
    for (id, organisation, name) in [
        ("311900000000000002", None, "Acme"),
        ("311900000000000003", Some(O), "Ours"),
        ("311900000000000006", Some(P), "Theirs"),
    ] {
        let idp = Idp {
            organisation: organisation.map(str::to_owned),
            name: name.to_owned(),
            kind: "IDP_TYPE_OIDC".to_owned(),
            active: true,
        };
        vendor.idps.insert(id.to_owned(), idp);
    }
    for (token, caller) in [
        ("t", Caller::Instance(O.to_owned())),
        ("org", Caller::Organisation(O.to_owned())),
        ("reads", Caller::Reader(O.to_owned())),
        ("rosa", Caller::User("311800000000000001".to_owned())),
        ("nobody", Caller::Nobody),
    ] {
        vendor.tokens.insert(token.to_owned(), caller);
    }
    let worker = ("worker".to_owned(), ("secret".to_owned(), "t".to_owned()));
    vendor.service_users.extend([worker]);
    vendor
}

fn given(vendor: &mut Zitadel, words: &[&str]) {
    match words {
        ["link", user, idp, subject, name] => vendor.link(user, idp, subject, name),
        ["quota", times] => vendor.used_up = times.parse().unwrap(),
        ["lag", seconds] => vendor.lag = Duration::from_secs(seconds.parse().unwrap()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn zitadel_is_as_its_source_says() {
    assert!(golden::run("zitadel.toml", vendor, given) >= 80);
}
