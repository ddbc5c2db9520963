//! Answers are bounded in size and time, and taken as they are.

use std::time::{Duration, Instant};

use linkbridge::outbound::{Client, Fault};

use super::addresses::{get, settings};
use crate::bearer::idp::{Does, Idp};

fn client() -> Client {
    Client::new(&settings(&["127.0.0.1"])).unwrap()
}

fn answer(does: Does) -> Result<(u16, usize), Fault> {
    let idp = Idp::start(does);
    let began = Instant::now();
    let found = get(&client(), &idp.url("/a?b=c"));
    assert!(began.elapsed() < Duration::from_secs(2));
    found.map(|answer| (answer.status.as_u16(), answer.body.len()))
}

#[test]
fn an_answer_is_read_whole_up_to_its_bound() {
    let of = |n: usize| Does::say("a".repeat(n));
    assert_eq!(answer(of(0)), Ok((200, 0)));
    assert_eq!(answer(of(1000)), Ok((200, 1000)));
    assert_eq!(answer(of(1001)), Err(Fault::TooLarge));
    assert_eq!(answer(Does::Floods), Err(Fault::TooLarge));
    let fields = format!("x: {}\r\n", "a".repeat(100_000));
    assert_eq!(
        answer(Does::Answers(200, fields, String::new())),
        Err(Fault::Broken)
    );
    let fields = "x: a\r\n".repeat(100);
    assert_eq!(
        answer(Does::Answers(200, fields, String::new())),
        Err(Fault::Broken)
    );
}

#[test]
fn an_answer_that_takes_too_long_is_given_up() {
    assert_eq!(answer(Does::Hangs), Err(Fault::TimedOut("the answer")));
    assert_eq!(answer(Does::Trickles), Err(Fault::TimedOut("the call")));
    assert_eq!(answer(Does::Closes), Err(Fault::Ended));
}

#[test]
fn every_status_is_an_answer_and_a_coding_that_was_not_asked_for_is_none() {
    let trap = Idp::start(Does::say("x"));
    for status in [204, 301, 302, 303, 307, 308, 400, 401, 404, 500, 503] {
        let fields = format!("location: {}\r\n", trap.url("/"));
        let found = answer(Does::Answers(status, fields, String::new()));
        assert_eq!(found, Ok((status, 0)));
    }
    assert_eq!(trap.asked(), 0);
    let gzip = "content-encoding: gzip\r\n".to_owned();
    assert_eq!(
        answer(Does::Answers(200, gzip, "x".to_owned())),
        Err(Fault::Encoded)
    );
}

#[test]
fn a_request_says_who_we_are_and_no_more() {
    let idp = Idp::start(Does::say("x"));
    assert!(get(&client(), &idp.url("/a?b=c")).is_ok());
    let request = idp.requests().remove(0);
    let mut lines: Vec<String> = request.lines().map(str::to_ascii_lowercase).collect();
    lines.retain(|line| !line.is_empty());
    lines.sort();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        lines,
        [
            "accept-encoding: identity".to_owned(),
            "get /a?b=c http/1.1".to_owned(),
            format!("host: {}", idp.addr),
            format!("user-agent: linkbridge/{version}"),
        ]
    );
}

#[test]
fn nobody_there_is_told_apart_from_nobody_allowed() {
    let port = crate::support::server::free_port();
    let url = format!("http://127.0.0.1:{port}/");
    assert_eq!(get(&client(), &url).unwrap_err(), Fault::Unreachable);
}
