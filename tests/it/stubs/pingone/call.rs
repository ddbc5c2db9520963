//! One request in an environment: who may do it, what it does.

use serde_json::{Value, json};

use super::super::Request;
use super::shapes::{Fault, Place, uuid};
use super::{Environment, Link, Provider, Role, Told, User};

/// The media type of a link that is made.
const LINK: &str = "application/vnd.pingidentity.account.link+json";

/// One request in its environment.
pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    pub(super) environment: &'a mut Environment,
    pub(super) place: Place,
    pub(super) role: Role,
    pub(super) most: usize,
    pub(super) created: u16,
    pub(super) minted: &'a mut u64,
}

impl Call<'_> {
    pub(super) fn route(&mut self, rest: &[&str]) -> Told {
        let request = self.request;
        // The platform takes the method from a header, too.
        let method = match (
            request.method.as_str(),
            request.header("x-http-method-override"),
        ) {
            ("POST", Some(other)) => other,
            (method, _) => method,
        };
        match (method, rest) {
            ("GET", ["identityProviders"]) => self.may_read(None).map(|()| self.providers()),
            ("GET", ["identityProviders", id]) => {
                self.may_read(None).and_then(|()| self.provider(id))
            }
            ("GET", ["users"]) => self.may_read(None).and_then(|()| self.users()),
            ("GET", ["users", id]) => {
                self.may_read(Some(id))?;
                let user = self.user(id)?;
                Ok((200, Some(self.place.user(id, user))))
            }
            ("GET", ["users", id, "identityProvider"]) => {
                self.may_read(Some(id))?;
                let user = self.user(id)?;
                Ok((200, Some(self.place.authority(id, user))))
            }
            ("PUT", ["users", id, "identityProvider"]) => {
                self.may_write(id)?;
                self.own(id)
            }
            ("GET", ["users", id, "linkedAccounts"]) => {
                self.may_read(Some(id))?;
                self.may_touch_links(id)?;
                Ok((200, Some(self.links(id))))
            }
            ("GET", ["users", id, "linkedAccounts", link]) => {
                self.may_read(Some(id))?;
                self.may_touch_links(id)?;
                let at = self.position(id, link)?;
                Ok((200, Some(self.expanded_link(at))))
            }
            ("POST", ["users", id, "linkedAccounts"]) => {
                self.may_write(id)?;
                self.user(id)?;
                self.link(id)
            }
            ("DELETE", ["users", id, "linkedAccounts", link]) => {
                self.may_write(id)?;
                self.may_touch_links(id)?;
                let at = self.position(id, link)?;
                self.environment.links.remove(at);
                Ok((204, None))
            }
            (_, ["identityProviders"] | ["identityProviders", _] | ["users"] | ["users", _]) => {
                Err(Fault::method("GET"))
            }
            (_, ["users", _, "identityProvider"]) => Err(Fault::method("GET, PUT")),
            (_, ["users", _, "linkedAccounts"]) => Err(Fault::method("GET, POST")),
            (_, ["users", _, "linkedAccounts", _]) => Err(Fault::method("GET, DELETE")),
            _ => Err(Fault::not_found()),
        }
    }

    fn may_read(&self, user: Option<&str>) -> Result<(), Fault> {
        match &self.role {
            Role::Admin | Role::Reader => Ok(()),
            Role::User(themself) if user == Some(themself) => Ok(()),
            Role::User(_) | Role::Nothing => Err(Fault::forbidden()),
        }
    }

    fn may_write(&self, user: &str) -> Result<(), Fault> {
        match &self.role {
            Role::Admin => Ok(()),
            Role::User(themself) if user == themself => Ok(()),
            _ => Err(Fault::forbidden()),
        }
    }

    /// Users whose account belongs to another provider may not touch their links themselves.
    fn may_touch_links(&self, user: &str) -> Result<(), Fault> {
        let is_owned = self.user(user)?.authority.is_some();
        match self.role {
            Role::User(_) if is_owned => Err(Fault::forbidden()),
            _ => Ok(()),
        }
    }

    fn user(&self, id: &str) -> Result<&User, Fault> {
        self.environment.users.get(id).ok_or_else(Fault::not_found)
    }

    /// Gives a user's account to a provider, or back to the vendor.
    fn own(&mut self, id: &str) -> Told {
        self.user(id)?;
        let body = self.request.json().unwrap_or_default();
        let owner = body.get("id").and_then(Value::as_str);
        let authority = match owner {
            None => None,
            Some(owner) => {
                let mut providers = self.environment.providers.iter();
                let found = providers.find(|p| p.id == owner);
                let detail = || Fault::detail("INVALID_VALUE", "id", None);
                let found = found.ok_or_else(|| Fault::data(vec![detail()]))?;
                Some((found.id.clone(), found.kind.clone()))
            }
        };
        let user = self.environment.users.get_mut(id).unwrap();
        user.authority = authority;
        Ok((200, Some(self.place.authority(id, self.user(id)?))))
    }

    fn expands(&self) -> bool {
        let mut words = self.request.params("expand").flat_map(|all| all.split(','));
        words.any(|word| word.trim() == "identityProviders")
    }

    /// The providers of some links, each once.
    fn expansion(&self, links: &[&Link]) -> Option<Vec<Value>> {
        let is_meant = |provider: &&Provider| links.iter().any(|l| l.provider == provider.id);
        let providers = self.environment.providers.iter().filter(is_meant);
        let shown = providers.map(|provider| self.place.linked_provider(provider));
        self.expands().then(|| shown.collect())
    }

    fn links(&self, user: &str) -> Value {
        let links = self.environment.links.iter();
        let links: Vec<&Link> = links.filter(|link| link.user == user).collect();
        let shown: Vec<Value> = links.iter().map(|link| self.place.link(link)).collect();
        let n_links = shown.len();
        let mut embedded = json!({});
        if let Some(providers) = self.expansion(&links) {
            embedded["identityProviders"] = providers.into();
        }
        embedded["linkedAccounts"] = shown.into();
        json!({
            "_links": { "self": { "href": self.place.of_user(user, "linkedAccounts") } },
            "_embedded": embedded,
            "count": n_links,
            "size": n_links,
        })
    }

    fn expanded_link(&self, at: usize) -> Value {
        let link = &self.environment.links[at];
        let mut shown = self.place.link(link);
        if let Some(providers) = self.expansion(&[link]) {
            shown["_embedded"] = json!({ "identityProviders": providers });
        }
        shown
    }

    /// Where a link stands, if it is this user's.
    fn position(&self, user: &str, link: &str) -> Result<usize, Fault> {
        let mut links = self.environment.links.iter();
        let at = links.position(|l| l.id == link && l.user == user);
        at.ok_or_else(Fault::not_found)
    }

    fn link(&mut self, user: &str) -> Told {
        let media_type = self.request.media_type().unwrap_or_default();
        if !media_type.eq_ignore_ascii_case(LINK) {
            return Err(Fault::media_type());
        }
        let body = self.request.json().filter(Value::is_object);
        let body = body.ok_or_else(Fault::no_json)?;
        let details = self.problems(&body);
        if !details.is_empty() {
            return Err(Fault::data(details));
        }
        let text = |at: &str| body.pointer(at).and_then(Value::as_str).unwrap().to_owned();
        let (provider, subject) = (text("/identityProvider/id"), text("/externalId"));
        let mut links = self.environment.links.iter();
        if let Some(held) = links.find(|l| l.provider == provider && l.subject == subject) {
            let known = json!({ "existingId": held.id });
            let detail = Fault::detail("UNIQUENESS_VIOLATION", "externalId", Some(known));
            return Err(Fault::data(vec![detail]));
        }
        *self.minted += 1;
        let link = Link {
            id: uuid(u128::from(*self.minted) | 0x71e4 << 96),
            user: user.to_owned(),
            provider,
            subject,
        };
        self.write_attributes(user, &body);
        let mut shown = self.place.link(&link);
        self.environment.links.push(link);
        shown["_embedded"] = json!({ "user": self.place.user(user, self.user(user)?) });
        Ok((self.created, Some(shown)))
    }

    fn problems(&self, body: &Value) -> Vec<Value> {
        let mut details = Vec::new();
        for (at, target) in [
            ("/identityProvider/id", "identityProvider.id"),
            ("/externalId", "externalId"),
        ] {
            let code = match body.pointer(at) {
                None | Some(Value::Null) => "REQUIRED_VALUE",
                Some(Value::String(text)) if text.is_empty() => "EMPTY_VALUE",
                Some(Value::String(id)) => {
                    let mut providers = self.environment.providers.iter();
                    if target == "externalId" || providers.any(|p| p.id == *id) {
                        continue;
                    }
                    "INVALID_VALUE"
                }
                Some(_) => "INVALID_VALUE",
            };
            details.push(Fault::detail(code, target, None));
        }
        let attributes = body.get("attributes").and_then(Value::as_object);
        for (name, said) in attributes.into_iter().flatten() {
            let update = said.get("update").and_then(Value::as_str);
            if !matches!(update, None | Some("EMPTY_ONLY" | "ALWAYS")) {
                let inner = json!({ "allowedValues": ["EMPTY_ONLY", "ALWAYS"] });
                let target = format!("attributes.{name}.update");
                details.push(Fault::detail("INVALID_VALUE", &target, Some(inner)));
            }
        }
        details
    }

    fn write_attributes(&mut self, user: &str, body: &Value) {
        let attributes = body.get("attributes").and_then(Value::as_object);
        let user = self.environment.users.get_mut(user).unwrap();
        for (path, said) in attributes.into_iter().flatten() {
            let (parent, name) = match path.split_once('.') {
                Some((parent, name)) => {
                    let parent = user.document.entry(parent).or_insert_with(|| json!({}));
                    (parent.as_object_mut().unwrap(), name)
                }
                None => (&mut user.document, path.as_str()),
            };
            let always = said.get("update").and_then(Value::as_str) == Some("ALWAYS");
            let value = said.get("value").cloned().unwrap_or_default();
            if always || parent.get(name).is_none_or(|v| v.is_null() || v == "") {
                parent.insert(name.to_owned(), value);
            }
        }
    }
}
