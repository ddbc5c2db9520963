//! A link is made through each front, told by every front, and removed through each: every ordered triple of
//! fronts, and every way that a front has.

use super::super::support::config::Profile;
use super::super::support::fixtures::{Q, ROSA};
use super::super::support::server::Server;
use super::clients::{CLIENTS, Create, Delete, client};
use super::facts::{Fact, new_subject};
use super::impossible::{creates, is_impossible};
use super::speaker::Speaker;

/// The ways of all fronts to remove a link at a provider.
fn deletes(provider: &str) -> Vec<(usize, &'static Delete)> {
    let all = CLIENTS.iter().enumerate();
    let able = all.filter(|(_, client)| !is_impossible(&client.dialect, "delete", provider));
    able.flat_map(|(index, client)| client.deletes.iter().map(move |delete| (index, delete)))
        .collect()
}

/// Whether the request of a speaker can name the link: some only can once its id is known.
fn can_name(request: &super::template::Request, fact: &Fact) -> bool {
    fact.link.is_some() || !request.names("link")
}

/// What every front says of a link that is there, or of one that is gone.
fn look(speakers: &mut [Speaker], fact: &Fact, is_there: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for speaker in speakers {
        let dialect = speaker.name();
        let is_known = !is_impossible(dialect, "read", fact.provider.key);
        for read in &speaker.client.reads {
            if !can_name(&read.request, fact) || (!is_known && read.one) {
                continue;
            }
            let found = match is_there && is_known {
                true => speaker.sees(read, fact),
                false => speaker.misses(read, fact),
            };
            let place = format!("{dialect} ({})", read.way);
            wrong.extend(found.into_iter().map(|f| format!("{place}: {f}")));
        }
    }
    wrong
}

/// One link from its making to its end; what was not as it has to be.
fn live(
    speakers: &mut [Speaker],
    (maker, create): (usize, &Create),
    (remover, delete): (usize, &Delete),
    fact: Fact,
) -> Vec<String> {
    let mut fact = fact.kept_by(&create.keeps);
    let mut wrong = Vec::new();
    let mut note = |what: &str, found: Vec<String>| {
        wrong.extend(found.into_iter().map(|f| format!("{what}: {f}")));
    };
    let answer = speakers[maker].create(create, &fact);
    note("made", speakers[maker].created(create, &fact, &answer));
    // Both fronts that tell ids of links tell the same one.
    let native = speakers.iter_mut().find(|s| s.name() == "linkbridge");
    fact.link = native.unwrap().link_id(&fact);
    if fact.link.is_none() {
        note("made", vec!["no id is told of it".to_owned()]);
    }
    note("there", look(speakers, &fact, true));
    let answer = speakers[remover].delete(delete, &fact);
    note("removed", speakers[remover].deleted(delete, &fact, &answer));
    note("gone", look(speakers, &fact, false));
    let again = speakers[remover].delete(delete, &fact);
    note(
        "removed again",
        speakers[remover].says(&delete.gone, &fact, &again),
    );
    wrong
}

/// Every way to make a link at this provider, with every `step`th way to remove it, beginning at a different one.
fn walk(speakers: &mut [Speaker], provider: &str, step: usize) -> (usize, Vec<String>) {
    let (creates, deletes) = (creates(provider), deletes(provider));
    let (mut n_links, mut wrong) = (0, Vec::new());
    for (turn, create) in creates.iter().enumerate() {
        for delete in deletes.iter().skip(turn % step).step_by(step) {
            let mut fact = Fact::new(["A", "B"][n_links % 2], provider, &new_subject());
            // Most links are hers: she has another id everywhere.
            if n_links % 3 != 0 {
                fact.user = &ROSA;
            }
            let what = format!(
                "{:?} made by {} ({}), removed by {} ({})",
                fact.subject,
                CLIENTS[create.0].dialect,
                create.1.way,
                CLIENTS[delete.0].dialect,
                delete.1.way
            );
            let found = live(speakers, *create, *delete, fact);
            wrong.extend(found.into_iter().map(|f| format!("{what}: {f}")));
            n_links += 1;
        }
    }
    (n_links, wrong)
}

