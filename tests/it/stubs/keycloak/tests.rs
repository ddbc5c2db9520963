//! The vendor file's golden cases.

use super::super::golden;
use super::{Keycloak, Provider, Token, User};

const U: &str = "6a1e9c1e-6f0d-4a55-9c1e-2f1d7c3b9a10";
const V: &str = "0b2f8d3c-4e5a-4b6c-8d7e-9f0a1b2c3d4e";

fn vendor() -> Keycloak {
    let mut vendor = Keycloak::new();
    vendor.realm("other");
    let realm = vendor.realm("shop");
    for (alias, name, kind) in [
        ("google", "Google", "google"),
        ("corp-oidc", "Corp", "oidc"),
    ] {
        realm.providers.push(Provider {
            alias: alias.to_owned(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            enabled: true,
        });
    }
    for (id, name) in [(U, "mara"), (V, "nils")] {
        let user = User {
            username: name.to_owned(),
            enabled: true,
            ..User::default()
        };
        realm.users.insert(id.to_owned(), user);
    }
    vendor.accept("t", "shop");
    vendor.accept("all", "master");
    vendor.accept("elsewhere", "other");
    for (name, roles) in [("reads", vec!["view-users"]), ("nothing", Vec::new())] {
        let realm = "shop".to_owned();
        vendor
            .tokens
            .insert(name.to_owned(), Token { realm, roles });
    }
    let worker = ("shop".to_owned(), "worker".to_owned());
    let known = (
        worker,
        ("made-up-secret-of-worker".to_owned(), "t".to_owned()),
    );
    vendor.clients.extend([known]);
    vendor
}

fn given(vendor: &mut Keycloak, words: &[&str]) {
    match words {
        ["link", user, alias, subject, name] => {
            let user = vendor.realm("shop").users.get_mut(*user).unwrap();
            let link = (Some((*subject).to_owned()), Some((*name).to_owned()));
            user.links.insert((*alias).to_owned(), link);
        }
        ["relative", "auth"] => vendor.relative = "/auth",
        other => panic!("{other:?}"),
    }
}

#[test]
fn keycloak_is_as_its_source_says() {
    assert!(golden::run("keycloak.toml", vendor, given) >= 45);
}
