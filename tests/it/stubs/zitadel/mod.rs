//! ZITADEL: links of users (v2, v2beta, management v1), users, identity providers and tokens, over REST.
//! Lists are told as they were some time ago.

mod links;
mod says;
mod tests;
mod users;

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::paths::Paths;
use super::{Answer, Request, Vendor};
use says::{Error, Message, without_zeros};

/// The vendor.
pub(crate) struct Zitadel {
    /// Names of organisations by their ids.
    pub(crate) organisations: BTreeMap<String, String>,
    /// Users by their ids.
    pub(crate) users: BTreeMap<String, User>,
    /// Identity providers by their ids.
    pub(crate) idps: BTreeMap<String, Idp>,
    /// Who has which token.
    pub(crate) tokens: BTreeMap<String, Caller>,
    /// Clients of the token endpoint: id, secret, and the token that they are given.
    pub(crate) service_users: BTreeMap<String, (String, String)>,
    /// How far lists of links lag behind.
    pub(crate) lag: Duration,
    /// How it takes paths apart.
    pub(crate) paths: Paths,
    /// How many of the next calls find the quota used up.
    pub(crate) used_up: u32,
    links: BTreeMap<String, Vec<Link>>,
    taken: HashSet<String>,
    sequence: u64,
    began: Option<Instant>,
}

/// A user.
#[derive(Clone, Debug, Default)]
pub(crate) struct User {
    /// Whose user it is.
    pub(crate) organisation: String,
    pub(crate) username: String,
}

/// An identity provider.
#[derive(Clone, Debug)]
pub(crate) struct Idp {
    /// Whose it is; the instance's if nobody's.
    pub(crate) organisation: Option<String>,
    pub(crate) name: String,
    /// `IDP_TYPE_OIDC`, for example.
    pub(crate) kind: String,
    pub(crate) active: bool,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Manages the whole instance; belongs to this organisation.
    Instance(String),
    /// Manages an organisation.
    Organisation(String),
    /// Reads an organisation.
    Reader(String),
    /// Is a user, and nothing more.
    User(String),
    /// Has no membership at all.
    Nobody,
}

/// A link and the time that it was there.
#[derive(Clone, Debug)]
struct Link {
    idp: String,
    subject: String,
    name: String,
    /// Since ever, if it was there from the beginning.
    made: Option<Instant>,
    gone: Option<Instant>,
}

impl Link {
    fn was_there(&self, at: Option<Instant>) -> bool {
        let is_made = self.made.is_none_or(|made| at.is_some_and(|at| made <= at));
        let is_gone = self
            .gone
            .is_some_and(|gone| at.is_some_and(|at| gone <= at));
        is_made && !is_gone
    }
}

/// Whether somebody may read or change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Right {
    Read,
    Write,
}

/// Who asks, and in which organisation.
struct Asks {
    caller: Caller,
    organisation: String,
    now: Instant,
}

/// The lower-cased key that a link is unique by: nothing stands between its parts.
fn key(idp: &str, subject: &str) -> String {
    format!("{idp}{subject}").to_lowercase()
}

impl Zitadel {
    /// A vendor without organisations, whose lists lag a minute.
    pub(crate) fn new() -> Self {
        Self {
            organisations: BTreeMap::new(),
            users: BTreeMap::new(),
            idps: BTreeMap::new(),
            tokens: BTreeMap::new(),
            service_users: BTreeMap::new(),
            lag: Duration::from_secs(60),
            paths: Paths::DecodedFirst,
            used_up: 0,
            links: BTreeMap::new(),
            taken: HashSet::new(),
            sequence: 40,
            began: None,
        }
    }

    /// A user of an organisation, there from the beginning.
    pub(crate) fn user(&mut self, organisation: &str, id: &str, username: &str) {
        let user = User {
            organisation: organisation.to_owned(),
            username: username.to_owned(),
        };
        self.users.insert(id.to_owned(), user);
    }

    /// A link that was there from the beginning.
    pub(crate) fn link(&mut self, user: &str, idp: &str, subject: &str, name: &str) {
        assert!(
            self.taken.insert(key(idp, subject)),
            "{idp} {subject} twice"
        );
        let link = Link {
            idp: idp.to_owned(),
            subject: subject.to_owned(),
            name: name.to_owned(),
            made: None,
            gone: None,
        };
        self.links.entry(user.to_owned()).or_default().push(link);
    }

    /// The links that there are now, whatever lists show: user, provider, account.
    pub(crate) fn links(&self) -> Vec<(String, String, String)> {
        let all = self.links.iter();
        let all = all.flat_map(|(user, links)| links.iter().map(move |link| (user, link)));
        let there = all.filter(|(_, link)| link.gone.is_none());
        there
            .map(|(user, l)| (user.clone(), l.idp.clone(), l.subject.clone()))
            .collect()
    }

    /// An instant as the vendor's clock has it.
    fn time(&mut self, now: Instant) -> String {
        let began = *self.began.get_or_insert(now);
        let start: Timestamp = "2026-03-01T10:00:00.25Z".parse().unwrap();
        let passed = SignedDuration::try_from(now.saturating_duration_since(began)).unwrap();
        format!("{:.6}", start + passed)
    }

    /// What a write is answered.
    fn written(&mut self, organisation: &str, now: Instant) -> Answer {
        self.sequence += 1;
        let details = json!({
            "sequence": self.sequence.to_string(),
            "changeDate": self.time(now),
            "resourceOwner": organisation,
        });
        Answer::json(200, json!({ "details": details }))
    }

