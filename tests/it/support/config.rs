//! The configuration files that black-box tests run the binary with: the one place that knows their form.

use std::fmt::Write as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::fixtures::{G, K, P, Q, R, T, U};

/// What differs between the configurations of two cases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    /// Whether there is a second tenant, `other`.
    pub(crate) two_tenants: bool,
    /// The most links of a user of `acme` at `acme-oidc`.
    pub(crate) limit: Option<u32>,
    /// Whether every operation of the backend answers a write race; such a server runs in this process.
    pub(crate) conflict: bool,
}

/// The text of a configuration: listeners on these ports, data in this directory.
pub(crate) fn text(profile: &Profile, port: u16, admin_port: u16, data: &Path) -> String {
    let mut out = format!(
        "[server]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"http://127.0.0.1:{port}\"\n\
         admin_listen = \"127.0.0.1:{admin_port}\"\n\n[backend]\nstore = \"embedded:{}\"\n\n",
        data.display()
    );
    tenant(&mut out, "acme", T, profile.limit);
    if profile.two_tenants {
        tenant(&mut out, "other", U, None);
    }
    provider(
        &mut out,
        "acme-oidc",
        "Acme OIDC",
        "oidc",
        P,
        Some("acme.example"),
    );
    provider(&mut out, "google", "Google", "google", G, None);
    client(&mut out, "super", K, ALL_SCOPES);
    client(
        &mut out,
        "reader",
        R,
        "scopes = [\"links.read\", \"links.read_token\"]\n",
    );
    client(
        &mut out,
        "locked",
        Q,
        &format!("{ALL_SCOPES}tenant = \"acme\"\n"),
    );
    out
}

fn tenant(out: &mut String, key: &str, id: &str, limit: Option<u32>) {
    write!(
        out,
        "[[tenant]]\nkey = \"{key}\"\nids = {{ fusionauth = \"{id}\" }}\nusers = \"known\"\n"
    )
    .unwrap();
    if let Some(limit) = limit {
        writeln!(out, "link_limits = {{ acme-oidc = {limit} }}").unwrap();
    }
    out.push('\n');
}

fn provider(out: &mut String, key: &str, name: &str, kind: &str, id: &str, domain: Option<&str>) {
    write!(
        out,
        "[[provider]]\nkey = \"{key}\"\nname = \"{name}\"\nkind = \"{kind}\"\nids = {{ fusionauth = \"{id}\" }}\n"
    )
    .unwrap();
    if let Some(domain) = domain {
        writeln!(out, "domains = [\"{domain}\"]").unwrap();
    }
    out.push('\n');
}

/// Every scope there is: the configuration has no word for that, so that nobody gets it by accident.
const ALL_SCOPES: &str = "scopes = [\"links.read\", \"links.read_token\", \"links.create\", \"links.delete\", \
    \"pending.read\", \"pending.complete\", \"pending.create\", \"providers.read\", \"users.read\", \
    \"users.write\", \"directory.write\"]\n";

/// A client. Its rate is out of the way of tests that write fast.
fn client(out: &mut String, name: &str, key: &str, more: &str) {
    let hash = hex(&Sha256::digest(key.as_bytes()));
    write!(
        out,
        "[[client]]\nname = \"{name}\"\nkey_sha256 = \"{hash}\"\nrate = \"100000/s burst 100000\"\n{more}\n"
    )
    .unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn a_generated_configuration_is_toml_and_holds_no_key() {
    let profile = Profile {
        two_tenants: true,
        limit: Some(2),
        conflict: false,
    };
    let text = text(&profile, 8080, 9090, Path::new("/nowhere"));
    let table: toml::Table = text.parse().unwrap();
    assert_eq!(table["tenant"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        table["tenant"][0]["link_limits"]["acme-oidc"].as_integer(),
        Some(2)
    );
    assert_eq!(table["client"].as_array().map(Vec::len), Some(3));
    for key in [K, R, Q] {
        assert!(!text.contains(key), "a key stands in the configuration");
    }
    // The well-known test vector of the hash function.
    assert_eq!(
        hex(&Sha256::digest(b"abc")),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}
