//! Over an IdP: what was intended is written down before it is asked, and what became of it after.

use super::{audit, records, shown};
use crate::fronts::clients::client;
use crate::fronts::facts::{Fact, new_subject};
use crate::fronts::speaker::Speaker;
use crate::support::client::Client;
use crate::support::config::{self, Profile};
use crate::support::fault::{Act, Fault, answer};
use crate::support::fixtures::{Q, TENANTS, USERS};
use crate::support::native::put_fixture;
use crate::support::server::Server;
use crate::upstream::world::World;

fn told(all: &[serde_json::Value]) -> Vec<String> {
    let shown = all.iter().map(|line| {
        let outcome = line["outcome"].as_str().unwrap_or_default();
        format!("{} {outcome}", shown(line)).trim().to_owned()
    });
    shown.collect()
}

#[test]
fn a_link_that_is_made_and_removed_at_an_idp_has_intents_and_outcomes() {
    for dialect in ["fusionauth", "zitadel-v2", "ory"] {
        let world = World::start(dialect, true);
        let data = world.data();
        let mut speaker = Speaker::new(client("linkbridge"), world.server.addr, Q);
        let mut last = records(&data, 0).last().unwrap()["seq"].as_i64().unwrap();
        let mut news = || {
            let found = records(&data, last);
            last = found
                .last()
                .map_or(last, |line| line["seq"].as_i64().unwrap());
            found
        };
        let fact = Fact::new("A", "P", &new_subject());
        let create = &speaker.client.creates[0];
        let made = speaker.create(create, &fact);
        assert!(made.status < 300, "{dialect}: {}", made.text());
        let found = news();
        let all = told(&found);
        assert!(
            all[0].starts_with("intent link.create link account - -> -"),
            "{dialect}: {all:#?}"
        );
        assert!(
            all[1].starts_with("outcome link.create link account - -> "),
            "{dialect}: {all:#?}"
        );
        assert!(all[1].ends_with(" ok"), "{dialect}: {all:#?}");
        assert_eq!(all.len(), 2, "{dialect}: {all:#?}");
        assert_eq!(found[1]["intent"], found[0]["seq"]);
        assert_eq!(found[1]["upstream"], "upstream");
        assert_eq!(found[0]["source"], "127.0.0.1");
        // Refused there: somebody else has the account.
        let refused = speaker.create(create, &fact.of("B"));
        assert!(refused.status >= 400, "{dialect}");
        let all = told(&news());
        assert!(
            all.is_empty() || all.len() == 2 && all[1].ends_with(" failed"),
            "{dialect}: {all:#?}"
        );
        let gone = speaker.delete(&speaker.client.deletes[0], &fact);
        assert!(gone.status < 300, "{dialect}: {}", gone.text());
        let all = told(&news());
        assert_eq!(all.len(), 2, "{dialect}: {all:#?}");
        assert!(
            all[0].starts_with("intent link.delete"),
            "{dialect}: {all:#?}"
        );
        assert!(
            all[1].starts_with("outcome link.delete link account"),
            "{dialect}: {all:#?}"
        );
        assert!(all[1].ends_with(" ok"), "{dialect}: {all:#?}");
        let ran = audit(&["verify", "--data", data.to_str().unwrap()]);
        assert_eq!(ran.code, 0, "{dialect}: {}", ran.err);
        assert!(
            !ran.out.contains("without an outcome"),
            "{dialect}: {}",
            ran.out
        );
        let all: String = records(&data, 0).iter().map(ToString::to_string).collect();
        assert!(
            !all.contains(&fact.subject) && !all.contains("opaque-1"),
            "{dialect}"
        );
    }
}