    /// Who asks; the first things that are checked of every call.
    fn asks(&mut self, request: &Request, now: Instant) -> Result<Asks, Error> {
        if request.header("authorization").is_none() {
            return Err(says::NO_HEADER);
        }
        let token = request.credential("bearer").ok_or(says::NO_BEARER)?;
        let caller = self.tokens.get(token).ok_or(says::BAD_TOKEN)?.clone();
        let own = match &caller {
            Caller::Instance(id) | Caller::Organisation(id) | Caller::Reader(id) => id.clone(),
            Caller::User(id) => self
                .users
                .get(id)
                .map_or("", |user| &user.organisation)
                .to_owned(),
            Caller::Nobody => String::new(),
        };
        let organisation = match request.header("x-zitadel-orgid") {
            None | Some("") => own,
            Some(id) if self.organisations.contains_key(id) => id.to_owned(),
            Some(_) => return Err(says::NO_ORGANISATION),
        };
        if self.used_up > 0 {
            self.used_up -= 1;
            return Err(says::QUOTA);
        }
        Ok(Asks {
            caller,
            organisation,
            now,
        })
    }

    /// Whether a caller may do something with a user of an organisation.
    fn may(
        caller: &Caller,
        right: Right,
        organisation: &str,
        user: Option<&str>,
    ) -> Result<(), Error> {
        match caller {
            Caller::Instance(_) => Ok(()),
            Caller::Organisation(id) if id == organisation => Ok(()),
            Caller::Reader(id) if id == organisation && right == Right::Read => Ok(()),
            Caller::User(id) if user == Some(id) => Ok(()),
            Caller::Nobody => Err(says::NO_MEMBER),
            _ => Err(says::NO_PERMISSION),
        }
    }

    /// A list's answer. What it shows is as old as lists lag.
    fn listed(&mut self, now: Instant, time: &str, total: usize, result: Vec<Value>) -> Answer {
        let timestamp = self.time(now);
        let mut details = json!({ "totalResult": total.to_string() });
        details[time] = timestamp.into();
        let body = json!({ "details": details, "result": result });
        Answer::json(200, without_zeros(body))
    }

    /// The first generation checks the endpoint, in the organisation that is asked in.
    fn may_v1(&self, asks: &Asks, right: Right) -> Result<(), Answer> {
        let may = Self::may(&asks.caller, right, &asks.organisation, None);
        may.map_err(|error| match error {
            Error(7, ..) => says::NO_PERMISSION_V1.answer(),
            other => other.answer(),
        })
    }

    fn organisation(asks: &Asks) -> &str {
        &asks.organisation
    }

    fn route(&mut self, request: &Request, path: &[&str], now: Instant) -> Result<Answer, Answer> {
        let method = match path {
            ["v2" | "v2beta", "users", _, "links"]
            | ["v2", "users", _, "links", "_search"]
            | ["v2", "users"]
            | ["management", "v1", "users", _, "idps", "_search"]
            | ["management", "v1", "idps", "_search"]
            | ["management", "v1", "idps", "templates", "_search"] => "POST",
            ["v2", "users", _, "links", _, _] | ["management", "v1", "users", _, "idps", _, _] => {
                "DELETE"
            }
            ["v2", "users", _]
            | ["v2", "idps", _]
            | ["management", "v1", "idps", "templates", _] => "GET",
            _ => return Err(says::NO_ROUTE.answer()),
        };
        if request.method != method {
            return Err(says::method());
        }
        let asks = self.asks(request, now).map_err(Error::answer)?;
        let body = &request.body;
        match path {
            [_, "users", user, "links"] => self.add(&asks, user, body),
            ["v2", "users", user, "links", "_search"] => self.list(&asks, user, body),
            ["v2", "users", user, "links", idp, subject] => {
                Message::read(body)?;
                self.remove(&asks, user, idp, subject)
            }
            ["v2", "users"] => self.list_users(&asks, body),
            ["v2", "users", user] => self.get_user(&asks, user),
            ["v2", "idps", idp] => self.get_idp(&asks, idp),
            ["management", _, "users", user, "idps", "_search"] => self.list_v1(&asks, user, body),
            ["management", _, "users", user, "idps", idp, subject] => {
                self.remove_v1(&asks, user, idp, subject)
            }
            ["management", _, "idps", "templates", "_search"]
            | ["management", _, "idps", "_search"] => self.list_idps(&asks, body),
            ["management", _, "idps", "templates", idp] => self.get_template(&asks, idp),
            _ => Err(says::NO_ROUTE.answer()),
        }
    }
}

impl Vendor for Zitadel {
    fn answer(&mut self, request: &Request, now: Instant) -> Answer {
        self.time(now);
        let path = self.paths.segments(request);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if let Some(answer) = self.open(request, &path) {
            return answer;
        }
        let routed = self.route(request, &path, now);
        routed.unwrap_or_else(|refused| refused)
    }
}

/// What part of a list is asked for.
#[derive(Clone, Copy, Debug)]
struct Page {
    offset: usize,
    limit: usize,
}

impl Page {
    fn read(query: Option<&Message>) -> Result<Self, Answer> {
        let number = |name: &str| query.map_or(Ok(0), |query| query.number(name));
        let (offset, limit) = (number("offset")?, number("limit")?);
        if limit > 1000 {
            return Err(says::LIMIT.answer());
        }
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let limit = usize::try_from(limit).unwrap();
        Ok(Self {
            offset,
            limit: if limit == 0 { 100 } else { limit },
        })
    }

    fn of<T>(self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip(self.offset).take(self.limit).collect()
    }
}
