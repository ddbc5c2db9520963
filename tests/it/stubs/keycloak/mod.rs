//! Keycloak: federated identities, users and identity providers of its administration API, and tokens of clients.

mod real;
mod says;
mod tests;

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use super::paths::{Paths, client, of};
use super::{Answer, Request, Vendor};
use says::Error;

/// The vendor.
pub(crate) struct Keycloak {
    /// Its realms by their names.
    pub(crate) realms: BTreeMap<String, Realm>,
    /// Bearer tokens, and what they are good for.
    pub(crate) tokens: BTreeMap<String, Token>,
    /// Clients of the token endpoints: realm and id, secret, and the token that they are given.
    pub(crate) clients: BTreeMap<(String, String), (String, String)>,
    /// What all paths begin with: nothing, or `/auth` for older servers.
    pub(crate) relative: &'static str,
    /// How it takes paths apart.
    pub(crate) paths: Paths,
}

/// What a realm has.
#[derive(Default)]
pub(crate) struct Realm {
    /// Its identity providers.
    pub(crate) providers: Vec<Provider>,
    /// Its users by their ids.
    pub(crate) users: BTreeMap<String, User>,
}

/// An identity provider.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    pub(crate) alias: String,
    pub(crate) name: String,
    /// `oidc`, `google` and so on.
    pub(crate) kind: String,
    pub(crate) enabled: bool,
}

/// A user and the links of them: by provider, since there is one at most.
#[derive(Clone, Debug, Default)]
pub(crate) struct User {
    pub(crate) username: String,
    /// Whether the user may log in.
    pub(crate) enabled: bool,
    /// Account and name by the provider's alias.
    pub(crate) links: BTreeMap<String, (Option<String>, Option<String>)>,
}

/// What a token is good for: roles in a realm. Those of `master` are good everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) realm: String,
    pub(crate) roles: Vec<&'static str>,
}

impl Keycloak {
    /// A vendor without realms.
    pub(crate) fn new() -> Self {
        Self {
            realms: BTreeMap::new(),
            tokens: BTreeMap::new(),
            clients: BTreeMap::new(),
            relative: "",
            paths: Paths::SplitFirst,
        }
    }

    /// The realm of this name, which is there from now on.
    pub(crate) fn realm(&mut self, name: &str) -> &mut Realm {
        self.realms.entry(name.to_owned()).or_default()
    }

    /// Accepts a token of somebody who manages a realm, or all of them if it is `master`.
    pub(crate) fn accept(&mut self, token: &str, realm: &str) {
        let roles = vec![
            "view-users",
            "query-users",
            "manage-users",
            "view-identity-providers",
        ];
        let realm = realm.to_owned();
        self.tokens.insert(token.to_owned(), Token { realm, roles });
    }

    fn token(&self, request: &Request, realm: &str) -> Answer {
        let refused = |status: u16, error: &str| {
            Answer::json(
                status,
                json!({ "error": error, "error_description": "Refused" }),
            )
        };
        if request.method != "POST" {
            return Error::status(405).answer(request);
        }
        if !self.realms.contains_key(realm) {
            return Error::named(404, "Realm does not exist").answer(request);
        }
        if of(&request.form(), "grant_type") != Some("client_credentials") {
            return refused(400, "unsupported_grant_type");
        }
        let known = client(request).and_then(|(id, secret)| {
            let (right, token) = self.clients.get(&(realm.to_owned(), id))?;
            Some((*right == secret).then_some(token))
        });
        match known {
            None => refused(401, "invalid_client"),
            Some(None) => refused(401, "unauthorized_client"),
            Some(Some(token)) => Answer::json(
                200,
                json!({
                    "access_token": token,
                    "expires_in": 60,
                    "refresh_expires_in": 0,
                    "token_type": "Bearer",
                    "not-before-policy": 0,
                    "scope": "profile email",
                }),
            ),
        }
    }

