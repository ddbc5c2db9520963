//! What the binary tells of requests: lines of the access log, and traces at a collector.

mod access;
pub(crate) mod otlp;
mod process;
mod stuck;
mod traces;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::support::config::{self, Profile};
use super::support::server::Server;

/// A server whose log is JSON. `server` is more of `[server]`, `more` are other tables.
fn start(dir: &Path, server: &str, more: &str) -> Server {
    let profile = Profile {
        open_users: true,
        ..Profile::default()
    };
    let started = Server::start_with(dir, &|ports| {
        let text = config::text(&profile, ports, &dir.join("data"));
        let head = format!("[server]\nlog_format = \"json\"\n{server}\n");
        text.replacen("[server]\n", &head, 1) + more
    });
    started.unwrap()
}

/// The lines of requests in a log.
fn lines(log: &str) -> Vec<Value> {
    let read = |line: &str| serde_json::from_str::<Value>(line).ok();
    let all = log.lines().filter_map(read);
    all.filter(|line| line["target"] == "access").collect()
}

/// Waits for what is told a little later than it happens.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
