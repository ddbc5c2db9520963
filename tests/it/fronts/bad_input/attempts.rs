//! How each condition is brought about: requests of one front that are wrong in one way.

use super::super::super::support::config::Profile;
use super::super::super::support::fixtures::{K, Q, R};
use super::super::clients::Client;
use super::super::facts::{Fact, new_subject};
use super::super::template::{Request, Values};
use super::Front;
use super::wire::{Goes, Wire};

/// One request that is to be refused.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) what: String,
    pub(super) wire: Wire,
    /// What has to become of the connection; `None` where a body may be left unread.
    pub(super) goes: Option<Goes>,
}

fn attempt(what: impl Into<String>, wire: Wire, goes: impl Into<Option<Goes>>) -> Attempt {
    Attempt {
        what: what.into(),
        wire,
        goes: goes.into(),
    }
}

/// The requests of a front, with this key.
pub(super) struct Requests<'f> {
    pub(super) front: &'f Front,
    pub(super) client: &'static Client,
    pub(super) key: &'static str,
}

impl Requests<'_> {
    fn values(&self, fact: &Fact) -> Values {
        let mut values = fact.values(&self.client.vendor);
        values.set("key", self.key);
        values
    }

    fn fill(&self, request: &Request, values: &Values) -> Wire {
        let filled = request.fill(&self.client.headers, values);
        filled.unwrap_or_else(|e| panic!("{e}")).into()
    }

    /// A request with a body: the first way to make a link, or to list links where none are made.
    pub(super) fn base(&self, fact: &Fact) -> Wire {
        let creates = self.client.creates.iter().map(|create| &create.request);
        let reads = self.client.reads.iter().map(|read| &read.request);
        let request = creates.chain(reads).next().unwrap();
        self.fill(request, &self.values(fact))
    }

    /// The same, of a link that nobody has.
    fn new(&self) -> Wire {
        self.base(&Fact::new("A", "P", &new_subject()))
    }

    /// The list of a user's links, if there is one.
    fn list(&self) -> Option<Wire> {
        let read = self.client.list()?;
        Some(self.fill(&read.request, &self.values(&Fact::new("A", "P", "s"))))
    }

    /// A request that only writers may send.
    fn write(&self) -> Wire {
        let fact = Fact {
            link: Some(super::super::super::support::fixtures::Z.to_owned()),
            ..Fact::new("A", "P", "bad-1")
        };
        match self.client.creates.is_empty() {
            false => self.base(&fact),
            true => self.fill(&self.client.deletes[0].request, &self.values(&fact)),
        }
    }

    /// One of the requests of the front's table, without a body.
    fn of_table(&self, text: &str) -> Wire {
        let request = Request::parse(text).unwrap();
        self.fill(&request, &self.values(&Fact::new("A", "P", "bad-1")))
    }

    /// The request with an id in its path, as it stands.
    fn with_id(&self, id: &str) -> Wire {
        let text = self.front.path.replace("{id}", "ID-GOES-HERE");
        let mut wire = self.of_table(&text);
        wire.target = wire.target.replace("ID-GOES-HERE", id);
        wire
    }

    /// The attempts at a condition that an ordinary server can be brought into.
    pub(super) fn attempts(&self, condition: &str) -> Vec<Attempt> {
        use Goes::{Ends, On};
        let key = |key: &str| {
            let (name, value) = super::super::template::header(&self.client.headers[0]).unwrap();
            (name, value.replace("{key}", key))
        };
        match condition {
            "unknown_route" => vec![
                attempt("with a key", self.of_table(&self.front.unknown_route), On),
                attempt(
                    "without a key",
                    self.of_table(&self.front.unknown_route)
                        .without("Authorization"),
                    On,
                ),
            ],
            "wrong_method" => {
                let bare = self.of_table(&self.front.wrong_method);
                let mut trace = bare.clone();
                trace.method = "TRACE".to_owned();
                vec![
                    attempt("without a body", bare.clone(), On),
                    attempt("TRACE", trace, Ends),
                    attempt("with a body", bare.body("{}"), None),
                ]
            }
            "no_credential" => vec![
                attempt(
                    "a read",
                    self.with_id(self.a_user()).without("Authorization"),
                    On,
                ),
                attempt("a write", self.new().without("Authorization"), None),
            ],
            "wrong_credential" => {
                let (name, unknown) = key("not-a-key");
                let wrong = |value: &str| self.new().with(&name, value);
                let mut found = vec![
                    attempt(
                        "a read",
                        self.with_id(self.a_user()).with(&name, &unknown),
                        On,
                    ),
                    attempt("an unknown key", wrong(&unknown), None),
                    attempt("half a key", wrong(&key(&Q[..20]).1), None),
                    attempt("of another scheme", wrong("Basic cTpx"), None),
                ];
                // The key alone is what one vendor wants, and a scheme before it what the others do.
                let other = match unknown.starts_with("Bearer") {
                    true => Q.to_owned(),
                    false => format!("Bearer {Q}"),
                };
                found.push(attempt("in the other form", wrong(&other), None));
                found
            }
            "no_scope" => {
                let (name, reader) = key(R);
                vec![attempt(
                    "a reader writes",
                    self.write().with(&name, &reader),
                    None,
                )]
            }
            "odd_accept" => ["image/png", "text/plain;q=0.1", "", ",;"]
                .into_iter()
                .filter_map(|accept| {
                    let wire = self.list()?.with("Accept", accept);
                    Some(attempt(accept, wire, On))
                })
                .collect(),
            "other_media" => [
                "text/plain",
                "application/xml",
                "application/x-www-form-urlencoded",
            ]
            .into_iter()
            .map(|media| attempt(media, self.new().with("Content-Type", media), On))
            .collect(),
            "no_media" => vec![attempt("no type", self.new().without("Content-Type"), On)],
            "too_large" => self.too_large(),
            "no_json" => bodies(&self.new(), NO_JSON),
            "no_object" => bodies(&self.new(), NO_OBJECT),
            "deep_json" => self.deep(),
            "no_body" => vec![attempt("no bytes", self.new().body(""), On)],
            "wrong_types" => self.wrong_types(),
            "bad_account" => ["nul \0 in it".to_owned(), "x".repeat(5000)]
                .into_iter()
                .map(|subject| {
                    let what = format!("{} characters", subject.len());
                    attempt(what, self.base(&Fact::new("A", "P", &subject)), On)
                })
                .collect(),
            "ambiguous_path" => ["%00", "a%00b", "%", "%zz", "%2e%2e", "a\\b"]
                .into_iter()
                .map(|id| attempt(id, self.with_id(id), Ends))
                .collect(),
            "path_no_utf8" => ["%ff", "a%C0%AF", "%ed%a0%80"]
                .into_iter()
                .map(|id| attempt(id, self.with_id(id), On))
                .collect(),
            "long_id" => vec![attempt("5,000", self.with_id(&"x".repeat(5000)), On)],
            "unknown_user" => ["Z", "C"]
                .into_iter()
                .map(|user| attempt(user, self.base(&Fact::new(user, "P", "bad-1")), On))
                .collect(),
            "unknown_provider" => self.unknown_provider(),
            "taken" => vec![attempt("B's", self.base(&Fact::new("A", "P", "taken")), On)],
            _ => panic!("nobody brings about {condition}"),
        }
    }

    fn a_user(&self) -> &'static str {
        Fact::new("A", "P", "s").user.id_or_key(&self.client.vendor)
    }

    fn too_large(&self) -> Vec<Attempt> {
        let mut announced = self.new();
        announced.length = Some(1 << 40);
        let large = self.new().body(vec![b' '; 300 << 10]);
        vec![
            attempt("announced", announced, Goes::Ends),
            attempt("sent", large, Goes::Ends),
        ]
    }

    fn deep(&self) -> Vec<Attempt> {
        let arrays = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        let objects = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
        let inside = |wire: &Wire| -> Vec<u8> {
            // In place of the first text of the body there is a deep array.
            let body = String::from_utf8(wire.body.clone().unwrap()).unwrap();
            let json: serde_json::Value = serde_json::from_str(&body).unwrap();
            let name = json.as_object().unwrap().keys().next().unwrap().clone();
            format!("{{\"{name}\":{}}}", arrays(10_000)).into_bytes()
        };
        let base = self.new();
        let unknown = format!("{{\"unknownMember\":{}}}", arrays(10_000));
        [
            ("arrays", arrays(10_000).into_bytes()),
            ("arrays that never end", "[".repeat(10_000).into_bytes()),
            ("objects", objects.into_bytes()),
            ("in a member", inside(&base)),
            ("in an unknown member", unknown.into_bytes()),
        ]
        .into_iter()
        .map(|(what, body)| attempt(what, base.clone().body(body), Goes::On))
        .collect()
    }

    /// Every text of the body in turn is something else.
    fn wrong_types(&self) -> Vec<Attempt> {
        let base = self.new();
        let json: serde_json::Value =
            serde_json::from_slice(base.body.as_deref().unwrap()).unwrap();
        let mut found = Vec::new();
        for place in leaves(&json, String::new()) {
            for wrong in ["7", "true", "[\"x\"]", "{\"x\":1}"] {
                let is_number = json.pointer(&place).unwrap().is_number();
                let mut bent = json.clone();
                // A number may also be a text in some APIs; a truth value is neither.
                if is_number && wrong == "7" {
                    continue;
                }
                *bent.pointer_mut(&place).unwrap() = serde_json::from_str(wrong).unwrap();
                let what = format!("{place} is {wrong}");
                found.push(attempt(what, base.clone().body(bent.to_string()), Goes::On));
            }
        }
        found
    }

    /// One that is nowhere, and one that may not be linked.
    fn unknown_provider(&self) -> Vec<Attempt> {
        let fact = Fact::new("A", "P", "bad-1");
        let known = fact.provider.id_or_key(&self.client.vendor);
        let mut unknown = vec![match self.client.vendor.as_str() {
            "zitadel" => "311900000000000099",
            "fusionauth" | "pingone" => super::super::super::support::fixtures::Z,
            _ => "nope",
        }];
        unknown.extend(Fact::new("A", "O", "s").provider.id_at(&self.client.vendor));
        let base = self.base(&fact);
        let body = String::from_utf8(base.body.clone().unwrap()).unwrap();
        assert!(body.contains(known), "{body}");
        unknown
            .into_iter()
            .map(|id| attempt(id, base.clone().body(body.replace(known, id)), Goes::On))
            .collect()
    }
}

