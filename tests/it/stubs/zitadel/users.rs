//! What of ZITADEL stands beside links: users, identity providers, probes, discovery and tokens.

use serde_json::{Value, json};

use super::super::paths::{client, of};
use super::super::{Answer, Request};
use super::says::{self, Error, Message, invalid, without_zeros};
use super::{Asks, Caller, Idp, Page, Right, User, Zitadel};

const SINCE: &str = "2026-01-05T08:00:00.000000Z";

impl Zitadel {
    /// What is answered to anybody.
    pub(super) fn open(&mut self, request: &Request, path: &[&str]) -> Option<Answer> {
        let origin = format!("http://{}", request.header("host").unwrap_or_default());
        match (request.method.as_str(), path) {
            ("GET", ["debug", "healthz"]) => {
                let mut answer = Answer::empty(200).with("content-type", "text/plain");
                answer.body = b"ok".to_vec();
                Some(answer)
            }
            ("GET", ["debug", "ready"]) => Some(Answer::json(200, json!("ok"))),
            ("GET", [".well-known", "openid-configuration"]) => {
                let at = |path: &str| format!("{origin}{path}");
                let told = json!({
                    "issuer": origin,
                    "authorization_endpoint": at("/oauth/v2/authorize"),
                    "token_endpoint": at("/oauth/v2/token"),
                    "introspection_endpoint": at("/oauth/v2/introspect"),
                    "jwks_uri": at("/oauth/v2/keys"),
                    "userinfo_endpoint": at("/oidc/v1/userinfo"),
                });
                Some(Answer::json(200, told))
            }
            ("POST", ["oauth", "v2", "token"]) => Some(self.token(request)),
            _ => None,
        }
    }

    fn token(&self, request: &Request) -> Answer {
        let refused = |status: u16, error: &str| Answer::json(status, json!({ "error": error }));
        let form = request.form();
        if of(&form, "grant_type") != Some("client_credentials") {
            return refused(400, "unsupported_grant_type");
        }
        let known = client(request).and_then(|(id, secret)| {
            let (right, token) = self.service_users.get(&id)?;
            (*right == secret).then_some(token)
        });
        match known {
            None => refused(401, "invalid_client"),
            Some(token) => Answer::json(
                200,
                json!({ "access_token": token, "token_type": "Bearer", "expires_in": 43199 }),
            ),
        }
    }

    pub(super) fn get_user(&mut self, asks: &Asks, id: &str) -> Result<Answer, Answer> {
        let user = self.users.get(id).ok_or(says::NO_USER.answer())?;
        let may = Self::may(&asks.caller, Right::Read, &user.organisation, Some(id));
        may.map_err(Error::answer)?;
        let body = json!({ "details": details(&user.organisation), "user": shown(id, user) });
        Ok(Answer::json(200, without_zeros(body)))
    }

    /// All users that the caller may read, whatever organisation the header names.
    pub(super) fn list_users(&mut self, asks: &Asks, body: &[u8]) -> Result<Answer, Answer> {
        let message = Message::read(body)?;
        let page = Page::read(message.message("query")?.as_ref())?;
        if asks.caller == Caller::Nobody {
            return Err(says::NO_MEMBER.answer());
        }
        let queries = message.list("queries")?;
        let queries = queries.iter().map(Wanted::read);
        let queries = queries.collect::<Result<Vec<Wanted>, Answer>>()?;
        let may = |id: &str, user: &User| {
            Self::may(&asks.caller, Right::Read, &user.organisation, Some(id)).is_ok()
        };
        let fits = |(id, user): &(&String, &User)| {
            may(id, user) && queries.iter().all(|wanted| wanted.fits(id, user))
        };
        let users = self.users.iter().filter(fits);
        let users: Vec<Value> = users.map(|(id, user)| shown(id, user)).collect();
        let total = users.len();
        let result = page.of(users);
        Ok(self.listed(asks.now, "timestamp", total, result))
    }

    fn reached(&self, asks: &Asks, idp: &Idp) -> bool {
        let organisation = idp.organisation.as_deref();
        match &asks.caller {
            Caller::Instance(_) => true,
            Caller::Organisation(id) | Caller::Reader(id) => organisation.is_none_or(|o| o == id),
            Caller::User(_) | Caller::Nobody => false,
        }
    }

    pub(super) fn get_idp(&mut self, asks: &Asks, id: &str) -> Result<Answer, Answer> {
        let idp = self.idps.get(id).filter(|idp| self.reached(asks, idp));
        let idp = idp.ok_or(says::NO_IDP.answer())?;
        let config = json!({ "options": { "isLinkingAllowed": true, "isCreationAllowed": true } });
        let shown = json!({
            "id": id,
            "details": details(idp.organisation.as_deref().unwrap_or("instance")),
            "state": state(idp),
            "name": idp.name,
            "type": idp.kind,
            "config": config,
        });
        Ok(Answer::json(200, without_zeros(json!({ "idp": shown }))))
    }

