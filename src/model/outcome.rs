//! Outcomes: what an operation answers when it succeeds.

use super::{Link, PendingLink, Provider, User};

/// How a link came into an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It was made by this operation.
    Created,
    /// It was there already, as asked.
    Existed,
    /// It was looked up.
    Found,
}

impl How {
    /// The word that mappings use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            How::Created => "created",
            How::Existed => "existed",
            How::Found => "found",
        }
    }
}

/// The tenant's limit of links per user and provider, as a pending link tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkLimit {
    /// The most links.
    pub max: u32,
}

/// What an operation answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// One link.
    Link {
        /// The link.
        link: Link,
        /// Made, there already, or looked up.
        how: How,
    },
    /// Several links: those of a user, or those that were removed.
    Links {
        /// The links of the page.
        links: Vec<Link>,
        /// How many there are in all.
        total: u64,
    },
    /// A pending link.
    Pending {
        /// The pending link.
        pending: PendingLink,
        /// How many links the user has at its provider, if a user was named.
        link_count: Option<u64>,
        /// The tenant's limit there, if it has one.
        limit: Option<LinkLimit>,
    },
    /// One provider.
    Provider(Provider),
    /// Several providers.
    Providers {
        /// The providers of the page.
        providers: Vec<Provider>,
        /// How many there are in all.
        total: u64,
    },
    /// One user, and whether this operation made it.
    User {
        /// The user.
        user: User,
        /// The user's links, oldest first, if they were asked for.
        links: Vec<Link>,
        /// Made by this operation.
        created: bool,
    },
    /// Several users.
    Users {
        /// The users of the page, each with the links, if they were asked for.
        users: Vec<(User, Vec<Link>)>,
        /// How many there are in all.
        total: u64,
        /// Whether others come after this page.
        more: bool,
    },
    /// Whether linkbridge can serve writes.
    Status {
        /// Ready to write.
        ready: bool,
    },
}
