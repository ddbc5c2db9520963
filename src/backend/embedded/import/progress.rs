//! How far an import has come. The store remembers it beside the rows, in the same transactions.

use rusqlite::{Connection, OptionalExtension};

use super::{Done, Verdict};

/// A place in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Bytes before it.
    pub offset: u64,
    /// Lines before it.
    pub lines: u64,
}

/// What became of the rows of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows that are so now, whether they were before or not.
    pub accepted: u64,
    /// Users that were made.
    pub users: u64,
    /// Ids that were added and had been nobody's.
    pub ids: u64,
    /// Ids that were moved.
    pub moved: u64,
    /// Accepted rows that were so before.
    pub unchanged: u64,
    /// Rows that were refused.
    pub refused: u64,
}

impl Tally {
    fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Ok(Done::Unchanged) => {
                self.accepted += 1;
                self.unchanged += 1;
            }
            Ok(Done::Written {
                created,
                ids,
                moved,
            }) => {
                self.accepted += 1;
                self.users += u64::from(*created);
                self.ids += ids;
                self.moved += moved;
            }
            Err(_) => self.refused += 1,
        }
    }
}

/// How far an import has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Everything before this place is done.
    pub until: Position,
    /// What became of it.
    pub tally: Tally,
}

/// Under which name the store keeps the progress of a file.
fn name(file: &[u8; 32]) -> String {
    let hex: String = file.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("import {hex}")
}

impl Progress {
    /// The progress after more rows; `unreadable` lines among them were refused before they were rows.
    pub(super) fn after(mut self, verdicts: &[Verdict], unreadable: u64, until: Position) -> Self {
        verdicts.iter().for_each(|verdict| self.tally.add(verdict));
        self.tally.refused += unreadable;
        self.until = until;
        self
    }

    /// Remembers it.
    pub(super) fn keep(&self, conn: &Connection, file: &[u8; 32]) -> rusqlite::Result<()> {
        conn.execute(
            "INSERT INTO meta (name, value) VALUES (?1, CAST(?2 AS BLOB)) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name(file), self.to_text()),
        )
        .map(drop)
    }

    /// What is remembered of a file. A note that cannot be read is as good as none: a row that was
    /// imported already is unchanged the second time.
    pub(super) fn recall(conn: &Connection, file: &[u8; 32]) -> rusqlite::Result<Option<Self>> {
        let text: Option<Option<String>> = conn
            .query_row(
                "SELECT CAST(value AS TEXT) FROM meta WHERE name = ?1",
                [name(file)],
                |row| Ok(row.get(0).ok()),
            )
            .optional()?;
        Ok(text.flatten().and_then(|text| Self::of_text(&text)))
    }

    /// Forgets the file.
    pub(super) fn forget(conn: &Connection, file: &[u8; 32]) -> rusqlite::Result<()> {
        conn.execute("DELETE FROM meta WHERE name = ?1", [name(file)])
            .map(drop)
    }

    fn to_text(self) -> String {
        let Self { until, tally } = self;
        [
            until.offset,
            until.lines,
            tally.accepted,
            tally.users,
            tally.ids,
            tally.moved,
            tally.unchanged,
            tally.refused,
        ]
        .map(|number| number.to_string())
        .join(" ")
    }

    fn of_text(text: &str) -> Option<Self> {
        let numbers: Vec<u64> = text
            .split(' ')
            .map(|number| number.parse().ok())
            .collect::<Option<_>>()?;
        let [
            offset,
            lines,
            accepted,
            users,
            ids,
            moved,
            unchanged,
            refused,
        ] = numbers.try_into().ok()?;
        Some(Self {
            until: Position { offset, lines },
            tally: Tally {
                accepted,
                users,
                ids,
                moved,
                unchanged,
                refused,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_nothing_else_is_one() {
        let progress = Progress {
            until: Position {
                offset: u64::MAX,
                lines: 2,
            },
            tally: Tally {
                accepted: 3,
                users: 4,
                ids: 5,
                moved: 6,
                unchanged: 7,
                refused: 8,
            },
        };
        let text = progress.to_text();
        assert_eq!(Progress::of_text(&text), Some(progress));
        for other in ["", "1 2 3", "1 2 3 4 5 6 7 x", &format!("{text} 9")] {
            assert_eq!(Progress::of_text(other), None, "{other}");
        }
    }
}
