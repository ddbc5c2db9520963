//! The rules of one vendor hold over links that clients of others made, and each front refuses in its own words.

use super::super::support::config::Profile;
use super::super::support::fixtures::{HARNESS, K, Q, TENANTS};
use super::super::support::native;
use super::super::support::server::Server;
use super::clients::{CLIENTS, Create, client};
use super::facts::{Fact, new_subject};
use super::impossible::{creates, is_impossible};
use super::speaker::Speaker;

/// The ways of some dialects.
fn ways_of(dialects: &[&str]) -> Vec<(usize, &'static Create)> {
    let mut ways = creates("acme-oidc");
    ways.retain(|(index, _)| dialects.contains(&CLIENTS[*index].dialect.as_str()));
    assert!(!ways.is_empty());
    ways
}

/// Takes links away behind all fronts.
fn clear(speakers: &mut [Speaker], facts: &[&Fact]) {
    let native = speakers.iter_mut().find(|s| s.name() == "linkbridge");
    let native = native.unwrap();
    let delete = &client("linkbridge").deletes[0];
    for fact in facts {
        let answer = native.delete(delete, fact);
        assert_eq!(answer.status, 200, "{fact:?}: {}", answer.text());
    }
}

/// Asserts that every front that lists links tells exactly these of a user.
fn all_tell(speakers: &mut [Speaker], facts: &[Fact]) {
    for speaker in speakers {
        if let Some(read) = speaker.client.list() {
            let wrong = speaker.listed(read, facts[0].user, facts);
            assert!(wrong.is_empty(), "{}: {wrong:?}", speaker.name());
        }
    }
}

fn server(profile: Profile) -> (Server, Vec<Speaker>) {
    let server = Server::start(&profile).unwrap();
    super::settle(server.addr, profile.two_tenants);
    let speakers = Speaker::all(server.addr, Q);
    (server, speakers)
}

/// The id that links of linkbridge and PingOne have, so that both lists can be compared whole.
fn with_id(speakers: &mut [Speaker], mut fact: Fact) -> Fact {
    let native = speakers.iter_mut().find(|s| s.name() == "linkbridge");
    fact.link = native.unwrap().link_id(&fact);
    assert!(fact.link.is_some(), "{fact:?} is not there");
    fact
}

#[test]
fn a_link_that_is_there_is_met_in_each_vendors_words() {
    let (_server, mut speakers) = server(Profile::default());
    let ways = creates("acme-oidc");
    for (maker, make) in &ways {
        let fact = Fact::new("A", "P", &new_subject());
        let fact = speakers[*maker].must_create(make, &fact);
        let fact = with_id(&mut speakers, fact);
        for (index, again) in &ways {
            let speaker = &mut speakers[*index];
            let what = format!(
                "made by {}, again by {}",
                CLIENTS[*maker].dialect,
                speaker.name()
            );
            for (rule, user) in [("same_user", "A"), ("another_user", "B")] {
                let said = speaker.client.rule(rule).unwrap();
                let wanted = fact.of(user);
                let answer = speaker.create(again, &wanted);
                let wrong = speaker.says(said, &wanted, &answer);
                assert!(
                    wrong.is_empty(),
                    "{what} ({}), {rule}: {wrong:?}",
                    again.way
                );
            }
        }
        all_tell(&mut speakers, std::slice::from_ref(&fact));
        clear(&mut speakers, &[&fact]);
    }
}

#[test]
fn the_one_link_of_a_user_may_be_of_any_front() {
    let (_server, mut speakers) = server(Profile::default());
    for (maker, make) in creates("acme-oidc") {
        let first = Fact::new("A", "P", &new_subject());
        let first = speakers[maker].must_create(make, &first);
        let first = with_id(&mut speakers, first);
        for (index, one_only) in ways_of(&["flip", "flip-v3"]) {
            let speaker = &mut speakers[index];
            let what = format!(
                "made by {}, then {}",
                CLIENTS[maker].dialect,
                speaker.name()
            );
            let said = speaker.client.rule("second").unwrap();
            for provider in ["P", "G", "S"] {
                let second = Fact::new("A", provider, &new_subject());
                let answer = speaker.create(one_only, &second);
                let wrong = speaker.says(said, &second, &answer);
                assert!(wrong.is_empty(), "{what} at {provider}: {wrong:?}");
            }
            // The other user has none yet.
            let free = Fact::new("B", "G", &new_subject());
            let free = speaker.must_create(one_only, &free);
            clear(&mut speakers, &[&free]);
        }
        all_tell(&mut speakers, std::slice::from_ref(&first));
        clear(&mut speakers, &[&first]);
    }
}

