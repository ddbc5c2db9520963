//! Two clients at the same moment: of two writes that exclude each other exactly one is carried out, whichever
//! fronts they come through, and every front tells the same afterwards.
//!
//! `LINKBRIDGE_FRONT_RACE_ROUNDS` sets the rounds of each race (default 50).

use std::sync::Barrier;

use super::super::support::client::Answer;
use super::super::support::config::Profile;
use super::super::support::fixtures::Q;
use super::super::support::random::number;
use super::super::support::server::Server;
use super::clients::{CLIENTS, Client, Create, Delete, Said, client};
use super::facts::{Fact, fixture};
use super::impossible::is_impossible;
use super::speaker::Speaker;
use super::template::Filled;

/// One of two: a client, the way it makes a link, and the link.
type Racer = (&'static Client, &'static Create, Fact);

fn rounds() -> usize {
    number("LINKBRIDGE_FRONT_RACE_ROUNDS").map_or(50, |n| usize::try_from(n).unwrap())
}

/// Two clients of each front, each with a connection, and the server that they ask.
struct Track {
    server: Server,
    left: Vec<Speaker>,
    right: Vec<Speaker>,
}

fn speaker<'s>(all: &'s mut [Speaker], client: &Client) -> &'s mut Speaker {
    let mut all = all.iter_mut();
    all.find(|speaker| speaker.name() == client.dialect)
        .unwrap()
}

/// Sends both at once.
fn at_once(left: (&mut Speaker, Filled), right: (&mut Speaker, Filled)) -> [Answer; 2] {
    let start = Barrier::new(2);
    let run = |(speaker, request): (&mut Speaker, Filled)| {
        start.wait();
        speaker.send(&request)
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| run(right));
        let mine = run(left);
        [mine, other.join().unwrap()]
    })
}

impl Track {
    fn start() -> Self {
        let server = Server::start(&Profile::default()).unwrap();
        super::settle(server.addr, false);
        let mut track = Self {
            left: Speaker::all(server.addr, Q),
            right: Speaker::all(server.addr, Q),
            server,
        };
        // Connections are open and used before the first start.
        track.tells(&[], 0);
        for speaker in &mut track.right {
            if let Some(read) = speaker.client.list() {
                speaker.listed(read, fixture(&super::USERS, "A"), &[]);
            }
        }
        track
    }

    /// What is wrong with the lists of both users, where these are all links: in every front now and then,
    /// in one after the other else.
    fn tells(&mut self, facts: &[Fact], round: usize) -> Vec<String> {
        let mut wrong = Vec::new();
        let (n_fronts, in_all) = (
            self.left.len(),
            round.is_multiple_of(25) || round + 1 == rounds(),
        );
        for user in ["A", "B"] {
            let user = fixture(&super::USERS, user);
            let of_user = facts.iter().filter(|fact| fact.user.key == user.key);
            let of_user: Vec<Fact> = of_user.cloned().collect();
            for (index, speaker) in self.left.iter_mut().enumerate() {
                let Some(read) = speaker.client.list() else {
                    continue;
                };
                if !in_all && index != round % n_fronts {
                    continue;
                }
                let found = speaker.listed(read, user, &of_user);
                let name = speaker.name();
                wrong.extend(
                    found
                        .into_iter()
                        .map(|f| format!("{name}, {}: {f}", user.name)),
                );
            }
        }
        wrong
    }

