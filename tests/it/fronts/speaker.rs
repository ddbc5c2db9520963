//! A client of one front at work: it sends what its vendor's client would, and knows what it has to be answered.

use std::net::SocketAddr;

use serde_json::Value;

use super::super::exchanges::compare::{Expected, House, compare};
use super::super::exchanges::house;
use super::super::support::client::{Answer, Client as Http};
use super::super::support::fixtures::Fixture;
use super::super::support::native;
use super::clients::{CLIENTS, Client, Create, Delete, Read, Said};
use super::facts::Fact;
use super::template::{Filled, Request, Values};

/// A client of one front with a connection of its own.
pub(crate) struct Speaker {
    /// How it works.
    pub(crate) client: &'static Client,
    http: Http,
    key: &'static str,
    origin: String,
    house: House,
}

impl Speaker {
    /// The client of a front of the server at this address.
    pub(crate) fn new(client: &'static Client, addr: SocketAddr, key: &'static str) -> Self {
        let house = match client.house.is_empty() {
            true => house(&client.vendor).1,
            false => House {
                json: client.house.clone(),
                empty: Vec::new(),
            },
        };
        Self {
            client,
            http: Http::new(addr),
            key,
            origin: format!("http://{addr}"),
            house,
        }
    }

    /// The clients of all fronts.
    pub(crate) fn all(addr: SocketAddr, key: &'static str) -> Vec<Self> {
        let all = CLIENTS.iter();
        all.map(|client| Self::new(client, addr, key)).collect()
    }