    fn administer(
        &mut self,
        request: &Request,
        name: &str,
        rest: &[&str],
    ) -> Result<Answer, Error> {
        let token = request.credential("bearer");
        let token = token.and_then(|token| self.tokens.get(token));
        let token = token.ok_or(Error::status(401))?;
        let realm = self.realms.get_mut(name);
        let realm = realm.ok_or(Error::named(404, "Realm not found."))?;
        let is_here = token.realm == name || token.realm == "master";
        let roles: &[&str] = if is_here { &token.roles } else { &[] };
        let may = |role: &str| match roles.contains(&role) {
            true => Ok(()),
            false => Err(Error::status(403)),
        };
        match (request.method.as_str(), rest) {
            ("GET", ["users"]) => {
                may("query-users").or(may("view-users"))?;
                realm.list(request)
            }
            ("GET", ["users", id]) => {
                may("view-users")?;
                let user = realm.user(id, &may)?;
                let mut shown = says::user(id, user, is_brief(request));
                shown["federatedIdentities"] = realm.links(user);
                Ok(says::told(&shown))
            }
            ("GET", ["users", id, "federated-identity"]) => {
                let user = realm.user(id, &may)?;
                may("view-users")?;
                Ok(says::told(&realm.links(user)))
            }
            ("POST", ["users", id, "federated-identity", alias]) => {
                realm.user(id, &may)?;
                may("manage-users")?;
                realm.link(request, id, alias)
            }
            ("DELETE", ["users", id, "federated-identity", alias]) => {
                realm.user(id, &may)?;
                may("manage-users")?;
                let user = realm.users.get_mut(*id);
                let gone = user.and_then(|user| user.links.remove(*alias));
                let missing = Error::named(404, "Link not found");
                gone.map(|_| Answer::empty(204)).ok_or(missing)
            }
            ("GET", ["identity-provider", "instances"]) => {
                may("view-identity-providers")?;
                Ok(says::told(&realm.providers(request)?))
            }
            ("GET", ["identity-provider", "instances", alias]) => {
                may("view-identity-providers")?;
                let found = realm.providers.iter().find(|p| p.alias == *alias);
                let found = found.ok_or(Error::status(404))?;
                Ok(says::told(&says::provider(found, false)))
            }
            (_, ["users"] | ["users", _] | ["users", _, "federated-identity"])
            | (_, ["users", _, "federated-identity", _])
            | (_, ["identity-provider", "instances"] | ["identity-provider", "instances", _]) => {
                // The framework says 404 to methods that others of its resources have.
                Err(Error::status(match request.method.as_str() {
                    "PATCH" => 405,
                    _ => 404,
                }))
            }
            _ => Err(Error::status(404)),
        }
    }
}

fn is_brief(request: &Request) -> bool {
    request.param("briefRepresentation") == Some("true")
}

/// A part of a list, as `first` and `max` ask for it.
fn part<T>(request: &Request, all: Vec<T>) -> Result<Vec<T>, Error> {
    let number = |name: &str, default: i64| match request.param(name) {
        None => Ok(default),
        // Not even a number is a path that does not exist, to the framework.
        Some(text) => text.parse().map_err(|_| Error::status(404)),
    };
    let (first, max) = (number("first", 0)?, number("max", 100)?);
    let first = usize::try_from(first).unwrap_or(0);
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    Ok(all.into_iter().skip(first).take(max).collect())
}

impl Realm {
    fn user(&self, id: &str, may: &dyn Fn(&str) -> Result<(), Error>) -> Result<&User, Error> {
        match self.users.get(id) {
            Some(user) => Ok(user),
            // Who may not look for users is not told that there is none.
            None => {
                may("query-users").or(may("view-users"))?;
                Err(Error::named(404, "User not found"))
            }
        }
    }

    /// Links at providers that are not there are hidden.
    fn links(&self, user: &User) -> Value {
        let is_there = |alias: &String| self.providers.iter().any(|p| p.alias == *alias);
        let shown = user.links.iter().filter(|(alias, _)| is_there(alias));
        let shown = shown.map(|(alias, (subject, name))| {
            json!({ "identityProvider": alias, "userId": subject, "userName": name })
        });
        says::without_nulls(shown.collect())
    }

