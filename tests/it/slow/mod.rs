//! Slow clients: each is gone within its deadline and a second, while good ones are served.
//!
//! Silent ones, heads and bodies that trickle or stall, answers that are not read, connections with nothing to
//! say; plain and over TLS. `LINKBRIDGE_SLOW_CONNECTIONS` says how many of each kind there are at once (default 8;
//! a tenth of it over TLS, whose handshakes cost processor time that is not what is tested here).

mod clients;

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use self::clients::{Kind, Target, hold};
use super::support::config::{self, Profile};
use super::support::random::number;
use super::support::server::{Server, free_port};

/// The deadlines of the server that is tested, in seconds; [`Kind::within`] has what follows from them.
const DEADLINES: &str = "tls_handshake_seconds = 2\nfirst_byte_seconds = 1\nhead_seconds = 2\nidle_seconds = 3\n\
     body_chunk_seconds = 2\nbody_seconds = 4\nbody_bytes_per_second = 1024\nwrite_stall_seconds = 2\n\
     connections = 1000000\nconnections_per_source = 1000000\n";

/// What a connection over its deadline may cost in time, for timers, scheduling and the close itself.
const GRACE: Duration = Duration::from_secs(1);

struct Slow {
    server: Server,
    target: Target,
    _dir: tempfile::TempDir,
}

impl Slow {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let (chain, key) = (dir.path().join("chain.pem"), dir.path().join("key.pem"));
        std::fs::write(&chain, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let row = format!(
            "[{{ chain = \"file:{}\", key = \"file:{}\" }}]",
            chain.display(),
            key.display()
        );
        let profile = Profile {
            open_users: true,
            tls: Some((port, row)),
            ..Profile::default()
        };
        let data = dir.path().join("data");
        let server = Server::start_with(dir.path(), &|ports| {
            let mut text = config::text(&profile, ports, &data);
            // The limits are the last table.
            text.push_str(DEADLINES);
            writeln!(text).unwrap();
            text
        })
        .unwrap();
        let target = Target::new(server.addr, ([127, 0, 0, 1], port).into(), made.cert.der());
        Self {
            server,
            target,
            _dir: dir,
        }
    }

    /// The memory of the process, in bytes.
    fn resident(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.server.pid())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        kilobytes * 1024
    }

    /// How many sockets it has open.
    fn open(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.server.pid());
        let entries = std::fs::read_dir(Path::new(&folder)).unwrap().flatten();
        let targets = entries.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        let is_socket = |target: &PathBuf| target.to_string_lossy().starts_with("socket:");
        targets.filter(is_socket).count()
    }
}

#[test]
fn slow_connections_end_in_time_and_good_ones_are_served() {
    let each = usize::try_from(number("LINKBRIDGE_SLOW_CONNECTIONS").unwrap_or(8)).unwrap();
    let slow = Slow::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (wrong, peak, served) = runtime.block_on(run(&slow, each));
    let (base, peak) = peak;
    let total: usize = Kind::ALL.iter().map(|kind| kind.count(each)).sum();
    eprintln!("slow: {total} connections, {served} good answers, RSS {base} to {peak} bytes");
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
    assert!(served >= 10, "only {served} good answers");
    // A connection holds a buffer of hyper's of 8 KiB for reading and what it has to write (at most 16 KiB and
    // one answer), and its task; over TLS rustls has buffers of its own, of up to a record of 16 KiB in each
    // direction. The goal is 300 MB for 10,000 connections, that is 30 KB each; a build for tests has larger
    // tasks. What is allowed besides does not depend on their number: the allocator's own.
    let bound = base + total as u64 * 40 * 1024 + 24 * 1024 * 1024;
    assert!(peak <= bound, "{peak} bytes, bound {bound}");
}

/// What was wrong, the memory before and at most, and how many answers the good client got.
///
/// Each connection has its deadline and a second, and as long again as this machine itself was late at the most:
/// a clock beside the connections tells, and tests that run at the same time.
async fn run(slow: &Slow, each: usize) -> (Vec<String>, (u64, u64), usize) {
    let base = slow.resident();
    let sockets = slow.open();
    let (over, served) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let good = tokio::spawn(clients::good(
        slow.server.addr,
        Arc::clone(&over),
        Arc::clone(&served),
    ));
    let late = tokio::spawn(clients::lateness(Arc::clone(&over)));
    let mut tasks = Vec::new();
    for number in 0..each {
        for kind in Kind::ALL {
            if number < kind.count(each) {
                tasks.push(tokio::spawn(hold(slow.target.clone(), kind)));
            }
        }
        // Not all in one moment: the queue of a listener is not what is tested.
        if number % 16 == 15 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let began = Instant::now();
    let mut peak = base;
    // Those who do not read do not see the end either: the server's own sockets tell. One is the good client's.
    let slowest = Kind::ALL.iter().map(|kind| kind.within()).max().unwrap() + GRACE;
    let mut all_gone = false;
    while began.elapsed() < slowest + 3 * GRACE {
        tokio::time::sleep(Duration::from_millis(100)).await;
        peak = peak.max(slow.resident());
        all_gone = slow.open() <= sockets + 1;
        if all_gone && began.elapsed() > Duration::from_secs(2) {
            break;
        }
    }
    let mut wrong = Vec::new();
    if !all_gone {
        wrong.push(format!(
            "{} sockets are open, {sockets} were before",
            slow.open()
        ));
    }
    let mut ended = Vec::new();
    for task in tasks {
        ended.push(task.await.unwrap());
    }
    over.store(true, Ordering::SeqCst);
    let (good, late) = (good.await.unwrap(), late.await.unwrap());
    let late = late.max(*good.as_ref().unwrap_or(&late));
    eprintln!("slow: this machine was late by {late:?}");
    for (kind, held) in ended {
        match held {
            Err(error) => wrong.push(format!("{kind:?}: {error}")),
            Ok(held) if held > kind.within() + GRACE + 2 * late => {
                let within = kind.within();
                wrong.push(format!("{kind:?} was held for {held:?}, not {within:?}"));
            }
            Ok(held) if held < kind.not_before() => {
                wrong.push(format!("{kind:?} was held for {held:?} only"));
            }
            Ok(_) => {}
        }
    }
    if let Err(error) = good {
        wrong.push(format!("the good client: {error}"));
    }
    (wrong, (base, peak), served.load(Ordering::SeqCst))
}
