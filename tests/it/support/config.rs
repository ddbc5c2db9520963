//! The configuration files that black-box tests run the binary with: the one place that knows their form.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use linkbridge::mapping::builtin;
use sha2::{Digest as _, Sha256};

use super::fixtures::{
    BOT, DISABLED, Fixture, HARNESS, K, KID, L, PROVIDERS, Q, R, TENANTS, THEIRS, VENDORS, W,
};

/// What differs between the configurations of two cases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    /// Whether there is a second tenant, `other`.
    pub(crate) two_tenants: bool,
    /// Whether any well-formed id is a user; else only those of the directory are.
    pub(crate) open_users: bool,
    /// The most links of a user of `acme` at `acme-oidc`.
    pub(crate) limit: Option<u32>,
    /// How often the client of key K may ask at all.
    pub(crate) rate: Option<u32>,
    /// Switches of fronts: dialect, name, value.
    pub(crate) options: Vec<(String, String, String)>,
    /// The dialects at which a request without a credential is the client of key K.
    pub(crate) anonymous: Vec<String>,
    /// Whether there are no providers at all.
    pub(crate) no_providers: bool,
    /// Whether the provider that is not enabled is: links at it must be made before it is switched off.
    pub(crate) all_enabled: bool,
    /// The tenant that has a provider of its own, if one has.
    pub(crate) provider_of: Option<&'static str>,
    /// Whether every operation of the backend answers a write race; such a server runs in this process.
    pub(crate) conflict: bool,
    /// A second listener, with TLS: its port, and its certificates with their keys, as TOML.
    pub(crate) tls: Option<(u16, String)>,
}

/// Where a server listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    /// HTTP/1.1.
    pub(crate) http1: u16,
    /// HTTP/2 by prior knowledge.
    pub(crate) http2: u16,
    /// The administrator's listener.
    pub(crate) admin: u16,
}

/// The text of a configuration: listeners on these ports, data in this directory.
pub(crate) fn text(profile: &Profile, ports: Ports, data: &Path) -> String {
    let Ports {
        http1,
        http2,
        admin,
    } = ports;
    let (public_url, tls) = match &profile.tls {
        None => (format!("http://127.0.0.1:{http1}"), String::new()),
        Some((port, certificates)) => (
            format!("https://127.0.0.1:{port}"),
            format!(
                "[[listener]]\naddress = \"127.0.0.1:{port}\"\ntls.certificates = {certificates}\n\n"
            ),
        ),
    };
    let mut out = format!(
        "[server]\npublic_url = \"{public_url}\"\nadmin_listen = \"127.0.0.1:{admin}\"\n\n\
         [[listener]]\naddress = \"127.0.0.1:{http1}\"\n\n\
         [[listener]]\naddress = \"127.0.0.1:{http2}\"\nhttp2 = true\n\n{tls}\
         [backend]\nstore = \"embedded:{}\"\n\n",
        data.display()
    );
    let [acme, other] = &TENANTS;
    tenant(&mut out, acme, profile, profile.limit);
    if profile.two_tenants {
        tenant(&mut out, other, profile, None);
    }
    if !profile.no_providers {
        providers(&mut out, profile);
    }
    clients(&mut out, profile);
    fronts(&mut out, profile);
    // All tests come from one address; what limits it is tested elsewhere.
    out.push_str("[limits]\n");
    for limit in ["source_rate", "failed_auth_rate", "user_changes_rate"] {
        writeln!(out, "{limit} = \"{FAST}\"").unwrap();
    }
    out
}

/// The text of a configuration whose native API any client of the tests may use for all of these tenants and
/// providers, where every well-formed id is a user.
pub(crate) fn open(tenants: &[String], providers: &[String], ports: Ports, data: &Path) -> String {
    let Ports {
        http1,
        http2,
        admin,
    } = ports;
    let mut out = format!(
        "[server]\npublic_url = \"http://127.0.0.1:{http1}\"\nadmin_listen = \"127.0.0.1:{admin}\"\n\n\
         [[listener]]\naddress = \"127.0.0.1:{http1}\"\n\n\
         [[listener]]\naddress = \"127.0.0.1:{http2}\"\nhttp2 = true\n\n\
         [backend]\nstore = \"embedded:{}\"\n\n\
         [limits]\nsource_rate = \"{FAST}\"\nfailed_auth_rate = \"{FAST}\"\n\
         user_changes_rate = \"{FAST}\"\n\n",
        data.display()
    );
    for key in tenants {
        write!(out, "[[tenant]]\nkey = \"{key}\"\nusers = \"open\"\n\n").unwrap();
    }
    for key in providers {
        write!(
            out,
            "[[provider]]\nkey = \"{key}\"\nname = \"{key}\"\nkind = \"oidc\"\n\n"
        )
        .unwrap();
    }
    client(&mut out, "harness", HARNESS, FAST, ALL);
    out
}

