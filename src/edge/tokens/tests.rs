use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value as Json, json};

use super::*;
use crate::edge::authn::{Client, Clients};
use crate::edge::keys;
use crate::edge::scope::{Scope, Scopes};
use crate::model::{ClientName, TenantId, VendorName};

const NOW: i64 = 1_800_000_000;
const SECRET: &str = "the secret of the tests";

fn settings(issuer: &str) -> Settings {
    Settings {
        issuer: issuer.to_owned(),
        rotate: Duration::from_secs(30 * 86_400),
        leeway: Duration::from_secs(60),
    }
}

fn tokens() -> Tokens {
    Tokens::unkept(settings("linkbridge:here"), NOW).unwrap()
}

fn client(tenant: Option<&str>, scopes: &[Scope]) -> Client {
    Client {
        name: ClientName::new("billing").unwrap(),
        tenant: tenant.map(|key| TenantId::new(key).unwrap()),
        fronts: None,
        scopes: scopes.iter().copied().collect(),
        providers: None,
        rate: None,
        rates: crate::edge::rate_limit::ClassRates::default(),
        delete_budget: None,
        keys: vec![keys::hash(SECRET)],
        identities: Vec::new(),
        client_id: None,
        assertion_keys: Vec::new(),
        certificates: Vec::new(),
        certificate_required: false,
    }
}

fn vendor(name: &str) -> VendorName {
    VendorName::new(name).unwrap()
}

fn issued(tokens: &Tokens) -> String {
    let grant = Grant {
        client: &client(None, &[Scope::LinksRead, Scope::LinksCreate]),
        credential: Credential::key(&keys::hash(SECRET)),
        vendor: &vendor("acme"),
        tenant: None,
        lifetime: 300,
    };
    tokens.issue(&grant, NOW).unwrap().expose().to_owned()
}

