//! What is taken: without it, refusing everything would pass for safe.

use linkbridge::edge::issuer::{Algorithm, ClaimNames, KeysAt};
use linkbridge::edge::scope::{Scope, Scopes};
use linkbridge::model::Failure;

use super::sign::{By, KEYS};
use super::world::{World, all_keys, good, jwks, settings, varied, who};

/// Changes of a good token that leave it good.
pub(super) fn variants() -> Vec<(&'static str, String)> {
    let by = |alg, kid, by: By| varied(&[("alg", alg), ("kid", kid)], &[], &by);
    let with = |claims: &[(&str, &str)]| varied(&[], claims, &By::Rs256);
    let headed = |header: &[(&str, &str)]| varied(header, &[], &By::Rs256);
    vec![
        ("RS256", good()),
        ("RS384", by(r#""RS384""#, r#""rsa-1""#, By::Rs384)),
        ("RS512", by(r#""RS512""#, r#""rsa-1""#, By::Rs512)),
        ("PS256", by(r#""PS256""#, r#""rsa-1""#, By::Ps256)),
        ("PS384", by(r#""PS384""#, r#""rsa-1""#, By::Ps384)),
        ("PS512", by(r#""PS512""#, r#""rsa-1""#, By::Ps512)),
        ("ES256", by(r#""ES256""#, r#""ec-1""#, By::Es256)),
        ("ES384", by(r#""ES384""#, r#""ec-2""#, By::Es384)),
        ("EdDSA", by(r#""EdDSA""#, r#""ed-1""#, By::EdDsa)),
        ("no kid", headed(&[("kid", "")])),
        ("no kid, ES256", by(r#""ES256""#, "", By::Es256)),
        ("typ JWT", headed(&[("typ", r#""JWT""#)])),
        ("typ in small letters", headed(&[("typ", r#""jwt""#)])),
        ("typ in full", headed(&[("typ", r#""application/at+jwt""#)])),
        ("unknown header", headed(&[("x", r#"{"y":[1]}"#)])),
        // Not followed, which the server of the next test would notice.
        (
            "jku that nobody follows",
            headed(&[("jku", r#""http://127.0.0.1:1/""#)]),
        ),
        ("aud list", with(&[("aud", r#"["other","linkbridge"]"#)])),
        ("second audience", with(&[("aud", r#""linkbridge-2""#)])),
        ("no iat and nbf", with(&[("iat", ""), ("nbf", "")])),
        ("iat within the leeway", with(&[("iat", "1800000059")])),
        ("nbf within the leeway", with(&[("nbf", "1800000060")])),
        ("last second", with(&[("exp", "1800000001")])),
        ("far end", with(&[("exp", "253402300799")])),
        ("no sub", with(&[("sub", "")])),
        ("no scope", with(&[("scope", "")])),
        (
            "scope list",
            with(&[("scope", r#"["links.read","openid"]"#)]),
        ),
        ("empty scope", with(&[("scope", r#""""#)])),
        ("no tenant", with(&[("org_id", "")])),
        ("blanks in the claims", {
            let header = super::world::header(&[]);
            let claims = super::world::claims(&[]).replace(',', " ,\n\t");
            super::sign::token(&header, &claims, &By::Rs256)
        }),
        (
            "nested claims",
            with(&[("roles", r#"{"a":{"b":["c",{"d":null}]}}"#)]),
        ),
    ]
}

#[test]
fn good_tokens_of_every_kind_are_taken() {
    let (world, _) = World::with_keys(&jwks(&all_keys()));
    for (name, token) in variants() {
        assert_eq!(
            who(world.identify(&token)).as_deref(),
            Ok("svc-billing"),
            "{name}"
        );
    }
}

#[test]
fn a_token_says_client_scopes_and_tenant() {
    let (world, _) = World::with_keys(&jwks(&all_keys()));
    let identity = world.identify(&good()).unwrap();
    assert_eq!(identity.issuer.name, "corp");
    assert_eq!(identity.tenant.as_deref(), Some("acme"));
    let only: Scopes = [Scope::LinksRead].into_iter().collect();
    assert_eq!(identity.scopes, Some(only));
    assert!(!identity.lacks_tenant());
    let silent = varied(&[], &[("scope", ""), ("org_id", "")], &By::Rs256);
    let identity = world.identify(&silent).unwrap();
    assert_eq!((identity.scopes, identity.tenant.is_some()), (None, false));
    assert!(identity.lacks_tenant());
    let none = varied(
        &[],
        &[("scope", r#""openid links.rea LINKS.READ""#)],
        &By::Rs256,
    );
    assert_eq!(
        world.identify(&none).unwrap().scopes,
        Some(Scopes::default())
    );
}

#[test]
fn scopes_of_an_issuer_are_translated() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    std::fs::write(&path, jwks(&all_keys())).unwrap();
    let mut corp = settings(KeysAt::File(path));
    let links = vec![Scope::LinksCreate, Scope::LinksDelete];
    corp.scopes = Some([("links:write".to_owned(), links.clone())].into());
    corp.claims = ClaimNames {
        tenant: None,
        ..corp.claims
    };
    let world = World::of(vec![corp]);
    // With a translation, a word that is one of ours by chance means nothing.
    let token = varied(&[], &[("scope", r#""links:write links.read""#)], &By::Rs256);
    let identity = world.identify(&token).unwrap();
    assert_eq!(identity.scopes, Some(links.into_iter().collect()));
    assert_eq!(identity.tenant, None);
    assert!(!identity.lacks_tenant());
}

#[test]
fn several_keys_may_have_one_kid() {
    let (rsa, other) = (&KEYS.rsa, &KEYS.other_rsa);
    let same = r#","kid":"rsa-1""#;
    let keys = [
        KEYS.rsa_jwk(other, same),
        KEYS.p256_jwk(same),
        KEYS.rsa_jwk(rsa, same),
    ];
    let (world, _) = World::with_keys(&jwks(&keys));
    assert_eq!(who(world.identify(&good())).as_deref(), Ok("svc-billing"));
    let es = varied(&[("alg", r#""ES256""#)], &[], &By::Es256);
    assert_eq!(who(world.identify(&es)).as_deref(), Ok("svc-billing"));
}

#[test]
fn a_token_is_good_at_the_fronts_of_its_issuer_only() {
    let (world, _) = World::with_keys(&jwks(&all_keys()));
    let at = |dialect| who(world.identify_at(&good(), dialect, &|| Ok(())));
    assert_eq!(at("zitadel-v2").as_deref(), Ok("svc-billing"));
    assert_eq!(at("ory"), Err(Failure::Unauthenticated));
}

/// Keys and tokens that another library has made.
#[test]
fn tokens_that_openssl_has_signed_are_taken() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jwt/openssl.json");
    let made: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let (world, _) = World::with_keys(&made["jwks"].to_string());
    let tokens = made["tokens"].as_object().unwrap();
    assert_eq!(tokens.len(), Algorithm::ALL.len());
    for (algorithm, token) in tokens {
        let token = token.as_str().unwrap();
        assert_eq!(
            who(world.identify(token)).as_deref(),
            Ok("svc-billing"),
            "{algorithm}"
        );
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let first = if signature.starts_with('A') { "B" } else { "A" };
        let forged = format!("{signed}.{first}{}", &signature[1..]);
        assert_eq!(
            who(world.identify(&forged)),
            Err(Failure::Unauthenticated),
            "{algorithm}"
        );
    }
}