fn providers(out: &mut String, profile: &Profile) {
    let kinds = [
        ("Acme OIDC", "oidc", "domains = [\"acme.example\"]\n"),
        ("Google", "google", ""),
        ("Corp SAML", "saml", ""),
        ("Old ADFS", "saml", ""),
    ];
    for (fixture, (name, kind, more)) in PROVIDERS.iter().zip(kinds) {
        let enabled = fixture.key != DISABLED || profile.all_enabled;
        write!(
            out,
            "[[provider]]\nkey = \"{}\"\nname = \"{name}\"\nkind = \"{kind}\"\nenabled = {enabled}\n{more}{}\n",
            fixture.key,
            ids(fixture)
        )
        .unwrap();
    }
    if let Some(tenant) = profile.provider_of {
        write!(
            out,
            "[[provider]]\nkey = \"{}\"\nname = \"Their Own\"\nkind = \"oidc\"\ntenant = \"{tenant}\"\n\
             domains = [\"theirs.example\"]\n{}\n",
            THEIRS.key,
            ids(&THEIRS)
        )
        .unwrap();
    }
}

fn tenant(out: &mut String, fixture: &Fixture, profile: &Profile, limit: Option<u32>) {
    let users = if profile.open_users { "open" } else { "known" };
    let (key, ids) = (fixture.key, ids(fixture));
    write!(
        out,
        "[[tenant]]\nkey = \"{key}\"\nusers = \"{users}\"\n{ids}"
    )
    .unwrap();
    if let Some(limit) = limit {
        writeln!(out, "link_limits = {{ acme-oidc = {limit} }}").unwrap();
    }
    out.push('\n');
}

/// The line with the ids that the vendors have.
fn ids(fixture: &Fixture) -> String {
    let ids = VENDORS
        .iter()
        .filter_map(|vendor| Some(format!("{vendor} = \"{}\"", fixture.id_at(vendor)?)));
    format!("ids = {{ {} }}\n", ids.collect::<Vec<_>>().join(", "))
}

/// The scopes of a client that may do everything.
const ALL: &str = "scopes = [\"links.read\", \"links.read_token\", \"links.create\", \"links.delete\", \
    \"pending.read\", \"pending.complete\", \"pending.create\", \"providers.read\", \"users.read\", \
    \"users.write\", \"directory.write\"]\n";

/// The line with the public key that client `super` signs assertions with.
fn assertion_key() -> String {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/keys/test-only-rsa.pub.pem"
    );
    format!("assertion_keys = [{{ id = \"{KID}\", key = \"file:{file}\", subject = \"{BOT}\" }}]\n")
}

/// Out of the way of tests that write fast.
const FAST: &str = "100000/s burst 100000";

fn clients(out: &mut String, profile: &Profile) {
    // What comes back in an hour does not come back while a case runs.
    let rate = profile.rate.map(|n| format!("1/h burst {n}"));
    let signs = format!("{}{ALL}", assertion_key());
    client(out, "super", K, rate.as_deref().unwrap_or(FAST), &signs);
    let reads = "scopes = [\"links.read\", \"links.read_token\"]\n";
    client(out, "links", L, FAST, reads);
    let reads =
        "scopes = [\"links.read\", \"links.read_token\", \"users.read\", \"providers.read\"]\n";
    client(out, "reader", R, FAST, reads);
    client(out, "locked", Q, FAST, &format!("tenant = \"acme\"\n{ALL}"));
    if profile.two_tenants {
        let other = format!("tenant = \"other\"\n{ALL}");
        client(out, "locked-elsewhere", W, FAST, &other);
    }
    client(out, "harness", HARNESS, FAST, ALL);
}