#[test]
fn what_one_front_makes_every_front_tells_and_any_front_removes() {
    let profile = Profile {
        two_tenants: true,
        ..Profile::default()
    };
    let server = Server::start(&profile).unwrap();
    super::settle(server.addr, true);
    let mut speakers = Speaker::all(server.addr, Q);
    let (mut n_links, mut wrong) = (0, Vec::new());
    // The one that every vendor knows; of the others, each way to make with some ways to remove.
    for (provider, step) in [("acme-oidc", 1), ("google", 4), ("corp-saml", 4)] {
        let (n, found) = walk(&mut speakers, provider, step);
        n_links += n;
        wrong.extend(found);
    }
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(40)].join("\n")
    );
    assert!(!server.log().contains("panicked"), "{}", server.log());
    eprintln!("matrix: {n_links} links, told by {} fronts", speakers.len());
}

#[test]
fn an_identity_that_is_made_with_a_link_is_told_by_every_front() {
    let server = Server::start(&Profile::default()).unwrap();
    let mut ory = Speaker::new(client("ory"), server.addr, Q);
    let request = super::template::Request::parse(
        "POST /admin/identities\nContent-Type: application/json\n\n\
        {\"schema_id\":\"default\",\"traits\":{},\"credentials\":{\"{protocol}\":{\"config\":{\"providers\":[{\"provider\":\"{provider}\",\"subject\":\"{subject}\"}]}}}}",
    )
    .unwrap();
    let fact = Fact::new("A", "P", "born-with").kept_by(&[]);
    let answer = ory.ask(&request, &fact);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let id = answer.json().unwrap()["id"].as_str().unwrap().to_owned();
    // Nobody has another id for the user, so the canonical one stands for itself everywhere.
    let mut told = 0;
    for mut speaker in Speaker::all(server.addr, Q) {
        let Some(read) = speaker.client.list() else {
            continue;
        };
        let mut values = speaker.values(&fact);
        values.set("user", &*id);
        let answer = speaker.ask_with(&read.request, &values);
        assert_eq!(answer.status, 200, "{}: {}", speaker.name(), answer.text());
        let text = answer.text();
        assert!(text.contains("born-with"), "{}: {text}", speaker.name());
        told += 1;
    }
    assert_eq!(told, CLIENTS.len() - 1, "only v3alpha lists no links");
}

/// A user who is deleted through the one front that can, with links that every front has made: nothing is left of
/// them, and the accounts are free.
#[test]
fn the_links_of_a_user_who_is_deleted_are_gone_everywhere() {
    let server = Server::start(&Profile::default()).unwrap();
    let mut speakers = Speaker::all(server.addr, Q);
    for (delete_user, dialect) in [
        ("DELETE /admin/identities/{user}", "ory"),
        ("DELETE /linkbridge/v1/users/{user}", "linkbridge"),
    ] {
        let delete_user = super::template::Request::parse(delete_user).unwrap();
        for (maker, create) in creates("acme-oidc") {
            super::settle(server.addr, false);
            let fact = Fact::new("A", "P", &new_subject());
            let mut fact = speakers[maker].must_create(create, &fact);
            let native = speakers.iter_mut().find(|s| s.name() == "linkbridge");
            fact.link = native.unwrap().link_id(&fact);
            let remover = speakers.iter_mut().find(|s| s.name() == dialect);
            let answer = remover.unwrap().ask(&delete_user, &fact);
            assert!(answer.status < 300, "{}", answer.text());
            let maker_of = CLIENTS[maker].dialect.as_str();
            for speaker in &mut speakers {
                for read in speaker.client.reads.iter().filter(|read| read.one) {
                    let answer = speaker.ask(&read.request, &fact);
                    // Whether the user is asked for is the vendor's matter, not what is found.
                    let is_gone = speaker.says(&read.gone, &fact, &answer).is_empty();
                    let place = format!("made by {maker_of}: {} ({})", speaker.name(), read.way);
                    assert!(
                        answer.status == 404 || is_gone,
                        "{place}: {}",
                        answer.text()
                    );
                }
            }
            let again = fact.of("B");
            let again = speakers[maker].must_create(
                create,
                &Fact {
                    link: None,
                    ..again
                },
            );
            let native = speakers.iter_mut().find(|s| s.name() == "linkbridge");
            let native = native.unwrap();
            let answer = native.delete(&client("linkbridge").deletes[0], &again);
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }
}
