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
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, SystemTime};

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
    pub(super) fn start(place: Place, json: bool) -> Result<Self> {
        let file = place.open()?;
        Self::over(file, json, move || place.open())
    }

    fn over<W: Write + Send + 'static>(
        out: W,
        json: bool,
        open: impl Fn() -> Result<W> + Send + 'static,
    ) -> Result<Self> {
        let (queue, lines) = sync_channel(MAX_LINES);
        let shared = Arc::new(Shared::default());
        let mut thread = Thread {
            out,
            open,
            json,
            buffer: Vec::with_capacity(CHUNK),
            buffered: 0,
            told: 0,
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
    json: bool,
    buffer: Vec<u8>,
    /// How many lines the buffer holds.
    buffered: u64,
    /// How many dropped lines were told of.
    told: u64,
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
            loop {
                match lines.try_recv() {
                    Ok(message) => self.take(message),
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                }
            }
            self.tell_of_dropped();
            self.write();
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
            Message::Flush(done) => {
                self.tell_of_dropped();
                self.write();
                let _ = done.try_send(());
            }
            Message::Wake => {}
        }
    }

    fn tell_of_dropped(&mut self) {
        let dropped = self.shared.counts.dropped.load(Ordering::Relaxed);
        let lines = dropped.saturating_sub(self.told);
        if lines == 0 {
            return;
        }
        self.told = dropped;
        let now = jiff::Timestamp::try_from(SystemTime::now()).unwrap_or_default();
        let line = match self.json {
            true => format!(
                "{{\"timestamp\":\"{now}\",\"level\":\"WARN\",\"message\":\"lines of this log were dropped\",\"lines\":{lines},\"target\":\"linkbridge::telemetry\"}}\n"
            ),
            false => format!(
                "{now}  WARN linkbridge::telemetry: lines of this log were dropped lines={lines}\n"
            ),
        };
        self.buffer.extend_from_slice(line.as_bytes());
        self.buffered += 1;
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
mod tests {
    use std::sync::{Condvar, Mutex};

    use super::*;

    /// A reader that reads nothing until it is told to.
    #[derive(Clone, Default)]
    struct Stuck(Arc<(Mutex<(bool, Vec<u8>)>, Condvar)>);

    impl Stuck {
        fn free(&self) {
            self.0.0.lock().unwrap().0 = true;
            self.0.1.notify_all();
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.0.lock().unwrap().1.clone()).unwrap()
        }
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            let mut state = self.0.0.lock().unwrap();
            while !state.0 {
                state = self.0.1.wait(state).unwrap();
            }
            state.1.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn whoever_reads_nothing_stops_nobody_and_is_told_what_is_missing() {
        let stuck = Stuck::default();
        let again = stuck.clone();
        let writer = Writer::over(stuck.clone(), true, move || Ok(again.clone())).unwrap();
        let line = [b"{\"a\":\"", "x".repeat(90).as_bytes(), b"\"}\n"].concat();
        let began = std::time::Instant::now();
        let n_lines = 3 * MAX_LINES as u64;
        for _ in 0..n_lines {
            writer.line().write_all(&line).unwrap();
        }
        writer.flush(Duration::from_millis(10));
        assert!(began.elapsed() < Duration::from_secs(5), "it waited");
        let dropped = writer.counts().dropped.load(Ordering::Relaxed);
        assert!(dropped >= n_lines - 2 * MAX_LINES as u64, "{dropped}");
        stuck.free();
        // The queue may be full of lines when it is asked to flush.
        while writer.counts().written.load(Ordering::Relaxed) < n_lines - dropped + 1 {
            writer.flush(Duration::from_millis(10));
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "{}",
                stuck.text().len()
            );
        }
        let text = stuck.text();
        let told = text.lines().filter(|line| line.contains("were dropped"));
        let told = told.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let told: u64 = told.map(|line| line["lines"].as_u64().unwrap()).sum();
        assert_eq!(told, dropped);
        let kept = text
            .lines()
            .filter(|text| text.as_bytes() == &line[..line.len() - 1]);
        assert_eq!(kept.count() as u64, n_lines - dropped);
    }

    #[test]
    fn large_lines_have_less_room() {
        let stuck = Stuck::default();
        let again = stuck.clone();
        let writer = Writer::over(stuck.clone(), false, move || Ok(again.clone())).unwrap();
        for _ in 0..100 {
            writer.line().write_all(&[b'x'; 100_000]).unwrap();
        }
        assert!(writer.counts().dropped.load(Ordering::Relaxed) >= 56);
        stuck.free();
    }

    #[test]
    fn a_file_that_was_moved_away_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (
            dir.path().join("access.log"),
            dir.path().join("access.log.1"),
        );
        let writer = Writer::start(Place::File(path.clone()), false).unwrap();
        let say = |line: &str| {
            writer.line().write_all(line.as_bytes()).unwrap();
            writer.flush(Duration::from_secs(5));
        };
        say("one\n");
        std::fs::rename(&path, &moved).unwrap();
        say("two\n");
        writer.reopen();
        say("three\n");
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "one\ntwo\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three\n");
    }
}