    /// Both make their link at once; answers the one that is there then, with its id. The other one's maker
    /// has to be told what `loser` says of it.
    fn make(&mut self, racers: &[Racer; 2], loser: impl Fn(&Client, &Fact, &Fact) -> Said) -> Fact {
        let [(one, make_one, fact_one), (two, make_two, fact_two)] = racers;
        let mut fill = |client: &Client, create: &Create, fact: &Fact| {
            let speaker = speaker(&mut self.left, client);
            let values = speaker.prepared(create, fact);
            create.request.fill(&client.headers, &values).unwrap()
        };
        let requests = (fill(one, make_one, fact_one), fill(two, make_two, fact_two));
        let answers = at_once(
            (speaker(&mut self.left, one), requests.0),
            (speaker(&mut self.right, two), requests.1),
        );
        let judged = racers.iter().zip(&answers);
        let wrong: Vec<Vec<String>> = judged
            .map(|((client, create, fact), answer)| {
                speaker(&mut self.left, client).created(create, fact, answer)
            })
            .collect();
        let said = answers.iter().map(|a| format!("{} {}", a.status, a.text()));
        let said: Vec<String> = said.collect();
        let [winner, beaten] = match [wrong[0].is_empty(), wrong[1].is_empty()] {
            [true, false] => [0, 1],
            [false, true] => [1, 0],
            both => panic!("{both:?} made it: {racers:?}\n{said:?}\n{wrong:?}"),
        };
        let (client, _, fact) = &racers[beaten];
        let mut there = racers[winner].2.clone();
        let expected = loser(client, &there, fact);
        let of_loser = match expected.status {
            // Who is told that it is done is told of the link that is there.
            200 => &there,
            _ => fact,
        };
        let wrong = speaker(&mut self.left, client).says(&expected, of_loser, &answers[beaten]);
        assert!(wrong.is_empty(), "{racers:?}\n{said:?}\n{wrong:?}");
        let native = speaker(&mut self.left, super::clients::client("linkbridge"));
        there.link = native.link_id(&there);
        there
    }

    /// Both remove the link at once: one does, and the other finds it gone.
    fn remove(&mut self, fact: &Fact, ways: [(&Client, &Delete); 2]) {
        let fill = |speaker: &Speaker, delete: &Delete| {
            let headers = &speaker.client.headers;
            delete.request.fill(headers, &speaker.values(fact)).unwrap()
        };
        let [(one, delete_one), (two, delete_two)] = ways;
        let (left, right) = (speaker(&mut self.left, one), speaker(&mut self.right, two));
        let requests = (fill(left, delete_one), fill(right, delete_two));
        let answers = at_once((left, requests.0), (right, requests.1));
        let done = [
            speaker(&mut self.left, one).deleted(delete_one, fact, &answers[0]),
            speaker(&mut self.left, two).deleted(delete_two, fact, &answers[1]),
        ];
        let beaten = match [done[0].is_empty(), done[1].is_empty()] {
            [true, false] => 1,
            [false, true] => 0,
            both => panic!("{both:?} removed {fact:?}: {answers:?}\n{done:?}"),
        };
        let (client, delete) = ways[beaten];
        let gone = speaker(&mut self.left, client);
        let wrong = gone.says(&delete.gone, fact, &answers[beaten]);
        assert!(wrong.is_empty(), "{} {fact:?}: {wrong:?}", client.dialect);
    }

    fn finish(self, what: &str) {
        assert!(
            !self.server.log().contains("panicked"),
            "{}",
            self.server.log()
        );
        eprintln!("races: {} rounds of {what}, one winner each", rounds());
    }
}

/// Every way of these dialects, or of all, to make a link at P.
fn creates(dialects: &[&str]) -> Vec<(&'static Client, &'static Create)> {
    let all = CLIENTS.iter();
    let meant = all.filter(|c| dialects.is_empty() || dialects.contains(&c.dialect.as_str()));
    meant
        .flat_map(|client| client.creates.iter().map(move |create| (client, create)))
        .collect()
}

fn deletes() -> Vec<(&'static Client, &'static Delete)> {
    let all = CLIENTS.iter();
    let able = all.filter(|c| !is_impossible(&c.dialect, "delete", "acme-oidc"));
    able.flat_map(|client| client.deletes.iter().map(move |delete| (client, delete)))
        .collect()
}

/// All ordered pairs, one after the other and then again.
fn pair<T: Copy>(list: &[T], turn: usize) -> [T; 2] {
    let n = list.len();
    [list[turn % n], list[turn / n % n]]
}

/// A rule's answer.
fn rule(client: &Client, name: &str) -> Said {
    let said = client.rule(name);
    said.unwrap_or_else(|| panic!("{} does not say {name}", client.dialect))
        .clone()
}

