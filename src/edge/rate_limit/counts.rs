//! The limits by name, and how often each has refused.

use std::sync::atomic::AtomicU64;

macro_rules! policies {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $count:ident);* $(;)?) => {
        /// A limit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Policy { $($(#[$doc])* $variant),* }

        impl Policy {
            /// Every limit.
            pub const ALL: &'static [Policy] = &[$(Policy::$variant),*];
            /// How `RateLimit` calls it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Policy::$variant => $name),* }
            }
        }

        /// How many requests and items each limit has refused since the process has begun.
        #[derive(Debug, Default)]
        pub struct Counts { $($(#[$doc])* pub $count: AtomicU64),* }

        impl Counts {
            /// The count of one limit.
            #[must_use]
            pub fn of(&self, policy: Policy) -> &AtomicU64 {
                match policy { $(Policy::$variant => &self.$count),* }
            }
        }
    };
}

policies! {
    /// Requests of everybody.
    Global = "global", global;
    /// Requests of a source address.
    Source = "source", source;
    /// Failed authentications of a source address.
    FailedAuth = "failed-auth", failed_auth;
    /// Failed attempts to get a token in one name.
    FailedToken = "failed-token", failed_token;
    /// Requests and items of a client.
    Client = "client", client;
    /// Those of them that read.
    ClientRead = "client-read", client_read;
    /// Those of them that make or change something.
    ClientCreate = "client-create", client_create;
    /// Those of them that take something away.
    ClientDelete = "client-delete", client_delete;
    /// Requests and items of a tenant.
    Tenant = "tenant", tenant;
    /// What reads, at one front.
    FrontRead = "front-read", front_read;
    /// What makes or changes something, at one front.
    FrontCreate = "front-create", front_create;
    /// What takes something away, at one front.
    FrontDelete = "front-delete", front_delete;
    /// Everything else at one front.
    FrontOther = "front-other", front_other;
    /// Changes of what one user has.
    User = "user-changes", user;
    /// What a client takes away.
    Deletes = "delete-budget", deletes;
}
