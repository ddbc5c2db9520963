//! ZITADEL's links: what adds and removes them is told at once, what lists them lags behind.

use std::time::Instant;

use serde_json::{Value, json};

use super::super::Answer;
use super::says::{self, Error, Message};
use super::{Asks, Idp, Link, Page, Right, User, Zitadel, key};

impl Zitadel {
    pub(super) fn add(&mut self, asks: &Asks, user: &str, body: &[u8]) -> Result<Answer, Answer> {
        const NAME: &str = "AddIDPLinkRequest";
        let message = Message::read(body)?;
        if !says::fits(user) {
            return Err(says::length(NAME, "UserId", None));
        }
        let link = message.message("idpLink")?;
        if let Some(link) = &link {
            for (name, field) in [
                ("idpId", "IdpId"),
                ("userId", "UserId"),
                ("userName", "UserName"),
            ] {
                if !says::fits(link.text(name)?) {
                    let inner = format!("IDPLink.{field}");
                    return Err(says::length(NAME, "IdpLink", Some(&inner)));
                }
            }
        }
        let known = self.users.get(user).ok_or(says::NO_USER_TO_LINK.answer())?;
        let organisation = known.organisation.clone();
        Self::may(&asks.caller, Right::Write, &organisation, Some(user)).map_err(Error::answer)?;
        let link = link.ok_or(says::NO_IDP_TO_LINK.answer())?;
        let [idp, subject, name] = [
            link.text("idpId")?,
            link.text("userId")?,
            link.text("userName")?,
        ];
        let found = self.idps.get(idp);
        let is_usable = |idp: &&Idp| idp.organisation.as_ref().is_none_or(|o| *o == organisation);
        found
            .filter(is_usable)
            .ok_or(says::NO_IDP_TO_LINK.answer())?;
        if !self.taken.insert(key(idp, subject)) {
            return Err(says::TAKEN.answer());
        }
        let link = Link {
            idp: idp.to_owned(),
            subject: subject.to_owned(),
            name: name.to_owned(),
            made: Some(asks.now),
            gone: None,
        };
        self.links.entry(user.to_owned()).or_default().push(link);
        Ok(self.written(&organisation, asks.now))
    }

    pub(super) fn remove(
        &mut self,
        asks: &Asks,
        user: &str,
        idp: &str,
        subject: &str,
    ) -> Result<Answer, Answer> {
        for (text, field) in [(user, "UserId"), (idp, "IdpId"), (subject, "LinkedUserId")] {
            if !says::fits(text) {
                return Err(says::length("RemoveIDPLinkRequest", field, None));
            }
        }
        let mut links = self.links.get_mut(user).into_iter().flatten();
        let is_meant = |l: &&mut Link| l.gone.is_none() && l.idp == idp && l.subject == subject;
        let found = links.find(is_meant).ok_or(says::NO_LINK.answer())?;
        let organisation = self.users.get(user).map(|user| user.organisation.clone());
        let organisation = organisation.unwrap_or_default();
        Self::may(&asks.caller, Right::Write, &organisation, Some(user)).map_err(Error::answer)?;
        found.gone = Some(asks.now);
        self.taken.remove(&key(idp, subject));
        Ok(self.written(&organisation, asks.now))
    }

    /// The links that a list shows of a user now.
    fn shown(&mut self, user: &str, now: Instant) -> Vec<Link> {
        let view = now.checked_sub(self.lag);
        let Some(links) = self.links.get_mut(user) else {
            return Vec::new();
        };
        // What is gone for longer than lists lag is never shown again.
        links.retain(|link| {
            link.gone
                .is_none_or(|gone| view.is_none_or(|view| gone > view))
        });
        let there = links.iter().filter(|link| link.was_there(view));
        // The order is not promised, so it is one that nobody expects.
        there.rev().cloned().collect()
    }

    pub(super) fn list(&mut self, asks: &Asks, user: &str, body: &[u8]) -> Result<Answer, Answer> {
        let query = Message::read(body)?.message("query")?;
        if !says::fits(user) {
            return Err(says::length("ListIDPLinksRequest", "UserId", None));
        }
        let page = Page::read(query.as_ref())?;
        let known = self.users.get(user).map(|user| user.organisation.clone());
        let may = |organisation: &String| {
            Self::may(&asks.caller, Right::Read, organisation, Some(user)).is_ok()
        };
        let links = match known.filter(may) {
            Some(_) => self.shown(user, asks.now),
            None => Vec::new(),
        };
        let total = links.len();
        let result = page.of(links).into_iter().map(
            |link| json!({ "idpId": link.idp, "userId": link.subject, "userName": link.name }),
        );
        let result: Vec<Value> = result.collect();
        Ok(self.listed(asks.now, "timestamp", total, result))
    }

    pub(super) fn list_v1(
        &mut self,
        asks: &Asks,
        user: &str,
        body: &[u8],
    ) -> Result<Answer, Answer> {
        self.may_v1(asks, Right::Read)?;
        let query = Message::read(body)?.message("query")?;
        let page = Page::read(query.as_ref())?;
        let is_here = |user: &&User| user.organisation == asks.organisation;
        let links = match self.users.get(user).filter(is_here) {
            Some(_) => self.shown(user, asks.now),
            None => Vec::new(),
        };
        let total = links.len();
        let result = page.of(links).into_iter().map(|link| {
            let idp = self.idps.get(&link.idp);
            json!({
                "userId": user,
                "idpId": link.idp,
                "idpName": idp.map(|idp| &idp.name),
                "providedUserId": link.subject,
                "providedUserName": link.name,
                "idpType": idp.map(|idp| &idp.kind),
            })
        });
        let result: Vec<Value> = result.collect();
        Ok(self.listed(asks.now, "viewTimestamp", total, result))
    }

    pub(super) fn remove_v1(
        &mut self,
        asks: &Asks,
        user: &str,
        idp: &str,
        subject: &str,
    ) -> Result<Answer, Answer> {
        self.may_v1(asks, Right::Write)?;
        let is_here = |user: &&User| user.organisation == asks.organisation;
        let is_here = self.users.get(user).filter(is_here).is_some();
        match is_here {
            true => self.remove(asks, user, idp, subject),
            false => Err(says::NO_LINK.answer()),
        }
    }
}
