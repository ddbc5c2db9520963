//! Disks that fail under the store of the real binary, clocks that jump, and memory that runs out.
//!
//! What holds whatever fails, and whenever: what was acknowledged is there afterwards, what was not is there or
//! is not; who is refused is told so (503) in the vendor's words; nothing ends the process, and no restart is
//! needed once the disk is well again.
//!
//! `LINKBRIDGE_IO_FAULTS` is how many calls of each kind are made to fail, one after the other (default 2);
//! `LINKBRIDGE_FULL_DISKS` how often a disk becomes full (default 2).

mod clock;
mod errors;
mod full;
mod memory;
mod ready;
mod shim;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::kill::journal::{Entry, Journal, State, verify};
use super::support::client::Client;
use super::support::config::{self, Ports, Profile};
use super::support::fixtures::{LINK, P, create_body};
use super::support::server::Server;

/// A store whose disk is well again is well again within this.
const RECOVERY: Duration = Duration::from_secs(5);

fn users() -> Vec<String> {
    (0..4)
        .map(|n| format!("00000000-0000-4000-8000-{n:012x}"))
        .collect()
}

fn text(dir: &Path) -> impl Fn(Ports) -> String {
    let data = dir.join("data");
    let profile = Profile {
        open_users: true,
        ..Profile::default()
    };
    move |ports| config::text(&profile, ports, &data)
}

/// Makes and removes links, and remembers what it was told.
struct Script {
    journal: Journal,
    n: usize,
    refused: usize,
    odd: Vec<String>,
}

impl Script {
    fn new() -> Self {
        Self {
            journal: Journal::new(),
            n: 0,
            refused: 0,
            odd: Vec::new(),
        }
    }

    /// A link more, and at times one less. Answers whether all of it was carried out.
    fn step(&mut self, client: &mut Client) -> bool {
        let user = users().swap_remove(self.n % users().len());
        let subject = format!("subject-{}", self.n);
        self.n += 1;
        let entry = Entry {
            display_name: format!("name of {subject}"),
            token: Some(format!("token of {subject}")),
            state: State::Unknown,
            user,
        };
        let token = entry.token.clone().unwrap_or_default();
        let body = create_body(&entry.user, &subject, &entry.display_name, &token);
        let mut done = self.write(client, &subject, entry, State::Held, Some(&body));
        if self.n.is_multiple_of(3) {
            let held = |entry: &&Entry| entry.state == State::Held;
            let first = self.journal.iter().find(|(_, entry)| held(entry));
            if let Some((subject, entry)) = first.map(|(s, e)| (s.clone(), e.clone())) {
                done &= self.write(client, &subject, entry, State::Gone, None);
            }
        }
        done
    }

    fn write(
        &mut self,
        client: &mut Client,
        subject: &str,
        mut entry: Entry,
        wanted: State,
        body: Option<&Value>,
    ) -> bool {
        let answer = match body {
            Some(body) => client.post(LINK, body),
            None => client.bare(
                "DELETE",
                &format!(
                    "{LINK}?identityProviderId={P}&identityProviderUserId={subject}&userId={}",
                    entry.user
                ),
            ),
        };
        let done = match answer {
            Ok(answer) if answer.status == 200 => {
                entry.state = wanted;
                true
            }
            // Whether it was carried out is not known, and FusionAuth has one status for that and for "not now".
            Ok(answer) if answer.status == 503 => {
                entry.state = State::Unknown;
                self.refused += 1;
                false
            }
            Ok(answer) => {
                let (status, text) = (answer.status, answer.text());
                self.odd.push(format!("{subject}: {status} {text}"));
                entry.state = State::Unknown;
                false
            }
            Err(lost) => {
                self.odd.push(format!("{subject}: {lost}"));
                entry.state = State::Unknown;
                false
            }
        };
        self.journal.insert(subject.to_owned(), entry);
        done
    }

    /// Reads all there is. With a disk that fails, a read may be refused.
    fn read(&mut self, client: &mut Client, may_fail: bool) {
        for user in users() {
            match client.bare("GET", &format!("{LINK}?userId={user}")) {
                Ok(answer) if answer.status == 200 => {}
                Ok(answer) if answer.status == 503 && may_fail => self.refused += 1,
                Ok(answer) => self.odd.push(format!("a read: {}", answer.status)),
                Err(lost) => self.odd.push(format!("a read: {lost}")),
            }
        }
    }

    /// Writes until a write is carried out.
    fn recover(&mut self, client: &mut Client, what: &str) {
        let began = Instant::now();
        while !self.step(client) {
            assert!(
                began.elapsed() < RECOVERY,
                "{what}: no write for {RECOVERY:?}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Compares what was told with what is there.
    fn compare(&mut self, client: &mut Client, what: &str) {
        let verdict = verify(client, &users(), &mut self.journal);
        assert!(verdict.clean(), "{what}: {verdict:?}");
    }

    fn nothing_odd(&self, server: &Server, what: &str) {
        assert!(
            self.odd.is_empty(),
            "{what}: {:?}\n{}",
            self.odd,
            server.log()
        );
        let log = server.log();
        assert!(!log.contains("a panic"), "{what}:\n{log}");
    }
}

/// Kills the server, starts another over the same data without any fault, and compares.
fn after_a_kill(mut server: Server, dir: &Path, script: &mut Script, what: &str) {
    server.kill();
    let server = Server::start_with(dir, &text(dir)).unwrap_or_else(|e| panic!("{what}: {e}"));
    let mut client = Client::new(server.addr);
    script.compare(&mut client, what);
    script.nothing_odd(&server, what);
}
