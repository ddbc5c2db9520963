//! Pairs that are read or refused, and which of several a client gets.

use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256};
use rustls::SignatureScheme;

use super::testing::{Authority, Pair};
use super::*;
use crate::model::{Instant, Secret};

const ANY: &[SignatureScheme] = &[
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ED25519,
];

#[test]
fn names_and_dates_are_those_of_the_certificate() {
    let pair = Authority::new().sign_with(
        &["Links.example.com", "*.example.com", "192.0.2.1"],
        &PKCS_ECDSA_P256_SHA256,
        |params| {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2069, 12, 31);
        },
    );
    let identity = pair.identity();
    assert_eq!(identity.names(), ["links.example.com", "*.example.com"]);
    // From `date -u -d 2020-01-01 +%s` and `date -u -d 2069-12-31 +%s`.
    assert_eq!(identity.not_before(), Instant(1_577_836_800_000));
    assert_eq!(identity.not_after(), Instant(3_155_673_600_000));
}

#[test]
fn keys_of_every_usual_kind_are_taken() {
    let authority = Authority::new();
    for algorithm in [
        &PKCS_ECDSA_P256_SHA256,
        &PKCS_ECDSA_P384_SHA384,
        &PKCS_ED25519,
        &PKCS_RSA_SHA256,
    ] {
        authority
            .sign_with(&["a.example"], algorithm, |_| {})
            .identity();
    }
}

#[test]
fn a_chain_and_a_key_may_stand_in_one_file() {
    let authority = Authority::new();
    let pair = authority.sign(&["a.example"]);
    let both = format!("{}{}{}", pair.key, pair.chain, authority.pem);
    let identity = Identity::read(&both, &Secret::new(&both)).unwrap();
    assert_eq!(identity.certified.cert.len(), 2);
}

#[test]
fn what_cannot_be_used_is_told_without_the_key() {
    let authority = Authority::new();
    let (one, other) = (
        authority.sign(&["a.example"]),
        authority.sign(&["a.example"]),
    );
    let odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cut = one.chain.split_at(one.chain.len() / 2).0;
    let password = one.key.replace("PRIVATE", "ENCRYPTED PRIVATE");
    let noise = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (chain, key, expected) in [
        ("", &*one.key, "NoCertificate"),
        (&*one.key, &one.key, "NoCertificate"),
        (odd, &one.key, "BadCertificate"),
        (cut, &one.key, "BadCertificate"),
        (&one.chain, "", "NoKey"),
        (&one.chain, &one.chain, "NoKey"),
        (&one.chain, &password, "NoKey"),
        (&one.chain, noise, "BadKey"),
        (&one.chain, one.key.split_at(one.key.len() / 2).0, "BadKey"),
        (&one.chain, &other.key, "Mismatch"),
    ] {
        let fault = Identity::read(chain, &Secret::new(key)).unwrap_err();
        assert_eq!(format!("{fault:?}"), expected, "{fault}");
        assert_eq!(
            fault.is_of_key(),
            expected.contains("Key") || expected == "Mismatch"
        );
    }
    let secret = one.key.lines().nth(1).unwrap();
    let shown = format!("{:?}", Tls::new(vec![one.identity()], None).unwrap());
    assert!(
        !shown.contains(secret) && shown.contains("a.example"),
        "{shown}"
    );
}

/// Names of the certificates that a client would get, by what they are named.
fn chosen(pairs: &[Pair], name: Option<&str>, schemes: &[SignatureScheme]) -> String {
    let choice = Choice::new(pairs.iter().map(Pair::identity).collect());
    let identity = choice.choose(name, schemes).unwrap();
    identity.names().join(" ")
}

#[test]
fn the_name_decides_and_the_first_is_for_everybody_else() {
    let authority = Authority::new();
    let pairs = [
        authority.sign(&["first.example"]),
        authority.sign(&["*.example.com"]),
        authority.sign(&["links.example.com", "other.example"]),
    ];
    for (name, expected) in [
        (None, "first.example"),
        (Some("nobody.example"), "first.example"),
        (Some("other.example"), "links.example.com other.example"),
        (Some("LINKS.Example.com"), "links.example.com other.example"),
        (Some("b.EXAMPLE.com"), "*.example.com"),
        (Some("a.b.example.com"), "first.example"),
        (Some("example.com"), "first.example"),
        (Some(".example.com"), "*.example.com"),
        (Some("com"), "first.example"),
    ] {
        assert_eq!(chosen(&pairs, name, ANY), expected, "{name:?}");
    }
}

#[test]
fn of_two_for_one_name_a_client_gets_the_one_that_it_can_verify() {
    let authority = Authority::new();
    let pairs = [
        authority.sign_with(&["a.example", "new.example"], &PKCS_ED25519, |_| {}),
        authority.sign(&["a.example", "old.example"]),
    ];
    let old = &[SignatureScheme::ECDSA_NISTP256_SHA256];
    assert_eq!(
        chosen(&pairs, Some("a.example"), ANY),
        "a.example new.example"
    );
    assert_eq!(
        chosen(&pairs, Some("a.example"), old),
        "a.example old.example"
    );
    assert_eq!(chosen(&pairs, None, old), "a.example old.example");
    // Nobody is left without one: what is wrong is then said by the handshake.
    assert_eq!(
        chosen(&pairs, Some("old.example"), &[]),
        "a.example new.example"
    );
}

#[test]
fn there_is_no_tls_without_a_certificate() {
    assert!(matches!(
        Tls::new(Vec::new(), None),
        Err(Fault::NoCertificate)
    ));
}
