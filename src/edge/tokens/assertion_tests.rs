use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value as Json, json};

use super::*;
use crate::edge::authn::Client;
use crate::model::ClientName;

const NOW: i64 = 1_800_000_000;
const ORIGIN: &str = "https://front.test/z";

const RSA: &str = include_str!("../../../tests/keys/test-only-rsa.pem");
const RSA_PUBLIC: &str = include_str!("../../../tests/keys/test-only-rsa.pub.pem");
const OTHER_RSA: &str = include_str!("../../../tests/keys/test-only-rsa-other.pem");
const P256: &str = include_str!("../../../tests/keys/test-only-p256.pem");
const P256_PUBLIC: &str = include_str!("../../../tests/keys/test-only-p256.pub.pem");
const ED25519: &str = include_str!("../../../tests/keys/test-only-ed25519.pem");
const ED25519_PUBLIC: &str = include_str!("../../../tests/keys/test-only-ed25519.pub.pem");

fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

fn clients() -> Clients {
    let key = |id: &str, subject: &str, pem: &str| AssertionKey {
        id: id.to_owned(),
        subject: subject.to_owned(),
        key: PublicKey::from_pem(pem).unwrap(),
    };
    let client = |name: &str, assertion_keys| Client {
        name: ClientName::new(name).unwrap(),
        tenant: None,
        fronts: None,
        scopes: Default::default(),
        providers: None,
        rate: None,
        rates: crate::edge::rate_limit::ClassRates::default(),
        delete_budget: None,
        keys: Vec::new(),
        identities: Vec::new(),
        client_id: None,
        assertion_keys,
        certificates: Vec::new(),
        certificate_required: false,
    };
    let many = vec![
        key("rsa", "42", RSA_PUBLIC),
        key("ec", "42", P256_PUBLIC),
        key("ed", "42", ED25519_PUBLIC),
    ];
    Clients::new(vec![
        client("none", Vec::new()),
        client("many", many),
        client("one", vec![key("ed", "43", ED25519_PUBLIC)]),
    ])
}

fn claims() -> Json {
    json!({"iss":"42","sub":"42","aud":ORIGIN,"iat":NOW,"exp":NOW + 3600})
}

fn signed(header: &Json, claims: &str) -> String {
    let alg = header["alg"].as_str().unwrap();
    let (key, algorithm) = match alg {
        "RS256" => (EncodingKey::from_rsa_der(&der(RSA)), Algorithm::RS256),
        "ES256" => (EncodingKey::from_ec_der(&der(P256)), Algorithm::ES256),
        _ => (EncodingKey::from_ed_der(&der(ED25519)), Algorithm::EdDSA),
    };
    by(&key, algorithm, header, claims)
}

fn by(key: &EncodingKey, algorithm: Algorithm, header: &Json, claims: &str) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", encode(&header.to_string()), encode(claims));
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn checked(assertion: &str) -> Result<String, Refusal> {
    let endpoint = format!("{ORIGIN}/oauth/v2/token");
    let clients = clients();
    let found = check(assertion, &clients, &[ORIGIN, &endpoint], (NOW, 60));
    found.map(|(grant, _)| grant.client().name.as_str().to_owned())
}