/// A server over an IdP that has no links and answers writes as `act` says.
pub(super) fn over(
    dir: &std::path::Path,
    act: impl Fn() -> Act + Send + Sync + 'static,
) -> (Server, Fault) {
    let fault = Fault::choosing(Box::new(move |seen| {
        match seen.line().starts_with("GET ") {
            // Of FusionAuth: the links of a user.
            true => {
                let body = br#"{"identityProviderLinks":[]}"#;
                Act::Says(answer(200, "content-type: application/json\r\n", body))
            }
            false => act(),
        }
    }));
    std::fs::write(dir.join("token"), "upstream-token-of-the-test").unwrap();
    let url = fault.url.clone();
    let server = Server::start_with(dir, &|ports| {
        let profile = Profile::default();
        config::text(&profile, ports, &dir.join("data"))
            + &format!(
                "\n[backend.upstream]\ndialect = \"fusionauth\"\nbase_url = \"{url}\"\nallow_http = true\n\
                 allow_addresses = [\"127.0.0.1\"]\ncredential = {{ kind = \"static\", token = \"file:token\" }}\n\
                 total_seconds = 2\nfirst_byte_seconds = 1\n"
            )
    });
    let server = server.unwrap();
    let mut http = Client::new(server.addr);
    put_fixture(
        &mut http,
        TENANTS[0].key,
        USERS[0].key,
        Some(&serde_json::json!({})),
    )
    .unwrap();
    (server, fault)
}

#[test]
fn a_lost_answer_is_an_unknown_outcome() {
    let dir = tempfile::tempdir().unwrap();
    let (server, _fault) = over(dir.path(), || Act::SaysAndCloses(Vec::new()));
    let mut speaker = Speaker::new(client("linkbridge"), server.addr, Q);
    let fact = Fact::new("A", "P", &new_subject());
    let lost = speaker.create(&speaker.client.creates[0], &fact);
    assert!(lost.status >= 500, "{}", lost.text());
    let all = told(&records(&dir.path().join("data"), 0));
    let ends: Vec<&str> = all.iter().rev().take(2).map(String::as_str).collect();
    assert!(
        ends[0].starts_with("outcome link.create") && ends[0].ends_with(" unknown"),
        "{all:#?}"
    );
    assert!(ends[1].starts_with("intent link.create"), "{all:#?}");
}

#[test]
fn nothing_is_asked_that_cannot_be_written_down_and_nothing_said_that_could_not_be() {
    let world = World::start("fusionauth", true);
    let conn = rusqlite::Connection::open(world.data().join("linkbridge.db")).unwrap();
    conn.busy_timeout(std::time::Duration::from_secs(5))
        .unwrap();
    let refuse = |phase: &str| {
        let trigger = format!(
            "CREATE TRIGGER full BEFORE INSERT ON audit WHEN NEW.phase = '{phase}' \
             BEGIN SELECT RAISE(ABORT, 'no room'); END"
        );
        conn.execute_batch(&trigger).unwrap();
    };
    let mut speaker = Speaker::new(client("linkbridge"), world.server.addr, Q);
    let create = &speaker.client.creates[0];
    let holds = |fact: &Fact| {
        let links = world.idp.links();
        links.iter().any(|(_, _, subject)| *subject == fact.subject)
    };
    let first = Fact::new("A", "P", &new_subject());
    refuse("intent");
    let answer = speaker.create(create, &first);
    assert!(answer.status >= 500, "{}", answer.text());
    assert!(!holds(&first));
    conn.execute_batch("DROP TRIGGER full").unwrap();
    refuse("outcome");
    let answer = speaker.create(create, &first);
    assert!(answer.status >= 500, "{}", answer.text());
    assert!(holds(&first));
    conn.execute_batch("DROP TRIGGER full").unwrap();
    let ran = audit(&["verify", "--data", world.data().to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let open = ran.out.matches("without an outcome: ").count();
    assert_eq!(open, 1, "{}", ran.out);
    // The next write says of it that nobody knows, without a restart.
    let next = speaker.create(create, &Fact::new("A", "P", &new_subject()));
    assert!(next.status < 300, "{}", next.text());
    let ran = audit(&["verify", "--data", world.data().to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(!ran.out.contains("without an outcome"), "{}", ran.out);
    assert!(
        ran.out.contains("with an unknown outcome: 1;"),
        "{}",
        ran.out
    );
    assert!(world.server.log().contains("could not be written down"));
}
