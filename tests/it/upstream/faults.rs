//! The fault matrix: every fault of an IdP, or of the way to it, at every request of every operation, through
//! several fronts. What a client is told, how often the IdP is asked, how long it takes, and what the IdP has then.
//! `tests/upstream/faults.toml` is the table, written by hand.

mod apart;
mod cells;
mod middle;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use self::cells::{Cell, Op};
use self::middle::{Does, Middle, Trap, user};
use super::idps::{self, Idp, TOKEN};
use super::world::{mark_indexed, vendor_of};
use crate::fronts::clients::client;
use crate::fronts::facts::Fact;
use crate::fronts::speaker::Speaker;
use crate::support::client::Client;
use crate::support::config::{self, Profile};
use crate::support::fault::{self, answer};
use crate::support::fixtures::{Fixture, Q};
use crate::support::native::put_user_with;
use crate::support::server::Server;

/// How many cells are under way at once, over one IdP.
const LANES: usize = 20;
/// No call may take longer: that of linkbridge to the IdP, and what a busy machine adds.
const BOUND: Duration = Duration::from_secs(3 + 5);

/// A server over an IdP, with a bad way between them.
struct World {
    dialect: &'static str,
    server: Server,
    middle: Middle,
    idp: Box<dyn Idp>,
    _dir: tempfile::TempDir,
}

impl World {
    fn start(dialect: &'static str, users: usize) -> Self {
        Self::over(dialect, users, "")
    }

    /// The same with more in its configuration.
    fn over(dialect: &'static str, users: usize, more: &str) -> Self {
        let users: Vec<String> = (0..users).map(user).collect();
        let idp = idps::start_knowing(dialect, &users);
        let addr = idp.url().replace("http://", "").parse().unwrap();
        let middle = Middle::start(addr);
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("token"), TOKEN).unwrap();
        std::fs::write(dir.path().join("secret"), apart::SECRET).unwrap();
        mark_indexed(dir.path());
        let server = serve(dir.path(), dialect, &middle.url(), more);
        Self {
            dialect,
            server,
            middle,
            idp,
            _dir: dir,
        }
    }

    /// What the IdP keeps of this account.
    fn kept(&self, fact: &Fact) -> usize {
        let all = self.idp.links();
        let of = all
            .iter()
            .filter(|(user, _, subject)| *user == fact.user.key && *subject == fact.subject);
        of.count()
    }

    /// What is asked of the IdP where nothing fails: `r` is a read, `w` a write.
    fn honest(&self, front: &str, op: Op, n: usize) -> String {
        let mut speaker = Speaker::new(client(front), self.server.addr, Q);
        let mut fact = self.prepared(op, n, &mut speaker);
        let ask = op.ask(&mut speaker, &mut fact);
        self.middle.arm(fact.user.key, None);
        let answer = speaker.ask_with(ask.request, &ask.values);
        let passed = self.middle.disarm(fact.user.key);
        let said = answer.text();
        assert!(
            answer.status < 300,
            "{front} {op:?}: {said}\n{passed:#?}\n{}",
            self.server.log()
        );
        let passed = passed.iter().map(|p| if p.writes { 'w' } else { 'r' });
        passed.collect()
    }

    /// What is there before.
    fn prepared(&self, op: Op, n: usize, speaker: &mut Speaker) -> Fact {
        let vendor = vendor_of(self.dialect);
        let mut fact = Fact::new("A", "P", &format!("subject-{}", user(n)));
        fact.user = known(n);
        let provider = fact.provider.id_or_key(vendor).to_owned();
        if op == Op::Put && self.dialect != "ory" {
            let mut client = Client::new(self.server.addr);
            let body = serde_json::json!({ "document": {} });
            let put = put_user_with(&mut client, fact.tenant.key, fact.user.key, &body);
            put.unwrap();
        }
        if op.needs_link() {
            self.idp.link(fact.user.key, &provider, &fact.subject);
        }
        let is_indexed = self.dialect == "zitadel-v2" && op == Op::Find;
        if op == Op::Get || is_indexed {
            // Whoever asks by an id knows it from a list; so does an index.
            let mut native = Speaker::new(client("linkbridge"), self.server.addr, Q);
            let id = native.link_id(&fact);
            fact.link = match speaker.name() {
                "pingone" => speaker.link_id(&fact),
                _ => id,
            };
            assert!(fact.link.is_some(), "{op:?}: the link is not told");
        }
        fact
    }

    /// What is wrong with a cell.
    fn walk(&self, cell: &Cell, n: usize, speakers: &mut [Speaker]) -> Option<String> {
        let speaker = speakers.iter_mut().find(|s| s.name() == cell.front);
        let speaker = speaker.unwrap();
        let mut fact = self.prepared(cell.op, n, speaker);
        let ask = cell.op.ask(speaker, &mut fact);
        self.middle.arm(fact.user.key, cell.trap());
        let began = Instant::now();
        let answer = speaker.ask_with(ask.request, &ask.values);
        let took = began.elapsed();
        let passed = self.middle.disarm(fact.user.key);
        let mut wrong: Vec<String> = Vec::new();
        wrong.extend(cell.answered(&ask, &fact, &answer));
        if took > BOUND {
            wrong.push(format!("it took {took:?}"));
        }
        let told = format!("{:?} {}", answer.headers, answer.text());
        for secret in [
            TOKEN,
            Q,
            "evil",
            &self.idp.url()[7..],
            &self.middle.url()[7..],
        ] {
            if told.contains(secret) {
                wrong.push(format!("it tells {secret}"));
            }
        }
        let n_asked = cell.asked();
        if !n_asked.contains(&passed.len()) {
            wrong.push(format!("asked {} times, not {n_asked:?}", passed.len()));
        }
        let mut sent: Vec<&str> = Vec::new();
        for passed in passed.iter().filter(|passed| passed.writes) {
            if sent.contains(&passed.line.as_str()) && cell.op != Op::Put {
                wrong.push(format!("sent twice: {}", passed.line));
            }
            sent.push(&passed.line);
        }
        let kept = self.kept(&fact);
        if cell.keeps() != kept {
            wrong.push(format!("the IdP keeps {kept} links"));
        }
        let lines: Vec<_> = passed.iter().map(|p| p.line.as_str()).collect();
        (!wrong.is_empty()).then(|| {
            format!(
                "{cell}: {}\n    {} {}\n    {}",
                wrong.join("; "),
                answer.status,
                answer.text(),
                lines.join("\n    ")
            )
        })
    }
}

