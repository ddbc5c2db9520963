//! The order in which the rows of a batch are carried out.
//!
//! Users in the order of their ids find the pages of the indexes where the user before left them, which
//! makes a large import of users in any order about as fast as one in order. Rows that have something
//! to do with each other keep the order of the file, in which the first one wins.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::Row;
use crate::model::id::uuid_in_lower_case;

/// The indexes of the rows: first those that nothing else in the batch concerns, by tenant and user;
/// then the others as they stand. Also how many the first ones are.
pub(super) fn order(rows: &[Row]) -> (Vec<usize>, usize) {
    let entangled = entangled(rows);
    let apart = entangled.iter().filter(|entangled| !**entangled).count();
    let mut order: Vec<(bool, usize)> = entangled.into_iter().zip(0..).collect();
    order.sort_by_cached_key(|(entangled, index)| {
        let apart = rows.get(*index).filter(|_| !entangled);
        (
            *entangled,
            apart.map(|row| (row.tenant.clone(), row.user_id.clone())),
            *index,
        )
    });
    (order.into_iter().map(|(_, index)| index).collect(), apart)
}

/// Which rows name a user or an id that another row names too. Two that only seem to, because their
/// hashes meet, lose nothing by it.
fn entangled(rows: &[Row]) -> Vec<bool> {
    let hasher = RandomState::new();
    let user = |row: &Row, id: &str| hasher.hash_one((row.tenant.as_str(), id));
    let mut entangled = vec![false; rows.len()];
    let mut mark = |one: usize, other: usize| {
        for index in [one, other].into_iter().filter(|_| one != other) {
            if let Some(flag) = entangled.get_mut(index) {
                *flag = true;
            }
        }
    };
    let mut first: HashMap<u64, usize> = HashMap::with_capacity(rows.len() * 3);
    for (index, row) in rows.iter().enumerate() {
        let ids = row.ids.iter().map(|alias| {
            let id = uuid_in_lower_case(&alias.vendor_id);
            hasher.hash_one((row.tenant.as_str(), alias.vendor.as_str(), &*id))
        });
        for name in ids.chain([user(row, row.user_id.as_str())]) {
            mark(*first.entry(name).or_insert(index), index);
        }
    }
    // Whether an id is free also depends on whether it is somebody's canonical one.
    for (index, row) in rows.iter().enumerate() {
        for alias in &row.ids {
            let owner = first.get(&user(row, &uuid_in_lower_case(&alias.vendor_id)));
            mark(owner.copied().unwrap_or(index), index);
        }
    }
    entangled
}
