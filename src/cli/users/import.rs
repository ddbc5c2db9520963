//! `users import`: from a file to the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::arguments::Arguments;
use super::feed::{self, Chunk, Piece};
use super::input::Input;
use super::known::Known;
use super::meter::{Meter, grouped};
use super::report::Report;
use super::source::Source;
use crate::backend::embedded::OpenError;
use crate::backend::embedded::import::{
    ImportError, Importer, Progress, Purpose, Refusal, Tally, Verdict,
};
use crate::cli::signals::Signals;
use crate::cli::{Exit, backend, complain, load, say};
use crate::config::{self, Config, Vars};
use crate::model::{ClientName, Origin};
use crate::server::clock;
use crate::telemetry;

/// Who an import is in the audit.
const CLIENT: &str = "users import";

/// How long a signal may go unheard while nothing is read.
const PATIENCE: Duration = Duration::from_millis(100);

/// Why an import does not come to its end.
#[derive(Debug)]
pub(super) enum Trouble {
    /// What was asked for cannot be done.
    Usage(String),
    /// It could have been done, if something else had not been in the way.
    Run(String),
}

impl From<ImportError> for Trouble {
    fn from(error: ImportError) -> Self {
        Trouble::Run(error.to_string())
    }
}

/// How reading and writing ended.
enum Ended {
    /// With the file.
    Done,
    /// With a signal.
    Stopped,
    /// With a file that cannot be read any further.
    Broken(String),
}

pub(super) fn run(arguments: &Arguments, vars: &Vars) -> Exit {
    let data = arguments
        .data
        .iter()
        .map(|data| ("server.data", data.clone()));
    let flags: Vec<_> = data.collect();
    let config = match load::once(arguments.config.as_deref(), &flags, vars) {
        Ok(loaded) => loaded.config,
        Err(text) => {
            complain(text);
            return Exit::BadUsage;
        }
    };
    if let Err(text) = telemetry::start(&config.telemetry.events_only()) {
        complain(format_args!("error: {text}"));
        return Exit::CouldNotRun;
    }
    let (text, exit) = match import(arguments, config) {
        Ok(exit) => return exit,
        Err(Trouble::Usage(text)) => (text, Exit::BadUsage),
        Err(Trouble::Run(text)) => (text, Exit::CouldNotRun),
    };
    complain(format_args!("error: {text}"));
    exit
}

fn import(arguments: &Arguments, config: Config) -> Result<Exit, Trouble> {
    let rebind = arguments.rebind.as_deref().map(str::trim);
    if rebind == Some("") {
        let text = "`--rebind` wants a reason, which goes into the audit";
        return Err(Trouble::Usage(text.to_owned()));
    }
    let tenant = arguments.tenant.as_deref();
    let known = Known::new(&config.directory, tenant).map_err(Trouble::Usage)?;
    let input = Input::new(&arguments.file, arguments.format).map_err(Trouble::Usage)?;
    let source = Source::open(input.clone(), &known)?;
    let stop =
        stop_at_a_signal().map_err(|e| Trouble::Run(format!("signals cannot be handled: {e}")))?;
    // A rehearsal goes over the whole file, and a pipe cannot be read twice.
    let file = match source.length() {
        Some(_) if !arguments.dry_run => Some(input.identity(tenant).map_err(Trouble::Run)?),
        _ => None,
    };
    let mut importer = open(arguments, config.backend.store, rebind, file)?;
    let start = start(arguments, &mut importer, &input)?;
    let mut report = match &arguments.report {
        Some(path) => Report::in_file(path, start.map(|start| start.until.lines)),
        None => Ok(Report::Shown(0)),
    }
    .map_err(Trouble::Usage)?;
    let start = start.unwrap_or_default();
    let mut meter = Meter::new(source.length(), &start);
    let records = source.records(start.until).map_err(Trouble::Run)?;
    let rows = usize::try_from(arguments.batch).unwrap_or(usize::MAX);
    let pieces = feed::start(records, known, rows)
        .map_err(|e| Trouble::Run(format!("no thread can be started: {e}")))?;
    let ended = work(&mut importer, &pieces, &mut report, &mut meter, &stop);
    meter.end();
    report.rest().into_iter().for_each(complain);
    let (ended, progress) = (ended?, importer.progress());
    importer.finish(matches!(ended, Ended::Done))?;
    summary(arguments, &meter, &progress);
    match ended {
        Ended::Done if progress.tally.refused == 0 => Ok(Exit::Fine),
        Ended::Done => Ok(Exit::Findings),
        Ended::Stopped => Err(Trouble::Run(stopped(&input, file.is_some(), &progress))),
        Ended::Broken(text) => Err(Trouble::Run(format!("{}: {text}", input.name()))),
    }
}