/// A server over the IdP at this URL.
fn serve(dir: &std::path::Path, dialect: &str, url: &str, more: &str) -> Server {
    let profile = Profile {
        open_users: true,
        ..Profile::default()
    };
    let upstream = format!(
        "\n[backend.upstream]\ndialect = \"{dialect}\"\nbase_url = \"{url}\"\nallow_http = true\n\
         allow_addresses = [\"127.0.0.1\"]\nresolve_seconds = 1\nconnect_seconds = 1\ntls_seconds = 1\n\
         first_byte_seconds = 2\ntotal_seconds = 3\nmax_in_flight = 256\nqueue_milliseconds = 5000\n\
         max_answer_bytes = 50000\n"
    );
    let usual = [
        (
            "credential = ",
            "{ kind = \"static\", token = \"file:token\" }",
        ),
        ("retry_percent = ", "100"),
        ("breaker = ", "{ failures = 1000000, open_seconds = 1 }"),
    ];
    let usual = usual.iter().filter(|(key, _)| !more.contains(key));
    let usual: String = usual
        .map(|(key, value)| format!("{key}{value}\n"))
        .collect();
    let server = Server::start_with(dir, &|ports| {
        let text = config::text(&profile, ports, &dir.join("data"));
        // All tests come from one address.
        let many = "[limits]\nconnections_per_source = 5000\n";
        text.replace("[limits]\n", many) + &upstream + &usual + more
    });
    server.unwrap()
}

/// A user of the tests as all vendors know it: by the same id.
fn known(n: usize) -> &'static Fixture {
    let id: &'static str = Box::leak(user(n).into_boxed_str());
    Box::leak(Box::new(Fixture {
        name: "F",
        key: id,
        ids: [Some(id); 6],
    }))
}

/// What a fault does.
fn does(name: &str) -> Does {
    let honest = |before: &str, after: Vec<u8>| Does::Around(before.as_bytes().to_vec(), after);
    match name {
        "1xx and then an answer" => {
            honest("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", Vec::new())
        }
        "two answers" => honest("", answer(200, "", b"{\"evil\":1}")),
        "a longer body than said" => honest("", b"{\"evil\":1}".to_vec()),
        _ => {
            let mut all = fault::named().into_iter();
            let found = all.find(|(known, _)| *known == name);
            Does::Act(found.unwrap_or_else(|| panic!("there is no {name}")).1)
        }
    }
}

/// The cells over one IdP.
fn matrix(dialect: &'static str, whole: bool) {
    let cells = cells::all(dialect, whole);
    let world = World::start(dialect, cells.len() + cells::OPS.len());
    let mut wrong = Vec::new();
    for (n, (front, op, _)) in (cells.len()..).zip(cells::OPS) {
        let (plan, asked) = (
            cells::plan(dialect, front, *op),
            world.honest(front, *op, n),
        );
        let plain: String = plan
            .chars()
            .map(|c| if matches!(c, 'w' | 'u') { 'w' } else { 'r' })
            .collect();
        if plain != asked {
            wrong.push(format!(
                "{} by {front} over {dialect}: {asked}, not {plan}",
                op.name()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let next = AtomicUsize::new(0);
    let wrong: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                let mut speakers = Speaker::all(world.server.addr, Q);
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(cell) = cells.get(n) else { return };
                    let found = world.walk(cell, n, &mut speakers);
                    wrong.lock().unwrap().extend(found);
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    let log = world.server.log();
    // What the IdP says of our credential is for the administrator to hear.
    assert!(log.contains("refuses our credential"), "{log}");
    for secret in [TOKEN, Q, "opaque-1"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    assert!(!log.contains("panicked"), "{log}");
    let n_wrong = wrong.len();
    assert!(
        wrong.is_empty(),
        "{n_wrong} of {}:\n{}",
        cells.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_fault_of_fusionauth() {
    matrix("fusionauth", false);
}

#[test]
fn every_fault_of_ory() {
    matrix("ory", false);
}

#[test]
fn every_fault_of_zitadel() {
    matrix("zitadel-v2", false);
}

#[test]
#[ignore = "takes minutes"]
fn every_fault_of_every_operation() {
    for dialect in ["fusionauth", "ory", "zitadel-v2"] {
        matrix(dialect, true);
    }
}
