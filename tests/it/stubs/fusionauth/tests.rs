//! The vendor file's golden cases.

use super::super::golden;
use super::{FusionAuth, Key, LINK, Link};

const T: &str = "48426136-8eb7-49d5-81f3-9280b146a334";
const U: &str = "0f1d3c5e-7a2b-4c8d-9e6f-1a2b3c4d5e6f";
const A: &str = "206a5101-bf29-487c-af8f-7485ca48d6d5";
const B: &str = "61c44860-f2a2-4b8f-9af3-e345dbcd4e5d";
const P: &str = "74c21534-2ecf-4c14-8b0a-444622bedf4b";
const G: &str = "82339786-3dff-42a6-aac6-1f1ceecb6c46";

fn vendor() -> FusionAuth {
    let mut vendor = FusionAuth::new(T, "K")
        .with_user(A, T)
        .with_user(B, T)
        .with_provider(P, "Acme OIDC", "OpenIDConnect")
        .with_provider(G, "Google", "Google")
        .with_pending(("live", T), (P, "sub-pending"));
    vendor.keys.push(Key {
        secret: "R".to_owned(),
        tenant: None,
        may: vec![("GET", LINK)],
    });
    vendor.keys.push(Key {
        secret: "Q".to_owned(),
        tenant: Some(T.to_owned()),
        may: Vec::new(),
    });
    vendor
}

fn given(vendor: &mut FusionAuth, words: &[&str]) {
    match words {
        ["two", "tenants"] => {
            *vendor = std::mem::replace(vendor, FusionAuth::new(T, "K")).with_tenant(U);
        }
        ["limit", max] => vendor.tenants[0].max_links = Some(max.parse().unwrap()),
        ["link", user, provider, subject] => vendor.links.push(Link {
            tenant: T.to_owned(),
            user: (*user).to_owned(),
            provider: (*provider).to_owned(),
            subject: subject.replace('_', " "),
            display_name: Some("ann@example.test".to_owned()),
            token: Some("opaque-1".to_owned()),
            at: super::EPOCH,
        }),
        _ => panic!("{words:?}"),
    }
}

#[test]
fn fusionauth_is_as_its_documents_say() {
    let n_exchanges = golden::run("fusionauth.toml", vendor, given);
    assert!(n_exchanges >= 70, "{n_exchanges} exchanges");
}
