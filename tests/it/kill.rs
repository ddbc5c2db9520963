//! `kill -9` at random moments under eight writers: what was acknowledged is there, and nothing else.
//!
//! `LINKBRIDGE_KILL_ROUNDS` sets the rounds (default 5), `LINKBRIDGE_KILL_SEED` repeats a run as far as
//! its choices go. All rounds share one data directory, so that each restart meets the history of all.

mod journal;

use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use self::journal::{Entry, Journal, State, look_up, verify};
use super::support::client::{Answer, Client, Lost};
use super::support::config::Profile;
use super::support::fixtures::{LINK, P, create_body};
use super::support::native::{put_user, try_create_pending};
use super::support::random::{Random, number, seed};
use super::support::server::Server;

const WRITERS: usize = 8;
const USERS_PER_WRITER: usize = 4;

/// What one writer did in one round.
struct Done {
    journal: Journal,
    /// Writes that were acknowledged.
    acknowledged: usize,
    /// Writes that were sent and not answered: they were in flight when the process died.
    in_flight: usize,
    /// Answers that should not be.
    odd: Vec<String>,
}

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
        let prefix = format!("r{round}-");
        let odd = look_up(
            &mut client,
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
    let odd = look_up(&mut Client::new(server.addr), journal.iter());
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
                    done: Done {
                        journal: Journal::new(),
                        acknowledged: 0,
                        in_flight: 0,
                        odd: Vec::new(),
                    },
                };
                let (stop, start) = (&stop, &start);
                scope.spawn(move || {
                    let connected = writer.client.connect();
                    start.wait();
                    connected.unwrap();
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

struct Writer {
    client: Client,
    random: Random,
    users: Vec<String>,
    prefix: String,
    held: Vec<(String, Entry)>,
    done: Done,
}

impl Writer {
    /// One write of a random kind. Answers whether the server is still there.
    fn write(&mut self) -> bool {
        let kind = self.random.between(0, 9);
        match kind {
            0..=2 if !self.held.is_empty() => self.delete(),
            3..=5 => self.complete(),
            _ => self.create(),
        }
    }

    fn subject(&mut self) -> (String, String) {
        let number = self.done.journal.len();
        let user = self.users[self.random.index(self.users.len())].clone();
        (format!("{}-{number}", self.prefix), user)
    }

    fn create(&mut self) -> bool {
        let (subject, user) = self.subject();
        let token = format!("token of {subject}");
        let entry = Entry {
            user: user.clone(),
            display_name: format!("name of {subject}"),
            token: Some(token.clone()),
            state: State::Unknown,
        };
        let answer = self.client.post(
            LINK,
            &create_body(&user, &subject, &entry.display_name, &token),
        );
        self.note(subject, entry, State::Held, answer)
    }

    fn complete(&mut self) -> bool {
        let (subject, user) = self.subject();
        let display_name = format!("pending {subject}");
        let body =
            json!({ "provider_id": "acme-oidc", "subject": subject, "display_name": display_name });
        // A pending link that was not acknowledged is nobody's: only its completion is journaled.
        let pending = match try_create_pending(&mut self.client, "acme", &body) {
            Err(_) => return false,
            Ok(answer) => answer,
        };
        let id = pending
            .json()
            .ok()
            .and_then(|json| json["pending_id"].as_str().map(str::to_owned));
        let Some(id) = id else {
            self.done.odd.push(format!(
                "{subject}: no pending link: {} {}",
                pending.status,
                pending.text()
            ));
            return false;
        };
        let entry = Entry {
            user: user.clone(),
            display_name,
            token: None,
            state: State::Unknown,
        };
        let answer = self
            .client
            .post(LINK, &json!({ "pendingIdPLinkId": id, "userId": user }));
        self.note(subject, entry, State::Held, answer)
    }

    fn delete(&mut self) -> bool {
        let (subject, entry) = self.held.swap_remove(self.random.index(self.held.len()));
        let target = format!(
            "{LINK}?identityProviderId={P}&identityProviderUserId={subject}&userId={}",
            entry.user
        );
        let answer = self.client.bare("DELETE", &target);
        self.note(subject, entry, State::Gone, answer)
    }

    /// Writes into the journal what a write came to.
    fn note(
        &mut self,
        subject: String,
        mut entry: Entry,
        state: State,
        answer: Result<Answer, Lost>,
    ) -> bool {
        let goes_on = match answer {
            Ok(answer) if answer.status == 200 => {
                entry.state = state.clone();
                self.done.acknowledged += 1;
                if state == State::Held {
                    self.held.push((subject.clone(), entry.clone()));
                }
                true
            }
            Ok(answer) => {
                self.done
                    .odd
                    .push(format!("{subject}: {} {}", answer.status, answer.text()));
                false
            }
            // The connection was gone before anything was sent: what was there before still is.
            Err(Lost::Unsent(_)) if state == State::Gone => false,
            Err(Lost::Unsent(_)) => return false,
            Err(Lost::Unknown(_)) => {
                entry.state = State::Unknown;
                self.done.in_flight += 1;
                false
            }
        };
        self.done.journal.insert(subject, entry);
        goes_on
    }
}
