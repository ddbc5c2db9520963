//! The four operations of linked identities.

use serde_json::{Value, json};

use super::super::{Answer, Request};
use super::{Flip, Generation, Linked, Provider, Said, problem};

impl Flip {
    pub(super) fn linkable(&self) -> Answer {
        let told: Vec<_> = self.providers.iter().map(reference).collect();
        Answer::json(200, json!({ "providers": told }))
    }

    fn provider(&self, alias: &str) -> Option<&Provider> {
        self.providers
            .iter()
            .find(|provider| provider.alias == alias)
    }

    fn known(&self, generation: Generation, user: &str) -> Result<String, Answer> {
        let user = user.to_ascii_lowercase();
        if self.users.contains(&user) {
            return Ok(user);
        }
        let title = (404, "User not found");
        Err(problem(generation, title, Some("USER_NOT_FOUND"), None))
    }

    pub(super) fn list(&self, request: &Request, generation: Generation, user: &str) -> Said {
        let actions = embeds_actions(request, generation)?;
        let user = self.known(generation, user)?;
        let link = self.links.get(&user);
        let items: Vec<_> = link.iter().map(|link| self.told(link, actions)).collect();
        let mut told = json!({ "items": items });
        if actions {
            told["actions"] = json!({ "create": { "allowed": link.is_none() } });
        }
        Ok(Answer::json(200, told))
    }

    pub(super) fn link(&mut self, request: &Request, generation: Generation, user: &str) -> Said {
        let actions = embeds_actions(request, generation)?;
        let user = self.known(generation, user)?;
        let wanted = linked(request, generation)?;
        if self.provider(&wanted.provider).is_none() {
            let title = (400, "The identity provider does not exist");
            let code = Some("INVALID_IDENTITY_PROVIDER");
            return Err(problem(generation, title, code, Some("provider_id")));
        }
        let status = match self.links.get(&user) {
            None => 201,
            // The same again is no error; the name that was given first stays.
            Some(there) if is_same(there, &wanted) => 200,
            Some(_) => {
                let title = (400, "User is already linked to an identity provider");
                let code = Some("USER_ALREADY_LINKED");
                return Err(problem(generation, title, code, None));
            }
        };
        let link = self.links.entry(user).or_insert(wanted).clone();
        Ok(Answer::json(status, self.told(&link, actions)))
    }

    pub(super) fn unlink(&mut self, generation: Generation, user: &str, alias: &str) -> Said {
        let user = self.known(generation, user)?;
        let is_meant = |link: &Linked| link.provider == alias;
        if !self.links.get(&user).is_some_and(is_meant) {
            let title = (404, "There is no such linked identity");
            return Err(problem(generation, title, None, None));
        }
        let removed = self.links.remove(&user);
        Ok(match generation {
            Generation::V3 => Answer::json(200, json!(removed.map(|link| self.told(&link, false)))),
            Generation::V4 => Answer::empty(200),
        })
    }

    fn told(&self, link: &Linked, actions: bool) -> Value {
        let provider = self.provider(&link.provider).map(reference);
        let mut told = json!({
            "provider": provider,
            "linked_user_id": link.user_id,
            "linked_username": link.username,
        });
        if actions {
            told["actions"] = json!({ "delete": { "allowed": true } });
        }
        told
    }
}

fn reference(provider: &Provider) -> Value {
    json!({ "id": provider.alias, "name": provider.name, "active": provider.active })
}

fn is_same(a: &Linked, b: &Linked) -> bool {
    (&a.provider, &a.user_id) == (&b.provider, &b.user_id)
}

/// Whether actions are asked for; each generation has another name for the parameter.
fn embeds_actions(request: &Request, generation: Generation) -> Result<bool, Answer> {
    let name = match generation {
        Generation::V3 => "_embed",
        Generation::V4 => "embed",
    };
    let mut values = request.params(name).flat_map(|value| value.split(','));
    if values.any(|value| value != "ACTIONS") {
        let title = (400, "This cannot be embedded");
        return Err(problem(
            generation,
            title,
            Some("VALIDATION_ERROR"),
            Some(name),
        ));
    }
    Ok(request.param(name).is_some())
}

fn linked(request: &Request, generation: Generation) -> Result<Linked, Answer> {
    let invalid = |field: Option<&str>| {
        let title = (400, "The request is not valid");
        problem(generation, title, Some("VALIDATION_ERROR"), field)
    };
    let Some(Value::Object(body)) = request.json() else {
        return Err(invalid(None));
    };
    let member = |name: &str| match body.get(name) {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.clone()),
        _ => Err(invalid(Some(name))),
    };
    Ok(Linked {
        provider: member("provider_id")?,
        user_id: member("linked_user_id")?,
        username: member("linked_username")?,
    })
}
