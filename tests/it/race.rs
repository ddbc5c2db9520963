//! Sixty-four connections complete one pending link at the same moment: exactly one may get it.
//!
//! `LINKBRIDGE_RACE_ROUNDS` sets the rounds (default 5).

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Barrier;

use serde_json::{Value, json};

use super::exchanges::is_errors;
use super::support::client::{Answer, Client};
use super::support::config::Profile;
use super::support::fixtures::{A, B, LINK, P};
use super::support::native::{create_pending, put_user};
use super::support::random::number;
use super::support::server::Server;

const RACERS: usize = 64;

fn pending(client: &mut Client, subject: &str) -> String {
    create_pending(
        client,
        "acme",
        &json!({ "provider_id": "acme-oidc", "subject": subject }),
    )
    .unwrap()
}

fn complete(client: &mut Client, pending_id: &str, user: &str) -> Answer {
    let body =
        json!({ "pendingIdPLinkId": pending_id, "identityProviderLink": { "userId": user } });
    client
        .post(LINK, &body)
        .unwrap_or_else(|lost| panic!("{lost}"))
}

/// Every racer has a connection of its own, open and used before the start, so that they land on all workers.
fn race(addr: SocketAddr, pending_id: &str) -> Vec<Answer> {
    let start = Barrier::new(RACERS);
    std::thread::scope(|scope| {
        let racers: Vec<_> = (0..RACERS)
            .map(|index| {
                let start = &start;
                scope.spawn(move || {
                    let mut client = Client::new(addr);
                    let warm = client
                        .bare("GET", &format!("{LINK}?userId={A}"))
                        .map(|answer| answer.status);
                    start.wait();
                    assert!(matches!(warm, Ok(200)), "{warm:?}");
                    complete(&mut client, pending_id, if index % 2 == 0 { A } else { B })
                })
            })
            .collect();
        racers
            .into_iter()
            .map(|racer| racer.join().unwrap())
            .collect()
    })
}

/// The codes of a refusal, with the fields that they stand at; panics if it is none.
fn refusal(answer: &Answer) -> Vec<(String, String)> {
    let json = answer
        .json()
        .unwrap_or_else(|error| panic!("{} {error}", answer.status));
    assert!(
        answer.status == 400 && is_errors(&json),
        "no refusal: {} {json}",
        answer.status
    );
    let code = |error: &Value| error["code"].as_str().unwrap_or_default().to_owned();
    let fields = json["fieldErrors"].as_object().into_iter().flatten();
    let of_fields = fields.flat_map(|(field, list)| {
        list.as_array()
            .into_iter()
            .flatten()
            .map(move |error| (field.clone(), code(error)))
    });
    let general = json["generalErrors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| (String::new(), code(error)));
    of_fields.chain(general).collect()
}

/// Exactly one has the link; all others were refused as a pending link that is spent is.
fn judge(round: &str, subject: &str, answers: &[Answer], spent: &[(String, String)]) -> String {
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1, "{round}: {} got the link", won.len());
    for answer in &lost {
        assert_eq!(refusal(answer), spent, "{round}");
    }
    let link = won[0].json().unwrap()["identityProviderLink"].clone();
    assert_eq!(link["identityProviderUserId"], subject, "{round}");
    link["userId"].as_str().unwrap().to_owned()
}

/// The users that hold the subject, over the lists of both.
fn holders(client: &mut Client, subject: &str) -> Vec<String> {
    let mut found = Vec::new();
    for user in [A, B] {
        let json = client
            .bare("GET", &format!("{LINK}?userId={user}"))
            .unwrap()
            .json()
            .unwrap();
        let links = json["identityProviderLinks"]
            .as_array()
            .unwrap_or_else(|| panic!("no list: {json}"));
        let of_subject = links
            .iter()
            .filter(|link| link["identityProviderUserId"] == *subject);
        found.extend(of_subject.map(|link| link["userId"].as_str().unwrap().to_owned()));
    }
    found
}

fn restart(mut server: Server, dir: &Path) -> Server {
    server.kill();
    Server::start_in(dir, &Profile::default()).unwrap()
}

#[test]
fn one_of_sixty_four_completes_a_pending_link() {
    let rounds = number("LINKBRIDGE_RACE_ROUNDS").unwrap_or(5);
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_in(dir.path(), &Profile::default()).unwrap();
    let mut client = Client::new(server.addr);
    for user in [A, B] {
        put_user(&mut client, "acme", user).unwrap();
    }
    // How a spent pending link is refused when nobody races: the measure for all who lose.
    let alone = pending(&mut client, "alone");
    assert_eq!(complete(&mut client, &alone, A).status, 200);
    // Its link is deleted again, so that the account is free and only the pending link can be the reason.
    let target = format!("{LINK}?identityProviderId={P}&identityProviderUserId=alone&userId={A}");
    assert_eq!(client.bare("DELETE", &target).unwrap().status, 200);
    let spent = refusal(&complete(&mut client, &alone, A));

    let mut taken = Vec::new();
    for round in 0..rounds {
        let subject = format!("race-{round}");
        let id = pending(&mut client, &subject);
        let winner = judge(
            &format!("round {round}"),
            &subject,
            &race(server.addr, &id),
            &spent,
        );
        assert_eq!(
            holders(&mut client, &subject),
            [winner.as_str()],
            "round {round}"
        );
        taken.push((subject, id, winner));
    }
    // One that waits over the restart, and all that were taken before it.
    let waiting = pending(&mut client, "waiting");
    let server = restart(server, dir.path());
    let mut client = Client::new(server.addr);
    for (subject, id, winner) in &taken {
        assert_eq!(
            refusal(&complete(&mut client, id, A)),
            spent,
            "{subject} after the restart"
        );
        assert_eq!(
            holders(&mut client, subject),
            [winner.as_str()],
            "{subject} after the restart"
        );
    }
    let (_, last, _) = taken.last().expect("at least one round");
    for answer in race(server.addr, last) {
        assert_eq!(refusal(&answer), spent, "after the restart");
    }
    let winner = judge(
        "after the restart",
        "waiting",
        &race(server.addr, &waiting),
        &spent,
    );
    assert_eq!(holders(&mut client, "waiting"), [winner.as_str()]);
    eprintln!("race: {rounds} rounds of {RACERS}, one winner each, before and after a restart");
}