/// With another value among the claims.
fn with(name: &str, value: Json) -> Result<String, Refusal> {
    let mut claims = claims();
    match value {
        Json::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    checked(&signed(
        &json!({"alg":"RS256","kid":"rsa"}),
        &claims.to_string(),
    ))
}

#[test]
fn an_assertion_of_each_kind_of_key_tells_its_client() {
    for (alg, kid) in [("RS256", "rsa"), ("ES256", "ec"), ("EdDSA", "ed")] {
        let header = json!({"alg":alg,"kid":kid,"typ":"JWT"});
        let assertion = signed(&header, &claims().to_string());
        assert_eq!(checked(&assertion).as_deref(), Ok("many"), "{alg}");
        assert_eq!(named(&assertion).as_deref(), Some("42"));
    }
    // The same key may be of two clients, under two subjects.
    let other = claims().to_string().replace("\"42\"", "\"43\"");
    let assertion = signed(&json!({"alg":"EdDSA","kid":"ed"}), &other);
    assert_eq!(checked(&assertion).as_deref(), Ok("one"));
}

/// Made with openssl and not by the code that verifies here:
/// `printf '%s' "$M" | openssl dgst -sha256 -sign tests/keys/test-only-rsa.pem | base64 -w0 | tr '+/' '-_' | tr -d =`.
#[test]
fn an_assertion_that_openssl_has_signed_is_good() {
    let assertion = include_str!("../../../tests/keys/assertion-by-openssl.jwt");
    assert_eq!(checked(assertion.trim()).as_deref(), Ok("many"));
}

#[test]
fn an_audience_is_the_front_or_its_endpoint_with_or_without_a_slash() {
    for good in [
        json!(ORIGIN),
        json!(format!("{ORIGIN}/")),
        json!(format!("{ORIGIN}/oauth/v2/token")),
        json!(["https://other.test", ORIGIN]),
    ] {
        assert_eq!(with("aud", good.clone()).as_deref(), Ok("many"), "{good}");
    }
    for bad in [
        json!("https://front.test"),
        json!(format!("{ORIGIN}//")),
        json!("https://FRONT.test/z"),
        json!(""),
        json!([]),
        json!(["https://other.test"]),
    ] {
        assert_eq!(with("aud", bad.clone()), Err(Refusal::Audience), "{bad}");
    }
    for none in [Json::Null, json!(7), json!({}), json!([7])] {
        assert_eq!(with("aud", none.clone()), Err(Refusal::Unknown), "{none}");
    }
}

#[test]
fn an_assertion_is_good_for_an_hour_at_most() {
    for (exp, expected) in [
        (json!(NOW + 1), None),
        (json!(NOW as f64 + 1.5), None),
        (json!(NOW + 3660), None),
        (json!(NOW), Some(Refusal::Expired)),
        (json!(NOW - 1), Some(Refusal::Expired)),
        (json!(-1), Some(Refusal::Expired)),
        (json!(-1e300), Some(Refusal::Expired)),
        (json!(NOW + 3661), Some(Refusal::TooLong(3600))),
        (json!(u64::MAX), Some(Refusal::TooLong(3600))),
        (json!(1e300), Some(Refusal::TooLong(3600))),
        (json!("1900000000"), Some(Refusal::Unknown)),
        (Json::Null, Some(Refusal::Unknown)),
    ] {
        assert_eq!(with("exp", exp.clone()).err(), expected, "{exp}");
    }
}

#[test]
fn an_assertion_of_a_time_to_come_is_refused() {
    for (name, at, expected) in [
        ("iat", json!(NOW + 60), None),
        ("iat", json!(NOW + 61), Some(Refusal::Early)),
        ("iat", Json::Null, None),
        ("nbf", json!(NOW), None),
        ("nbf", json!(NOW + 61), Some(Refusal::Early)),
        ("nbf", json!(1e300), Some(Refusal::Early)),
    ] {
        assert_eq!(with(name, at.clone()).err(), expected, "{name} {at}");
    }
}

#[test]
fn issuer_and_subject_are_the_client() {
    assert_eq!(with("sub", json!("43")), Err(Refusal::Subject));
    assert_eq!(with("iss", json!("43")), Err(Refusal::Unknown));
    for missing in ["iss", "sub"] {
        assert_eq!(with(missing, Json::Null), Err(Refusal::Unknown));
    }
}

#[test]
fn who_has_not_the_key_learns_nothing_else() {
    let claims = claims().to_string();
    let header = |alg: &str, kid: &str| json!({"alg":alg,"kid":kid});
    let expired = claims.replace(&(NOW + 3600).to_string(), "5");
    let other = EncodingKey::from_rsa_der(&der(OTHER_RSA));
    let refused = [
        by(&other, Algorithm::RS256, &header("RS256", "rsa"), &claims),
        by(&other, Algorithm::RS256, &header("RS256", "rsa"), &expired),
        signed(&header("RS256", "other"), &claims),
        signed(&header("RS256", "../rsa"), &claims),
        signed(&json!({"alg":"RS256"}), &claims),
        // A key by the name of another one.
        signed(&header("RS256", "ec"), &claims),
        signed(&header("EdDSA", "rsa"), &claims),
        // A claim that is there twice.
        signed(
            &header("RS256", "rsa"),
            &claims.replacen('{', r#"{"iss":"43","#, 1),
        ),
        signed(&header("RS256", "rsa"), "[]"),
        String::new(),
        "a.b.c".to_owned(),
    ];
    for (index, assertion) in refused.iter().enumerate() {
        assert_eq!(checked(assertion), Err(Refusal::Unknown), "{index}");
    }
}

#[test]
fn a_key_is_used_with_its_own_algorithm_only() {
    let claims = claims().to_string();
    let secrets = [RSA_PUBLIC.as_bytes().to_vec(), der(RSA_PUBLIC)];
    for secret in secrets {
        let key = EncodingKey::from_secret(&secret);
        for alg in ["HS256", "RS256"] {
            let header = json!({"alg":alg,"kid":"rsa"});
            let assertion = by(&key, Algorithm::HS256, &header, &claims);
            assert_eq!(checked(&assertion), Err(Refusal::Unknown), "{alg}");
        }
    }
    let key = EncodingKey::from_rsa_der(&der(RSA));
    for (alg, algorithm) in [
        ("RS384", Algorithm::RS384),
        ("RS512", Algorithm::RS512),
        ("PS256", Algorithm::PS256),
        ("rs256", Algorithm::RS256),
    ] {
        let assertion = by(&key, algorithm, &json!({"alg":alg,"kid":"rsa"}), &claims);
        assert_eq!(checked(&assertion), Err(Refusal::Unknown), "{alg}");
    }
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    for alg in ["none", "None", "NONE", ""] {
        let header = json!({"alg":alg,"kid":"rsa"}).to_string();
        for signature in ["", "AAAA"] {
            let assertion = format!("{}.{}.{signature}", encode(&header), encode(&claims));
            assert_eq!(checked(&assertion), Err(Refusal::Unknown), "{alg}");
        }
    }
}
