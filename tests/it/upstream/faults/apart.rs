//! Faults that are not of one request: no connection, a circuit that is open, no token.

use std::time::{Duration, Instant};

use super::cells::{Op, TABLE};
use super::middle::{Does, Passed, Trap, user};
use super::{BOUND, World, does, known, serve};
use crate::fronts::clients::client;
use crate::fronts::facts::Fact;
use crate::fronts::speaker::Speaker;
use crate::support::client::Answer;
use crate::support::fault::http2::{Act2, Fault2, INTERNAL_ERROR, REFUSED_STREAM};
use crate::support::fault::tls::{self, Shows};
use crate::support::fault::{self, Act, Fault};
use crate::support::fixtures::Q;
use crate::support::server::Server;
use crate::upstream::idps::TOKEN;

/// The fronts that meet what is here.
const FRONTS: [&str; 3] = ["fusionauth", "ory", "zitadel-v2"];

/// Whoever does not answer there, for as long as it is held.
type Held = Box<dyn std::any::Any>;

/// Where nobody answers as an IdP would: what `[way]` of the table calls so.
fn way(name: &str) -> (String, Held) {
    let act = |act| {
        let fault = Fault::start(vec![act]);
        (fault.url.clone(), Box::new(fault) as Held)
    };
    let shows = |shows| {
        let fault = tls::start(shows, false, vec![Act::ok("{}")]);
        (fault.url.clone(), Box::new(fault) as Held)
    };
    let http2 = |act| {
        let fault = Fault2::start(vec![act]);
        (fault.url.clone(), Box::new(fault) as Held)
    };
    match name {
        "refused" => {
            let (url, held) = fault::refusing();
            (url, Box::new(held))
        }
        "a black hole" => {
            let (url, held) = fault::black_hole();
            (url, Box::new(held))
        }
        "closed at once" => act(Act::ClosesAtOnce),
        "reset at once" => act(Act::ResetsAtOnce),
        "an expired certificate" => shows(Shows::Expired),
        "another's certificate" => shows(Shows::OtherName),
        "an untrusted certificate" => shows(Shows::Untrusted),
        "HTTP/2: reset" => http2(Act2::Resets(INTERNAL_ERROR)),
        "HTTP/2: refused" => http2(Act2::Resets(REFUSED_STREAM)),
        "HTTP/2: reset in the answer" => http2(Act2::AnswersHalfAndResets(INTERNAL_ERROR)),
        "HTTP/2: goes away, seen" => http2(Act2::GoesAway(0, true)),
        "HTTP/2: goes away, unseen" => http2(Act2::GoesAway(0, false)),
        "HTTP/2: stalls" => http2(Act2::Stalls),
        "HTTP/2: dies" => http2(Act2::Dies),
        "HTTP/2: closes" => http2(Act2::Closes),
        _ => panic!("there is no way {name}"),
    }
}

/// What each front says over this way, to what reads and what writes.
fn walk_way(name: &str, outcome: &str) -> Vec<String> {
    let (url, held) = way(name);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), TOKEN).unwrap();
    std::fs::write(dir.path().join("roots.pem"), tls::roots()).unwrap();
    let mut more = "ca_file = \"roots.pem\"\n".to_owned();
    if name.starts_with("HTTP/2") {
        more += "protocols = [\"h2\"]\n";
    }
    let server = serve(dir.path(), "fusionauth", &url, &more);
    let mut wrong = Vec::new();
    for (n, front) in FRONTS.into_iter().enumerate() {
        for op in [Op::List, Op::Delete, Op::Create] {
            let mut speaker = Speaker::new(client(front), server.addr, Q);
            let mut fact = Fact::new("A", "P", "subject");
            fact.user = known(n);
            if front == "ory" && op == Op::Create {
                continue;
            }
            let ask = op.ask(&mut speaker, &mut fact);
            let began = Instant::now();
            let answer = speaker.ask_with(ask.request, &ask.values);
            let took = began.elapsed();
            let mut found: Vec<_> = TABLE.wrong(front, outcome, &answer).into_iter().collect();
            if took > BOUND {
                found.push(format!("it took {took:?}"));
            }
            let said = answer.text();
            wrong.extend(
                found
                    .into_iter()
                    .map(|f| format!("{name}, {op:?} by {front}: {f}: {said}")),
            );
        }
    }
    assert_silent(&server, &[]);
    drop(held);
    wrong
}