#[test]
fn the_one_link_at_a_provider_may_be_of_any_front() {
    let (_server, mut speakers) = server(Profile::default());
    for (maker, make) in creates("acme-oidc") {
        let first = Fact::new("A", "P", &new_subject());
        let first = speakers[maker].must_create(make, &first);
        let first = with_id(&mut speakers, first);
        for (index, one_there) in ways_of(&["keycloak"]) {
            let speaker = &mut speakers[index];
            let said = speaker.client.rule("second_there").unwrap();
            let second = Fact::new("A", "P", &new_subject());
            let answer = speaker.create(one_there, &second);
            let wrong = speaker.says(said, &second, &answer);
            assert!(wrong.is_empty(), "{}: {wrong:?}", CLIENTS[maker].dialect);
            // At another provider, and for another user, there is none yet.
            for (user, provider) in [("A", "G"), ("B", "P")] {
                let free = Fact::new(user, provider, &new_subject());
                let free = speakers[index].must_create(one_there, &free);
                clear(&mut speakers, &[&free]);
            }
        }
        all_tell(&mut speakers, std::slice::from_ref(&first));
        clear(&mut speakers, &[&first]);
    }
}

#[test]
fn a_front_with_one_link_for_a_user_does_not_bind_the_others() {
    let (_server, mut speakers) = server(Profile::default());
    for (one, make) in ways_of(&["flip", "flip-v3"]) {
        for (index, create) in creates("acme-oidc") {
            let rule = |name| speakers[index].client.rule(name).is_some();
            if rule("second") || rule("second_there") {
                continue;
            }
            let first = speakers[one].must_create(make, &Fact::new("A", "P", &new_subject()));
            let first = with_id(&mut speakers, first);
            let second = Fact::new("A", "P", &new_subject()).kept_by(&create.keeps);
            let answer = speakers[index].create(create, &second);
            // An answer that tells the whole user tells both links; only that it succeeds is asked here.
            let status = create.says.status;
            assert_eq!(answer.status, status, "{}", answer.text());
            let second = with_id(&mut speakers, second);
            all_tell(&mut speakers, &[first.clone(), second.clone()]);
            // The provider alone names two links now, and none is removed.
            let delete = &speakers[one].client.deletes[0];
            let answer = speakers[one].delete(delete, &first);
            assert_eq!(answer.status, 400, "{}", answer.text());
            all_tell(&mut speakers, &[first.clone(), second.clone()]);
            clear(&mut speakers, &[&first, &second]);
        }
    }
}

/// Upper and lower case of one account, neither of them its lower case as it stands.
fn cases(n: usize) -> (String, String) {
    (format!("Ext-É-{n}"), format!("eXT-é-{n}"))
}

#[test]
fn accounts_are_one_in_every_case_and_tenant_whoever_linked_them() {
    let (server, mut speakers) = server(Profile {
        two_tenants: true,
        ..Profile::default()
    });
    let mut elsewhere = Speaker::all(server.addr, K);
    for (n, (maker, make)) in creates("acme-oidc").into_iter().enumerate() {
        let (mixed, other) = cases(n);
        let fact = Fact::new("A", "P", &mixed);
        let fact = speakers[maker].must_create(make, &fact);
        for (index, folds) in ways_of(&["zitadel-v2", "zitadel-v3alpha"]) {
            let said = speakers[index].client.rule("folded").unwrap();
            for subject in [&mixed, &other, &mixed.to_lowercase()] {
                for user in ["A", "B", "C"] {
                    let speaker = match user {
                        "C" => &mut elsewhere[index],
                        _ => &mut speakers[index],
                    };
                    let wanted = Fact::new(user, "P", subject);
                    let answer = speaker.create(folds, &wanted);
                    let wrong = speaker.says(said, &wanted, &answer);
                    let what = format!("made by {}, {subject} of {user}", CLIENTS[maker].dialect);
                    assert!(wrong.is_empty(), "{what} by {}: {wrong:?}", speaker.name());
                }
            }
            // At another provider it is another account.
            let free = Fact::new("B", "G", &other);
            let free = speakers[index].must_create(folds, &free);
            clear(&mut speakers, &[&free]);
        }
        clear(&mut speakers, &[&fact]);
    }
}

