//! The issuer of these tests, and its tokens: good ones, from which every bad one differs in one thing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use linkbridge::edge::issuer::{
    Algorithm, ClaimNames, Identity, Issuers, Keep, KeysAt, Now, Proof, Settings,
};
use linkbridge::model::{self, Failure, Secret};
use linkbridge::outbound::{self, Net, Policy, Timeouts};

use super::sign::{By, KEYS, token};

pub(super) const ISSUER: &str = "https://login.example.com/";
/// The time of all tokens, in seconds: it never passes, unless a test says so.
pub(super) const NOW: i64 = 1_800_000_000;
/// The members of a good header.
pub(super) const HEADER: &[(&str, &str)] = &[
    ("alg", r#""RS256""#),
    ("typ", r#""at+jwt""#),
    ("kid", r#""rsa-1""#),
];
/// The members of good claims.
pub(super) const CLAIMS: &[(&str, &str)] = &[
    ("iss", r#""https://login.example.com/""#),
    ("aud", r#""linkbridge""#),
    ("sub", r#""svc-billing""#),
    ("azp", r#""svc-billing""#),
    ("iat", "1799999990"),
    ("nbf", "1799999990"),
    ("exp", "1800000300"),
    ("scope", r#""links.read openid""#),
    ("org_id", r#""acme""#),
];

/// An object of these members with some of them changed; an empty text takes one away.
pub(super) fn object(members: &[(&str, &str)], changed: &[(&str, &str)]) -> String {
    let mut parts = Vec::new();
    for (name, value) in members {
        let change = changed.iter().find(|(changed, _)| changed == name);
        let value = change.map_or(*value, |(_, value)| *value);
        if !value.is_empty() {
            parts.push(format!(r#""{name}":{value}"#));
        }
    }
    for (name, value) in changed {
        if !members.iter().any(|(known, _)| known == name) {
            parts.push(format!(r#""{name}":{value}"#));
        }
    }
    format!("{{{}}}", parts.join(","))
}

pub(super) fn header(changed: &[(&str, &str)]) -> String {
    object(HEADER, changed)
}

pub(super) fn claims(changed: &[(&str, &str)]) -> String {
    object(CLAIMS, changed)
}

/// A token that is good but for what is changed.
pub(super) fn varied(in_header: &[(&str, &str)], in_claims: &[(&str, &str)], by: &By) -> String {
    token(&header(in_header), &claims(in_claims), by)
}

pub(super) fn good() -> String {
    varied(&[], &[], &By::Rs256)
}

pub(super) fn jwks(keys: &[String]) -> String {
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

/// The public keys of the issuer.
pub(super) fn all_keys() -> Vec<String> {
    vec![
        KEYS.rsa_jwk(&KEYS.rsa, r#","kid":"rsa-1","use":"sig""#),
        KEYS.p256_jwk(r#","kid":"ec-1","key_ops":["verify"]"#),
        KEYS.p384_jwk(r#","kid":"ec-2""#),
        KEYS.ed_jwk(r#","kid":"ed-1","alg":"EdDSA""#),
    ]
}

pub(super) fn settings(keys: KeysAt) -> Settings {
    let day = Duration::from_secs(24 * 3600);
    Settings {
        name: "corp".to_owned(),
        issuer: ISSUER.to_owned(),
        audience: vec!["linkbridge".to_owned(), "linkbridge-2".to_owned()],
        proof: Proof::Signature {
            keys,
            algorithms: Algorithm::ALL.to_vec(),
            typ: vec!["at+jwt".to_owned(), "JWT".to_owned()],
            keep: Keep {
                fresh: Duration::from_secs(600),
                stale: day,
            },
        },
        fronts: Some(vec!["zitadel-v2".to_owned(), "linkbridge".to_owned()]),
        claims: ClaimNames {
            client: "azp".to_owned(),
            tenant: Some("org_id".to_owned()),
            scopes: "scope".to_owned(),
        },
        tenant_ids: None,
        scopes: None,
    }
}

/// A client that may call loopback, and is in a hurry.
pub(super) fn http() -> outbound::Client {
    let settings = outbound::Settings {
        policy: Policy {
            allowed: vec![Net::parse("127.0.0.0/8").unwrap()],
        },
        timeouts: Timeouts {
            first_byte: Duration::from_millis(300),
            total: Duration::from_millis(500),
            ..Timeouts::default()
        },
        ..outbound::Settings::default()
    };
    outbound::Client::new(&settings).unwrap()
}

/// Issuers with a time that is set by hand.
pub(super) struct World {
    issuers: Arc<Issuers>,
    runtime: tokio::runtime::Runtime,
    start: Instant,
    /// Seconds that have passed.
    pub(super) passed: u64,
    // Only held, so that the file lives.
    _dir: Option<tempfile::TempDir>,
}

impl World {
    pub(super) fn of(settings: Vec<Settings>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let issuers = Arc::new(Issuers::new(settings, &http()));
        Self {
            issuers,
            runtime,
            start: Instant::now(),
            passed: 0,
            _dir: None,
        }
    }

    /// One issuer, whose keys are in a file that holds `text`.
    pub(super) fn with_keys(text: &str) -> (Self, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jwks.json");
        std::fs::write(&path, text).unwrap();
        let mut world = Self::of(vec![settings(KeysAt::File(path.clone()))]);
        world._dir = Some(dir);
        (world, path)
    }

    fn now(&self) -> Now {
        let passed = i64::try_from(self.passed).unwrap();
        Now {
            wall: model::Instant((NOW + passed) * 1000),
            tick: self.start + Duration::from_secs(self.passed),
        }
    }

    pub(super) fn identify(&self, token: &str) -> Result<Identity, Failure> {
        self.identify_at(token, "linkbridge", &|| Ok(()))
    }

    pub(super) fn identify_at(
        &self,
        token: &str,
        dialect: &str,
        gate: &(dyn Fn() -> Result<(), Failure> + Send + Sync),
    ) -> Result<Identity, Failure> {
        let token = Secret::new(token);
        let now = self.now();
        let asked = self.issuers.identify(&token, dialect, now, gate);
        self.runtime.block_on(asked)
    }

    /// All of them at once.
    pub(super) fn identify_all(&self, tokens: &[String]) -> Vec<Result<Identity, Failure>> {
        let now = self.now();
        self.runtime.block_on(async {
            let asked = tokens.iter().map(|token| {
                let (issuers, token) = (Arc::clone(&self.issuers), Secret::new(token));
                tokio::spawn(async move {
                    issuers
                        .identify(&token, "linkbridge", now, &|| Ok(()))
                        .await
                })
            });
            let asked: Vec<_> = asked.collect();
            let mut answers = Vec::new();
            for answer in asked {
                answers.push(answer.await.unwrap());
            }
            answers
        })
    }

    /// Lets whatever was started in the background end.
    pub(super) fn settle(&self) {
        let pause = async { tokio::time::sleep(Duration::from_millis(100)).await };
        self.runtime.block_on(pause);
    }
}

/// What the identity of a good token is: client, scopes, tenant.
pub(super) fn who(found: Result<Identity, Failure>) -> Result<String, Failure> {
    found.map(|identity| identity.client)
}

/// Keys by URL.
pub(super) fn at_url(url: &str) -> KeysAt {
    KeysAt::Url(outbound::Url::parse(url).unwrap())
}