/// A flag that is set by the first signal; the work ends after the batch that is under way.
fn stop_at_a_signal() -> std::io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let first = move || flag.store(true, Ordering::Release);
    Signals::catch()?.watch(first, || {})?;
    Ok(stop)
}

fn open(
    arguments: &Arguments,
    store: config::Store,
    rebind: Option<&str>,
    file: Option<[u8; 32]>,
) -> Result<Importer, Trouble> {
    let client = ClientName::new(CLIENT).map_err(|e| Trouble::Run(format!("{e:?}")))?;
    let purpose = Purpose {
        client,
        origin: Arc::new(Origin {
            front: Some("cli".into()),
            request_id: Some(uuid::Uuid::new_v4().to_string().into()),
            ..Origin::default()
        }),
        rebind: rebind.map(str::to_owned),
        file,
    };
    let settings = backend::settings(store);
    let opened = if arguments.dry_run {
        Importer::rehearse(settings, purpose)
    } else {
        Importer::open(settings, purpose)
    };
    opened.map_err(|error| {
        Trouble::Run(match error {
            OpenError::Locked { path } => format!(
                "{}: a running linkbridge has the store: stop it for the time of the import, or give it the \
                 users through its own API (PUT /linkbridge/v1/users/{{user_id}})",
                path.display()
            ),
            other => other.to_string(),
        })
    })
}

/// Where an earlier import of the file stopped, if this one goes on from there.
fn start(
    arguments: &Arguments,
    importer: &mut Importer,
    input: &Input,
) -> Result<Option<Progress>, Trouble> {
    let Some(left) = importer.left()? else {
        return Ok(None);
    };
    let (name, lines) = (input.name(), grouped(left.until.lines));
    if arguments.restart {
        complain(format_args!(
            "{name}: starts over; an earlier import had come to line {lines}"
        ));
        return Ok(None);
    }
    complain(format_args!(
        "{name}: goes on after line {lines}, where an earlier import stopped (`--restart` starts over)"
    ));
    importer.resume(left);
    Ok(Some(left))
}

/// Writes batch after batch.
fn work(
    importer: &mut Importer,
    pieces: &Receiver<Piece>,
    report: &mut Report,
    meter: &mut Meter,
    stop: &AtomicBool,
) -> Result<Ended, Trouble> {
    while !stop.load(Ordering::Acquire) {
        match pieces.recv_timeout(PATIENCE) {
            Ok(Piece::Chunk(chunk)) => write(importer, &chunk, report, meter)?,
            Ok(Piece::End) => return Ok(Ended::Done),
            Ok(Piece::Broken(error)) => return Ok(Ended::Broken(error.to_string())),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Ok(Ended::Broken("reading ended without an end".to_owned()));
            }
        }
    }
    Ok(Ended::Stopped)
}

fn write(
    importer: &mut Importer,
    chunk: &Chunk,
    report: &mut Report,
    meter: &mut Meter,
) -> Result<(), Trouble> {
    let mut shown = Vec::new();
    importer.write(clock::now(), &chunk.batch, |verdicts| {
        let added = report.add(chunk.refused(verdicts, reason));
        shown = added.map_err(|e| format!("the report cannot be written: {e}"))?;
        Ok(())
    })?;
    meter.say(shown);
    meter.advance(&importer.progress());
    Ok(())
}

/// Why the store refused a row.
fn reason(verdict: &Verdict) -> Option<String> {
    match verdict {
        Ok(_) => None,
        Err(Refusal::Taken { vendor, holder }) => {
            Some(format!("{vendor}: this id is that of user `{holder}`"))
        }
        Err(Refusal::HasAnother { vendor, id }) => {
            Some(format!("{vendor}: the user has the id `{id}` there"))
        }
        Err(Refusal::Canonical) => Some("nobody gets another canonical id".to_owned()),
    }
}

fn stopped(input: &Input, goes_on: bool, progress: &Progress) -> String {
    let how = if goes_on {
        "give the same file again to go on from there"
    } else {
        "give it again: rows that are there already are unchanged"
    };
    let line = grouped(progress.until.lines);
    format!("{}: stopped after line {line}; {how}", input.name())
}

fn summary(arguments: &Arguments, meter: &Meter, progress: &Progress) {
    if arguments.dry_run {
        say("dry run: nothing was written");
    }
    let Tally {
        accepted,
        users,
        ids,
        moved,
        unchanged,
        refused,
    } = progress.tally;
    let counts = [
        ("accepted", accepted),
        ("new users", users),
        ("new ids", ids),
        ("moved ids", moved),
        ("unchanged", unchanged),
        ("refused", refused),
        ("rows of this run", meter.rows(progress)),
        ("rows/s", meter.rate(progress)),
    ];
    for (what, count) in counts {
        say(format_args!("{what}: {count}"));
    }
    say(format_args!("seconds: {:.1}", meter.seconds()));
}