    /// Makes a link. Neither the provider nor who else has the account matters.
    fn link(&mut self, request: &Request, id: &str, alias: &str) -> Result<Answer, Error> {
        let is_json = request
            .media_type()
            .is_some_and(|m| m.eq_ignore_ascii_case("application/json"));
        if !is_json {
            return Err(Error::status(415));
        }
        let body = request
            .json()
            .filter(Value::is_object)
            .ok_or(Error::no_json())?;
        for (name, value) in body.as_object().into_iter().flatten() {
            match (name.as_str(), value) {
                (
                    "identityProvider" | "userId" | "userName",
                    Value::Array(_) | Value::Object(_),
                ) => return Err(Error::wrong_type()),
                ("identityProvider" | "userId" | "userName", _) => {}
                _ => return Err(Error::no_member(name)),
            }
        }
        // A number or a truth value is the text of it.
        let text = |name: &str| match body.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let user = self.users.get_mut(id).unwrap();
        if user.links.contains_key(alias) {
            return Err(Error::said(409, "User is already linked with provider"));
        }
        let link = (text("userId"), text("userName"));
        user.links.insert(alias.to_owned(), link);
        Ok(Answer::empty(204))
    }

    fn list(&self, request: &Request) -> Result<Answer, Error> {
        let alias = request.param("idpAlias");
        let subject = request.param("idpUserId");
        let name = request.param("username").map(str::to_lowercase);
        let exact = request.param("exact") == Some("true");
        let is_linked = |user: &User| {
            let mut links = user.links.iter();
            let fits = |(at, (account, _)): (&String, &(Option<String>, Option<String>))| {
                alias.is_none_or(|alias| alias == at)
                    && subject.is_none_or(|subject| account.as_deref() == Some(subject))
            };
            (alias.is_none() && subject.is_none()) || links.any(fits)
        };
        let is_named = |user: &User| {
            name.as_ref().is_none_or(|name| {
                let given = user.username.to_lowercase();
                if exact {
                    given == *name
                } else {
                    given.contains(name)
                }
            })
        };
        let users = self
            .users
            .iter()
            .filter(|(_, u)| is_linked(u) && is_named(u));
        let mut users: Vec<_> = users.collect();
        users.sort_by_key(|(_, user)| user.username.clone());
        let shown = part(request, users)?.into_iter();
        let shown: Vec<Value> = shown
            .map(|(id, user)| says::user(id, user, is_brief(request)))
            .collect();
        Ok(says::told(&shown.into()))
    }

    fn providers(&self, request: &Request) -> Result<Value, Error> {
        let search = request
            .param("search")
            .unwrap_or_default()
            .trim_matches('*');
        let mut found: Vec<_> = self
            .providers
            .iter()
            .filter(|p| p.alias.contains(search))
            .collect();
        found.sort_by_key(|provider| provider.alias.clone());
        let shown = part(request, found)?.into_iter();
        Ok(shown
            .map(|p| says::provider(p, is_brief(request)))
            .collect())
    }
}

impl Vendor for Keycloak {
    fn answer(&mut self, request: &Request, _now: Instant) -> Answer {
        let segments = self.paths.segments(request);
        let mut path: Vec<&str> = segments.iter().map(String::as_str).collect();
        if let Some(relative) = self.relative.strip_prefix('/') {
            if path.first() != Some(&relative) {
                return Error::status(404).answer(request);
            }
            path.remove(0);
        }
        let answered = match path.as_slice() {
            ["realms", realm, "protocol", "openid-connect", "token"] => {
                return self.token(request, realm);
            }
            ["realms", realm] => match self.realms.contains_key(*realm) {
                true => Ok(Answer::json(
                    200,
                    json!({ "realm": realm, "account-service": "", "tokens-not-before": 0 }),
                )),
                false => Err(Error::named(404, "Realm does not exist")),
            },
            ["admin", "realms", realm, rest @ ..] => self.administer(request, realm, rest),
            _ => Err(Error::status(404)),
        };
        answered.unwrap_or_else(|error| error.answer(request))
    }
}