fn racer((client, create): (&'static Client, &'static Create), fact: Fact) -> Racer {
    (client, create, fact.kept_by(&create.keeps))
}

/// Two that make one link of a kind at once, over all pairs of ways, then two that remove it.
fn race_for_one(
    track: &mut Track,
    ways: &[(&'static Client, &'static Create)],
    facts: impl Fn(usize) -> [Fact; 2],
    loser: impl Fn(&Client, &Fact, &Fact) -> Said,
) {
    let removers = deletes();
    for round in 0..rounds() {
        // Every other pair first, so that a few rounds do not all have one front in them.
        let [one, two] = pair(ways, round * 7);
        let [left, right] = facts(round);
        let racers = [racer(one, left), racer(two, right)];
        let there = track.make(&racers, &loser);
        let wrong = track.tells(std::slice::from_ref(&there), round);
        assert!(wrong.is_empty(), "{there:?}: {wrong:?}");
        track.remove(&there, pair(&removers, round * 5));
        let wrong = track.tells(&[], round);
        assert!(wrong.is_empty(), "after {there:?}: {wrong:?}");
    }
}

#[test]
fn of_two_flip_posts_for_one_user_one_is_refused() {
    let mut track = Track::start();
    let ways = creates(&["flip", "flip-v3"]);
    let facts = |round: usize| {
        let (one, two) = (format!("one-{round}"), format!("two-{round}"));
        let user = ["A", "B"][round % 2];
        let provider = ["P", "G"][round / 2 % 2];
        [Fact::new(user, "P", &one), Fact::new(user, provider, &two)]
    };
    race_for_one(&mut track, &ways, facts, |client, _, _| {
        rule(client, "second")
    });
    track.finish("two posts of one-link fronts for one user");
}

#[test]
fn of_two_fronts_that_link_one_account_one_gets_it() {
    let mut track = Track::start();
    let facts = |round: usize| {
        let account = format!("account-{round}");
        let other = if round.is_multiple_of(3) { "A" } else { "B" };
        [
            Fact::new("A", "P", &account),
            Fact::new(other, "P", &account),
        ]
    };
    let loser = |client: &Client, there: &Fact, beaten: &Fact| {
        let is_same = there.user.key == beaten.user.key;
        rule(client, if is_same { "same_user" } else { "another_user" })
    };
    race_for_one(&mut track, &creates(&[]), facts, loser);
    track.finish("two fronts and one account");
}

#[test]
fn of_two_cases_of_one_account_one_is_taken() {
    let mut track = Track::start();
    let ways = creates(&["zitadel-v2", "zitadel-v3alpha"]);
    let facts = |round: usize| {
        let (one, two) = (format!("Ext-{round}"), format!("ext-{round}"));
        let other = if round.is_multiple_of(3) { "A" } else { "B" };
        [Fact::new("A", "P", &one), Fact::new(other, "P", &two)]
    };
    race_for_one(&mut track, &ways, facts, |client, _, _| {
        rule(client, "folded")
    });
    track.finish("two cases of one account");
}

#[test]
fn of_two_puts_with_one_entry_one_adds_it() {
    let mut track = Track::start();
    let ways = creates(&["ory"]);
    let facts = |round: usize| {
        let account = format!("entry-{round}");
        let other = if round.is_multiple_of(2) { "A" } else { "B" };
        [
            Fact::new("A", "P", &account),
            Fact::new(other, "P", &account),
        ]
    };
    race_for_one(&mut track, &ways, facts, |client, _, _| {
        rule(client, "another_user")
    });
    // What a PUT has beside links is whole in any case: this one's document was put as often as a PUT won.
    let mut ory = Speaker::new(client("ory"), track.server.addr, Q);
    let read = ory.client.list().unwrap();
    let wrong = ory.listed(read, fixture(&super::USERS, "A"), &[]);
    assert!(wrong.is_empty(), "{wrong:?}");
    track.finish("two puts with one entry");
}
