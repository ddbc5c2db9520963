use std::sync::{Condvar, Mutex};

use super::*;

/// A reader that reads nothing until it is told to.
#[derive(Clone, Default)]
struct Stuck(Arc<(Mutex<State>, Condvar)>);

/// Whether it reads, and what it has read.
type State = (bool, Vec<u8>);

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
fn whoever_reads_nothing_stops_nobody() {
    let stuck = Stuck::default();
    let again = stuck.clone();
    let writer = Writer::over("a", stuck.clone(), move || Ok(again.clone())).unwrap();
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
    while writer.counts().written.load(Ordering::Relaxed) < n_lines - dropped {
        writer.flush(Duration::from_millis(10));
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{}",
            stuck.text().len()
        );
    }
    let text = stuck.text();
    let kept = text
        .lines()
        .filter(|text| text.as_bytes() == &line[..line.len() - 1]);
    assert_eq!(kept.count() as u64, n_lines - dropped);
}

#[test]
fn large_lines_have_less_room() {
    let stuck = Stuck::default();
    let again = stuck.clone();
    let writer = Writer::over("a", stuck.clone(), move || Ok(again.clone())).unwrap();
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
    let writer = Writer::start("a", Place::File(path.clone())).unwrap();
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
