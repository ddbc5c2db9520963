//! What nobody should send, against the real binary: each attack is ended or slowed down, takes little memory, and does
//! not keep others from their answers.
//!
//! `LINKBRIDGE_HTTP2_FLOOD` multiplies the floods (default 1).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::case::{Case, read};
use super::place::Way;
use crate::support::client::Client;
use crate::support::config::{self, Profile};
use crate::support::fixtures::{A, K, LINK};
use crate::support::http2::Http2;
use crate::support::random::number;
use crate::support::server::Server;

/// What an attack may take, in KiB.
const MEMORY: u64 = 10 * 1024;

/// A server with deadlines that a test can wait for.
fn server(dir: &tempfile::TempDir) -> Server {
    let profile = Profile {
        open_users: true,
        ..Profile::default()
    };
    Server::start_with(dir.path(), &|ports| {
        let mut text = config::text(&profile, ports, &dir.path().join("data"));
        // The last section is that of the limits.
        text.push_str("head_seconds = 1\nwrite_stall_seconds = 1\nbody_chunk_seconds = 1\n");
        text
    })
    .unwrap()
}

/// The memory of a process, in KiB; the most that it ever had is counted from now on.
fn memory(pid: u32) -> u64 {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
    of_status(pid, "VmRSS:")
}

/// How much memory a process has had more than this.
fn growth(pid: u32, before: u64) -> u64 {
    of_status(pid, "VmHWM:").saturating_sub(before)
}

fn of_status(pid: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Clients that ask one request after the other, over HTTP/1.1 and over HTTP/2.
struct Good {
    ends: Arc<AtomicBool>,
    n_answers: Arc<AtomicU64>,
    thread: JoinHandle<Result<Duration, String>>,
}

impl Good {
    fn start(http1: SocketAddr, http2: SocketAddr) -> Self {
        let (ends, n_answers) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (end, n) = (Arc::clone(&ends), Arc::clone(&n_answers));
        let thread = std::thread::spawn(move || {
            let (mut one, mut two) = (Client::new(http1), Http2::new(http2));
            let target = format!("{LINK}?userId={A}");
            let headers = [("authorization", K)];
            let mut slowest = Duration::ZERO;
            while !end.load(Ordering::Relaxed) {
                let began = Instant::now();
                let answer = one.send("GET", &target, &headers, None);
                let answer = answer.map_err(|e| format!("HTTP/1.1: {e}"))?;
                let second = two.send("GET", &target, &headers, Vec::new());
                let second = second.map_err(|e| format!("HTTP/2: {e}"))?;
                if (answer.status, second.status) != (200, 200) {
                    return Err(format!("{} and {}", answer.status, second.status));
                }
                slowest = slowest.max(began.elapsed());
                n.fetch_add(2, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(2));
            }
            Ok(slowest)
        });
        Self {
            ends,
            n_answers,
            thread,
        }
    }

    fn so_far(&self) -> u64 {
        self.n_answers.load(Ordering::Relaxed)
    }

    fn end(self) -> Result<Duration, String> {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// Attacks that wait for a deadline, side by side; then the others one by one. Says what was wrong.
async fn attack(way: &Way, cases: Vec<Case>, server: &Server, good: &Good) -> Vec<String> {
    let scale = usize::try_from(number("LINKBRIDGE_HTTP2_FLOOD").unwrap_or(1)).unwrap();
    let mut wrong = Vec::new();
    let (waiting, flooding): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(|c| c.waits);
    let before = memory(server.pid());
    let mut all = JoinSet::new();
    for case in waiting {
        let way = way.clone();
        all.spawn(async move {
            let played = way.play(&case, 1).await;
            played.map_err(|e| format!("{}: {e}", case.name)).err()
        });
    }
    wrong.extend(all.join_all().await.into_iter().flatten());
    let grown = growth(server.pid(), before);
    eprintln!("what waits: {grown} KiB");
    if grown > MEMORY {
        wrong.push(format!("{grown} KiB for what waits"));
    }
    for case in flooding {
        let (before, n_before, began) = (memory(server.pid()), good.so_far(), Instant::now());
        if let Err(error) = way.play(&case, scale).await {
            wrong.push(format!("{}: {error}", case.name));
        }
        let grown = growth(server.pid(), before);
        let (took, n) = (began.elapsed(), good.so_far() - n_before);
        eprintln!(
            "{}: {took:?}, {grown} KiB, {n} answers meanwhile",
            case.name
        );
        if grown > MEMORY {
            wrong.push(format!("{}: {grown} KiB", case.name));
        }
        if took > Duration::from_secs(2) && n == 0 {
            wrong.push(format!("{}: nobody else was answered", case.name));
        }
    }
    wrong
}

#[test]
fn every_attack_is_ended_and_nobody_else_notices() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = server(&dir);
    let good = Good::start(server.addr, server.http2);
    // What is there before anything happens is not what an attack takes.
    while good.so_far() < 100 && !good.thread.is_finished() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let way = Way::Clear(server.http2);
    let mut wrong = runtime.block_on(attack(&way, read("abuse"), &server, &good));
    match good.end() {
        Ok(slowest) => eprintln!("the slowest pair of answers: {slowest:?}"),
        Err(error) => wrong.push(format!("a good client: {error}")),
    }
    assert!(server.lives());
    let log = server.log();
    let panics = log.lines().filter(|line| line.contains("panicked"));
    wrong.extend(panics.map(str::to_owned));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
