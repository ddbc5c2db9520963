//! The thread that reads a file and makes batches of it, ahead of the one that writes them.

use std::ops::Range;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use super::input::Records;
use super::known::Known;
use crate::backend::embedded::import::{Batch, Verdict};

/// How many batches may wait. One is read while another is written; more would only take memory.
const AHEAD: usize = 1;

/// The most bytes of a batch: documents are long.
const MAX_BYTES: usize = 64 << 20;

/// What the reading thread hands over.
pub(super) enum Piece {
    /// Records that belong into one transaction.
    Chunk(Chunk),
    /// There are no more.
    End,
    /// The file cannot be read any further.
    Broken(std::io::Error),
}

/// Records, and what the store needs of them.
pub(super) struct Chunk {
    pub(super) batch: Batch,
    text: Vec<u8>,
    entries: Vec<Entry>,
}

/// One record.
struct Entry {
    line: u64,
    text: Range<usize>,
    /// Why it is no row.
    fault: Option<String>,
}

/// A record that was refused.
pub(super) struct Refused<'a> {
    pub(super) line: u64,
    pub(super) text: &'a [u8],
    pub(super) reason: String,
}

impl Chunk {
    /// The records that were refused, as rows or before they were rows, in the order of the file.
    pub(super) fn refused<'a>(
        &'a self,
        verdicts: &'a [Verdict],
        reason: impl Fn(&'a Verdict) -> Option<String> + 'a,
    ) -> impl Iterator<Item = Refused<'a>> {
        let mut verdicts = verdicts.iter();
        self.entries.iter().filter_map(move |entry| {
            let reason = match &entry.fault {
                Some(fault) => Some(fault.clone()),
                None => verdicts.next().and_then(&reason),
            };
            Some(Refused {
                line: entry.line,
                text: self.text.get(entry.text.clone()).unwrap_or_default(),
                reason: reason?,
            })
        })
    }
}

/// Starts to read. The thread ends with the file or when nobody takes what it has read; one that waits
/// for a pipe is left behind when the process ends.
pub(super) fn start(
    mut records: Box<dyn Records>,
    known: Known,
    rows: usize,
) -> std::io::Result<Receiver<Piece>> {
    let (pieces, receiver) = sync_channel(AHEAD);
    let read = move || {
        loop {
            let piece = match chunk(&mut *records, &known, rows) {
                Ok(Some(chunk)) => Piece::Chunk(chunk),
                Ok(None) => Piece::End,
                Err(error) => Piece::Broken(error),
            };
            let is_last = !matches!(piece, Piece::Chunk(_));
            if pieces.send(piece).is_err() || is_last {
                return;
            }
        }
    };
    thread::Builder::new()
        .name("import-reader".to_owned())
        .spawn(read)?;
    Ok(receiver)
}

/// The next records; `None` at the end.
fn chunk(records: &mut dyn Records, known: &Known, limit: usize) -> std::io::Result<Option<Chunk>> {
    let (mut text, mut entries, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    while entries.len() < limit && text.len() < MAX_BYTES {
        let Some(record) = records.next(known)? else {
            break;
        };
        let start = text.len();
        text.extend_from_slice(record.raw);
        entries.push(Entry {
            line: record.line,
            text: start..text.len(),
            fault: record
                .row
                .map(|row| rows.push(row))
                .map_err(String::from)
                .err(),
        });
    }
    if entries.is_empty() {
        return Ok(None);
    }
    let unreadable = entries.len().saturating_sub(rows.len()) as u64;
    Ok(Some(Chunk {
        batch: Batch::new(rows, unreadable, records.position()),
        text,
        entries,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::input::testing::bytes;
    use super::super::jsonl::Lines;
    use super::super::known::testing::known;
    use super::*;
    use crate::backend::embedded::import::{Done, Position, Refusal};

    #[test]
    fn refusals_of_the_reader_and_of_the_store_come_in_the_order_of_the_file() {
        let text = b"{\"user_id\":\"a\"}\nx\n{\"user_id\":\"b\"}\n{\"user_id\":\"c\"}\ny\n";
        let mut lines = Lines::new(bytes(text, 100), Position::default());
        let known = known(&["acme"], None);
        let first = chunk(&mut lines, &known, 4).unwrap().unwrap();
        let verdicts = [
            Ok(Done::Unchanged),
            Err(Refusal::Canonical),
            Ok(Done::Unchanged),
        ];
        let reason = |verdict: &Verdict| verdict.as_ref().err().map(|_| "no".to_owned());
        let refused: Vec<_> = first
            .refused(&verdicts, reason)
            .map(|refused| (refused.line, refused.text.to_vec(), refused.reason))
            .collect();
        assert_eq!(refused.len(), 2);
        assert_eq!((refused[0].0, &refused[0].1[..]), (2, &b"x"[..]));
        assert_eq!(
            refused[1],
            (3, b"{\"user_id\":\"b\"}".to_vec(), "no".to_owned())
        );
        let second = chunk(&mut lines, &known, 4).unwrap().unwrap();
        assert_eq!(second.refused(&[], reason).count(), 1);
        assert!(chunk(&mut lines, &known, 4).unwrap().is_none());
    }
}