/// No secret is in the log.
fn assert_silent(server: &Server, more: &[&str]) {
    let log = server.log();
    for secret in [TOKEN, Q].iter().chain(more) {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn every_way_on_which_there_is_no_idp() {
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let all = TABLE.way.iter();
        let all: Vec<_> = all
            .map(|(name, outcome)| scope.spawn(move || walk_way(name, outcome)))
            .collect();
        let all = all.into_iter();
        all.flat_map(|walk| walk.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

impl World {
    /// Asks through FusionAuth's front for a user's links, or makes one.
    fn ask(&self, op: Op, n: usize, trap: Option<Trap>) -> (Answer, Vec<Passed>) {
        let mut speaker = Speaker::new(client("fusionauth"), self.server.addr, Q);
        let mut fact = fact(n);
        let ask = op.ask(&mut speaker, &mut fact);
        self.middle.arm(fact.user.key, trap);
        let began = Instant::now();
        let answer = speaker.ask_with(ask.request, &ask.values);
        assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
        (answer, self.middle.disarm(fact.user.key))
    }

    fn says(&self, outcome: &str, answer: &Answer) {
        let wrong = TABLE.wrong("fusionauth", outcome, answer);
        assert!(
            wrong.is_none(),
            "{wrong:?}: {} {}",
            answer.status,
            answer.text()
        );
    }
}

fn fact(n: usize) -> Fact {
    let mut fact = Fact::new("A", "P", &format!("subject-{}", user(n)));
    fact.user = known(n);
    fact
}

fn trap(name: &str, at: usize, lasts: bool, is_done: bool) -> Option<Trap> {
    Some(Trap {
        at,
        lasts,
        is_done,
        does: does(name),
    })
}

#[test]
fn an_idp_that_fails_is_left_alone_and_found_again() {
    let more = "retry_percent = 0\nbreaker = { failures = 3, open_seconds = 1 }\n";
    let world = World::over("fusionauth", 2, more);
    let fails = || trap("500", 0, true, false);
    for _ in 0..3 {
        let (answer, passed) = world.ask(Op::List, 0, fails());
        world.says("refused", &answer);
        assert_eq!(passed.len(), 1);
    }
    let opened = Instant::now();
    // Nothing is asked any more, of whomever, and nothing is written.
    for op in [Op::List, Op::Create, Op::List] {
        let (answer, passed) = world.ask(op, 1, None);
        if opened.elapsed() < Duration::from_millis(900) {
            world.says("down", &answer);
            assert_eq!(passed.len(), 0);
        }
    }
    std::thread::sleep(Duration::from_millis(1100));
    // One is let through, and fails.
    let (answer, passed) = world.ask(Op::List, 0, fails());
    world.says("refused", &answer);
    assert_eq!(passed.len(), 1);
    let opened = Instant::now();
    let (answer, passed) = world.ask(Op::List, 0, None);
    if opened.elapsed() < Duration::from_millis(900) {
        world.says("down", &answer);
        assert_eq!(passed.len(), 0);
    }
    std::thread::sleep(Duration::from_millis(1100));
    for op in [Op::List, Op::Create, Op::List] {
        let (answer, _) = world.ask(op, 0, None);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(world.kept(&fact(0)), 1);
    let log = world.server.log();
    for told in ["it is not called any more", "the upstream answers again"] {
        assert!(log.contains(told), "{log}");
    }
}

/// The IdP's own secret of linkbridge.
pub(super) const SECRET: &str = "canary-of-the-client";

fn given() -> Act {
    Act::ok(&format!(
        r#"{{"access_token":"{TOKEN}","token_type":"Bearer","expires_in":3600}}"#
    ))
}

/// A world whose tokens come from there.
fn over_tokens(url: &str) -> World {
    let more = format!(
        "credential = {{ kind = \"client_credentials\", token_url = \"{url}/token\", client_id = \"linkbridge\", \
         client_secret = \"file:secret\", client_auth = \"post\" }}\n"
    );
    World::over("fusionauth", 3, &more)
}

#[test]
fn without_a_token_nothing_is_asked() {
    let refusal = r#"{"error":"invalid_client","error_description":"canary-of-the-idp"}"#;
    let cases = [
        (Act::SaysAndStalls(Vec::new()), "timeout"),
        (Act::json(401, refusal), "refused"),
        (Act::json(400, refusal), "refused"),
        (Act::json(500, refusal), "down"),
        (Act::json(429, refusal), "down"),
        (Act::SaysAndCloses(Vec::new()), "down"),
        (Act::ok("{}"), "refused"),
        (Act::ok("canary-of-the-idp"), "refused"),
    ];
    std::thread::scope(|scope| {
        for (act, outcome) in cases {
            scope.spawn(move || {
                let tokens = Fault::start(vec![act.clone()]);
                let world = over_tokens(&tokens.url);
                for op in [Op::List, Op::Create] {
                    let (answer, passed) = world.ask(op, 0, None);
                    world.says(outcome, &answer);
                    assert!(passed.is_empty(), "{act:?}");
                    assert!(!answer.text().contains("canary"), "{act:?}");
                }
                assert!(!tokens.seen().is_empty());
                tokens.now_does(vec![given()]);
                // Who was refused waits a moment before asking again.
                let began = Instant::now();
                let found = loop {
                    let (answer, _) = world.ask(Op::Create, 1, None);
                    if answer.status == 200 || began.elapsed() > Duration::from_secs(10) {
                        break answer;
                    }
                    std::thread::sleep(Duration::from_millis(200));
                };
                assert_eq!(found.status, 200, "{act:?}: {}", found.text());
                assert_silent(&world.server, &["canary"]);
            });
        }
    });
    let (url, _held) = fault::refusing();
    let world = over_tokens(&url);
    let (answer, passed) = world.ask(Op::Create, 0, None);
    world.says("down", &answer);
    assert!(passed.is_empty());
}

#[test]
fn a_write_that_a_401_has_not_done_is_sent_again_with_another_token_once() {
    let tokens = Fault::start(vec![given()]);
    let world = over_tokens(&tokens.url);
    let (answer, passed) = world.ask(Op::Create, 0, trap("401", 1, false, false));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let writes = passed.iter().filter(|passed| passed.writes).count();
    assert_eq!((passed.len(), writes, world.kept(&fact(0))), (3, 2, 1));
    // The test of the credential at the start may have asked for one, too.
    assert!((2..=3).contains(&tokens.seen().len()));
    // An IdP that refuses every token: that is no fault of the client's, and known to the administrator.
    let (answer, passed) = world.ask(Op::Create, 1, trap("401", 1, true, false));
    world.says("refused", &answer);
    assert!(passed.len() <= 3 && world.kept(&fact(1)) == 0, "{passed:?}");
    assert!(world.server.log().contains("refuses our credential"));
    assert_silent(&world.server, &[SECRET, "canary"]);
}

/// A pending link is given back by what was refused for certain, and spent by what nobody knows.
#[test]
fn a_pending_link_is_spent_unless_nothing_was_done() {
    let world = World::over("fusionauth", 2, "");
    for (fault, outcome, again) in [("429", "limited", 200), ("500", "unknown", 404)] {
        let n = usize::from(fault == "500");
        let mut speaker = Speaker::new(client("fusionauth"), world.server.addr, Q);
        let mut fact = fact(n);
        let ask = Op::Pending.ask(&mut speaker, &mut fact);
        world
            .middle
            .arm(fact.user.key, trap(fault, 2, false, false));
        let answer = speaker.ask_with(ask.request, &ask.values);
        world.middle.disarm(fact.user.key);
        world.says(outcome, &answer);
        let answer = speaker.ask_with(ask.request, &ask.values);
        let is_spent = answer.status != 200;
        assert_eq!(
            is_spent,
            again != 200,
            "{} {}",
            answer.status,
            answer.text()
        );
        assert_eq!(world.kept(&fact), usize::from(!is_spent));
    }
}

/// What the IdP answers to another request than the next is nobody's answer.
#[test]
fn an_answer_too_many_is_nobodys() {
    let world = World::over("fusionauth", 40, "");
    for n in 0..20 {
        let (user, lie) = (user(n), fact(n + 20));
        let evil = serde_json::json!({ "identityProviderLinks": [{
            "identityProviderId": lie.provider.id_or_key("fusionauth"), "identityProviderUserId": "evil",
            "userId": user, "tenantId": lie.tenant.id_or_key("fusionauth"),
        }]});
        let body = evil.to_string();
        let extra = fault::answer(200, "content-type: application/json\r\n", body.as_bytes());
        let trap = Trap {
            at: 0,
            lasts: false,
            is_done: true,
            does: Does::Around(Vec::new(), extra),
        };
        let (answer, _) = world.ask(Op::List, n, Some(trap));
        assert!(
            answer.status == 200 && !answer.text().contains("evil"),
            "{}",
            answer.text()
        );
        let (answer, _) = world.ask(Op::List, n, None);
        assert!(
            answer.status == 200 && !answer.text().contains("evil"),
            "{}",
            answer.text()
        );
    }
}
