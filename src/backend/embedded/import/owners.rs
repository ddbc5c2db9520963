//! Which ids may be the canonical one of a known user.
//!
//! Whether an id is free also depends on that, and hardly any is. Asking the indexes, where the id may
//! be anywhere, is dear; this filter answers from a fixed amount of memory. It may take a stranger for a
//! user, who is then looked for, but never a user for a stranger.

use std::hash::{BuildHasher, RandomState};

use rusqlite::Connection;

/// Bits of the filter, a power of two: 16 MiB, which is about right for ten million users.
const BITS: u64 = 1 << 27;

/// How many of them each user sets.
const PROBES: u64 = 4;

/// The users of the store, as far as bits can tell.
pub(super) struct Owners {
    hasher: RandomState,
    words: Vec<u64>,
}

impl Owners {
    /// Those who are in the directory, and those who hold links.
    pub(super) fn load(conn: &Connection) -> rusqlite::Result<Self> {
        let words = usize::try_from(BITS / 64).unwrap_or_default();
        let mut owners = Self {
            hasher: RandomState::new(),
            words: vec![0; words],
        };
        for table in ["users", "links"] {
            let sql = format!("SELECT tenant, user_id FROM {table} ORDER BY tenant, user_id");
            let mut statement = conn.prepare(&sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                owners.add(row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
            }
        }
        Ok(owners)
    }

    /// Adds a user.
    pub(super) fn add(&mut self, tenant: &str, user: &str) {
        for (word, bit) in self.places(tenant, user) {
            if let Some(word) = self.words.get_mut(word) {
                *word |= bit;
            }
        }
    }

    /// Whether such a user may be known; if not, there is none.
    pub(super) fn may_have(&self, tenant: &str, user: &str) -> bool {
        let is_set = |(word, bit): (usize, u64)| self.words.get(word).is_none_or(|w| w & bit != 0);
        self.places(tenant, user).all(is_set)
    }

    /// The bits of a user.
    fn places(&self, tenant: &str, user: &str) -> impl Iterator<Item = (usize, u64)> + use<> {
        let hash = self.hasher.hash_one((tenant, user));
        // Two halves of one hash are as good as many hashes; an odd step comes to every bit.
        let (start, step) = (hash, (hash >> 32) | 1);
        (0..PROBES).map(move |probe| {
            let place = start.wrapping_add(probe.wrapping_mul(step)) % BITS;
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
        let conn = Connection::open_in_memory().unwrap();
        crate::backend::embedded::schema::migrate(&conn, std::path::Path::new("memory")).unwrap();
        conn.execute_batch(
            "INSERT INTO users (seq, tenant, user_id, created_at, updated_at) VALUES (1, 'acme', 'ann', 0, 0);
             INSERT INTO links VALUES (1, x'00', 'acme', 'bob', 'p', 's', NULL, NULL, NULL, 0, 0, NULL, 1, NULL);",
        )
        .unwrap();
        let mut owners = Owners::load(&conn).unwrap();
        assert!(owners.may_have("acme", "ann") && owners.may_have("acme", "bob"));
        assert!(!owners.may_have("other", "ann") && !owners.may_have("acme", "cid"));
        let name = |n: u32| format!("user-{n}");
        (0..100_000).for_each(|n| owners.add("acme", &name(n)));
        assert!((0..100_000).all(|n| owners.may_have("acme", &name(n))));
        let strangers = (100_000..200_000).filter(|n| owners.may_have("acme", &name(*n)));
        assert!(strangers.count() < 10);
    }
}