#[test]
fn a_vendor_that_tells_cases_apart_does_so_beside_one_that_does_not() {
    let (_server, mut speakers) = server(Profile::default());
    for (n, (index, exact)) in creates("acme-oidc").into_iter().enumerate() {
        if speakers[index].client.vendor == "zitadel" {
            continue;
        }
        for (folding, first) in ways_of(&["zitadel-v2", "zitadel-v3alpha"]) {
            let (mixed, other) = cases(100 + n);
            let first = speakers[folding].must_create(first, &Fact::new("A", "P", &mixed));
            let first = with_id(&mut speakers, first);
            let second = speakers[index].must_create(exact, &Fact::new("B", "P", &other));
            let second = with_id(&mut speakers, second);
            all_tell(&mut speakers, std::slice::from_ref(&first));
            all_tell(&mut speakers, std::slice::from_ref(&second));
            clear(&mut speakers, &[&first, &second]);
        }
    }
}

#[test]
fn uniqueness_in_a_tenant_leaves_other_tenants_alone() {
    let option = |dialect: &str| (dialect.to_owned(), "unique_scope".into(), "tenant".into());
    let (server, mut speakers) = server(Profile {
        two_tenants: true,
        options: vec![option("zitadel-v2"), option("zitadel-v3alpha")],
        ..Profile::default()
    });
    let mut elsewhere = Speaker::all(server.addr, K);
    for (n, (index, folds)) in ways_of(&["zitadel-v2", "zitadel-v3alpha"])
        .into_iter()
        .enumerate()
    {
        let (mixed, other) = cases(200 + n);
        let here = speakers[index].must_create(folds, &Fact::new("A", "P", &mixed));
        let mut there = Fact::new("C", "P", &mixed);
        there.tenant = &TENANTS[1];
        let there = elsewhere[index].must_create(folds, &there);
        // In the tenant itself both cases are still one.
        let said = speakers[index].client.rule("folded").unwrap();
        let wanted = Fact::new("B", "P", &other);
        let answer = speakers[index].create(folds, &wanted);
        let wrong = speakers[index].says(said, &wanted, &answer);
        assert!(wrong.is_empty(), "{wrong:?}");
        clear(&mut speakers, &[&here]);
        let mut native = Speaker::new(client("linkbridge"), server.addr, HARNESS);
        let answer = native.delete(&client("linkbridge").deletes[0], &there);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[test]
fn the_link_limit_of_a_tenant_counts_links_of_every_front() {
    let (server, mut speakers) = server(Profile {
        limit: Some(2),
        ..Profile::default()
    });
    let ways: Vec<_> = creates("acme-oidc")
        .into_iter()
        .filter(|(index, _)| !is_impossible(&CLIENTS[*index].dialect, "limit", "acme-oidc"))
        .collect();
    for (turn, (maker, make)) in ways.iter().enumerate() {
        let (other, make_other) = &ways[(turn + 1) % ways.len()];
        let first = speakers[*maker].must_create(make, &Fact::new("A", "P", &new_subject()));
        // A user has two links now, of two fronts.
        let second = Fact::new("A", "P", &new_subject()).kept_by(&make_other.keeps);
        let answer = speakers[*other].create(make_other, &second);
        assert_eq!(answer.status, make_other.says.status, "{}", answer.text());
        for (index, one_more) in &ways {
            let speaker = &mut speakers[*index];
            let said = speaker.client.rule("limit").unwrap();
            let third = Fact::new("A", "P", &new_subject());
            let answer = speaker.create(one_more, &third);
            let wrong = speaker.says(said, &third, &answer);
            assert!(
                wrong.is_empty(),
                "{} ({}): {wrong:?}",
                speaker.name(),
                one_more.way
            );
        }
        clear(&mut speakers, &[&first, &second]);
    }
    // The limit is of one provider, and of one user.
    for user in ["A", "B"] {
        for provider in ["acme-oidc", "google"] {
            let body = serde_json::json!({ "user_id": Fact::new(user, provider, "s").user.key,
                "provider_id": provider, "subject": new_subject() });
            let mut client = super::super::support::client::Client::new(server.addr);
            native::create_link(&mut client, "acme", &body).unwrap();
        }
    }
}