/// The places of all texts, numbers and truth values.
fn leaves(json: &serde_json::Value, place: String) -> Vec<String> {
    match json {
        serde_json::Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| leaves(value, format!("{place}/{name}")))
            .collect(),
        serde_json::Value::Array(elements) => elements
            .iter()
            .enumerate()
            .flat_map(|(index, value)| leaves(value, format!("{place}/{index}")))
            .collect(),
        _ => vec![place],
    }
}

const NO_JSON: &[&[u8]] = &[
    b"{",
    b"{\"a\":",
    b"{\"a\":1,}",
    b"{} {}",
    b"{'a':1}",
    b"nope",
    b"\0",
    b"{\"a\":NaN}",
    b"{\"a\":\"\xff\xfe\"}",
    b"{\"a\":\"\xc0\xaf\"}",
    b"{\"a\":\"\xed\xa0\x80\"}",
    b"{\"a\":\"\\ud800\"}",
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\0}\0",
];

const NO_OBJECT: &[&[u8]] = &[b"[]", b"[{}]", b"\"x\"", b"7", b"true", b"null"];

fn bodies(base: &Wire, bodies: &[&[u8]]) -> Vec<Attempt> {
    let all = bodies.iter();
    all.map(|body| {
        let what = String::from_utf8_lossy(body).into_owned();
        attempt(what, base.clone().body(*body), Goes::On)
    })
    .collect()
}

/// The server that most conditions are asked of.
pub(super) fn profile() -> Profile {
    Profile {
        two_tenants: true,
        ..Profile::default()
    }
}

/// The server on which the key with every permission may ask once.
pub(super) fn profile_of_rates() -> (Profile, &'static str) {
    let profile = Profile {
        rate: Some(1),
        ..Profile::default()
    };
    (profile, K)
}