fn part(token: &str, index: usize) -> Json {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// A token with these two parts as they stand, signed by the key that signs.
fn signed(tokens: &Tokens, header: &str, payload: &str) -> String {
    let ring = tokens.ring();
    let (_, key) = ring.signing().unwrap();
    signed_by(&key, Algorithm::EdDSA, header, payload)
}

fn signed_by(key: &EncodingKey, algorithm: Algorithm, header: &str, payload: &str) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", encode(header), encode(payload));
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// The token with another value in its header or payload, signed again.
fn changed(tokens: &Tokens, index: usize, name: &str, value: Json) -> String {
    let token = issued(tokens);
    let mut parts = [part(&token, 0), part(&token, 1)];
    match value {
        Json::Null => drop(parts[index].as_object_mut().unwrap().remove(name)),
        value => parts[index][name] = value,
    }
    signed(tokens, &parts[0].to_string(), &parts[1].to_string())
}

fn is_good(tokens: &Tokens, token: &str) -> bool {
    tokens.verify(token, &vendor("acme"), NOW).is_some()
}

#[test]
fn a_token_says_what_it_is_and_is_good_where_and_while_it_should() {
    let tokens = tokens();
    let token = issued(&tokens);
    assert!(looks_like_ours(&token));
    let header = part(&token, 0);
    assert_eq!(
        (&header["typ"], &header["alg"]),
        (&json!("linkbridge+jwt"), &json!("EdDSA"))
    );
    let claims = tokens.verify(&token, &vendor("acme"), NOW).unwrap();
    assert_eq!(claims.iss, "linkbridge:here");
    assert_eq!(
        (claims.sub.as_str(), claims.aud.as_str()),
        ("billing", "linkbridge")
    );
    assert_eq!(claims.scopes, ["links.read", "links.create"]);
    assert_eq!((claims.iat, claims.exp), (NOW, NOW + 300));
    for (at, good) in [
        (NOW + 299, true),
        (NOW + 300, false),
        (NOW - 60, true),
        (NOW - 61, false),
    ] {
        assert_eq!(
            tokens.verify(&token, &vendor("acme"), at).is_some(),
            good,
            "{at}"
        );
    }
    assert!(tokens.verify(&token, &vendor("other"), NOW).is_none());
}

#[test]
fn two_tokens_have_two_names() {
    let tokens = tokens();
    let [a, b] = [issued(&tokens), issued(&tokens)].map(|token| part(&token, 1)["jti"].clone());
    assert_ne!(a, b);
}

#[test]
fn a_token_of_an_old_key_is_good_until_it_expires() {
    let tokens = tokens();
    let token = issued(&tokens);
    assert!(tokens.rotate(NOW + 31 * 86_400).unwrap());
    assert!(is_good(&tokens, &token));
    assert!(is_good(&tokens, &issued(&tokens)));
}

#[test]
fn a_token_of_another_deployment_is_none() {
    let (here, there) = (tokens(), tokens());
    assert!(!is_good(&here, &issued(&there)));
    // Even with the same keys: the issuer is part of it.
    let token = changed(&here, 1, "iss", json!("linkbridge:there"));
    assert!(!is_good(&here, &token));
}

#[test]
fn the_signature_alone_decides_who_wrote_a_token() {
    let tokens = tokens();
    let token = issued(&tokens);
    // What was signed again as it stood is good, so that the changes below are what is refused.
    assert!(is_good(&tokens, &changed(&tokens, 1, "jti", json!("x"))));
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = message.split_once('.').unwrap();
    let mut payload = part(&token, 1);
    payload["sub"] = json!("admin");
    let payload = URL_SAFE_NO_PAD.encode(payload.to_string());
    assert!(
        !is_good(&tokens, &format!("{header}.{payload}.{signature}")),
        "another payload"
    );
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    assert!(
        !is_good(
            &tokens,
            &format!("{message}.{other}{}", signature.split_at(1).1)
        ),
        "another signature"
    );
    assert!(!is_good(&tokens, &format!("{message}.")), "no signature");
}

#[test]
fn no_other_algorithm_and_no_other_key_is_taken() {
    let tokens = tokens();
    let token = issued(&tokens);
    let (header, payload) = (part(&token, 0), part(&token, 1));
    let with_alg = |alg: &str| {
        let mut header = header.clone();
        header["alg"] = json!(alg);
        header.to_string()
    };
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    for none in ["none", "None", ""] {
        let message = format!(
            "{}.{}",
            encode(&with_alg(none)),
            encode(&payload.to_string())
        );
        assert!(!is_good(&tokens, &format!("{message}.")));
        assert!(!is_good(&tokens, &format!("{message}.AAAA")));
        assert!(!is_good(
            &tokens,
            &signed(&tokens, &with_alg(none), &payload.to_string())
        ));
    }
    // The public key, taken for a shared secret.
    let ring = tokens.ring();
    let kid = header["kid"].as_str().unwrap();
    let public = ring.public(kid).unwrap();
    let shared = EncodingKey::from_secret(public.try_get_as_bytes().unwrap());
    for alg in ["HS256", "EdDSA"] {
        let token = signed_by(
            &shared,
            Algorithm::HS256,
            &with_alg(alg),
            &payload.to_string(),
        );
        assert!(!is_good(&tokens, &token), "{alg}");
    }
    for kid in [json!("unknown"), json!("../../x"), json!(""), Json::Null] {
        assert!(!is_good(&tokens, &changed(&tokens, 0, "kid", kid)));
    }
    // A key of ours, by the name of another one of ours.
    let old = issued(&tokens);
    tokens.rotate(NOW + 31 * 86_400).unwrap();
    let renamed = signed(
        &tokens,
        &part(&old, 0).to_string(),
        &part(&old, 1).to_string(),
    );
    assert!(is_good(&tokens, &old) && !is_good(&tokens, &renamed));
}

#[test]
fn no_claim_can_be_another_one_or_missing_or_there_twice() {
    let tokens = tokens();
    for (name, value) in [
        ("aud", json!("other")),
        ("aud", json!(["linkbridge"])),
        ("aud", Json::Null),
        ("vendor", json!("Acme")),
        ("vendor", Json::Null),
        ("iat", json!(NOW + 61)),
        ("iat", json!(NOW as f64)),
        ("exp", json!(NOW)),
        ("exp", json!(-1)),
        ("exp", json!("1900000000")),
        ("exp", json!(NOW + 86_401)),
        ("exp", json!(i64::MAX)),
        ("exp", json!(u64::MAX)),
        ("exp", Json::Null),
        ("scopes", json!("links.read")),
        ("sub", Json::Null),
        ("cred", json!(7)),
        ("cred", Json::Null),
        ("admin", json!(true)),
    ] {
        let token = changed(&tokens, 1, name, value.clone());
        assert!(!is_good(&tokens, &token), "{name} {value}");
    }
    for typ in [
        json!("JWT"),
        json!("at+jwt"),
        json!("LINKBRIDGE+JWT"),
        json!(""),
        Json::Null,
    ] {
        let token = changed(&tokens, 0, "typ", typ.clone());
        // A type in another case is one of ours to RFC 7515, and nobody else's to decide; we write none.
        let is_named = typ == json!("LINKBRIDGE+JWT");
        assert!(!is_good(&tokens, &token), "{typ}");
        assert_eq!(looks_like_ours(&token), is_named, "{typ}");
    }
    let token = issued(&tokens);
    let (header, payload) = (part(&token, 0).to_string(), part(&token, 1).to_string());
    let twice = payload.replacen('{', r#"{"sub":"admin","#, 1);
    assert!(!is_good(&tokens, &signed(&tokens, &header, &twice)));
    let twice = header.replacen('{', r#"{"alg":"none","#, 1);
    assert!(!is_good(&tokens, &signed(&tokens, &twice, &payload)));
    assert!(is_good(&tokens, &signed(&tokens, &header, &payload)));
}

#[test]
fn a_token_leaves_a_client_what_both_of_them_may_do() {
    let tokens = tokens();
    let claims = tokens
        .verify(&issued(&tokens), &vendor("acme"), NOW)
        .unwrap();
    let now = client(None, &[Scope::LinksRead, Scope::LinksDelete]);
    let grant = |client: Client| {
        let name = client.name.clone();
        Clients::new(vec![client]).named(&name).unwrap()
    };
    let narrowed = claims.narrow(grant(now)).unwrap();
    let narrowed = narrowed.client().clone();
    let read: Scopes = [Scope::LinksRead].into_iter().collect();
    assert_eq!((narrowed.scopes, narrowed.tenant), (read, None));
    let tenant = |token: Option<&str>, lock: Option<&str>| {
        let claims = Claims {
            tenant: token.map(str::to_owned),
            ..claims.clone()
        };
        let narrowed = claims.narrow(grant(client(lock, &[])))?;
        let tenant = narrowed.client().tenant.clone();
        Some(tenant.map(|t| t.as_str().to_owned()))
    };
    let blue = Some(Some("blue".to_owned()));
    assert_eq!(tenant(Some("blue"), None), blue);
    assert_eq!(tenant(Some("blue"), Some("blue")), blue);
    assert_eq!(tenant(None, Some("blue")), blue);
    assert_eq!(tenant(Some("green"), Some("blue")), None);
}

#[test]
fn no_character_of_a_token_can_be_another_one() {
    let tokens = tokens();
    let token = issued(&tokens);
    assert!(is_good(&tokens, &token));
    for index in 0..token.len() {
        for other in ['A', 'b', '_', '.', '=', '\u{e9}'] {
            let (before, after) = token.split_at(index);
            let mut rest = after.chars();
            if rest.next() == Some(other) {
                continue;
            }
            let changed = format!("{before}{other}{}", rest.as_str());
            assert!(!is_good(&tokens, &changed), "{index}: {changed}");
        }
        let (cut, _) = token.split_at(index);
        assert!(!is_good(&tokens, cut), "{index}");
    }
}

#[test]
fn what_is_no_token_of_ours_is_for_others_to_look_at() {
    for other in ["", "lb_billing_key", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
        assert!(!looks_like_ours(other), "{other}");
        assert!(!is_good(&tokens(), other));
    }
}
