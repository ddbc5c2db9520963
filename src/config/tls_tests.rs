//! Listeners with certificates: good ones, and what is told of others.

use rcgen::PKCS_ECDSA_P256_SHA256;

use crate::config::{Catalog, Config, Inputs, Vars, read};
use crate::edge::tls::testing::{Authority, Pair};
use crate::finding::{Finding, render};
use crate::server::Protocol;

/// A configuration with these pairs, three at the most, at one listener; keys are variables, chains files.
fn configured(pairs: &[Pair]) -> Result<(Config, Vec<Finding>), Vec<Finding>> {
    let directory = tempfile::tempdir().unwrap();
    let mut certificates = String::new();
    for (index, pair) in pairs.iter().enumerate() {
        let path = directory.path().join(format!("{index}.pem"));
        std::fs::write(&path, &pair.chain).unwrap();
        let chain = path.display();
        certificates += &format!("{{ key = \"env:KEY{index}\", chain = \"file:{chain}\" }},\n");
    }
    let text = format!(
        "[[tenant]]\nkey = \"acme\"\n[[client]]\nname = \"a\"\nscopes = []\n\
         [[listener]]\naddress = \"192.0.2.1:8443\"\ntls.certificates = [\n{certificates}]\n"
    );
    let key = |index: usize| pairs.get(index).map_or("", |pair| pair.key.as_str());
    let vars = Vars::from([("KEY0", key(0)), ("KEY1", key(1)), ("KEY2", key(2))]);
    let inputs = Inputs {
        vars: &vars,
        flags: &[],
        catalog: &Catalog::default(),
    };
    read("config.toml", &text, &inputs)
}

fn told(findings: &[Finding]) -> Vec<(&'static str, (usize, usize))> {
    findings.iter().map(|f| (f.code, f.position())).collect()
}

#[test]
fn a_listener_with_certificates_speaks_tls_and_its_url_says_so() {
    let authority = Authority::new();
    let pairs = [
        authority.sign(&["a.example"]),
        authority.sign(&["*.b.example"]),
    ];
    let (config, warnings) = configured(&pairs).unwrap();
    assert!(
        warnings.is_empty(),
        "{}",
        warnings.iter().map(render).collect::<String>()
    );
    assert_eq!(config.public_url, "https://192.0.2.1:8443");
    let [listener] = &config.server.listeners[..] else {
        panic!("one listener is configured");
    };
    let Protocol::Tls(tls) = &listener.protocol else {
        panic!("{listener:?}");
    };
    assert_eq!(tls.names(), ["a.example", "*.b.example"]);
    let secret = pairs[0].key.lines().nth(1).unwrap();
    assert!(!format!("{config:?}").contains(secret));
}

#[test]
fn a_key_of_another_certificate_is_told_at_its_place() {
    let authority = Authority::new();
    let other = authority.sign(&["a.example"]);
    let pairs = [
        authority.sign(&["a.example"]),
        Pair {
            key: other.key,
            ..authority.sign(&["b.example"])
        },
    ];
    let findings = configured(&pairs).unwrap_err();
    // The second line of pairs, behind `{ key = `.
    assert_eq!(told(&findings), [("LB540", (10, 9))]);
    assert!(
        findings[0]
            .message
            .ends_with("the key is not that of the certificate")
    );
}

#[test]
fn certificates_out_of_date_are_warned_of() {
    let authority = Authority::new();
    let dated = |from: i32, to: i32| {
        authority.sign_with(&["a.example"], &PKCS_ECDSA_P256_SHA256, |params| {
            params.not_before = rcgen::date_time_ymd(from, 1, 1);
            params.not_after = rcgen::date_time_ymd(to, 1, 1);
        })
    };
    let (_, warnings) =
        configured(&[dated(2020, 2021), dated(2020, 2090), dated(2090, 2091)]).unwrap();
    assert_eq!(told(&warnings), [("LB541", (9, 29)), ("LB541", (11, 29))]);
    let [expired, early] = &warnings[..] else {
        panic!("{warnings:?}");
    };
    assert!(
        expired
            .message
            .contains("it was good until 2021-01-01T00:00:00Z"),
        "{}",
        expired.message
    );
    assert!(
        early
            .message
            .contains("is not good before 2090-01-01T00:00:00Z"),
        "{}",
        early.message
    );
}
