//! A reload that takes one credential of a client away: its tokens end with it, and no others.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::super::support::client::{Answer, Client};
use super::super::support::config::{self, Profile};
use super::super::support::fixtures::{A, now};
use super::supervisor::Supervisor;

const KEYS: [&str; 2] = [
    "Rv1bN8xC5zL2kJ0hG7fD4sA9pO6iU3yT-rE_wQmNbVc",
    "Rv2cM9vB6xZ3lK1jH8gF5dS0aP7oI4uY-tR_eWqLkJh",
];
const SUBJECT: &str = "311800000000000999";

/// The client, with these of its keys, and with these public keys (id and file) for its assertions.
fn client(keys: &[&str], signs: &[(&str, &str)]) -> String {
    let hash = |key: &&str| {
        let bytes = Sha256::digest(key.as_bytes());
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("\"{digits}\"")
    };
    let sign = |(id, file): &(&str, &str)| {
        let file = format!("{}/tests/keys/{file}", env!("CARGO_MANIFEST_DIR"));
        format!("{{ id = \"{id}\", key = \"file:{file}\", subject = \"{SUBJECT}\" }}")
    };
    let (keys, signs): (Vec<_>, Vec<_>) = (
        keys.iter().map(hash).collect(),
        signs.iter().map(sign).collect(),
    );
    format!(
        "\n[[client]]\nname = \"rotating\"\nscopes = [\"links.read\"]\nkey_sha256 = [{}]\n\
         assertion_keys = [{}]\n",
        keys.join(", "),
        signs.join(", ")
    )
}

/// What the client signs with the key of this file, which it calls so.
fn assertion(origin: &str, id: &str, file: &str) -> String {
    let pem = std::fs::read_to_string(format!("{}/tests/keys/{file}", env!("CARGO_MANIFEST_DIR")));
    let pem = pem.unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(base64).unwrap();
    let (key, algorithm) = if file.contains("rsa") {
        (EncodingKey::from_rsa_der(&der), Algorithm::RS256)
    } else {
        (EncodingKey::from_ed_der(&der), Algorithm::EdDSA)
    };
    let mut header = Header::new(algorithm);
    header.kid = Some(id.to_owned());
    let claims = json!({"iss":SUBJECT,"sub":SUBJECT,"aud":origin,"exp":now() + 600});
    jsonwebtoken::encode(&header, &claims, &key).unwrap()
}

/// Talks to one server, over one connection that outlives its reloads.
struct Caller {
    client: Client,
    origin: String,
}

impl Caller {
    fn token(&mut self, path: &str, form: &str) -> String {
        let kind = [("Content-Type", "application/x-www-form-urlencoded")];
        let answer = self.client.send("POST", path, &kind, Some(form.as_bytes()));
        let answer = answer.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json().unwrap()["access_token"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    fn by_key(&mut self, key: &str) -> String {
        let path = "/auth/realms/acme/protocol/openid-connect/token";
        let form = format!("grant_type=client_credentials&client_id=rotating&client_secret={key}");
        self.token(path, &form)
    }

    fn by_assertion(&mut self, id: &str, file: &str) -> String {
        let form = format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={}",
            assertion(&self.origin, id, file)
        );
        self.token("/oauth/v2/token", &form)
    }

    fn send(&mut self, method: &str, path: &str, token: &str, body: Option<&[u8]>) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Content-Type", "application/json"),
        ];
        self.client.send(method, path, &headers, body).unwrap()
    }

    /// What a read of links answers to each of the tokens: two of Flip's, two of ZITADEL's.
    fn statuses(&mut self, tokens: &[String; 4]) -> [u16; 4] {
        let flip = format!("/api/admin/users/v4/users/{A}/linked-identities");
        let zitadel = format!("/v2/users/{A}/links/_search");
        let [first, second, third, fourth] = tokens;
        [
            self.send("GET", &flip, first, None),
            self.send("GET", &flip, second, None),
            self.send("POST", &zitadel, third, Some(b"{}")),
            self.send("POST", &zitadel, fourth, Some(b"{}")),
        ]
        .map(|answer| answer.status)
    }
}

#[test]
fn tokens_end_with_the_credential_that_a_reload_takes_away() {
    const RSA: (&str, &str) = ("rsa", "test-only-rsa.pub.pem");
    const ED: (&str, &str) = ("ed", "test-only-ed25519.pub.pem");
    let dir = tempfile::tempdir().unwrap();
    let mut supervisor = Supervisor::new(dir.path(), 0);
    let profile = Profile {
        open_users: true,
        ..Profile::default()
    };
    let text = config::text(&profile, supervisor.ports, &dir.path().join("data"));
    let with = |keys: &[&str], signs: &[(&str, &str)]| text.clone() + &client(keys, signs);
    supervisor.configure(&with(&KEYS, &[RSA, ED]));
    supervisor.start();
    let mut caller = Caller {
        client: Client::new(supervisor.http1()),
        origin: format!("http://{}", supervisor.http1()),
    };
    let tokens = [
        caller.by_key(KEYS[0]),
        caller.by_key(KEYS[1]),
        caller.by_assertion("rsa", "test-only-rsa.pem"),
        caller.by_assertion("ed", "test-only-ed25519.pem"),
    ];
    assert_eq!(caller.statuses(&tokens), [200; 4], "{}", supervisor.log());
    let other_rsa = ("rsa", "test-only-rsa-other.pub.pem");
    for (what, keys, signs, expected) in [
        ("nothing", &KEYS[..], &[ED, RSA][..], [200, 200, 200, 200]),
        ("a key", &KEYS[1..], &[RSA, ED], [401, 200, 200, 200]),
        ("a public key", &KEYS[1..], &[RSA], [401, 200, 200, 401]),
        (
            "another under its name",
            &KEYS[1..],
            &[other_rsa],
            [401, 200, 401, 401],
        ),
        ("the other key", &[], &[RSA], [401, 401, 200, 401]),
        ("all of them", &[], &[], [401; 4]),
    ] {
        supervisor.configure(&with(keys, signs));
        supervisor.reload();
        let found = caller.statuses(&tokens);
        assert_eq!(found, expected, "{what}\n{}", supervisor.log());
    }
}