    /// The providers that users of the organisation may be linked at.
    pub(super) fn list_idps(&mut self, asks: &Asks, body: &[u8]) -> Result<Answer, Answer> {
        self.may_v1(asks, Right::Read)?;
        let message = Message::read(body)?;
        let page = Page::read(message.message("query")?.as_ref())?;
        let here = Self::organisation(asks);
        let is_here =
            |(_, idp): &(&String, &Idp)| idp.organisation.as_deref().is_none_or(|o| o == here);
        let idps = self.idps.iter().filter(is_here);
        let idps: Vec<Value> = idps.map(|(id, idp)| template(id, idp)).collect();
        let total = idps.len();
        let result = page.of(idps);
        Ok(self.listed(asks.now, "viewTimestamp", total, result))
    }

    pub(super) fn get_template(&mut self, asks: &Asks, id: &str) -> Result<Answer, Answer> {
        self.may_v1(asks, Right::Read)?;
        let here = Self::organisation(asks);
        let is_here = |idp: &&Idp| idp.organisation.as_deref().is_none_or(|o| o == here);
        let idp = self
            .idps
            .get(id)
            .filter(is_here)
            .ok_or(says::NO_IDP.answer())?;
        Ok(Answer::json(
            200,
            without_zeros(json!({ "idp": template(id, idp) })),
        ))
    }
}

/// One of the queries that users can be asked for by.
enum Wanted {
    Ids(Vec<String>),
    Organisation(String),
    Username(String, String),
}

impl Wanted {
    fn read(query: &Value) -> Result<Self, Answer> {
        let query = Message::of(query)?;
        let name = query
            .names()
            .first()
            .copied()
            .unwrap_or_default()
            .replace('_', "");
        let inner = |name: &str| query.message(name).map(Option::unwrap_or_default);
        match name.to_ascii_lowercase().as_str() {
            "inuseridsquery" => {
                let ids = inner("inUserIdsQuery")?.list("userIds")?;
                let ids = ids.iter().filter_map(Value::as_str).map(str::to_owned);
                Ok(Wanted::Ids(ids.collect()))
            }
            "organizationidquery" => {
                let id = inner("organizationIdQuery")?
                    .text("organizationId")?
                    .to_owned();
                Ok(Wanted::Organisation(id))
            }
            "usernamequery" => {
                let inner = inner("userNameQuery")?;
                let (name, method) = (inner.text("userName")?, inner.text("method")?);
                Ok(Wanted::Username(name.to_owned(), method.to_owned()))
            }
            // A stub that took what it does not know for "everything" would hide a mistake.
            other => Err(invalid(&format!("the stub knows no query {other:?}"))),
        }
    }

    fn fits(&self, id: &str, user: &User) -> bool {
        match self {
            Wanted::Ids(ids) => ids.iter().any(|wanted| wanted == id),
            Wanted::Organisation(id) => user.organisation == *id,
            Wanted::Username(name, method) => {
                let (name, given) = (name.as_str(), user.username.as_str());
                match method.as_str() {
                    "TEXT_QUERY_METHOD_EQUALS_IGNORE_CASE" => {
                        given.to_lowercase() == name.to_lowercase()
                    }
                    "TEXT_QUERY_METHOD_STARTS_WITH" => given.starts_with(name),
                    "TEXT_QUERY_METHOD_CONTAINS" => given.contains(name),
                    _ => given == name,
                }
            }
        }
    }
}

fn details(organisation: &str) -> Value {
    json!({
        "sequence": "3",
        "changeDate": SINCE,
        "resourceOwner": organisation,
        "creationDate": SINCE,
    })
}

fn shown(id: &str, user: &User) -> Value {
    let name = &user.username;
    json!({
        "userId": id,
        "details": details(&user.organisation),
        "state": "USER_STATE_ACTIVE",
        "username": name,
        "loginNames": [name],
        "preferredLoginName": name,
        "human": {
            "profile": { "givenName": name, "familyName": "Example", "displayName": name },
            "email": { "email": format!("{name}@example.test"), "isVerified": true },
        },
    })
}

fn state(idp: &Idp) -> &'static str {
    if idp.active {
        "IDP_STATE_ACTIVE"
    } else {
        "IDP_STATE_INACTIVE"
    }
}

fn template(id: &str, idp: &Idp) -> Value {
    let kind = idp.kind.replace("IDP_TYPE_", "PROVIDER_TYPE_");
    let owner = match idp.organisation {
        Some(_) => "IDP_OWNER_TYPE_ORG",
        None => "IDP_OWNER_TYPE_SYSTEM",
    };
    json!({
        "id": id,
        "details": {
            "sequence": "3",
            "creationDate": SINCE,
            "changeDate": SINCE,
            "resourceOwner": idp.organisation.as_deref().unwrap_or("instance"),
        },
        "state": state(idp),
        "name": idp.name,
        "owner": owner,
        "type": kind,
    })
}
