//! Where a list of users goes on, as it is kept between two runs.
//!
//! A list that goes on by a number moves when users are taken away: whoever stood after them comes
//! earlier, and would be missed. So each page begins with the last user of the one before. If somebody else
//! stands there, the scan goes back a page.

use crate::model::Failure;

/// How often in a row a scan goes back. A list that moves faster than it is read has no order.
const MAX_BACK: u64 = 5;

/// Where a list of users goes on.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cursor {
    /// With what the IdP has named.
    Next(String),
    /// After so many users.
    Offset(Offset),
}

/// A place by number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Offset {
    /// How many users stand before it.
    pub(super) offset: u64,
    /// How often in a row the scan went back.
    pub(super) back: u64,
    /// Who must stand there first.
    pub(super) last: Option<String>,
}

/// What follows from a page.
#[derive(Debug, PartialEq)]
pub(super) struct Onward {
    /// How many of its users were on the page before.
    pub(super) known: usize,
    /// Where it goes on; `None` after the last page.
    pub(super) next: Option<Offset>,
}

impl Cursor {
    pub(super) fn written(&self) -> String {
        match self {
            Cursor::Next(next) => format!("next {next}"),
            Cursor::Offset(at) => {
                let last = at.last.as_deref().unwrap_or_default();
                format!("offset {} {} {last}", at.offset, at.back)
            }
        }
    }

    pub(super) fn read(text: &str) -> Result<Self, ()> {
        match text.split_once(' ').ok_or(())? {
            ("next", next) => Ok(Cursor::Next(next.to_owned())),
            ("offset", rest) => {
                let mut parts = rest.splitn(3, ' ');
                let mut number = || parts.next().and_then(|n| n.parse().ok()).ok_or(());
                let (offset, back) = (number()?, number()?);
                let last = parts.next().filter(|last| !last.is_empty());
                Ok(Cursor::Offset(Offset {
                    offset,
                    back,
                    last: last.map(str::to_owned),
                }))
            }
            _ => Err(()),
        }
    }
}

impl Offset {
    /// What follows from the page that begins here, by the vendor's ids of its users. `total`: how many
    /// users there are, if the IdP says so.
    pub(super) fn step(
        &self,
        ids: &[&str],
        total: Option<u64>,
        limit: u64,
    ) -> Result<Onward, Failure> {
        let known = match &self.last {
            None => 0,
            // Users who came before it push it on; what stands before it then is known.
            Some(last) => match ids.iter().position(|id| id == last) {
                Some(index) => index + 1,
                None => return self.back(limit),
            },
        };
        let end = self.offset.saturating_add(ids.len() as u64);
        let has_more = match total {
            Some(total) => end < total && !ids.is_empty(),
            None => ids.len() as u64 >= limit,
        };
        // With one user a page, the last of the one before would be all of it.
        let next = match ids.last().filter(|_| has_more) {
            None => None,
            Some(_) if limit < 2 => Some(Offset {
                offset: end,
                ..Offset::default()
            }),
            Some(last) => Some(Offset {
                offset: end.saturating_sub(1),
                // Only a page that goes on from the one before shows that the list has an order.
                back: if self.last.is_some() { 0 } else { self.back },
                last: Some((*last).to_owned()),
            }),
        };
        // A server that answers less than it is asked for must not keep a scan in one place.
        match &next {
            Some(next) if next.offset <= self.offset && next.last == self.last => {
                Err(Failure::UpstreamRefused)
            }
            _ => Ok(Onward { known, next }),
        }
    }

    fn back(&self, limit: u64) -> Result<Onward, Failure> {
        if self.back >= MAX_BACK {
            return Err(Failure::Conflict);
        }
        // Further with each time.
        let pages = limit.saturating_mul(self.back + 1);
        Ok(Onward {
            known: usize::MAX,
            next: Some(Offset {
                offset: self.offset.saturating_sub(pages),
                back: self.back + 1,
                last: None,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let at = |last: Option<&str>| {
            Cursor::Offset(Offset {
                offset: 7,
                back: 1,
                last: last.map(str::to_owned),
            })
        };
        for cursor in [
            Cursor::Next("a b c".to_owned()),
            Cursor::Next(String::new()),
            at(None),
            at(Some("u 1")),
        ] {
            assert_eq!(Cursor::read(&cursor.written()), Ok(cursor));
        }
        for text in ["", "next", "offset", "offset 1", "offset a 1 x", "ann"] {
            assert_eq!(Cursor::read(text), Err(()), "{text}");
        }
    }

    /// Reads a list to its end by pages; `change` happens to it before each page.
    fn read_all(
        mut list: Vec<u32>,
        limit: u64,
        tells_total: bool,
        mut change: impl FnMut(usize, &mut Vec<u32>),
    ) -> Result<Vec<u32>, Failure> {
        let (mut at, mut seen) = (Offset::default(), Vec::new());
        for page in 0..1000 {
            change(page, &mut list);
            let from = list.iter().skip(usize::try_from(at.offset).unwrap());
            let answer: Vec<u32> = from
                .take(usize::try_from(limit).unwrap())
                .copied()
                .collect();
            let ids: Vec<String> = answer.iter().map(u32::to_string).collect();
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let total = tells_total.then_some(list.len() as u64);
            let step = at.step(&ids, total, limit)?;
            seen.extend(answer.get(step.known..).unwrap_or_default());
            match step.next {
                Some(next) => at = next,
                None => return Ok(seen),
            }
        }
        panic!("no end");
    }

    #[test]
    fn a_list_at_rest_is_read_once() {
        for tells_total in [true, false] {
            for limit in [1, 2, 3, 10] {
                for n in [0, 1, 2, 3, 9, 10, 11, 30] {
                    let list: Vec<u32> = (0..n).collect();
                    let seen = read_all(list.clone(), limit, tells_total, |_, _| ());
                    assert_eq!(seen, Ok(list), "{n} by {limit}, {tells_total}");
                }
            }
        }
    }

    #[test]
    fn nobody_is_missed_when_others_are_taken_away_or_added() {
        for tells_total in [true, false] {
            for (from, count, at) in [(0, 1, 1), (0, 4, 2), (3, 2, 1), (0, 9, 2), (9, 1, 1)] {
                let stays = |n: &u32| !(from..from + count).contains(n);
                let seen = read_all((0..50).collect(), 10, tells_total, |page, list| {
                    if page == at {
                        list.retain(stays);
                    }
                });
                let seen = seen.unwrap();
                let is_seen = |n: u32| seen.contains(&n);
                assert!(
                    (0..50).filter(stays).all(is_seen),
                    "{from} {count} {at}: {seen:?}"
                );
            }
            let seen = read_all((0..50).collect(), 10, tells_total, |page, list| {
                if page == 2 {
                    list.splice(0..0, [100, 101, 102]);
                }
            });
            assert!((0..50).all(|n| seen.as_ref().unwrap().contains(&n)));
        }
    }

    #[test]
    fn a_list_without_order_is_no_list() {
        let seen = read_all((0..50).collect(), 10, true, |page, list| {
            for n in list.iter_mut() {
                *n += 1000 * u32::try_from(page).unwrap();
            }
        });
        assert_eq!(seen, Err(Failure::Conflict));
    }
}
