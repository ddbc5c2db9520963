//! What an IdP cannot do, and what it does not make up for: an index that is not complete, the last way to log
//! in, accounts that a path cannot name, writers who lose each other's links.

use super::super::fronts::clients::client;
use super::super::fronts::facts::Fact;
use super::super::fronts::speaker::Speaker;
use super::super::support::fixtures::Q;
use super::idps;
use super::table::TABLE;
use super::world::World;

#[test]
fn a_miss_in_an_incomplete_index_is_never_not_found() {
    let idp = idps::start("zitadel-v2");
    // What the index is made of is never told.
    idp.hang("/v2/users");
    let world = World::start_over(idp, "zitadel-v2", false);
    let nobody = Fact::new("A", "P", "s-1");
    let held = Fact::new("B", "P", "s-2");
    let (user, provider) = (held.user.id_at("zitadel").unwrap(), "311900000000000002");
    world.idp.link(user, provider, "s-2");
    let (mut wrong, mut n_finds) = (Vec::new(), 0);
    for speaker in &mut world.speakers() {
        let name = speaker.name();
        let reads = speaker.client.reads.iter();
        for read in reads.filter(|read| read.way == "find") {
            for fact in [&nobody, &held] {
                let answer = speaker.ask(&read.request, fact);
                let found = TABLE.wrong(name, "unknown", &answer);
                wrong.extend(found.map(|found| format!("{name}: {found}")));
                n_finds += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(n_finds >= 8, "{n_finds} finds");
    // A link that was seen once is found, however little is known of others.
    let mut speaker = Speaker::new(client("fusionauth"), world.server.addr, Q);
    for (way, status) in [("list", 200), ("find", 200)] {
        let mut reads = speaker.client.reads.iter();
        let read = reads.find(|read| read.way == way).unwrap();
        let answer = speaker.ask(&read.request, &held);
        assert_eq!(answer.status, status, "{way}: {}", answer.text());
        assert!(answer.text().contains("s-2"), "{way}: {}", answer.text());
    }
}

#[test]
fn the_last_way_to_log_in_stays_where_the_idp_says_so() {
    let world = World::start("ory", true);
    // B has no password.
    let only = Fact::new("B", "P", "s-1");
    world
        .idp
        .link(only.user.id_or_key("ory"), "acme-oidc", "s-1");
    let mut native = Speaker::new(client("linkbridge"), world.server.addr, Q);
    let only = Fact {
        link: native.link_id(&only),
        ..only
    };
    let mut wrong = Vec::new();
    for speaker in &mut world.speakers() {
        let name = speaker.name();
        for delete in &speaker.client.deletes {
            let answer = speaker.delete(delete, &only);
            let found = TABLE.wrong_of_last(name, &answer);
            wrong.extend(found.map(|found| format!("{name} {}: {found}", delete.way)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(world.idp.links().len(), 1);
}

#[test]
fn a_link_that_no_path_can_name_is_not_said_to_be_gone() {
    let world = World::start("zitadel-v2", true);
    let slashed = Fact::new("A", "P", "a/b");
    world.idp.link(
        slashed.user.id_or_key("zitadel"),
        "311900000000000002",
        "a/b",
    );
    for front in ["fusionauth", "linkbridge"] {
        let mut speaker = Speaker::new(client(front), world.server.addr, Q);
        let delete = &speaker.client.deletes[0];
        let answer = speaker.delete(delete, &slashed);
        assert!(
            answer.status >= 500,
            "{front}: {} {}",
            answer.status,
            answer.text()
        );
    }
    assert_eq!(world.idp.links().len(), 1);
}

/// In the path of its delete it could be read as another place, so that nobody could ever take it away.
#[test]
fn a_link_that_could_not_be_taken_away_is_not_made() {
    let world = World::start("zitadel-v2", true);
    for front in ["fusionauth", "linkbridge"] {
        let mut speaker = Speaker::new(client(front), world.server.addr, Q);
        let create = &speaker.client.creates[0];
        for subject in ["..", "../x", "a/../b", "a/..;/b"] {
            let answer = speaker.create(create, &Fact::new("A", "P", subject));
            assert_eq!(answer.status, 400, "{front} {subject}: {}", answer.text());
        }
    }
    assert_eq!(world.idp.links().len(), 0);
}

#[test]
fn writers_at_once_lose_no_link_of_a_vendor_that_would_lose_one() {
    const N: usize = 24;
    let world = World::start("ory", true);
    let makers: Vec<_> = (0..N)
        .map(|n| {
            let addr = world.server.addr;
            // Fronts of several vendors, for one user.
            let front = ["fusionauth", "pingone", "ory", "linkbridge"][n % 4];
            std::thread::spawn(move || {
                let mut speaker = Speaker::new(client(front), addr, Q);
                let create = &speaker.client.creates[0];
                let answer = speaker.create(create, &Fact::new("A", "P", &format!("s-{n}")));
                assert_eq!(
                    answer.status,
                    create.says.status,
                    "{front}: {}",
                    answer.text()
                );
            })
        })
        .collect();
    for maker in makers {
        maker.join().unwrap();
    }
    assert_eq!(world.idp.links().len(), N);
}
