//! A log's own thread: lines are handed over through a bounded queue, and nobody waits for whoever reads them.
//!
//! What finds the queue full is dropped and counted; when there is room again, the log itself says how much
//! is missing. (The non-blocking writer of `tracing-appender` does the first half of that. It can neither
//! open a file anew nor say in the log that lines are missing.)

use std::fs::{File, OpenOptions};
use std::io::{Result, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// The most lines that wait, and the most bytes of them.
const MAX_LINES: usize = 4096;
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// How many bytes are written at once.
const CHUNK: usize = 64 * 1024;
/// How soon it is told that lines are missing, when nothing else is to be said.
const TELL_AFTER: Duration = Duration::from_secs(1);

/// Where lines go.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// To standard error.
    Stderr,
    /// Into a file, at its end.
    File(PathBuf),
}

impl Place {
    fn open(&self) -> Result<File> {
        match self {
            Self::Stderr => stderr(),
            Self::File(path) => {
                let mut options = OpenOptions::new();
                options.create(true).append(true);
                #[cfg(unix)]
                {
                    use std::os::unix::fs::OpenOptionsExt as _;
                    options.mode(0o640);
                }
                options.open(path)
            }
        }
    }
}

/// Standard error without the lock that everybody else needs for it: a write that waits must not stop them.
#[cfg(unix)]
fn stderr() -> Result<File> {
    use std::os::fd::AsFd as _;
    Ok(std::io::stderr().as_fd().try_clone_to_owned()?.into())
}

#[cfg(not(unix))]
fn stderr() -> Result<File> {
    Err(std::io::Error::from(std::io::ErrorKind::Unsupported))
}

/// What came of the lines of a log.
#[derive(Debug, Default)]
pub struct Counts {
    /// Lines that were written.
    pub written: AtomicU64,
    /// Lines for which there was no room, because nobody read those before them.
    pub dropped: AtomicU64,
    /// Lines that could not be written: a full disk, a closed pipe.
    pub failed: AtomicU64,
}

enum Message {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
    Wake,
}

/// Hands lines over.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    queue: SyncSender<Message>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    counts: Arc<Counts>,
    waiting_bytes: AtomicU64,
    reopen: AtomicBool,
}

impl Writer {
    /// Opens the place, and starts the thread that writes there.
    pub(super) fn start(name: &'static str, place: Place) -> Result<Self> {
        let file = place.open()?;
        Self::over(name, file, move || place.open())
    }

    fn over<W: Write + Send + 'static>(
        name: &'static str,
        out: W,
        open: impl Fn() -> Result<W> + Send + 'static,
    ) -> Result<Self> {
        let (queue, lines) = sync_channel(MAX_LINES);
        let shared = Arc::new(Shared::default());
        let mut thread = Thread {
            out,
            open,
            name,
            buffer: Vec::with_capacity(CHUNK),
            buffered: 0,
            told: 0,
            waiting: Vec::new(),
            shared: Arc::clone(&shared),
        };
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || thread.run(&lines))?;
        Ok(Self { queue, shared })
    }

    /// Takes one line.
    pub(super) fn line(&self) -> Line<'_> {
        Line(self)
    }

    fn take(&self, line: &[u8]) {
        let bytes = line.len() as u64;
        let waiting = self
            .shared
            .waiting_bytes
            .fetch_add(bytes, Ordering::Relaxed);
        let taken = waiting + bytes <= MAX_BYTES
            && self.queue.try_send(Message::Line(line.to_vec())).is_ok();
        if !taken {
            self.shared
                .waiting_bytes
                .fetch_sub(bytes, Ordering::Relaxed);
            self.shared.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Has the place opened anew, before the next line.
    pub(super) fn reopen(&self) {
        self.shared.reopen.store(true, Ordering::Release);
        let _ = self.queue.try_send(Message::Wake);
    }

    /// Waits until every line so far is written, but no longer than this.
    pub(super) fn flush(&self, within: Duration) {
        let (done, wait) = sync_channel(1);
        if self.queue.try_send(Message::Flush(done)).is_ok() {
            let _ = wait.recv_timeout(within);
        }
    }

    pub(super) fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.shared.counts)
    }
}

/// Takes what is written at once as one line. Never fails, never waits.
#[derive(Debug)]
pub(super) struct Line<'w>(&'w Writer);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> Result<usize> {
        self.0.take(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

struct Thread<W, O> {
    out: W,
    open: O,
    name: &'static str,
    buffer: Vec<u8>,
    /// How many lines the buffer holds.
    buffered: u64,
    /// How many dropped lines were told of.
    told: u64,
    /// Who waits until everything is written.
    waiting: Vec<SyncSender<()>>,
    shared: Arc<Shared>,
}

impl<W: Write, O: Fn() -> Result<W>> Thread<W, O> {
    fn run(&mut self, lines: &Receiver<Message>) {
        loop {
            match lines.recv_timeout(TELL_AFTER) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.take_all(lines);
            self.tell_of_dropped();
            // What was told is one of them.
            self.take_all(lines);
            self.write();
            for done in self.waiting.drain(..) {
                let _ = done.try_send(());
            }
        }
    }

    fn take_all(&mut self, lines: &Receiver<Message>) {
        while let Ok(message) = lines.try_recv() {
            self.take(message);
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Line(line) => {
                self.buffer.extend_from_slice(&line);
                self.buffered += 1;
                if self.buffer.len() >= CHUNK {
                    self.write();
                }
                let bytes = line.len() as u64;
                self.shared
                    .waiting_bytes
                    .fetch_sub(bytes, Ordering::Relaxed);
            }
            Message::Flush(done) => self.waiting.push(done),
            Message::Wake => {}
        }
    }

    /// Now that there is room.
    fn tell_of_dropped(&mut self) {
        let dropped = self.shared.counts.dropped.load(Ordering::Relaxed);
        let lines = dropped.saturating_sub(self.told);
        if lines > 0 {
            self.told = dropped;
            let log = self.name;
            tracing::warn!(log, lines, "lines of a log were dropped");
        }
    }

    fn write(&mut self) {
        if self.shared.reopen.swap(false, Ordering::AcqRel)
            && let Ok(out) = (self.open)()
        {
            self.out = out;
        }
        if self.buffer.is_empty() {
            return;
        }
        let written = self
            .out
            .write_all(&self.buffer)
            .and_then(|()| self.out.flush());
        let counter = match written {
            Ok(()) => &self.shared.counts.written,
            Err(_) => &self.shared.counts.failed,
        };
        counter.fetch_add(self.buffered, Ordering::Relaxed);
        self.buffer.clear();
        self.buffered = 0;
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