    /// The name of its dialect.
    pub(crate) fn name(&self) -> &'static str {
        &self.client.dialect
    }

    /// What it says and is told of a link.
    pub(crate) fn values(&self, fact: &Fact) -> Values {
        let mut values = fact.values(&self.client.vendor);
        values.set("key", self.key);
        values.set("origin", &*self.origin);
        values
    }

    /// Sends a request about a link.
    pub(crate) fn ask(&mut self, request: &Request, fact: &Fact) -> Answer {
        self.ask_with(request, &self.values(fact))
    }

    /// Sends a request.
    pub(crate) fn ask_with(&mut self, request: &Request, values: &Values) -> Answer {
        let filled = request
            .fill(&self.client.headers, values)
            .unwrap_or_else(|error| panic!("{}: {error}", self.client.dialect));
        self.send(&filled)
    }

    /// Sends a request as it stands.
    pub(crate) fn send(&mut self, request: &Filled) -> Answer {
        let headers = request.headers.iter();
        let headers: Vec<_> = headers.map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let body = request.body.as_deref();
        let sent = self
            .http
            .send(&request.method, &request.target, &headers, body);
        sent.unwrap_or_else(|lost| panic!("{} {}: {lost}", self.client.dialect, request.target))
    }

    /// Makes a link.
    pub(crate) fn create(&mut self, create: &Create, fact: &Fact) -> Answer {
        let values = self.prepared(create, fact);
        self.ask_with(&create.request, &values)
    }

    /// What a create needs: its values, and the pending link if there has to be one.
    pub(crate) fn prepared(&mut self, create: &Create, fact: &Fact) -> Values {
        let mut values = self.values(fact);
        if create.pending {
            let mut body =
                serde_json::json!({ "provider_id": fact.provider.key, "subject": fact.subject });
            if let Some(name) = &fact.name {
                body["display_name"] = Value::from(&**name);
            }
            let made = native::create_pending(&mut self.http, fact.tenant.key, &body);
            values.set("pending", made.unwrap());
        }
        values
    }

    /// Makes a link, which has to succeed; answers what is so then.
    pub(crate) fn must_create(&mut self, create: &Create, fact: &Fact) -> Fact {
        let fact = fact.clone().kept_by(&create.keeps);
        let answer = self.create(create, &fact);
        let wrong = self.created(create, &fact, &answer);
        assert!(wrong.is_empty(), "{} {fact:?}: {wrong:?}", self.name());
        fact
    }

    /// What is wrong with the answer to a create that succeeds.
    pub(crate) fn created(&self, create: &Create, fact: &Fact, answer: &Answer) -> Vec<String> {
        let told = (&create.says, create.ids.as_deref());
        self.wrong(told, std::slice::from_ref(fact), fact, answer)
    }

    /// What is wrong with an answer that tells exactly these links of a user.
    pub(crate) fn listed(
        &mut self,
        read: &Read,
        user: &'static Fixture,
        facts: &[Fact],
    ) -> Vec<String> {
        let of_user = Fact {
            user,
            ..Fact::new("A", "P", "of nobody")
        };
        let about = facts.first().unwrap_or(&of_user);
        let answer = self.ask(&read.request, about);
        self.told(read, facts, about, &answer)
    }

    /// What is wrong with an answer that tells this link.
    pub(crate) fn sees(&mut self, read: &Read, fact: &Fact) -> Vec<String> {
        let answer = self.ask(&read.request, fact);
        self.told(read, std::slice::from_ref(fact), fact, &answer)
    }

    /// What is wrong with an answer that tells nothing of this link.
    pub(crate) fn misses(&mut self, read: &Read, fact: &Fact) -> Vec<String> {
        let answer = self.ask(&read.request, fact);
        self.told(read, &[], fact, &answer)
    }

    fn told(&self, read: &Read, facts: &[Fact], about: &Fact, answer: &Answer) -> Vec<String> {
        let said = match facts {
            [] => read.gone.clone(),
            _ => Said {
                status: 200,
                body: Some(read.told.clone()),
            },
        };
        self.wrong((&said, read.ids.as_deref()), facts, about, answer)
    }

    /// Removes a link. Where only an id names it, that has to be known.
    pub(crate) fn delete(&mut self, delete: &Delete, fact: &Fact) -> Answer {
        self.ask(&delete.request, fact)
    }

    /// What is wrong with the answer to a delete that succeeds.
    pub(crate) fn deleted(&self, delete: &Delete, fact: &Fact, answer: &Answer) -> Vec<String> {
        let told = (&delete.says, delete.ids.as_deref());
        self.wrong(told, std::slice::from_ref(fact), fact, answer)
    }

    /// What is wrong with an answer that says this of a link, told or not.
    pub(crate) fn says(&self, said: &Said, fact: &Fact, answer: &Answer) -> Vec<String> {
        let facts = if said.status < 300 {
            &[fact.clone()][..]
        } else {
            &[]
        };
        self.wrong((said, Some("")), facts, fact, answer)
    }

    /// The id of a link, from a list of the user's links.
    pub(crate) fn link_id(&mut self, fact: &Fact) -> Option<String> {
        let client = self.client;
        let read = client.list()?;
        let answer = self.ask(&read.request, fact);
        self.link_in(&answer, read.ids.as_deref(), fact)
    }

    fn link_in(&self, answer: &Answer, ids: Option<&str>, fact: &Fact) -> Option<String> {
        let (link_at, subject_at) = self.client.link_at.as_ref()?;
        let json = answer.json().ok()?;
        let place = json.pointer(ids?)?;
        let is_meant = |link: &&Value| {
            link.pointer(subject_at).and_then(Value::as_str) == Some(&*fact.subject)
        };
        let link = match place.as_array() {
            Some(links) => links.iter().find(is_meant)?,
            None => place,
        };
        link.pointer(link_at)?.as_str().map(str::to_owned)
    }

    /// Compares an answer with what has to be said of these links; `about` is the link that was asked for.
    fn wrong(
        &self,
        (said, ids): (&Said, Option<&str>),
        facts: &[Fact],
        about: &Fact,
        answer: &Answer,
    ) -> Vec<String> {
        let values = |fact: &Fact| {
            let mut values = self.values(fact);
            if fact.link.is_none() {
                let link = self.link_in(answer, ids, fact);
                values.set_opt("link", link.as_deref());
            }
            values
        };
        let filled = || -> Result<Option<String>, String> {
            let mut whole = values(about);
            whole.set("count", facts.len().to_string());
            for (name, part) in &self.client.parts {
                let told = facts.iter().map(|fact| values(fact).fill_json(part));
                let told = told.collect::<Result<Vec<_>, _>>()?;
                whole.set_part(name, told.into_iter().flatten().collect());
            }
            match &said.body {
                Some(body) => Ok(whole.fill_json(body)?.map(|body| body.to_string())),
                None => Ok(None),
            }
        };
        let body = match filled() {
            Ok(body) => body,
            Err(error) => return vec![format!("{error} in {}", answer.text())],
        };
        let mut headers = Vec::new();
        if said.status >= 400 && body.is_some() {
            headers.push(("Content-Type".to_owned(), self.client.errors.clone()));
        }
        let expected = Expected {
            status: said.status,
            headers,
            body,
        };
        compare(&self.house, &expected, answer).0
    }
}
