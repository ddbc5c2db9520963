//! Scopes: what a client may do, and which operation needs what.
//!
//! Creating a link grants a login: that is why create, delete and read are separate.

use crate::model::OperationKind;

macro_rules! scopes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),* $(,)?) => {
        /// One thing that a client may be allowed to do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Scope { $($(#[$doc])* $variant),* }

        impl Scope {
            /// Every scope.
            pub const ALL: &'static [Scope] = &[$(Scope::$variant),*];
            /// The words of the configuration, in the order of [`Scope::ALL`].
            pub const NAMES: &'static [&'static str] = &[$($name),*];
            /// The scope of this name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Scope::$variant),)* _ => None }
            }
        }
    };
}

scopes! {
    /// See links.
    LinksRead = "links.read",
    /// See the tokens of links; without it the member is absent from answers.
    LinksReadToken = "links.read_token",
    /// Make links.
    LinksCreate = "links.create",
    /// Take links away.
    LinksDelete = "links.delete",
    /// See pending links.
    PendingRead = "pending.read",
    /// Make links of pending ones.
    PendingComplete = "pending.complete",
    /// Keep links that wait for their user.
    PendingCreate = "pending.create",
    /// See providers.
    ProvidersRead = "providers.read",
    /// See users.
    UsersRead = "users.read",
    /// Make, change and delete users.
    UsersWrite = "users.write",
    /// Say which vendor's id is which user. Aliases are authority.
    DirectoryWrite = "directory.write",
}

/// The scopes of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u16);

impl Scopes {
    /// Whether `scope` is among them.
    #[must_use]
    pub fn has(self, scope: Scope) -> bool {
        self.0 & bit(scope) != 0
    }

    /// Those that are among both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Their names.
    #[must_use]
    pub fn names(self) -> Vec<String> {
        let named = Scope::ALL.iter().zip(Scope::NAMES);
        let held = named.filter(|(scope, _)| self.has(**scope));
        held.map(|(_, name)| (*name).to_owned()).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | bit(scope)))
    }
}

fn bit(scope: Scope) -> u16 {
    1 << (scope as u16)
}

/// The scopes that an operation needs, all of them; none if anybody may ask.
#[must_use]
pub fn needed(operation: OperationKind) -> &'static [Scope] {
    use OperationKind as K;
    match operation {
        K::LinkCreate => &[Scope::LinksCreate],
        K::LinkGet | K::LinkFind | K::LinkList => &[Scope::LinksRead],
        K::LinkDelete => &[Scope::LinksDelete],
        K::PendingCreate => &[Scope::PendingCreate],
        K::PendingGet => &[Scope::PendingRead],
        K::PendingComplete => &[Scope::PendingComplete],
        K::ProviderList | K::ProviderGet => &[Scope::ProvidersRead],
        K::UserGet | K::UserList => &[Scope::UsersRead],
        K::UserPut | K::UserCreate | K::UserUpdate => &[Scope::UsersWrite],
        // The user's links and ids go with it.
        K::UserDelete => &[Scope::UsersWrite, Scope::LinksDelete, Scope::DirectoryWrite],
        K::UserAlias => &[Scope::DirectoryWrite],
        // Who asks for a token has no scopes before it is known who that is.
        K::Status | K::TokenIssue | K::TokenDescribe => &[],
    }
}

/// What a request has that not every request of its operation has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Besides {
    /// The answer has room for the links of users.
    pub tells_links: bool,
    /// Links are to be made.
    pub makes_links: bool,
    /// Users get ids at vendors.
    pub names_ids: bool,
    /// Attributes of the user are to be written.
    pub writes_attributes: bool,
}

/// The scopes that this needs, all of them, besides those of the operation. Without `links.read`, a
/// write is carried out and does not tell links; a read is refused.
pub fn needed_besides(operation: OperationKind, besides: Besides) -> impl Iterator<Item = Scope> {
    use OperationKind as K;
    let is_read = !operation.writes();
    let of_users = matches!(
        operation,
        K::UserGet | K::UserList | K::UserPut | K::UserCreate | K::UserUpdate
    );
    [
        (besides.tells_links && of_users && is_read, Scope::LinksRead),
        (besides.makes_links, Scope::LinksCreate),
        (besides.names_ids, Scope::DirectoryWrite),
        (besides.writes_attributes, Scope::UsersWrite),
    ]
    .into_iter()
    .filter_map(|(is_needed, scope)| is_needed.then_some(scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_has_its_own_bit_and_finds_itself_by_name() {
        for (scope, name) in Scope::ALL.iter().zip(Scope::NAMES) {
            assert_eq!(Scope::named(name), Some(*scope));
            let only: Scopes = [*scope].into_iter().collect();
            assert_eq!(Scope::ALL.iter().filter(|s| only.has(**s)).count(), 1);
        }
    }

    #[test]
    fn no_write_is_free() {
        for kind in OperationKind::ALL {
            assert!(
                !kind.writes() || !needed(*kind).is_empty(),
                "{} needs a scope",
                kind.name()
            );
        }
    }

    #[test]
    fn what_a_request_has_besides_needs_scopes_of_its_own() {
        use OperationKind as K;
        let needed = |kind, besides| needed_besides(kind, besides).collect::<Vec<_>>();
        let all = Besides {
            tells_links: true,
            makes_links: true,
            names_ids: true,
            writes_attributes: true,
        };
        for kind in [K::UserGet, K::UserList] {
            let tells_links = Besides {
                tells_links: true,
                ..Besides::default()
            };
            assert_eq!(needed(kind, tells_links), [Scope::LinksRead]);
            assert_eq!(needed(kind, Besides::default()), []);
        }
        for kind in [K::UserPut, K::UserCreate, K::UserUpdate, K::LinkCreate] {
            assert_eq!(
                needed(kind, all),
                [Scope::LinksCreate, Scope::DirectoryWrite, Scope::UsersWrite]
            );
        }
    }
}
