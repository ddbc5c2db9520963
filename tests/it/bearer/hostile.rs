//! Tokens that must not be taken, each bad in one way (RFC 8725 and what has gone wrong elsewhere). None is
//! told why.

use linkbridge::edge::issuer::{Algorithm, KeysAt, Proof};
use linkbridge::model::Failure;
use proptest::prelude::*;

use super::sign::{By, KEYS, b64, signature, token};
use super::world::{
    CLAIMS, HEADER, World, all_keys, claims, good, header, jwks, settings, varied, who,
};

/// A 1024-bit RSA key and a token that it has signed, both made by OpenSSL: nothing here would sign with it.
const RSA_1024: &str = r#"{"kty":"RSA","kid":"rsa-1024","e":"AQAB","n":"yIgZS0vG91MAc5Vzkob6p2u5e4rhb5NdQljfqmKzBw15uGGyaffkH2mLEq6qB-54jgJr8F13rkiPoliKyos6KmjKTWVOtfoNX5c0sYF3mp5dVzzbMPVX_E2O1CNBAo8jWQjkqMu13bcP48nJ_nZcC29Jzi78qYBEFm49QygD0Ds"}"#;
const BY_RSA_1024: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6InJzYS0xMDI0In0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tLyIsImF1ZCI6ImxpbmticmlkZ2UiLCJzdWIiOiJzdmMtYmlsbGluZyIsImF6cCI6InN2Yy1iaWxsaW5nIiwiZXhwIjoxNjcyNTIyNTYwMH0.FAR61pcafNZJf9nA1gUvXOWfHODbCMULJlZbSY9Hf6NceXuKSl-x6JvuNt5zZg-HfrG0FJptYI9P3ZSslEDunvq8Fzdl90Zi__xIp5BFbVpsAr7Ek2vs7JrOVrGPmmFn0q3EgGbZ5IhUQAd_FL-0kgyyUhR2QHzhn7FaOwKfDQU";

type Case = (String, String);

