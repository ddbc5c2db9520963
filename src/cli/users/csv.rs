//! CSV as RFC 4180 describes it, record by record, with bounded memory.

use std::io::BufRead;

use csv_core::{ReadRecordResult, Reader};

use super::columns::Columns;
use super::input::{self, Bytes, Fault, MAX_RECORD, Record, Records};
use super::known::Known;
use crate::backend::embedded::import::Position;

/// The most fields of a record.
const MAX_FIELDS: usize = 1024;

/// Splits a file into records and these into fields.
pub(super) struct Splitter {
    bytes: Bytes,
    reader: Reader,
    /// What the fields of the last record hold, one behind the other, and where each ends.
    text: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
    raw: Vec<u8>,
    is_too_long: bool,
    has_too_many: bool,
    position: Position,
}

impl Splitter {
    /// The records from `position` on, which is where `bytes` start.
    pub(super) fn new(bytes: Bytes, position: Position) -> Self {
        let mut reader = Reader::new();
        // A parser that has read something looks for no byte order mark: where we start, none is due.
        reader.read_record(b"\n", &mut [0], &mut [0]);
        Self {
            bytes,
            reader,
            text: vec![0; MAX_RECORD],
            ends: vec![0; MAX_FIELDS],
            count: 0,
            raw: Vec::new(),
            is_too_long: false,
            has_too_many: false,
            position,
        }
    }

    /// Goes to the next record; answers the line that it starts on, or `None` at the end.
    pub(super) fn next(&mut self) -> std::io::Result<Option<u64>> {
        self.raw.clear();
        (self.is_too_long, self.has_too_many) = (false, false);
        let mut line = self.position.lines + 1;
        let (mut size, mut length, mut fields) = (0, 0, 0);
        // What does not fit is read all the same, to find the end.
        let (mut waste, mut more_waste) = ([0; 4096], [0; 64]);
        loop {
            let chunk = self.bytes.fill_buf()?;
            let text = match self.text.get_mut(length..) {
                Some(room) if !room.is_empty() => room,
                _ => &mut waste,
            };
            let ends = match self.ends.get_mut(fields..) {
                Some(room) if !room.is_empty() => room,
                _ => &mut more_waste,
            };
            let (result, read, written, ended) = self.reader.read_record(chunk, text, ends);
            let mut chunk = chunk.get(..read).unwrap_or_default();
            self.position.offset += read as u64;
            self.position.lines += input::line_ends(chunk);
            // Empty lines before a record, and what is left of the end of the line before it, are no
            // part of it.
            if size == 0 {
                let start = chunk.iter().take_while(|byte| is_line_end(**byte)).count();
                let (before, rest) = chunk.split_at_checked(start).unwrap_or_default();
                line += input::line_ends(before);
                chunk = rest;
            }
            size += chunk.len();
            input::keep(&mut self.raw, chunk);
            let (is_last, is_return) = (chunk.is_empty(), chunk.last() == Some(&b'\r'));
            self.bytes.consume(read);
            length += written;
            fields += ended;
            match result {
                ReadRecordResult::Record => {
                    self.end_line(is_last, is_return)?;
                    break;
                }
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.is_too_long = true,
                ReadRecordResult::OutputEndsFull => self.has_too_many = true,
            }
        }
        self.is_too_long |= size > MAX_RECORD;
        self.count = fields.min(MAX_FIELDS);
        let end = self
            .raw
            .iter()
            .rev()
            .take_while(|b| is_line_end(**b))
            .count();
        self.raw.truncate(self.raw.len().saturating_sub(end));
        Ok(Some(line))
    }

    /// Counts the line that a record ends. One at the end of the file may lack its mark, and the parser
    /// leaves half of one in two bytes.
    fn end_line(&mut self, is_last: bool, is_return: bool) -> std::io::Result<()> {
        if is_return && self.bytes.fill_buf()?.first() == Some(&b'\n') {
            self.bytes.consume(1);
            self.position.offset += 1;
            self.position.lines += 1;
        } else if is_last {
            self.position.lines += 1;
        }
        Ok(())
    }

    /// The record as it stands, as far as it was kept.
    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The place after the record.
    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// The first field, if there are more, whatever else is wrong with the record.
    pub(super) fn first_of_several(&self) -> Option<&str> {
        let end = self.ends.first().filter(|_| self.count > 1)?;
        std::str::from_utf8(self.text.get(..*end)?).ok()
    }

    /// The fields.
    ///
    /// # Errors
    /// Why the record has none that could be trusted.
    pub(super) fn fields(&self) -> Result<Vec<&str>, String> {
        if self.is_too_long {
            let hint = if self.raw.contains(&b'"') {
                " (is a quote left open?)"
            } else {
                ""
            };
            return Err(format!("is longer than {MAX_RECORD} bytes{hint}"));
        }
        if self.has_too_many {
            return Err(format!("has more than {MAX_FIELDS} fields"));
        }
        if self.raw.contains(&b'"') && !has_sound_quotes(&self.raw) {
            return Err(
                "has a quote where none may be: a field with quotes is quoted, and they are doubled"
                    .to_owned(),
            );
        }
        let mut start = 0;
        let fields = self.ends.iter().take(self.count).map(|end| {
            let field = self.text.get(start..*end).unwrap_or_default();
            start = *end;
            std::str::from_utf8(field).map_err(|_| "is not UTF-8".to_owned())
        });
        fields.collect()
    }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Whether quotes enclose whole fields, and are doubled inside them. The parser takes others as they
/// come; an id that was not meant so decides whose account it is.
fn has_sound_quotes(record: &[u8]) -> bool {
    #[derive(PartialEq)]
    enum State {
        Start,
        Plain,
        Quoted,
        Closed,
    }
    let mut state = State::Start;
    for byte in record {
        state = match (state, byte) {
            (State::Start | State::Closed, b'"') => State::Quoted,
            (State::Quoted, b'"') => State::Closed,
            (State::Quoted, _) => State::Quoted,
            (_, b',') => State::Start,
            (State::Start | State::Plain, byte) if *byte != b'"' => State::Plain,
            (State::Start | State::Plain | State::Closed, _) => return false,
        };
    }
    state != State::Quoted
}

/// A CSV file of users.
pub(super) struct Csv {
    splitter: Splitter,
    columns: Columns,
}

impl Csv {
    /// Reads the header.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn open(
        mut splitter: Splitter,
        known: &Known,
    ) -> std::io::Result<Result<Self, String>> {
        if splitter.next()?.is_none() {
            return Ok(Err("there is no header line".to_owned()));
        }
        let header = splitter
            .fields()
            .map_err(|fault| format!("the header {fault}"));
        let columns = header.and_then(|header| Columns::read(&header, known));
        Ok(columns.map(|columns| Self { splitter, columns }))
    }

    /// The same columns, with other records below them.
    pub(super) fn over(self, splitter: Splitter) -> Self {
        Self { splitter, ..self }
    }
}

impl Records for Csv {
    fn next(&mut self, known: &Known) -> std::io::Result<Option<Record<'_>>> {
        let Some(line) = self.splitter.next()? else {
            return Ok(None);
        };
        let fields = self.splitter.fields();
        let draft = fields.and_then(|fields| self.columns.draft(&fields));
        let row = draft.and_then(|draft| known.row(draft));
        Ok(Some(Record {
            line,
            raw: self.splitter.raw(),
            row: row.map_err(Fault::Refused),
        }))
    }

    fn position(&self) -> Position {
        self.splitter.position()
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
