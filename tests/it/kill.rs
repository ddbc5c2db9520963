//! `kill -9` at random moments under eight writers: what was acknowledged is there, and nothing else.
//!
//! `LINKBRIDGE_KILL_ROUNDS` sets the rounds (default 5), `LINKBRIDGE_KILL_SEED` repeats a run as far as
//! its choices go. All rounds share one data directory, so that each restart meets the history of all.

pub(crate) mod journal;
mod writer;

use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use linkbridge::backend::embedded::Settings;
use linkbridge::backend::embedded::audit::Log;

use self::journal::{Entry, Journal, State, look_up, verify};
use self::writer::{Done, Writer};
use super::support::client::Client;
use super::support::config::Profile;
use super::support::fixtures::LINK;
use super::support::native::put_user;
use super::support::random::{Random, number, seed};
use super::support::server::Server;

const WRITERS: usize = 8;
const USERS_PER_WRITER: usize = 4;

fn users() -> Vec<String> {
    (0..WRITERS * USERS_PER_WRITER)
        .map(|n| format!("00000000-0000-4000-8000-{n:012x}"))
        .collect()
}

#[test]
fn no_acknowledged_write_is_lost_or_undone() {
    let rounds = number("LINKBRIDGE_KILL_ROUNDS").unwrap_or(5);
    let seed = seed("LINKBRIDGE_KILL_SEED");
    eprintln!("kill: {rounds} rounds, LINKBRIDGE_KILL_SEED={seed}");
    let mut random = Random::new(seed);
    let dir = tempfile::tempdir().unwrap();
    let users = users();
    let mut journal = Journal::new();
    let (mut acknowledged, mut hit, mut settled) = (0, 0, (0, 0));

    let mut server = Server::start_in(dir.path(), &Profile::default()).unwrap();
    let mut client = Client::new(server.addr);
    for user in &users {
        put_user(&mut client, "acme", user).unwrap();
    }
    for round in 0..rounds {
        let (done, next) = one_round(server, dir.path(), &users, &journal, round, &mut random);
        server = next;
        let in_flight: usize = done.iter().map(|d| d.in_flight).sum();
        hit += u64::from(in_flight > 0);
        let odd: Vec<_> = done.iter().flat_map(|d| d.odd.clone()).collect();
        assert!(
            odd.is_empty(),
            "seed {seed}, round {round}: {}",
            odd.join("\n")
        );
        for one in done {
            acknowledged += one.acknowledged;
            journal.extend(one.journal);
        }
        assert!(
            server.ready_after < Duration::from_secs(1),
            "seed {seed}, round {round}: served only after {:?}",
            server.ready_after
        );
        let mut client = Client::new(server.addr);
        let verdict = verify(&mut client, &users, &mut journal);
        assert!(
            verdict.clean(),
            "seed {seed}, round {round}: {verdict:#?}\n{}",
            server.log()
        );
        settled = (settled.0 + verdict.settled.0, settled.1 + verdict.settled.1);
        // It is gone over from its start, so that every round would take longer than the one before.
        if round % 10 == 0 || round + 1 == rounds {
            let settings = Settings::new(dir.path().join("data"));
            let chain = Log::open(&settings).unwrap().verify(None).unwrap();
            assert!(
                chain.is_whole(),
                "seed {seed}, round {round}: {:?}",
                chain.findings
            );
        }
        let prefix = format!("r{round}-");
        let odd = look_up(
            server.addr,
            journal
                .iter()
                .filter(|(subject, _)| subject.starts_with(&prefix)),
        );
        assert!(
            odd.is_empty(),
            "seed {seed}, round {round}: {}",
            odd.join("\n")
        );
    }
    let odd = look_up(server.addr, journal.iter());
    assert!(
        odd.is_empty(),
        "seed {seed}, at the end: {}",
        odd.join("\n")
    );
    eprintln!(
        "kill: {acknowledged} acknowledged writes, {hit} of {rounds} rounds with a write in flight, \
         {} unanswered writes had happened and {} had not; 0 lost, 0 back, 0 twice",
        settled.0, settled.1
    );
    assert!(
        acknowledged > 0,
        "nothing was written, so nothing was shown"
    );
    assert!(
        hit * 100 >= rounds * 80,
        "seed {seed}: only {hit} of {rounds} rounds had a write in flight"
    );
}

/// Eight writers, a kill in their midst, a restart over the same data.
fn one_round(
    mut server: Server,
    dir: &Path,
    users: &[String],
    journal: &Journal,
    round: u64,
    random: &mut Random,
) -> (Vec<Done>, Server) {
    let addr = server.addr;
    let stop = AtomicBool::new(false);
    let start = Barrier::new(WRITERS + 1);
    let moment = Duration::from_millis(random.between(5, 500));
    let seeds: Vec<_> = (0..WRITERS).map(|_| random.next()).collect();
    let done = std::thread::scope(|scope| {
        let handles: Vec<_> = seeds
            .into_iter()
            .enumerate()
            .map(|(index, seed)| {
                let own = &users[index * USERS_PER_WRITER..(index + 1) * USERS_PER_WRITER];
                // A writer also deletes what it made in earlier rounds.
                let held = |entry: &Entry| entry.state == State::Held && own.contains(&entry.user);
                let mine = journal.iter().filter(|(_, entry)| held(entry));
                let mut writer = Writer {
                    client: Client::new(addr),
                    random: Random::new(seed),
                    users: own.to_vec(),
                    prefix: format!("r{round}-w{index}"),
                    held: mine
                        .map(|(subject, entry)| (subject.clone(), entry.clone()))
                        .collect(),
                    done: Done::default(),
                };
                let (stop, start) = (&stop, &start);
                scope.spawn(move || {
                    // Connected and accepted before the clock starts, so that even 5 ms are full of writes.
                    let target = format!("{LINK}?userId={}", writer.users[0]);
                    let warm = writer
                        .client
                        .bare("GET", &target)
                        .map(|answer| answer.status);
                    start.wait();
                    assert!(matches!(warm, Ok(200)), "{warm:?}");
                    while !stop.load(Ordering::Relaxed) && writer.write() {}
                    writer.done
                })
            })
            .collect();
        start.wait();
        std::thread::sleep(moment);
        server.kill();
        stop.store(true, Ordering::Relaxed);
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap())
            .collect()
    });
    (done, Server::start_in(dir, &Profile::default()).unwrap())
}
