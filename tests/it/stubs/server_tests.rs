//! The stub server itself: what it hands over, and what each fate does to a request.

use std::time::{Duration, Instant};

use super::{Answer, Fate, Later, Request, Stub, Vendor};
use crate::support::client::{Client, Lost};

/// Counts what it is asked, and says how often.
#[derive(Default)]
struct Counts {
    n: u32,
    began: Option<Instant>,
}

impl Vendor for Counts {
    fn answer(&mut self, _request: &Request, now: Instant) -> Answer {
        self.n += 1;
        let age = now - *self.began.get_or_insert(now);
        let value = serde_json::json!({ "n": self.n, "age": age.as_secs() });
        Answer::json(200, value).with("x-of", "counts")
    }

    fn begin(&mut self, request: &Request, _now: Instant) -> Option<Later<Self>> {
        let read = self.n;
        (request.method == "PUT").then(|| Later {
            after: Duration::from_millis(100),
            end: Box::new(move |counts: &mut Self, _| {
                counts.n = read + 1;
                Answer::empty(204)
            }),
        })
    }
}

fn n(client: &mut Client) -> u64 {
    let answer = client.send("GET", "/", &[], None).unwrap();
    answer.json().unwrap()["n"].as_u64().unwrap()
}

#[test]
fn a_request_arrives_as_it_was_sent() {
    let stub = Stub::start(Counts::default());
    let mut client = Client::new(stub.addr());
    let target = "/a%2Fb/c%20d/?x=1+2&x=%26&y";
    let headers = [("Authorization", "bearer t"), ("X-One", "1")];
    let answer = client
        .send("POST", target, &headers, Some(b"{\"a\":1}"))
        .unwrap();
    assert_eq!(
        (answer.status, answer.header("x-of")),
        (200, Some("counts"))
    );
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let log = stub.take_log();
    assert_eq!(stub.log(), []);
    let [request] = &log[..] else {
        panic!("{log:?}")
    };
    assert_eq!(request.path, "/a%2Fb/c%20d/");
    assert_eq!(request.segments(), ["a/b", "c d", ""]);
    assert_eq!(request.params("x").collect::<Vec<_>>(), ["1 2", "&"]);
    assert_eq!(request.param("y"), Some(""));
    assert_eq!(request.credential("Bearer"), Some("t"));
    assert_eq!(request.header("x-one"), Some("1"));
    assert_eq!(request.json(), Some(serde_json::json!({ "a": 1 })));
    assert_eq!(request.line(), "POST /a%2Fb/c%20d/?x=1 2&x=&&y=");
}

#[test]
fn the_clock_can_be_pushed_and_the_state_be_changed() {
    let stub = Stub::start(Counts::default());
    let mut client = Client::new(stub.addr());
    assert_eq!(n(&mut client), 1);
    stub.advance(Duration::from_secs(60));
    stub.with(|counts| counts.n = 7);
    let answer = client.send("GET", "/", &[], None).unwrap().json().unwrap();
    assert_eq!(answer, serde_json::json!({ "n": 8, "age": 60 }));
}

#[test]
fn others_are_served_while_a_request_takes_its_time() {
    let stub = Stub::start(Counts::default());
    let addr = stub.addr();
    let slow = std::thread::spawn(move || Client::new(addr).send("PUT", "/", &[], None));
    while stub.log().is_empty() {
        std::thread::yield_now();
    }
    // Read before, written after: what was done between is lost.
    let mut client = Client::new(addr);
    assert_eq!((n(&mut client), n(&mut client)), (1, 2));
    assert_eq!(slow.join().unwrap().unwrap().status, 204);
    assert_eq!(stub.with(|counts| counts.n), 1);
}

#[test]
fn each_fate_does_what_it_says() {
    let instead = Answer::empty(429).with("retry-after", "3");
    for (fate, answered, done) in [
        (Fate::Honest, Some(200), 1),
        (Fate::Instead(instead.clone()), Some(429), 0),
        (Fate::Afterwards(instead), Some(429), 1),
        (Fate::Late(Duration::from_millis(50)), Some(200), 1),
        (Fate::Trickle(Duration::from_millis(1)), Some(200), 1),
        (Fate::Close, None, 0),
        (Fate::DoneAndClose, None, 1),
        (Fate::Cut, None, 1),
    ] {
        let stub = Stub::start(Counts::default());
        let mut client = Client::new(stub.addr());
        stub.tamper_next([fate.clone()]);
        let answer = client.send("GET", "/", &[], None);
        let status = match &answer {
            Ok(answer) => Some(answer.status),
            Err(Lost::Unknown(_)) => None,
            Err(Lost::Unsent(why)) => panic!("{why}"),
        };
        assert_eq!(status, answered, "{fate:?}: {answer:?}");
        assert_eq!(stub.with(|counts| counts.n), done, "{fate:?}");
        // The next one is answered honestly.
        assert_eq!(n(&mut client), u64::from(done) + 1, "{fate:?}");
    }
}

#[test]
fn what_hangs_or_floods_ends_with_the_stub() {
    for (fate, done) in [(Fate::Hang, 0), (Fate::DoneAndHang, 1), (Fate::Flood, 1)] {
        let stub = Stub::start(Counts::default());
        stub.tamper(move |_| fate.clone());
        let addr = stub.addr();
        let asks = std::thread::spawn(move || Client::new(addr).send("GET", "/", &[], None));
        while stub.log().is_empty() || stub.with(|counts| counts.n) < done {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(50));
        assert!(!asks.is_finished());
        // Whoever asks now is answered; who was asked before is not.
        stub.heal();
        assert_eq!(n(&mut Client::new(addr)), u64::from(done) + 1);
        assert!(!asks.is_finished());
        drop(stub);
        assert!(asks.join().unwrap().is_err());
    }
}
