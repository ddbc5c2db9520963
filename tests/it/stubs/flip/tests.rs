//! The vendor file's golden cases.

use super::super::golden;
use super::{Flip, Linked};

const U: &str = "6b1f4c2e-7a90-4d13-9c55-0e8d2f7a1b34";
const V: &str = "7c205d3f-8ba1-4e24-8d66-1f9e308b2c45";

fn vendor() -> Flip {
    Flip::new("acme", "t0k")
        .with_client("mig", "x", true)
        .with_client("poor", "y", false)
        .with_user(U)
        .with_user(V)
        .with_provider("corp-entra", "Corp Entra", true)
        .with_provider("old-adfs", "Old ADFS", false)
}

fn given(vendor: &mut Flip, words: &[&str]) {
    match words {
        ["tokens", "revoked"] => vendor.revoke(),
        ["no", "providers"] => vendor.providers.clear(),
        ["link", user, alias, subject, name] => {
            let link = Linked {
                provider: (*alias).to_owned(),
                user_id: (*subject).to_owned(),
                username: (*name).to_owned(),
            };
            vendor.links.insert((*user).to_owned(), link);
        }
        ["roleless", token] => {
            vendor.tokens.insert((*token).to_owned(), (false, None));
        }
        _ => panic!("{words:?}"),
    }
}

#[test]
fn flip_is_as_its_documents_say() {
    let n_exchanges = golden::run("flip.toml", vendor, given);
    assert!(n_exchanges >= 45, "{n_exchanges} exchanges");
}