/// One member changed, in the header or in the claims; signed as it should be.
type Changed = (&'static str, &'static str, &'static str);

/// Headers, by name of the member and its value.
const HEADERS: &[Changed] = &[
    ("none", "alg", r#""none""#),
    ("None", "alg", r#""None""#),
    ("nOnE", "alg", r#""nOnE""#),
    ("no alg", "alg", ""),
    ("alg null", "alg", "null"),
    ("alg number", "alg", "256"),
    ("alg list", "alg", r#"["RS256"]"#),
    ("alg in small letters", "alg", r#""rs256""#),
    ("alg with a blank", "alg", r#""RS256 ""#),
    (
        "alg of the same key with other padding",
        "alg",
        r#""PS256""#,
    ),
    ("alg with another hash", "alg", r#""RS512""#),
    ("alg of another key", "alg", r#""ES256""#),
    ("alg that nobody knows", "alg", r#""RS1""#),
    ("ES512", "alg", r#""ES512""#),
    ("HS256", "alg", r#""HS256""#),
    (
        "long alg",
        "alg",
        r#""RS256RS256RS256RS256RS256RS256RS256RS256""#,
    ),
    ("no typ", "typ", ""),
    ("typ of somebody else", "typ", r#""secevent+jwt""#),
    ("typ of an ID token", "typ", r#""id+jwt""#),
    ("typ of a logout token", "typ", r#""logout+jwt""#),
    ("typ of our own tokens", "typ", r#""linkbridge+jwt""#),
    (
        "typ of our own tokens in full",
        "typ",
        r#""application/linkbridge+jwt""#,
    ),
    (
        "typ of our own tokens in capitals",
        "typ",
        r#""Linkbridge+JWT""#,
    ),
    ("typ number", "typ", "1"),
    ("typ null", "typ", "null"),
    ("typ list", "typ", r#"["at+jwt"]"#),
    ("typ with a path", "typ", r#""application/x/at+jwt""#),
    ("kid of another key", "kid", r#""ec-1""#),
    ("kid that nobody has", "kid", r#""rsa-2""#),
    ("kid in another case", "kid", r#""RSA-1""#),
    ("kid with a path", "kid", r#""../../../../dev/null""#),
    ("kid with SQL", "kid", r#""' UNION SELECT 'x' -- ""#),
    ("kid with a command", "kid", r#""rsa-1|id""#),
    ("kid with a NUL", "kid", r#""rsa-1\u0000""#),
    ("kid as a URL", "kid", r#""http://127.0.0.1/jwks.json""#),
    ("empty kid", "kid", r#""""#),
    ("kid null", "kid", "null"),
    ("kid number", "kid", "1"),
    ("kid list", "kid", r#"["rsa-1"]"#),
    ("kid object", "kid", r#"{"rsa-1":"rsa-1"}"#),
    ("crit", "crit", r#"["exp"]"#),
    ("empty crit", "crit", "[]"),
    ("crit null", "crit", "null"),
    ("b64 false", "b64", "false"),
    ("b64 true", "b64", "true"),
    ("zip", "zip", r#""DEF""#),
    ("enc", "enc", r#""A256GCM""#),
    ("a token inside", "cty", r#""JWT""#),
    ("a token inside, in full", "cty", r#""application/jwt""#),
    ("cty number", "cty", "1"),
    ("header with 1e400", "x", "1e400"),
];

/// Claims, by name of the member and its value.
const CLAIM_CASES: &[Changed] = &[
    ("another issuer", "iss", r#""https://evil.example.com/""#),
    (
        "issuer without its slash",
        "iss",
        r#""https://login.example.com""#,
    ),
    (
        "issuer in capitals",
        "iss",
        r#""HTTPS://LOGIN.EXAMPLE.COM/""#,
    ),
    (
        "issuer with a NUL",
        "iss",
        r#""https://login.example.com/\u0000""#,
    ),
    (
        "issuer with more",
        "iss",
        r#""https://login.example.com/.evil.example""#,
    ),
    ("issuer list", "iss", r#"["https://login.example.com/"]"#),
    ("issuer null", "iss", "null"),
    ("no issuer", "iss", ""),
    ("another audience", "aud", r#""other""#),
    ("other audiences", "aud", r#"["other","linkbridge-3"]"#),
    ("audience with more", "aud", r#""linkbridge.example""#),
    ("audience in another case", "aud", r#""LinkBridge""#),
    ("audiences in one text", "aud", r#""other linkbridge""#),
    ("empty audience", "aud", r#""""#),
    ("empty list of audiences", "aud", "[]"),
    ("audience number", "aud", "1"),
    ("audience null", "aud", "null"),
    ("audience true", "aud", "true"),
    ("audience object", "aud", r#"{"linkbridge":true}"#),
    ("audience beside a number", "aud", r#"["linkbridge",1]"#),
    ("audience in a list in a list", "aud", r#"[["linkbridge"]]"#),
    ("no audience", "aud", ""),
    ("expired", "exp", "1799999999"),
    ("expired right now", "exp", "1800000000"),
    ("expired long ago", "exp", "1"),
    ("no exp", "exp", ""),
    ("exp text", "exp", r#""1800000300""#),
    ("exp null", "exp", "null"),
    ("exp true", "exp", "true"),
    ("exp list", "exp", "[1800000300]"),
    ("exp object", "exp", r#"{"$gt":0}"#),
    ("exp negative", "exp", "-1800000300"),
    ("exp float", "exp", "1800000300.5"),
    ("exp float that is whole", "exp", "1800000300.0"),
    ("exp with an exponent", "exp", "1.8000003e9"),
    ("exp 1e400", "exp", "1e400"),
    ("exp -1e400", "exp", "-1e400"),
    ("exp of more than 64 bits", "exp", "18446744073709551616"),
    ("exp of 64 bits", "exp", "18446744073709551615"),
    ("exp of 63 bits", "exp", "9223372036854775807"),
    ("exp in milliseconds", "exp", "1800000300000"),
    ("exp NaN", "exp", "NaN"),
    ("exp Infinity", "exp", "Infinity"),
    ("exp with a plus", "exp", "+1800000300"),
    ("exp with a zero before", "exp", "01800000300"),
    ("exp in hexadecimal", "exp", "0x6b49d32c"),
    ("nbf in the future", "nbf", "1800000061"),
    ("nbf text", "nbf", r#""1799999990""#),
    ("nbf negative", "nbf", "-1"),
    ("nbf null", "nbf", "null"),
    ("nbf float", "nbf", "1799999990.5"),
    ("nbf huge", "nbf", "1e400"),
    ("iat in the future", "iat", "1800000061"),
    ("iat text", "iat", r#""1799999990""#),
    ("iat negative", "iat", "-1"),
    ("iat null", "iat", "null"),
    ("no client", "azp", ""),
    ("client null", "azp", "null"),
    ("client number", "azp", "1"),
    ("client list", "azp", r#"["svc-billing"]"#),
    ("empty client", "azp", r#""""#),
    ("client of blanks", "azp", r#""  ""#),
    ("client with a NUL", "azp", r#""svc-billing\u0000""#),
    ("sub number", "sub", "1"),
    ("sub null", "sub", "null"),
    ("sub list", "sub", r#"["svc-billing"]"#),
    ("scope number", "scope", "1"),
    ("scope null", "scope", "null"),
    ("scope object", "scope", r#"{"links.read":true}"#),
    ("scope list of numbers", "scope", "[1]"),
    ("scope list in a list", "scope", r#"[["links.read"]]"#),
    ("tenant number", "org_id", "1"),
    ("tenant null", "org_id", "null"),
    ("tenant list", "org_id", r#"["acme","other"]"#),
    ("empty tenant", "org_id", r#""""#),
    ("half of a character", "x", r#""\ud800""#),
];

fn changed() -> Vec<Case> {
    let in_header = HEADERS.iter().map(|(name, member, value)| {
        let token = varied(&[(member, value)], &[], &By::Rs256);
        (format!("header: {name}"), token)
    });
    let in_claims = CLAIM_CASES.iter().map(|(name, member, value)| {
        let token = varied(&[], &[(member, value)], &By::Rs256);
        (format!("claims: {name}"), token)
    });
    in_header.chain(in_claims).collect()
}

/// A second member of each name that means something, in front and behind, with the same and with another value.
fn repeated() -> Vec<Case> {
    let mut cases = Vec::new();
    for (members, is_header) in [(HEADER, true), (CLAIMS, false)] {
        for (name, value) in members {
            for second in [*value, r#""x""#, "1"] {
                for in_front in [true, false] {
                    let (header, claims) = (header(&[]), claims(&[]));
                    let more = format!(r#""{name}":{second}"#);
                    let twice = |object: &str| match in_front {
                        true => object.replacen('{', &format!("{{{more},"), 1),
                        false => object.replacen('}', &format!(",{more}}}"), 1),
                    };
                    let token = match is_header {
                        true => token(&twice(&header), &claims, &By::Rs256),
                        false => token(&header, &twice(&claims), &By::Rs256),
                    };
                    cases.push((format!("twice: {name}, then {second}, {in_front}"), token));
                }
            }
        }
    }
    let escaped = claims(&[]).replacen('}', r#","\u0065xp":1900000000}"#, 1);
    cases.push((
        "twice: exp, escaped".to_owned(),
        token(&header(&[]), &escaped, &By::Rs256),
    ));
    let deep = claims(&[("roles", r#"{"a":1,"a":2}"#)]);
    cases.push((
        "twice: inside of a claim".to_owned(),
        token(&header(&[]), &deep, &By::Rs256),
    ));
    cases
}

/// Signatures that are none, or somebody else's.
fn forged() -> Vec<Case> {
    let case = |name: &str, header: &[(&str, &str)], by: &By| {
        (format!("signature: {name}"), varied(header, &[], by))
    };
    let hs = [("alg", r#""HS256""#)];
    let es = [("alg", r#""ES256""#), ("kid", r#""ec-1""#)];
    let ed = [("alg", r#""EdDSA""#), ("kid", r#""ed-1""#)];
    let attacker = KEYS.rsa_jwk(&KEYS.other_rsa, r#","kid":"rsa-1""#);
    let short = |by: &By, n: usize| {
        let message = format!("{}.{}", b64(header(&[])), b64(claims(&[])));
        let mut bytes = signature(message.as_bytes(), by);
        bytes.truncate(bytes.len() - n);
        By::Bytes(bytes)
    };
    let long = |by: &By| {
        let message = format!("{}.{}", b64(header(&[])), b64(claims(&[])));
        let mut bytes = signature(message.as_bytes(), by);
        bytes.push(0);
        By::Bytes(bytes)
    };
    vec![
        case(
            "HS256 with the public key as PEM",
            &hs,
            &By::Hs256(KEYS.rsa_pem().into_bytes()),
        ),
        case(
            "HS256 with the public key as DER",
            &hs,
            &By::Hs256(KEYS.rsa_der()),
        ),
        case(
            "HS256 with the public key as JWK",
            &hs,
            &By::Hs256(all_keys()[0].clone().into_bytes()),
        ),
        case(
            "HS256 with the modulus",
            &hs,
            &By::Hs256(KEYS.rsa_modulus()),
        ),
        case("HS256 with nothing", &hs, &By::Hs256(Vec::new())),
        case(
            "HS256 that says RS256",
            &[],
            &By::Hs256(KEYS.rsa_pem().into_bytes()),
        ),
        case(
            "none, empty",
            &[("alg", r#""none""#)],
            &By::Bytes(Vec::new()),
        ),
        case("empty", &[], &By::Bytes(Vec::new())),
        case("zeros", &[], &By::Bytes(vec![0; 256])),
        case("ones", &[], &By::Bytes(vec![0xff; 256])),
        case("of another key", &[], &By::OtherRsa),
        case("of another key, without kid", &[("kid", "")], &By::OtherRsa),
        case(
            "of another key, which the header brings",
            &[("jwk", &attacker)],
            &By::OtherRsa,
        ),
        case(
            "of another key, which the header points at",
            &[("jku", r#""http://127.0.0.1:1/jwks""#)],
            &By::OtherRsa,
        ),
        case(
            "of another key, by x5u",
            &[("x5u", r#""http://127.0.0.1:1/x""#)],
            &By::OtherRsa,
        ),
        case(
            "of another key, by x5c",
            &[("x5c", r#"["MIIB"]"#)],
            &By::OtherRsa,
        ),
        case("PS256 that says RS256", &[], &By::Ps256),
        case(
            "RS256 that says PS256",
            &[("alg", r#""PS256""#)],
            &By::Rs256,
        ),
        case(
            "ES256 with a kid of RSA",
            &[("alg", r#""ES256""#)],
            &By::Es256,
        ),
        case("ES256 as ASN.1", &es, &By::Es256Der),
        case("ES256 of zeros", &es, &By::Bytes(vec![0; 64])),
        case("ES256 empty", &es, &By::Bytes(Vec::new())),
        case("ES256 by P-384", &es, &By::Es384),
        case(
            "ES384 by P-256",
            &[("alg", r#""ES384""#), ("kid", r#""ec-2""#)],
            &By::Es256,
        ),
        case("EdDSA of zeros", &ed, &By::Bytes(vec![0; 64])),
        case("EdDSA by ECDSA", &ed, &By::Es256),
        case("one byte short", &[], &short(&By::Rs256, 1)),
        case("half", &[], &short(&By::Rs256, 128)),
        case("one byte long", &[], &long(&By::Rs256)),
        (
            "signature: of a key of 1024 bits".to_owned(),
            BY_RSA_1024.to_owned(),
        ),
    ]
}

/// Texts that are not exactly a token.
fn malformed() -> Vec<Case> {
    let good = good();
    let parts: Vec<&str> = good.split('.').collect();
    let [head, body, sign] = parts[..] else {
        panic!("a token has three parts")
    };
    let case = |name: &str, text: String| (format!("form: {name}"), text);
    let not_objects = [r#""x""#, "[]", "1", "null", "", "{", "{}x", "\u{feff}{}"];
    let mut cases = vec![
        case("empty", String::new()),
        case("dots", "..".to_owned()),
        case("one part", head.to_owned()),
        case("two parts", format!("{head}.{body}")),
        case("two parts and a dot", format!("{head}.{body}.")),
        case("four parts", format!("{good}.{sign}")),
        case("a dot behind", format!("{good}.")),
        case("a dot before", format!(".{good}")),
        case("five parts", format!("{head}.{sign}.{body}.{sign}.{sign}")),
        case("no header", format!(".{body}.{sign}")),
        case("no claims", format!("{head}..{sign}")),
        case("padding", format!("{head}=.{body}.{sign}")),
        case("padded claims", format!("{head}.{body}==.{sign}")),
        case("padded signature", format!("{good}==")),
        case(
            "not the alphabet of URLs",
            format!("{head}.{body}.{}", sign.replace(['-', '_'], "+")),
        ),
        case("blank before", format!(" {good}")),
        case("blank behind", format!("{good} ")),
        case("newline", format!("{good}\n")),
        case("newline inside", format!("{head}.\n{body}.{sign}")),
        case("NUL behind", format!("{good}\0")),
        case(
            "percent",
            format!("{head}.{body}.{}", sign.replacen(|_: char| true, "%41", 1)),
        ),
        case("a letter that is not ASCII", format!("{good}é")),
        case("a dot that is none", good.replacen('.', "．", 1)),
        case("zero width", format!("\u{200b}{good}")),
        case("the word Bearer", format!("Bearer {good}")),
        case(
            "JSON serialization",
            format!(r#"{{"protected":"{head}","payload":"{body}","signature":"{sign}"}}"#),
        ),
        case("a token as claims", token(&header(&[]), &good, &By::Rs256)),
        case(
            "a megabyte",
            format!("{head}.{}.{sign}", "a".repeat(1 << 20)),
        ),
        case("a megabyte of dots", ".".repeat(1 << 20)),
        case(
            "claims of 8 KiB",
            varied(
                &[],
                &[("x", &format!(r#""{}""#, "a".repeat(8192)))],
                &By::Rs256,
            ),
        ),
        case(
            "deep claims",
            varied(
                &[],
                &[("x", &format!("{}{}", "[".repeat(2000), "]".repeat(2000)))],
                &By::Rs256,
            ),
        ),
        case("claims that are no UTF-8", {
            let message = format!("{head}.{}", b64(b"{\"iss\":\"\xff\"}"));
            format!(
                "{message}.{}",
                b64(signature(message.as_bytes(), &By::Rs256))
            )
        }),
        case("spare bits", {
            // The last letter of the signature has bits that nothing is made of.
            let last = sign.chars().last().unwrap();
            let other = if last == 'B' { 'C' } else { 'B' };
            format!("{head}.{body}.{}{other}", &sign[..sign.len() - 1])
        }),
        case(
            "a static key",
            linkbridge::edge::keys::EXAMPLE_KEY.to_owned(),
        ),
    ];
    for (n, text) in not_objects.iter().enumerate() {
        cases.push(case(
            &format!("header {n}"),
            token(text, &claims(&[]), &By::Rs256),
        ));
        cases.push(case(
            &format!("claims {n}"),
            token(&header(&[]), text, &By::Rs256),
        ));
    }
    cases
}

/// A good token with one letter changed, at places all over it.
fn flipped() -> Vec<Case> {
    let good = good();
    let places = (0..good.len()).step_by(7).chain([good.len() - 3]);
    let mut cases = Vec::new();
    for at in places {
        let mut bytes = good.clone().into_bytes();
        if bytes[at] == b'.' {
            continue;
        }
        bytes[at] = if bytes[at] == b'A' { b'Q' } else { b'A' };
        cases.push((format!("flipped: {at}"), String::from_utf8(bytes).unwrap()));
    }
    cases
}

/// Every token that must not be taken.
pub(super) fn cases() -> Vec<Case> {
    let groups = [changed(), repeated(), forged(), malformed(), flipped()];
    groups.into_iter().flatten().collect()
}

#[test]
fn no_hostile_token_is_taken() {
    let mut keys = all_keys();
    keys.push(RSA_1024.to_owned());
    let (world, _) = World::with_keys(&jwks(&keys));
    let cases = cases();
    assert!(cases.len() > 250, "only {} cases", cases.len());
    for (name, token) in cases {
        assert_eq!(
            who(world.identify(&token)),
            Err(Failure::Unauthenticated),
            "{name}"
        );
    }
    assert!(world.identify(&good()).is_ok());
}

#[test]
fn an_algorithm_that_the_issuer_does_not_use_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    std::fs::write(&path, jwks(&all_keys())).unwrap();
    let mut corp = settings(KeysAt::File(path));
    let Proof::Signature { algorithms, .. } = &mut corp.proof else {
        panic!("the issuer signs")
    };
    *algorithms = vec![Algorithm::ES256];
    let world = World::of(vec![corp]);
    for (name, token) in super::accepted::variants() {
        let is_es256 = name.contains("ES256");
        assert_eq!(world.identify(&token).is_ok(), is_es256, "{name}");
    }
}

#[test]
fn without_a_list_every_typ_will_do_but_our_own() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    std::fs::write(&path, jwks(&all_keys())).unwrap();
    let mut corp = settings(KeysAt::File(path));
    let Proof::Signature { typ, .. } = &mut corp.proof else {
        panic!("the issuer signs")
    };
    typ.clear();
    let world = World::of(vec![corp]);
    let typed = |typ| world.identify(&varied(&[("typ", typ)], &[], &By::Rs256));
    for typ in ["", r#""JWT""#, r#""x""#, r#""""#] {
        assert!(typed(typ).is_ok(), "{typ}");
    }
    for typ in [
        r#""linkbridge+jwt""#,
        r#""LinkBridge+JWT""#,
        r#""application/linkbridge+jwt""#,
        r#""Application/linkbridge+jwt""#,
    ] {
        assert_eq!(who(typed(typ)), Err(Failure::Unauthenticated), "{typ}");
    }
}

/// Whatever a text is, it is refused and nothing panics: as it stands, and as the parts of a token.
#[test]
fn no_text_is_a_token() {
    let (world, _) = World::with_keys(&jwks(&all_keys()));
    proptest!(|(text in ".{0,300}", header in "\\PC{0,100}", claims in "\\PC{0,200}")| {
        let made = token(&header, &claims, &By::Bytes(vec![1; 64]));
        for text in [text, made, format!("{}.{}.{}", b64(&header), claims, header)] {
            prop_assert_eq!(who(world.identify(&text)), Err(Failure::Unauthenticated));
        }
    });
}

/// A member of any name and value, in a token that is good otherwise, lets nobody else in.
#[test]
fn no_further_member_makes_another_client() {
    let (world, _) = World::with_keys(&jwks(&all_keys()));
    let header = [("alg", r#""EdDSA""#), ("kid", r#""ed-1""#)];
    let value = r#"[0-9]{1,25}|"[a-z]{0,9}"|null|\[\]|\{\}"#;
    proptest!(|(name in "[a-z0-9_]{1,8}", value in value)| {
        let token = varied(&header, &[(&name, &value)], &By::EdDsa);
        if let Ok(client) = who(world.identify(&token)) {
            prop_assert!(client == "svc-billing" || name == "azp");
        }
    });
}

/// Keys that must not verify what they have signed.
#[test]
fn keys_that_are_for_something_else_are_not_used() {
    let (rsa, p256) = (&KEYS.rsa, [("alg", r#""ES256""#), ("kid", r#""k""#)]);
    let rs = varied(&[("kid", r#""k""#)], &[], &By::Rs256);
    let es = varied(&p256, &[], &By::Es256);
    let es384 = varied(&[("alg", r#""ES384""#), ("kid", r#""k""#)], &[], &By::Es384);
    let with = |more: &str| KEYS.rsa_jwk(rsa, &format!(r#","kid":"k"{more}"#));
    let cases = [
        ("use enc", with(r#","use":"enc""#), &rs),
        ("use number", with(r#","use":1"#), &rs),
        ("key_ops sign", with(r#","key_ops":["sign"]"#), &rs),
        ("key_ops empty", with(r#","key_ops":[]"#), &rs),
        ("key_ops text", with(r#","key_ops":"verify""#), &rs),
        ("alg of another hash", with(r#","alg":"RS512""#), &rs),
        ("alg of encryption", with(r#","alg":"RSA-OAEP""#), &rs),
        ("alg HS256", with(r#","alg":"HS256""#), &rs),
        ("alg null", with(r#","alg":null"#), &rs),
        ("kid number", KEYS.rsa_jwk(rsa, r#","kid":1"#), &rs),
        ("a private half", with(r#","d":"AQAB""#), &rs),
        (
            "a secret",
            r#"{"kty":"oct","kid":"k","k":"c2VjcmV0"}"#.to_owned(),
            &rs,
        ),
        ("kty in small letters", with("").replace("RSA", "rsa"), &rs),
        (
            "exponent 1",
            with("").replace(r#""e":"AQAB""#, r#""e":"AQ""#),
            &rs,
        ),
        (
            "exponent 2",
            with("").replace(r#""e":"AQAB""#, r#""e":"Ag""#),
            &rs,
        ),
        ("no exponent", with("").replace(r#""e":"AQAB","#, ""), &rs),
        (
            "padded modulus",
            with("").replace(r#"","e""#, r#"==","e""#),
            &rs,
        ),
        (
            "curve that does not fit",
            KEYS.p256_jwk(r#","kid":"k""#).replace("P-256", "P-384"),
            &es,
        ),
        (
            "curve that nobody knows",
            KEYS.p256_jwk(r#","kid":"k""#).replace("P-256", "P-512"),
            &es,
        ),
        (
            "curve of the other algorithm",
            KEYS.p384_jwk(r#","kid":"k""#),
            &es,
        ),
        (
            "curve of the other algorithm",
            KEYS.p256_jwk(r#","kid":"k""#),
            &es384,
        ),
        ("a point off the curve", off_curve(), &es),
        ("a member twice", with(r#","kid":"k""#), &rs),
    ];
    for (name, jwk, token) in cases {
        // Beside a good key, so that the set itself is one.
        let (world, _) = World::with_keys(&jwks(&[KEYS.ed_jwk(r#","kid":"ed""#), jwk]));
        assert!(world.identify(token).is_err(), "{name}");
    }
    let (world, _) = World::with_keys(&jwks(&[with("")]));
    assert!(world.identify(&rs).is_ok());
}

/// The key of P-256 with its halves exchanged.
fn off_curve() -> String {
    let jwk = KEYS.p256_jwk(r#","kid":"k""#);
    let jwk = jwk
        .replace(r#""x":"#, r#""z":"#)
        .replace(r#""y":"#, r#""x":"#);
    jwk.replace(r#""z":"#, r#""y":"#)
}
