//! PingOne: linked accounts, users and identity providers of its management API, and the token endpoint.

mod call;
mod filter;
mod lists;
mod shapes;
mod tests;

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use super::paths::{Paths, client, of};
use super::{Answer, Request, Vendor};
use call::Call;
use shapes::{Fault, Place, uuid};

/// The vendor.
pub(crate) struct PingOne {
    /// Its environments by their ids.
    pub(crate) environments: BTreeMap<String, Environment>,
    /// Bearer tokens, and what they are good for.
    pub(crate) tokens: BTreeMap<String, Token>,
    /// Clients of the token endpoint: id, secret, and the token that they are given.
    pub(crate) workers: BTreeMap<String, (String, String)>,
    /// How it takes paths apart.
    pub(crate) paths: Paths,
    /// The most users of a page.
    pub(crate) most: usize,
    /// What a create is answered: 200, or 201 as its general pages say.
    pub(crate) created: u16,
    /// How many of the next calls are over the limit.
    pub(crate) over_the_limit: u32,
    /// Where its links lead; to the host that was asked unless this is set.
    pub(crate) origin: Option<String>,
    minted: u64,
}

/// What one environment has.
#[derive(Default)]
pub(crate) struct Environment {
    /// Its identity providers.
    pub(crate) providers: Vec<Provider>,
    /// Its users by their ids.
    pub(crate) users: BTreeMap<String, User>,
    /// Its links, oldest first.
    pub(crate) links: Vec<Link>,
}

/// An identity provider.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) enabled: bool,
}

/// A user.
#[derive(Clone, Debug, Default)]
pub(crate) struct User {
    /// Username, names and what else is told of the user.
    pub(crate) document: serde_json::Map<String, Value>,
    /// The provider that owns the account, with its type; the vendor itself if there is none.
    pub(crate) authority: Option<(String, String)>,
}

/// A linked account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) id: String,
    pub(crate) user: String,
    pub(crate) provider: String,
    pub(crate) subject: String,
}

/// What a token is good for.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// Where.
    pub(crate) environments: Vec<String>,
    /// For what.
    pub(crate) role: Role,
}

/// What whoever has a token may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Everything.
    Admin,
    /// Reading.
    Reader,
    /// Nothing.
    Nothing,
    /// What a user may with what is theirs.
    User(String),
}

/// What is answered: a status, a body if there is one.
type Told = Result<(u16, Option<Value>), Fault>;

impl PingOne {
    /// A vendor without environments.
    pub(crate) fn new() -> Self {
        Self {
            environments: BTreeMap::new(),
            tokens: BTreeMap::new(),
            workers: BTreeMap::new(),
            paths: Paths::SplitFirst,
            most: 200,
            created: 200,
            over_the_limit: 0,
            origin: None,
            minted: 0,
        }
    }

    /// Accepts a token of somebody who may do everything in these environments.
    pub(crate) fn accept(&mut self, token: &str, environments: &[&str]) {
        let environments = environments.iter().map(|id| (*id).to_owned()).collect();
        let role = Role::Admin;
        let token = (token.to_owned(), Token { environments, role });
        self.tokens.extend([token]);
    }

    /// The environment of this id, which is there from now on.
    pub(crate) fn environment(&mut self, id: &str) -> &mut Environment {
        self.environments.entry(id.to_owned()).or_default()
    }

    fn token(&mut self, request: &Request, environment: Option<&str>) -> Answer {
        let refused = |status: u16, error: &str| {
            let text = json!({ "error": error, "error_description": "The request was refused." });
            Answer::json(status, text)
        };
        if request.method != "POST" {
            return Answer::empty(405).with("allow", "POST");
        }
        let form = request.form();
        if of(&form, "grant_type") != Some("client_credentials") {
            return refused(400, "unsupported_grant_type");
        }
        let known = client(request).and_then(|(id, secret)| {
            let (right, token) = self.workers.get(&id)?;
            (*right == secret).then(|| token.clone())
        });
        let is_here = |token: &String| {
            let environments = self.tokens.get(token).map(|token| &token.environments);
            environment.is_none_or(|id| environments.is_some_and(|all| all.iter().any(|e| e == id)))
        };
        match known.filter(is_here) {
            None => refused(401, "invalid_client"),
            Some(token) => Answer::json(
                200,
                json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 }),
            ),
        }
    }

    fn told(&mut self, request: &Request, segments: &[&str]) -> Told {
        let ["v1", "environments", id, rest @ ..] = segments else {
            return Err(Fault::not_found());
        };
        let token = request.credential("bearer");
        let token = token.and_then(|token| self.tokens.get(token));
        let Token { environments, role } = token.ok_or_else(Fault::unauthenticated)?.clone();
        if self.over_the_limit > 0 {
            self.over_the_limit -= 1;
            return Err(Fault::over_the_limit());
        }
        let is_reached = environments.iter().any(|reached| reached == id);
        let environment = self.environments.get_mut(*id).filter(|_| is_reached);
        let environment = environment.ok_or_else(Fault::forbidden)?;
        let host = format!("http://{}", request.header("host").unwrap_or_default());
        let origin = self.origin.as_ref().unwrap_or(&host);
        let mut call = Call {
            request,
            environment,
            place: Place::new(origin, id),
            role,
            most: self.most,
            created: self.created,
            minted: &mut self.minted,
        };
        call.route(rest)
    }
}

impl Vendor for PingOne {
    fn answer(&mut self, request: &Request, _now: Instant) -> Answer {
        let segments = self.paths.segments(request);
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            [environment, "as", "token"] => return self.token(request, Some(environment)),
            ["as", "token"] => return self.token(request, None),
            _ => {}
        }
        self.minted += 1;
        let id = uuid(u128::from(self.minted) | 0xc0de << 96);
        let told = self.told(request, &segments);
        let accept = request.header("accept").unwrap_or_default();
        let media_type = match accept.contains("application/hal+json") {
            true => "application/hal+json",
            false => "application/json",
        };
        let answer = match told {
            Ok((status, None)) => Answer::empty(status),
            Ok((status, Some(body))) => Answer::json_as(status, media_type, &body),
            Err(fault) => fault.answer(&id, media_type),
        };
        let answer = answer
            .with("correlation-id", id)
            .with("cache-control", "no-cache, no-store");
        let name = "x-ping-external-transaction-id";
        match request.header(name) {
            Some(given) => answer.with(name, sanitized(given)),
            None => answer,
        }
    }
}

fn sanitized(text: &str) -> String {
    let plain = |c: char| match c.is_alphanumeric() || "._-/@=#+".contains(c) {
        true => c,
        false => '_',
    };
    text.chars().take(100).map(plain).collect()
}
