//! `audit export`: records as JSON lines or CSV.

use std::io::{BufWriter, ErrorKind, Write};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{Place, Trouble, cannot};
use crate::backend::embedded::audit::{Line, Log, LogError, NAMES};
use crate::cli::Exit;
use crate::config::Vars;

/// What to write.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Only from this instant on: `2026-11-22T10:00:00Z`, or a day, in UTC.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    from: Option<i64>,
    /// Only before this instant.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    to: Option<i64>,
    /// Only of this tenant.
    #[arg(long, value_name = "KEY")]
    tenant: Option<String>,
    /// Only of this user.
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// Only of this account; needs the key of the audit, in the data directory.
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// Only records after this one: what is new since an earlier export.
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: i64,
    /// How records are written.
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// An object a line; `audit verify --file` goes over it.
    Jsonl,
    /// Comma-separated values, after a line with the names; what a spreadsheet would take for a formula is guarded.
    Csv,
}

const AFTER: &str = "\
docs/operations.md says what each member means. In CSV, a text that begins with = + - @, a tab or a carriage
return has an apostrophe (') in front, so that a spreadsheet does not take it for a formula. JSON lines have
every text as it is.

Exit codes: 0 written, 2 bad usage, 3 the store could not be read, or the records not be written.";

pub(super) fn run(arguments: &Arguments, vars: &Vars) -> Result<Exit, Trouble> {
    let log = Log::open(&arguments.place.settings(vars)?).map_err(cannot)?;
    let subject = arguments.subject.as_deref();
    let subject = subject.map(|subject| log.subject(subject)).transpose();
    let wanted = Wanted {
        arguments,
        subject: subject.map_err(cannot)?,
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let written = write(&log, &wanted, &mut out);
    match written {
        Ok(()) => Ok(Exit::Fine),
        // Whoever reads has seen enough.
        Err(LogError::Taker(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(Exit::Fine),
        Err(error) => Err(cannot(error)),
    }
}

fn write(log: &Log, wanted: &Wanted<'_>, out: &mut dyn Write) -> Result<(), LogError> {
    let format = wanted.arguments.format;
    if let Format::Csv = format {
        let names = NAMES.join(",");
        writeln!(out, "{names},previous,hash").map_err(LogError::Taker)?;
    }
    log.each(wanted.arguments.after, |line| {
        if !wanted.has(line) {
            return Ok(());
        }
        match format {
            Format::Jsonl => writeln!(out, "{}", line.to_json()),
            Format::Csv => writeln!(out, "{}", line.to_csv()),
        }
    })?;
    out.flush().map_err(LogError::Taker)
}

/// Which records are wanted.
struct Wanted<'a> {
    arguments: &'a Arguments,
    subject: Option<([u8; 32], [u8; 8])>,
}

impl Wanted<'_> {
    fn has(&self, line: &Line<'_>) -> bool {
        let Arguments {
            from,
            to,
            tenant,
            user,
            ..
        } = self.arguments;
        let is_text = |name, wanted: &Option<String>| {
            wanted.is_none() || line.text(name) == wanted.as_deref()
        };
        from.is_none_or(|from| line.at() >= from)
            && to.is_none_or(|to| line.at() < to)
            && is_text("tenant", tenant)
            && is_text("user_id", user)
            && self.subject.as_ref().is_none_or(|(subject, key)| {
                line.subject() == Some((subject.as_slice(), key.as_slice()))
            })
    }
}

/// An instant, or the start of a day in UTC, in milliseconds since the epoch.
fn instant(text: &str) -> Result<i64, String> {
    let day = || format!("{text}T00:00:00Z").parse::<Timestamp>();
    let at = text.parse::<Timestamp>().or_else(|_| day());
    let at = at.map_err(|_| "an instant is `2026-11-22T10:00:00Z`, or `2026-11-22`".to_owned())?;
    Ok(at.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_or_a_day_is_one() {
        assert_eq!(instant("1970-01-01T00:00:01Z"), Ok(1000));
        assert_eq!(instant("1970-01-02"), Ok(86_400_000));
        assert_eq!(instant("1970-01-01T01:00:00+01:00"), Ok(0));
        assert!(instant("yesterday").is_err());
    }
}
