//! Who may be known already: users by their canonical ids, and by those that vendors know them by.
//!
//! Hardly any id of a large import is anybody's yet. Asking the indexes, where the id may be anywhere, is
//! dear; these filters answer from a fixed amount of memory. They may take a stranger for a user, who is
//! then looked for, but never a user for a stranger.

use std::hash::{BuildHasher, RandomState};

use rusqlite::Connection;

/// Bits of the filter of users, a power of two: 16 MiB, which is about right for ten million of them.
const USER_BITS: u64 = 1 << 27;

/// Bits of the filter of vendors' ids: users have several.
const ID_BITS: u64 = 1 << 28;

/// How many bits each entry sets.
const PROBES: u64 = 4;

/// The users of the store and their ids, as far as bits can tell.
pub(super) struct Owners {
    hasher: RandomState,
    users: Bits,
    ids: Bits,
}

impl Owners {
    /// Those who are in the directory, those who hold links, and every id of the former.
    pub(super) fn load(conn: &Connection) -> rusqlite::Result<Self> {
        let mut owners = Self {
            hasher: RandomState::new(),
            users: Bits::new(USER_BITS),
            ids: Bits::new(ID_BITS),
        };
        for table in ["users", "links"] {
            let sql = format!("SELECT tenant, user_id FROM {table} ORDER BY tenant, user_id");
            let mut statement = conn.prepare(&sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                owners.add_user(row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
            }
        }
        let mut statement = conn.prepare("SELECT tenant, vendor, vendor_id FROM user_aliases")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?);
            owners.add_id(text(0)?, text(1)?, text(2)?);
        }
        Ok(owners)
    }

    /// Adds a user.
    pub(super) fn add_user(&mut self, tenant: &str, user: &str) {
        self.users.set(self.hasher.hash_one((tenant, user)));
    }

    /// Adds an id, as it stands in the store.
    pub(super) fn add_id(&mut self, tenant: &str, vendor: &str, id: &str) {
        self.ids.set(self.hasher.hash_one((tenant, vendor, id)));
    }

    /// Whether such a user may be known; if not, there is none, and nobody holds a link under this id.
    pub(super) fn may_have_user(&self, tenant: &str, user: &str) -> bool {
        self.users.may_have(self.hasher.hash_one((tenant, user)))
    }

    /// Whether somebody may have this id at a vendor; if not, nobody has.
    pub(super) fn may_have_id(&self, tenant: &str, vendor: &str, id: &str) -> bool {
        self.ids
            .may_have(self.hasher.hash_one((tenant, vendor, id)))
    }
}

/// A Bloom filter over hashes.
struct Bits {
    words: Vec<u64>,
    /// A power of two.
    bits: u64,
}

impl Bits {
    fn new(bits: u64) -> Self {
        let words = usize::try_from(bits / 64).unwrap_or_default();
        let words = vec![0; words];
        Self { words, bits }
    }

    fn set(&mut self, hash: u64) {
        for (word, bit) in self.places(hash) {
            if let Some(word) = self.words.get_mut(word) {
                *word |= bit;
            }
        }
    }

    fn may_have(&self, hash: u64) -> bool {
        let is_set = |(word, bit): (usize, u64)| self.words.get(word).is_none_or(|w| w & bit != 0);
        self.places(hash).all(is_set)
    }

    fn places(&self, hash: u64) -> impl Iterator<Item = (usize, u64)> + use<> {
        // Two halves of one hash are as good as many hashes; an odd step comes to every bit.
        let (bits, step) = (self.bits, (hash >> 32) | 1);
        (0..PROBES).map(move |probe| {
            let place = hash.wrapping_add(probe.wrapping_mul(step)) % bits;
            (
                usize::try_from(place / 64).unwrap_or(usize::MAX),
                1 << (place % 64),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_forgotten_and_few_are_made_up() {
        let conn = crate::backend::embedded::schema::in_memory();
        conn.execute_batch(
            "INSERT INTO users (seq, tenant, user_id, created_at, updated_at) VALUES (1, 'acme', 'ann', 0, 0);
             INSERT INTO user_aliases VALUES ('acme', 'v', '7', 'ann');
             INSERT INTO links VALUES (1, x'00', 'acme', 'bob', 'p', 's', NULL, NULL, NULL, 0, 0, NULL, 1, NULL);",
        )
        .unwrap();
        let mut owners = Owners::load(&conn).unwrap();
        assert!(owners.may_have_user("acme", "ann") && owners.may_have_user("acme", "bob"));
        assert!(!owners.may_have_user("other", "ann") && !owners.may_have_user("acme", "cid"));
        assert!(owners.may_have_id("acme", "v", "7"));
        assert!(!owners.may_have_id("acme", "w", "7") && !owners.may_have_id("other", "v", "7"));
        let name = |n: u32| format!("user-{n}");
        (0..100_000).for_each(|n| owners.add_user("acme", &name(n)));
        assert!((0..100_000).all(|n| owners.may_have_user("acme", &name(n))));
        let strangers = (100_000..200_000).filter(|n| owners.may_have_user("acme", &name(*n)));
        assert!(strangers.count() < 10);
    }
}
