//! How each condition is brought about: requests of one front that are wrong in one way.

use super::super::super::support::fixtures::{Q, R, Z};
use super::super::clients::Client;
use super::super::facts::{Fact, new_subject};
use super::super::template::{Request, Values, header};
use super::bodies::{NO_JSON, NO_OBJECT, bodies};
use super::judge::Front;
use super::wire::{Goes, Wire};

/// One request that is to be refused.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) what: String,
    pub(super) wire: Wire,
    /// What has to become of the connection; `None` where a body may be left unread.
    pub(super) goes: Option<Goes>,
}

/// An attempt.
pub(super) fn attempt(
    what: impl Into<String>,
    wire: Wire,
    goes: impl Into<Option<Goes>>,
) -> Attempt {
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
    pub(super) fn fresh(&self) -> Wire {
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
            link: Some(Z.to_owned()),
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
        let found = self.of_head(condition);
        let found = found.or_else(|| self.of_body(condition));
        let found = found.or_else(|| self.of_ids(condition));
        found.unwrap_or_else(|| panic!("nobody brings about {condition}"))
    }

    /// Routes and credentials.
    fn of_head(&self, condition: &str) -> Option<Vec<Attempt>> {
        use Goes::{Ends, On};
        let unknown = || self.of_table(&self.front.unknown_route);
        let wrong = || self.of_table(&self.front.wrong_method);
        let trace = || Wire {
            method: "TRACE".to_owned(),
            ..wrong()
        };
        let read = || self.with_id(self.a_user());
        let (name, reader) = self.header_with(R);
        Some(match condition {
            "unknown_route" => vec![
                attempt("with a key", unknown(), On),
                attempt("without a key", unknown().without(&name), On),
            ],
            "wrong_method" => vec![
                attempt("without a body", wrong(), On),
                attempt("TRACE", trace(), Ends),
                attempt("with a body", wrong().body("{}"), None),
            ],
            "no_credential" => vec![
                attempt("a read", read().without(&name), On),
                attempt("a write", self.fresh().without(&name), None),
            ],
            "wrong_credential" => self.wrong_credentials(),
            "no_scope" => {
                let write = self.write().with(&name, &reader);
                vec![attempt("a reader writes", write, None)]
            }
            _ => return None,
        })
    }

    fn wrong_credentials(&self) -> Vec<Attempt> {
        let (name, unknown) = self.header_with("not-a-key");
        let (_, half) = self.header_with(&Q[..20]);
        // The key alone is what one vendor wants, and a scheme before it what the others do.
        let other = match unknown.starts_with("Bearer") {
            true => Q.to_owned(),
            false => format!("Bearer {Q}"),
        };
        let read = self.with_id(self.a_user()).with(&name, &unknown);
        let wrong = |what: &str, value: &str| attempt(what, self.fresh().with(&name, value), None);
        vec![
            attempt("a read", read, Goes::On),
            wrong("an unknown key", &unknown),
            wrong("half a key", &half),
            wrong("of another scheme", "Basic cTpx"),
            wrong("in the other form", &other),
        ]
    }

    /// The header with a credential.
    fn header_with(&self, key: &str) -> (String, String) {
        let (name, value) = header(&self.client.headers[0]).unwrap();
        (name, value.replace("{key}", key))
    }

    /// Media types and bodies.
    fn of_body(&self, condition: &str) -> Option<Vec<Attempt>> {
        let one = |what: &str, wire: Wire| vec![attempt(what, wire, Goes::On)];
        Some(match condition {
            "odd_accept" => ["image/png", "text/plain;q=0.1", "", ",;"]
                .into_iter()
                .filter_map(|accept| {
                    let wire = self.list()?.with("Accept", accept);
                    Some(attempt(accept, wire, Goes::On))
                })
                .collect(),
            "other_media" => ["text/plain", "application/xml", "multipart/form-data"]
                .into_iter()
                .map(|media| attempt(media, self.fresh().with("Content-Type", media), Goes::On))
                .collect(),
            "no_media" => one("no type", self.fresh().without("Content-Type")),
            "too_large" => self.too_large(),
            "no_json" => bodies(&self.fresh(), NO_JSON),
            "no_object" => bodies(&self.fresh(), NO_OBJECT),
            "deep_json" => self.deep(),
            "no_body" => one("no bytes", self.fresh().body("")),
            "wrong_types" => self.wrong_types(),
            _ => return None,
        })
    }

    /// Ids in bodies and paths.
    fn of_ids(&self, condition: &str) -> Option<Vec<Attempt>> {
        let in_path = |ids: &[&str], goes: Goes| -> Vec<Attempt> {
            let all = ids.iter();
            all.map(|id| attempt(format!("{id:.20}"), self.with_id(id), goes))
                .collect()
        };
        let of = |user: &str, subject: &str| {
            let wire = self.base(&Fact::new(user, "P", subject));
            attempt(format!("{subject:.20?} of {user}"), wire, Goes::On)
        };
        Some(match condition {
            "bad_account" => vec![of("A", "nul \0 in it"), of("A", &"x".repeat(5000))],
            "ambiguous_path" => {
                in_path(&["%00", "a%00b", "%", "%zz", "%2e%2e", "a\\b"], Goes::Ends)
            }
            "path_no_utf8" => in_path(&["%ff", "a%C0%AF", "%ed%a0%80"], Goes::On),
            "long_id" => in_path(&[&"x".repeat(5000)], Goes::On),
            "unknown_user" => vec![of("Z", "bad-1"), of("C", "bad-1")],
            "unknown_provider" => self.unknown_provider(),
            "taken" => vec![of("A", "taken")],
            _ => return None,
        })
    }

    fn a_user(&self) -> &'static str {
        Fact::new("A", "P", "s").user.id_or_key(&self.client.vendor)
    }

    /// One that is nowhere, and one that may not be linked.
    fn unknown_provider(&self) -> Vec<Attempt> {
        let fact = Fact::new("A", "P", "bad-1");
        let known = fact.provider.id_or_key(&self.client.vendor);
        let mut unknown = vec![match self.client.vendor.as_str() {
            "zitadel" => "311900000000000099",
            "fusionauth" | "pingone" => Z,
            _ => "nope",
        }];
        unknown.extend(Fact::new("A", "O", "s").provider.id_at(&self.client.vendor));
        let base = self.base(&fact);
        let body = String::from_utf8(base.body.clone().unwrap()).unwrap();
        assert!(body.contains(known), "{body}");
        unknown
            .into_iter()
            .map(|id| {
                let mut wire = base.clone().body(body.replace(known, id));
                // Where the path names the provider, too, it is what counts.
                wire.target = wire.target.replace(known, id);
                attempt(id, wire, Goes::On)
            })
            .collect()
    }
}
