//! Logs and traces: one line per request with named fields only, the process's own events, and spans.
//!
//! What may be told is a list: the fields of [`Access`], and the attributes of `crate::trace`. Paths,
//! queries, header fields, bodies and ids of users are not on it (invariant 8). Lines and spans go through
//! bounded queues to threads of their own: whoever does not read a log or takes no traces delays no request,
//! and what has to be dropped for it is counted. Nothing here panics.

mod access;
mod source;
mod traces;
mod writer;

pub mod metrics;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

pub use self::access::{Access, access};
pub use self::source::SourceForm;
pub use self::traces::{Counts as TraceCounts, Settings as TraceSettings};
pub use self::writer::Counts as LogCounts;
use self::writer::{Line, Place, Writer};
use crate::trace::Tracer;

/// How long the end of the process waits for what is still to be written.
const LAST_LINES: Duration = Duration::from_secs(1);
const LAST_SPANS: Duration = Duration::from_secs(2);

/// The target of the lines of requests.
const ACCESS: &str = "access";

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Where the lines of requests go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AccessPlace {
    /// To standard error, among the others.
    #[default]
    Stderr,
    /// Nowhere.
    Off,
    /// Into a file of their own.
    File(PathBuf),
}

/// What is told, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How lines are written.
    pub format: Format,
    /// Which events are.
    pub filter: String,
    /// Where the lines of requests go.
    pub access: AccessPlace,
    /// How source addresses are told in them.
    pub source: SourceForm,
    /// Where traces go; `None` = there are none.
    pub traces: Option<TraceSettings>,
}

impl Settings {
    /// The same without requests: for what serves none.
    #[must_use]
    pub fn events_only(&self) -> Self {
        Self {
            access: AccessPlace::Off,
            traces: None,
            ..self.clone()
        }
    }
}

/// What is running.
#[derive(Debug)]
struct Running {
    log: Writer,
    /// The same as `log`, unless these lines have a file; `None` = they are off.
    access: Option<Writer>,
    source: SourceForm,
    traces: Option<traces::Exporter>,
    tracer: Option<Tracer>,
}

static RUNNING: OnceLock<Running> = OnceLock::new();

/// Whether `directives` is a log filter such as `info` or `warn,access=info`.
#[must_use]
pub fn is_filter(directives: &str) -> bool {
    EnvFilter::try_new(directives).is_ok()
}

/// Begins to write events, and panics by their place only. The first call in a process holds; a test that
/// has set up its own is left alone.
///
/// # Errors
/// If the file of the access log cannot be opened, or a thread not be started; as text for the operator.
pub fn start(settings: &Settings) -> Result<(), String> {
    let log =
        Writer::start("events", Place::Stderr).map_err(|error| format!("the log: {error}"))?;
    let access = match &settings.access {
        AccessPlace::Stderr => Some(log.clone()),
        AccessPlace::Off => None,
        AccessPlace::File(path) => Some(
            Writer::start("access", Place::File(path.clone()))
                .map_err(|error| format!("the access log {}: {error}", path.display()))?,
        ),
    };
    let traces = settings
        .traces
        .as_ref()
        .map(traces::Exporter::start)
        .transpose()?;
    let tracer = traces.as_ref().map(traces::Exporter::tracer);
    let running = Running {
        log: log.clone(),
        access: access.clone(),
        source: settings.source,
        traces,
        tracer,
    };
    if RUNNING.set(running).is_err() {
        return Ok(());
    }
    subscribe(settings, Outputs { log, access });
    std::panic::set_hook(Box::new(|panic| {
        // The payload may hold what a request sent; the place does not.
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(place, "a panic");
    }));
    Ok(())
}

fn subscribe(settings: &Settings, outputs: Outputs) {
    let filter = EnvFilter::try_new(&settings.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let has_file = matches!(settings.access, AccessPlace::File(_));
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal() && !has_file)
        // A line that cannot be written is counted, and no more.
        .log_internal_errors(false)
        .with_writer(outputs);
    let lines = match settings.format {
        Format::Text => lines.boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    let registry = tracing_subscriber::registry();
    let registry = registry.with(filter).with(filter_fn(may_be_told));
    let _ = registry.with(lines).try_init();
}

/// Libraries tell what goes over the wire when they are asked for details: header fields, names, bytes. Of
/// them warnings and errors are told, whatever the filter says.
fn may_be_told(event: &Metadata<'_>) -> bool {
    let target = event.target();
    let is_ours = target == ACCESS || target == "linkbridge" || target.starts_with("linkbridge::");
    is_ours || *event.level() <= LevelFilter::WARN
}

/// Which lines go where.
struct Outputs {
    log: Writer,
    access: Option<Writer>,
}

impl<'a> MakeWriter<'a> for Outputs {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        self.log.line()
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Line<'a> {
        match &self.access {
            Some(access) if event.target() == ACCESS => access.line(),
            _ => self.log.line(),
        }
    }
}

/// Opens the files of logs anew, after they were moved away: for SIGHUP.
pub fn reopen() {
    if let Some(running) = RUNNING.get() {
        running.log.reopen();
        running.access.iter().for_each(Writer::reopen);
    }
}

/// Waits, for a short time, until what was said is written. For the end of the process.
pub fn finish() {
    let Some(running) = RUNNING.get() else {
        return;
    };
    if let Some(traces) = &running.traces {
        traces.flush(LAST_SPANS);
    }
    if let Some(access) = &running.access {
        access.flush(LAST_LINES);
    }
    running.log.flush(LAST_LINES);
}

/// Who records requests, where traces are on.
#[must_use]
pub fn tracer() -> Option<&'static Tracer> {
    RUNNING.get()?.tracer.as_ref()
}

/// What was written and dropped of events, and of the lines of requests where these have a file.
#[must_use]
pub fn log_counts() -> Option<(Arc<LogCounts>, Option<Arc<LogCounts>>)> {
    let running = RUNNING.get()?;
    let access = running.access.as_ref().map(Writer::counts);
    let log = running.log.counts();
    let access = access.filter(|access| !Arc::ptr_eq(access, &log));
    Some((log, access))
}

/// What was sent and dropped of traces.
#[must_use]
pub fn trace_counts() -> Option<Arc<TraceCounts>> {
    RUNNING.get()?.traces.as_ref().map(traces::Exporter::counts)
}
