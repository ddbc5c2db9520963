//! The file of an import: its format, what it is known by, and its bytes.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use sha2::{Digest, Sha256};

use super::known::Known;
use crate::backend::embedded::import::{Position, Row};

/// The longest record that is read, in bytes. A body of the native API may be as long.
pub(super) const MAX_RECORD: usize = 256 * 1024;

/// How much is read at once.
const CHUNK: usize = 256 * 1024;

/// What an editor may put at the start of a file: the byte order mark in UTF-8.
const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// How users stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object on each line.
    Jsonl,
}

/// Bytes of a file or of standard input.
pub(super) type Bytes = BufReader<Box<dyn Read + Send>>;

/// What is read of one record.
pub(super) struct Record<'a> {
    /// The line that it starts on.
    pub(super) line: u64,
    /// The record as it stands, or the first [`MAX_RECORD`] bytes of it.
    pub(super) raw: &'a [u8],
    /// The row that it means.
    pub(super) row: Result<Row, Fault>,
}

/// Why a record is no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It names what is not known, as each record of the file may: the file is meant for something else.
    Unknown(String),
    /// It is refused, and the others need not be.
    Refused(String),
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unknown(text) | Fault::Refused(text) => text,
        }
    }
}

/// Records of a file, one after the other.
pub(super) trait Records: Send {
    /// The next record; `None` at the end.
    fn next(&mut self, known: &Known) -> std::io::Result<Option<Record<'_>>>;

    /// The place after the last record.
    fn position(&self) -> Position;
}

/// What is to be imported.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// `None` is standard input.
    path: Option<PathBuf>,
    pub(super) format: Format,
}

impl Input {
    /// The file that the command line names.
    pub(super) fn new(name: &Path, format: Option<Format>) -> Result<Self, String> {
        let path = (name != Path::new("-")).then(|| name.to_owned());
        let extension = name.extension().and_then(|extension| extension.to_str());
        let of_name = match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("csv") => Some(Format::Csv),
            Some("jsonl" | "ndjson") => Some(Format::Jsonl),
            _ => None,
        };
        let format = format.or(of_name).ok_or_else(|| {
            format!(
                "{}: its name does not say what it holds: give `--format csv` or `--format jsonl`",
                name.display()
            )
        })?;
        Ok(Self { path, format })
    }

    /// Its name, for messages.
    pub(super) fn name(&self) -> String {
        match &self.path {
            Some(path) => path.display().to_string(),
            None => "standard input".to_owned(),
        }
    }

    /// The length of a file that can be read more than once; `None` for a pipe, which cannot.
    pub(super) fn length(&self) -> Result<Option<u64>, String> {
        let Some(path) = &self.path else {
            return Ok(None);
        };
        let data = std::fs::metadata(path).map_err(|e| self.unreadable(&e))?;
        if data.is_dir() {
            return Err(format!("{}: this is a directory", self.name()));
        }
        Ok(data.is_file().then_some(data.len()))
    }

    /// What the file is known by, wherever it lies: its bytes, and what decides what they mean.
    pub(super) fn identity(&self, tenant: Option<&str>) -> Result<[u8; 32], String> {
        let mut hash = Sha256::new();
        hash.update(format!(
            "{:?}\0{}\0",
            self.format,
            tenant.unwrap_or_default()
        ));
        let mut bytes = self.bytes(0)?;
        loop {
            let chunk = bytes.fill_buf().map_err(|e| self.unreadable(&e))?;
            if chunk.is_empty() {
                return Ok(hash.finalize().into());
            }
            hash.update(chunk);
            let length = chunk.len();
            bytes.consume(length);
        }
    }

    /// Its bytes from `offset` on.
    pub(super) fn bytes(&self, offset: u64) -> Result<Bytes, String> {
        let source: Box<dyn Read + Send> = match &self.path {
            None => Box::new(std::io::stdin()),
            Some(path) => {
                let mut file = File::open(path).map_err(|e| self.unreadable(&e))?;
                if offset > 0 {
                    file.seek(SeekFrom::Start(offset))
                        .map_err(|e| self.unreadable(&e))?;
                }
                Box::new(file)
            }
        };
        Ok(BufReader::with_capacity(CHUNK, source))
    }

    pub(super) fn unreadable(&self, error: &std::io::Error) -> String {
        format!("{} cannot be read: {error}", self.name())
    }
}

