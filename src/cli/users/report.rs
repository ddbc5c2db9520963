//! What was refused, and why: as CSV in a file, or the first of it on standard error.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, ErrorKind, Seek, SeekFrom, Write};
use std::path::Path;

use super::csv::Splitter;
use super::feed::Refused;
use crate::backend::embedded::import::Position;

/// The header of a report. A file without it is none, and is left alone.
const HEADER: &str = "line,reason,text";

/// The most refused lines that are shown without a report.
const MAX_SHOWN: u64 = 100;

/// Where refused lines go.
pub(super) enum Report {
    /// Into a file.
    Kept(BufWriter<File>),
    /// To standard error; this many so far.
    Shown(u64),
}

impl Report {
    /// The report in this file. One of an earlier import is replaced; if this import goes on where that
    /// one ended, what the report says of the lines after `done` is replaced.
    ///
    /// # Errors
    /// Why the file cannot be one.
    pub(super) fn in_file(path: &Path, done: Option<u64>) -> Result<Self, String> {
        let failed = |e: std::io::Error| format!("{} cannot be written: {e}", path.display());
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let file = match options.clone().create_new(true).open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                let file = options.open(path).map_err(failed)?;
                let keep = length_to_keep(&file, done).map_err(failed)?.ok_or_else(|| {
                    format!(
                        "{}: this file is there and is no report: name another one, or remove it",
                        path.display()
                    )
                })?;
                file.set_len(keep).map_err(failed)?;
                file
            }
            Err(e) => return Err(failed(e)),
        };
        let mut file = BufWriter::new(file);
        let length = file.seek(SeekFrom::End(0)).map_err(failed)?;
        if length == 0 {
            writeln!(file, "{HEADER}").map_err(failed)?;
        }
        file.flush().map_err(failed)?;
        Ok(Report::Kept(file))
    }

    /// Writes the refused lines down; what is answered belongs on standard error.
    pub(super) fn add<'a>(
        &mut self,
        refused: impl Iterator<Item = Refused<'a>>,
    ) -> std::io::Result<Vec<String>> {
        let mut shown = Vec::new();
        match self {
            Report::Kept(file) => {
                let mut is_any = false;
                for line in refused {
                    write_line(file, &line)?;
                    is_any = true;
                }
                if is_any {
                    file.flush()?;
                    file.get_ref().sync_data()?;
                }
            }
            Report::Shown(count) => {
                for line in refused {
                    *count += 1;
                    if *count <= MAX_SHOWN {
                        shown.push(format!("line {}: {}", line.line, visible(&line.reason)));
                    }
                }
            }
        }
        Ok(shown)
    }

    /// What is left to say at the end.
    pub(super) fn rest(&self) -> Option<String> {
        match self {
            Report::Shown(count) if *count > MAX_SHOWN => Some(format!(
                "… and {} more; `--report FILE` writes all of them down",
                count - MAX_SHOWN
            )),
            _ => None,
        }
    }
}

fn write_line(file: &mut impl Write, line: &Refused<'_>) -> std::io::Result<()> {
    write!(file, "{},", line.line)?;
    write_field(file, line.reason.as_bytes())?;
    file.write_all(b",")?;
    write_field(file, line.text)?;
    file.write_all(b"\n")
}

/// A field in quotes. Bytes that are no text stand as they are.
fn write_field(file: &mut impl Write, field: &[u8]) -> std::io::Result<()> {
    file.write_all(b"\"")?;
    for (index, part) in field.split(|byte| *byte == b'"').enumerate() {
        if index > 0 {
            file.write_all(b"\"\"")?;
        }
        file.write_all(part)?;
    }
    file.write_all(b"\"")
}

/// How much of a report stands for lines up to `done`; `None` if the file is no report.
fn length_to_keep(mut file: &File, done: Option<u64>) -> std::io::Result<Option<u64>> {
    file.seek(SeekFrom::Start(0))?;
    let reader = Box::new(file.try_clone()?);
    let mut records = Splitter::new(BufReader::new(reader), Position::default());
    let is_report = records.next()?.is_none() || records.raw() == HEADER.as_bytes();
    if !is_report {
        return Ok(None);
    }
    let Some(done) = done else {
        return Ok(Some(0));
    };
    let mut keep = records.position().offset;
    while records.next()?.is_some() {
        // Records of lines that are done were on the disk before these were. The last one may be half of
        // one, perhaps with half of its number: then there is no field behind it.
        let line: Option<u64> = records.first_of_several().and_then(|n| n.parse().ok());
        if line.is_none_or(|line| line > done) {
            break;
        }
        keep = records.position().offset;
    }
    Ok(Some(keep))
}

/// Text that a terminal shows and does not obey.
fn visible(text: &str) -> String {
    let show = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(show).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<'a>(line: u64, reason: &str, text: &'a [u8]) -> Refused<'a> {
        Refused {
            line,
            text,
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn a_report_holds_each_line_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("refused.csv");
        let mut report = Report::in_file(&path, None).unwrap();
        let lines = [
            refused(2, "no", b"a,\"b\nc\""),
            refused(7, "is \"x\"", b"\xff\0"),
        ];
        assert!(report.add(lines.into_iter()).unwrap().is_empty());
        assert_eq!(
            std::fs::read(&path).unwrap(),
            b"line,reason,text\n2,\"no\",\"a,\"\"b\nc\"\"\"\n7,\"is \"\"x\"\"\",\"\xff\0\"\n"
        );
    }

    #[test]
    fn a_report_goes_on_where_the_import_does() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("refused.csv");
        let start = "line,reason,text\n2,\"a\nb\",\"x\"\n5,\"c\",\"y\"\n";
        for rest in ["", "6", "60,\"d", "60,\"d\",\"z\"\n61,\"e\",\"\"\n"] {
            std::fs::write(&path, format!("{start}{rest}")).unwrap();
            let mut report = Report::in_file(&path, Some(7)).unwrap();
            report.add([refused(8, "n", b"t")].into_iter()).unwrap();
            drop(report);
            let expected = format!("{start}8,\"n\",\"t\"\n");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), expected, "{rest}");
        }
        drop(Report::in_file(&path, None).unwrap());
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "line,reason,text\n"
        );
    }

    #[test]
    fn a_file_that_is_no_report_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users.csv");
        std::fs::write(&path, "user_id,one\nann,1\n").unwrap();
        for done in [None, Some(0)] {
            let fault = Report::in_file(&path, done).err().unwrap();
            assert!(fault.contains("is no report"), "{fault}");
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "user_id,one\nann,1\n");
    }

    #[test]
    fn without_a_file_the_first_hundred_are_shown_and_nothing_moves_the_cursor() {
        let mut report = Report::Shown(0);
        let line = |n| refused(n, "a\x1b[2Jb", b"");
        let shown = report.add((1..=99).map(line)).unwrap();
        assert_eq!(shown[0], "line 1: a\\u{1b}[2Jb");
        assert_eq!((shown.len(), report.rest()), (99, None));
        assert_eq!(report.add((100..=123).map(line)).unwrap().len(), 1);
        let rest = report.rest().unwrap();
        assert!(rest.starts_with("… and 23 more"), "{rest}");
    }
}
