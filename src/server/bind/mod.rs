//! From params to an [`Action`]: texts become ids, and what does not fit becomes a problem.
//!
//! The ids of users and providers have been translated by the directory before; here the rest is
//! refined, so that a decoded operation needs no further checking.

mod documents;
mod users;
mod values;

use self::values::{fault, invalid, subject};
pub(super) use self::values::{need_subject, no_random, problem, told, too_long};
use super::ids::{Account, Among, Ids, is_among};
use crate::directory::Directory;
use crate::edge::keys;
use crate::model::{
    Action, Failure, Field, Instant, LinkId, OperationKind, Page, Problem, ProviderId,
    ProviderKind, PutMode, Record, Secret, Target, UserId, Why,
};

/// Builds actions of one request's params.
pub(super) struct Binder<'a> {
    /// The params.
    pub(super) params: &'a Record,
    /// Their ids in the canonical form.
    pub(super) ids: &'a Ids,
    /// Which vendors there are.
    pub(super) directory: &'a Directory,
    /// The members of a user's document that are spoken of; none if it is all of them.
    pub(super) members: &'a [String],
    /// Whether users are answered with their links.
    pub(super) with_links: bool,
    /// When a pending link that is made now ends.
    pub(super) pending_ends: Instant,
}

impl Binder<'_> {
    /// The action that `kind` means with these params.
    ///
    /// # Errors
    /// `Invalid` for values that do not fit; `LinkNotFound` for what cannot be a link's id or account;
    /// `Overloaded` if there are no random numbers.
    pub(super) fn action(&self, kind: OperationKind) -> Result<Action, Failure> {
        use OperationKind as K;
        Ok(match kind {
            K::LinkCreate => Action::LinkCreate {
                user_id: self.user()?,
                provider_id: self.provider()?,
                subject: need_subject(self.params)?,
                display_name: self.text(Field::DisplayName),
                token: self.text(Field::Token).map(Secret::new),
                attributes: self.attributes()?,
            },
            K::LinkGet => Action::LinkGet {
                link_id: self.link_id()?,
                user_id: self.ids.user.clone(),
            },
            K::LinkFind => Action::LinkFind {
                provider_id: self.provider()?,
                // No link has an account that cannot be linked.
                subject: need_subject(self.params).map_err(|_| Failure::LinkNotFound)?,
                user_id: self.ids.user.clone(),
            },
            K::LinkList => Action::LinkList {
                user_id: self.user()?,
                provider_id: self.ids.provider.clone(),
                subject: subject(self.params)?,
                page: self.page()?,
            },
            K::LinkDelete => Action::LinkDelete(self.target()?),
            K::PendingCreate => self.pending_create()?,
            K::PendingGet => Action::PendingGet {
                pending_id: self.pending_id()?,
                user_id: self.ids.user.clone(),
            },
            K::PendingComplete => Action::PendingComplete {
                pending_id: self.pending_id()?,
                user_id: self.user()?,
            },
            K::ProviderList => Action::ProviderList {
                name: self.text(Field::ProviderName),
                kind: self.provider_kind()?,
                page: self.page()?,
            },
            K::ProviderGet => Action::ProviderGet {
                provider_id: self.ids.provider.clone(),
                domain: self.text(Field::Domain),
            },
            K::UserGet => Action::UserGet {
                user_id: self.user()?,
                links: self.with_links,
            },
            K::UserPut => self.user_put(PutMode::Either)?,
            K::UserCreate => self.user_put(PutMode::Create)?,
            K::UserUpdate => self.user_put(PutMode::Update)?,
            K::UserList => self.user_list()?,
            K::UserDelete => Action::UserDelete {
                user_id: self.user()?,
            },
            K::UserAlias => self.user_alias()?,
            K::Status => Action::Status,
            // They are answered before anything is bound: no backend knows of tokens.
            K::TokenIssue | K::TokenDescribe => {
                return Err(Failure::Unsupported { operation: kind });
            }
        })
    }

    /// What is wrong with the values themselves, whatever the ids mean.
    pub(super) fn problems(&self, kind: OperationKind) -> Vec<Problem> {
        use OperationKind as K;
        let mut problems = match kind {
            K::LinkCreate | K::LinkFind | K::PendingCreate => told(need_subject(self.params)),
            // An account that nobody can have is not there, which is told in its turn.
            K::UserList => Vec::new(),
            K::LinkDelete if is_among(kind, self.params) => Vec::new(),
            _ => told(subject(self.params)),
        };
        problems.extend(too_long(self.params));
        match kind {
            K::LinkCreate => problems.extend(told(self.attributes())),
            K::UserPut | K::UserCreate | K::UserUpdate => problems.extend(told(self.document())),
            _ => {}
        }
        problems
    }

    fn pending_create(&self) -> Result<Action, Failure> {
        Ok(Action::PendingCreate {
            pending_id: keys::random_id().map_err(|_| no_random())?,
            provider_id: self.provider()?,
            subject: need_subject(self.params)?,
            display_name: self.text(Field::DisplayName),
            email: self.text(Field::Email),
            username: self.text(Field::Username),
            token: self.text(Field::Token).map(Secret::new),
            expires_at: self.pending_ends,
        })
    }

    fn target(&self) -> Result<Target, Failure> {
        if self.params.has(Field::LinkId) {
            return Ok(Target::Id {
                link_id: self.link_id()?,
                user_id: self.ids.user.clone(),
            });
        }
        let user_id = self.user()?;
        if let Some(Among { providers, account }) = &self.ids.among {
            return Ok(Target::Among {
                user_id,
                providers: providers.clone(),
                account: match account {
                    Account::Named(provider, subject) => Some((provider.clone(), subject.clone())),
                    Account::Unnamed | Account::Impossible => None,
                },
            });
        }
        let provider_id = self.provider()?;
        Ok(match subject(self.params)? {
            Some(subject) => Target::Exact {
                user_id,
                provider_id,
                subject,
            },
            None => Target::AtProvider {
                user_id,
                provider_id,
                all: self.params.text(Field::Many) == Some("all"),
            },
        })
    }

    fn user(&self) -> Result<UserId, Failure> {
        let user = self.ids.user.clone();
        user.ok_or_else(|| invalid(Field::UserId, Why::Missing, None))
    }

    fn provider(&self) -> Result<ProviderId, Failure> {
        let provider = self.ids.provider.clone();
        provider.ok_or_else(|| invalid(Field::ProviderId, Why::Missing, None))
    }

    fn link_id(&self) -> Result<LinkId, Failure> {
        let text = self.need_text(Field::LinkId)?;
        LinkId::parse(&text).ok_or(Failure::LinkNotFound)
    }

    fn pending_id(&self) -> Result<Secret, Failure> {
        match self.params.text(Field::PendingId) {
            Some(text) if !text.trim().is_empty() => Ok(Secret::new(text)),
            // No pending link has such an id, however it came here.
            _ => Err(Failure::PendingNotFound),
        }
    }

    fn provider_kind(&self) -> Result<Option<ProviderKind>, Failure> {
        let Some(text) = self.params.text(Field::ProviderKind) else {
            return Ok(None);
        };
        let kind = ProviderKind::named(text);
        kind.map(Some)
            .ok_or_else(|| invalid(Field::ProviderKind, Why::UnknownValue, None))
    }

    fn page(&self) -> Result<Page, Failure> {
        let part = |field| match self.params.int(field) {
            None => Ok(None),
            Some(n) => u64::try_from(n)
                .map(Some)
                .map_err(|_| invalid(field, Why::Malformed, None)),
        };
        Ok(Page {
            offset: part(Field::PageOffset)?.unwrap_or(0),
            limit: part(Field::PageLimit)?,
        })
    }

    fn text(&self, field: Field) -> Option<String> {
        self.params.text(field).map(str::to_owned)
    }

    fn need_text(&self, field: Field) -> Result<String, Failure> {
        match self.params.text(field) {
            None => Err(invalid(field, Why::Missing, None)),
            Some(text) if text.trim().is_empty() => Err(invalid(field, Why::Blank, None)),
            Some(text) => Ok(text.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
