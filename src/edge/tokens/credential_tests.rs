//! What ends with which credential: every token of every one, at clients that have lost any of them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::assertion::{AssertionKey, PublicKey};
use super::*;
use crate::edge::authn::{Client, Clients};
use crate::edge::keys;
use crate::edge::rate_limit::ClassRates;
use crate::edge::scope::Scope;
use crate::model::{ClientName, VendorName};

const NOW: i64 = 1_800_000_000;
const ED25519: &str = include_str!("../../../tests/keys/test-only-ed25519.pub.pem");
const P256: &str = include_str!("../../../tests/keys/test-only-p256.pub.pem");
const RSA: &str = include_str!("../../../tests/keys/test-only-rsa.pub.pem");
const OTHER_RSA: &str = include_str!("../../../tests/keys/test-only-rsa-other.pub.pem");

fn signing(id: &str, pem: &str) -> AssertionKey {
    AssertionKey {
        id: id.to_owned(),
        subject: "42".to_owned(),
        key: PublicKey::from_pem(pem).unwrap(),
    }
}

fn client(secrets: &[&str], assertion_keys: Vec<AssertionKey>) -> Client {
    Client {
        name: ClientName::new("billing").unwrap(),
        tenant: None,
        fronts: None,
        scopes: [Scope::LinksRead].into_iter().collect(),
        providers: None,
        rate: None,
        rates: ClassRates::default(),
        delete_budget: None,
        keys: secrets.iter().map(|secret| keys::hash(secret)).collect(),
        identities: Vec::new(),
        client_id: None,
        assertion_keys,
        certificates: Vec::new(),
        certificate_required: false,
    }
}

fn tokens() -> Tokens {
    let settings = Settings {
        issuer: "linkbridge:here".to_owned(),
        rotate: Duration::from_secs(30 * 86_400),
        leeway: Duration::from_secs(60),
    };
    Tokens::unkept(settings, NOW).unwrap()
}

fn claims(tokens: &Tokens, client: &Client, credential: Credential) -> Claims {
    let vendor = VendorName::new("acme").unwrap();
    let grant = Grant {
        client,
        credential,
        vendor: &vendor,
        tenant: None,
        lifetime: 300,
    };
    let token = tokens.issue(&grant, NOW).unwrap();
    tokens.verify(token.expose(), &vendor, NOW).unwrap()
}

/// Whether a token with these claims is of use where this client is configured.
fn is_good(claims: &Claims, client: &Client) -> bool {
    let clients = Clients::new(vec![client.clone()]);
    claims
        .narrow(clients.named(&client.name).unwrap())
        .is_some()
}

#[test]
fn a_token_ends_with_its_credential_and_with_no_other() {
    let secrets = ["one", "two"];
    let signs = [
        ("rsa", RSA),
        ("other", OTHER_RSA),
        ("ec", P256),
        ("ed", ED25519),
    ];
    let signs = signs.map(|(id, pem)| signing(id, pem));
    let of_secrets = secrets.map(|secret| Credential::key(&keys::hash(secret)));
    let of_signs = signs.iter().map(|one| Credential::public_key(&one.key));
    let credentials: Vec<_> = of_secrets.into_iter().chain(of_signs).collect();
    let all = client(&secrets, signs.to_vec());
    let tokens = tokens();
    let issued: Vec<_> = credentials
        .iter()
        .map(|credential| claims(&tokens, &all, *credential))
        .collect();
    for lost in 0..credentials.len() {
        let mut less = all.clone();
        match lost.checked_sub(secrets.len()) {
            None => drop(less.keys.remove(lost)),
            Some(index) => drop(less.assertion_keys.remove(index)),
        }
        for (of, claims) in issued.iter().enumerate() {
            assert!(is_good(claims, &all), "{of}");
            assert_eq!(is_good(claims, &less), of != lost, "{of} without {lost}");
        }
    }
    let none = client(&[], Vec::new());
    assert!(!issued.iter().any(|claims| is_good(claims, &none)));
}

#[test]
fn it_is_the_key_that_counts_and_not_its_name() {
    let tokens = tokens();
    let before = client(&[], vec![signing("key", RSA)]);
    let credential = Credential::public_key(&before.assertion_keys[0].key);
    let claims = claims(&tokens, &before, credential);
    assert!(is_good(
        &claims,
        &client(&[], vec![signing("renamed", RSA)])
    ));
    assert!(!is_good(
        &claims,
        &client(&[], vec![signing("key", OTHER_RSA)])
    ));
}

#[test]
fn a_mark_is_good_in_its_own_token_and_tells_nothing() {
    let tokens = tokens();
    let client = client(&["one"], Vec::new());
    let hash = keys::hash("one");
    let [first, second] = [(); 2].map(|()| claims(&tokens, &client, Credential::key(&hash)));
    assert_ne!(first.cred, second.cred, "nothing in common");
    let moved = Claims {
        cred: second.cred,
        ..first.clone()
    };
    assert!(is_good(&first, &client) && !is_good(&moved, &client));
    let mark = URL_SAFE_NO_PAD.decode(&first.cred).unwrap();
    assert_eq!(mark.len(), 16);
    assert!(
        !hash
            .windows(4)
            .any(|part| mark.windows(4).any(|m| m == part))
    );
    let shown = format!("{:?}", Credential::key(&hash));
    assert_eq!(shown, "Credential(***)");
}