/// The bytes without the mark at their start, and how long that was.
pub(super) fn without_mark(mut bytes: Bytes) -> std::io::Result<(Bytes, u64)> {
    let mut start = Vec::with_capacity(MARK.len());
    // One piece of a pipe may be shorter than the mark.
    (&mut bytes)
        .take(MARK.len() as u64)
        .read_to_end(&mut start)?;
    if start == MARK {
        return Ok((bytes, MARK.len() as u64));
    }
    let whole: Box<dyn Read + Send> = Box::new(Cursor::new(start).chain(bytes));
    Ok((BufReader::with_capacity(CHUNK, whole), 0))
}

/// Adds what fits of a record to the part of it that is kept.
pub(super) fn keep(raw: &mut Vec<u8>, more: &[u8]) {
    let room = MAX_RECORD.saturating_sub(raw.len()).min(more.len());
    raw.extend_from_slice(more.get(..room).unwrap_or_default());
}

/// How many lines end in these bytes.
pub(super) fn line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// A source that gives `step` bytes at a time, as a slow pipe does.
    struct Slow(Cursor<Vec<u8>>, usize);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let end = buffer.len().min(self.1);
            self.0.read(&mut buffer[..end])
        }
    }

    pub(in crate::cli::users) fn bytes(text: &[u8], step: usize) -> Bytes {
        BufReader::with_capacity(step, Box::new(Slow(Cursor::new(text.to_vec()), step)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(name: &str, format: Option<Format>) -> Option<Format> {
        Input::new(Path::new(name), format).ok().map(|i| i.format)
    }

    #[test]
    fn the_name_says_the_format_unless_the_command_line_does() {
        assert_eq!(format("users.csv", None), Some(Format::Csv));
        assert_eq!(format("a/b.NDJSON", None), Some(Format::Jsonl));
        assert_eq!(format("users.jsonl", Some(Format::Csv)), Some(Format::Csv));
        assert_eq!(format("-", Some(Format::Jsonl)), Some(Format::Jsonl));
        for name in ["-", "users", "users.json", "users.csv.gz"] {
            assert_eq!(format(name, None), None, "{name}");
        }
    }

    #[test]
    fn only_a_mark_at_the_start_is_taken_away() {
        let whole = |text: &[u8]| {
            let (mut bytes, length) = without_mark(testing::bytes(text, 1)).unwrap();
            let mut rest = Vec::new();
            bytes.read_to_end(&mut rest).unwrap();
            (rest, length)
        };
        assert_eq!(whole(b"\xef\xbb\xbfab"), (b"ab".to_vec(), 3));
        for text in [&b""[..], b"a", b"\xef\xbb", b"ab\xef\xbb\xbf"] {
            assert_eq!(whole(text), (text.to_vec(), 0));
        }
    }

    #[test]
    fn a_file_is_known_by_its_bytes_and_by_what_they_mean() {
        let directory = tempfile::tempdir().unwrap();
        let identity = |name: &str, text: &str, format, tenant| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            let input = Input::new(&path, Some(format)).unwrap();
            input.identity(tenant).unwrap()
        };
        let first = identity("a", "user_id\nann\n", Format::Csv, None);
        assert_eq!(first, identity("b", "user_id\nann\n", Format::Csv, None));
        assert_ne!(first, identity("a", "user_id\nbob\n", Format::Csv, None));
        assert_ne!(first, identity("a", "user_id\nann\n", Format::Jsonl, None));
        assert_ne!(
            first,
            identity("a", "user_id\nann\n", Format::Csv, Some("acme"))
        );
    }
}