fn client(out: &mut String, name: &str, key: &str, rate: &str, more: &str) {
    let hash = hex(&Sha256::digest(key.as_bytes()));
    write!(
        out,
        "[[client]]\nname = \"{name}\"\nkey_sha256 = \"{hash}\"\nrate = \"{rate}\"\n{more}\n"
    )
    .unwrap();
}

/// Fronts are only written where one has settings, and then all of them: those that are not written would
/// not be there. One that is set and does not exist is written too, so that the server says so.
fn fronts(out: &mut String, profile: &Profile) {
    let set: BTreeSet<&str> = profile
        .options
        .iter()
        .map(|(dialect, ..)| dialect.as_str())
        .chain(profile.anonymous.iter().map(String::as_str))
        .collect();
    if set.is_empty() {
        return;
    }
    let built_in = builtin::SOURCES.iter().map(|(name, _)| *name);
    for dialect in built_in.chain(set).collect::<BTreeSet<_>>() {
        writeln!(out, "[[front]]\ndialect = \"{dialect}\"").unwrap();
        if profile.anonymous.iter().any(|name| name == dialect) {
            out.push_str("anonymous = \"super\"\n");
        }
        let options = profile
            .options
            .iter()
            .filter(|(of, ..)| of == dialect)
            .map(|(_, name, value)| format!("{name} = \"{value}\""));
        let options = options.collect::<Vec<_>>().join(", ");
        writeln!(out, "options = {{ {options} }}\n").unwrap();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[cfg(test)]
fn table(profile: &Profile) -> toml::Table {
    let ports = Ports {
        http1: 8080,
        http2: 8082,
        admin: 9090,
    };
    let text = text(profile, ports, Path::new("/nowhere"));
    for key in [K, R, L, Q, W, HARNESS] {
        assert!(!text.contains(key), "a key stands in the configuration");
    }
    text.parse().unwrap()
}

#[test]
fn a_generated_configuration_is_toml_and_holds_no_key() {
    let profile = Profile {
        two_tenants: true,
        limit: Some(2),
        ..Profile::default()
    };
    let table = table(&profile);
    assert_eq!(table["tenant"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        table["tenant"][0]["link_limits"]["acme-oidc"].as_integer(),
        Some(2)
    );
    assert_eq!(table["tenant"][1]["users"].as_str(), Some("known"));
    assert_eq!(table["client"].as_array().map(Vec::len), Some(6));
    assert!(!table.contains_key("front"), "all fronts are there anyway");
    let providers = table["provider"].as_array().unwrap();
    let enabled = providers.iter().map(|p| p["enabled"].as_bool().unwrap());
    assert_eq!(enabled.collect::<Vec<_>>(), [true, true, true, false]);
    assert!(providers[3]["ids"].get("fusionauth").is_none());
    assert_eq!(
        providers[3]["ids"]["zitadel"].as_str(),
        Some("311900000000000005")
    );
    // The well-known test vector of the hash function.
    assert_eq!(
        hex(&Sha256::digest(b"abc")),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

#[test]
fn there_can_be_no_providers() {
    let none = table(&Profile {
        no_providers: true,
        ..Profile::default()
    });
    assert!(!none.contains_key("provider"));
}

#[test]
fn the_settings_of_a_front_bring_all_fronts_with_them() {
    let option = ("fusionauth", "undefined_parameters", "absent");
    let profile = Profile {
        options: vec![(option.0.into(), option.1.into(), option.2.into())],
        anonymous: vec!["fusionauth".into()],
        open_users: true,
        rate: Some(1),
        ..Profile::default()
    };
    let table = table(&profile);
    let fronts = table["front"].as_array().unwrap();
    assert_eq!(fronts.len(), builtin::SOURCES.len());
    let set: Vec<_> = fronts
        .iter()
        .filter(|front| front.get("anonymous").is_some())
        .collect();
    assert_eq!(set.len(), 1);
    assert_eq!(set[0]["dialect"].as_str(), Some(option.0));
    assert_eq!(set[0]["options"][option.1].as_str(), Some(option.2));
    assert_eq!(table["client"][0]["rate"].as_str(), Some("1/h burst 1"));
    assert_eq!(table["tenant"][0]["users"].as_str(), Some("open"));
}
