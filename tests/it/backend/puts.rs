//! Users who are put with links, and users of whom there is nothing but links.

use linkbridge::model::operation::{OnRepeat, Rules};
use linkbridge::model::{
    Action, Failure, Instant, Link, NewLink, Operation, PutMode, Secret, Subject,
};

use super::world::*;

fn moded(mode: PutMode) -> Operation {
    Put {
        mode: Some(mode),
        ..Put::default()
    }
    .user("u1")
}

fn linked(who: &str, links: &[NewLink]) -> Operation {
    Put {
        links,
        ..Put::default()
    }
    .user(who)
}

fn with_links(who: &str) -> Operation {
    operation(Action::UserGet {
        user_id: user(who),
        links: true,
    })
}

fn subjects(links: &[Link]) -> Vec<&str> {
    links.iter().map(|l| Subject::as_str(&l.subject)).collect()
}

const SAME: Rules = Rules {
    on_repeat: OnRepeat::Same,
    ..PLAIN
};

facts! {
    fn a_mode_says_whether_the_user_must_be_there(world) {
        assert_eq!(world.apply(moded(PutMode::Update)), Err(Failure::UserNotFound));
        assert!(world.user(moded(PutMode::Create)).1);
        assert_eq!(world.apply(moded(PutMode::Create)), Err(Failure::LinkExists));
        assert!(!world.user(moded(PutMode::Update)).1);
        assert!(!world.user(moded(PutMode::Either)).1);
        assert_eq!(world.apply(moded(PutMode::Update).of("other")), Err(Failure::UserNotFound));
        world.user(remove("u1"));
        assert!(world.user(moded(PutMode::Either)).1);
    }

    fn who_holds_a_link_is_there_unless_users_are_known(world) {
        world.link(create("u1", "google", "s1"));
        assert_eq!(world.apply(moded(PutMode::Update).rules(known())), Err(Failure::UserNotFound));
        assert_eq!(world.apply(moded(PutMode::Create)), Err(Failure::LinkExists));
        assert!(!world.user(moded(PutMode::Update)).1);
        world.link(create("u1", "google", "s2").of("other"));
        assert!(world.user(moded(PutMode::Create).of("other").rules(known())).1);
    }

    fn a_user_of_links_only_is_told_by_them(world) {
        let at = |n: i64| Instant(NOW.0 + n);
        world.link(create("u1", "google", "s1").at(at(5)));
        let newest = world.link(create("u1", "github", "s2").at(at(9)));
        world.link(create("u1", "google", "s9").of("other").at(at(1)));
        let (told, links, created) = world.user_and_links(with_links("u1"));
        assert_eq!((told.user_id.as_str(), &told.tenant, created), ("u1", &tenant("acme"), false));
        assert_eq!((told.document.as_deref(), told.ids.len()), (None, 0));
        world.assert_told_at(told.created_at, at(5));
        world.assert_told_at(told.updated_at, at(9));
        assert_eq!(told.revision, newest.revision);
        assert_eq!(subjects(&links), ["s1", "s2"]);
        assert_eq!(world.apply(with_links("u1").rules(known())), Err(Failure::UserNotFound));
        world.links(delete("u1", "google", "s1"));
        let (left, _) = world.user(get("u1"));
        world.assert_told_at(left.created_at, at(9));
        assert_eq!(left.revision, newest.revision + 1);
        world.links(delete("u1", "github", "s2"));
        assert_eq!(world.apply(get("u1")), Err(Failure::UserNotFound));
    }

    fn a_user_of_links_only_does_not_become_younger(world) {
        world.link(create("u1", "google", "s1").at(Instant(NOW.0 - 9)));
        let newest = Instant(NOW.0 + 9);
        world.link(create("u1", "google", "s2").at(newest));
        let (put, created) = world.user(put("u1", Some("{}"), &[]));
        assert!(!created);
        assert_eq!((put.created_at, put.updated_at), (Some(Instant(NOW.0 - 9)), Some(newest)));
        // Nor does it stop to exist with its links.
        world.links(delete("u1", "google", "s1"));
        world.links(delete("u1", "google", "s2"));
        assert_eq!(world.user(get("u1")).0.created_at, Some(Instant(NOW.0 - 9)));
    }

    fn a_user_of_links_only_is_removed_with_them(world) {
        world.link(create("u1", "google", "s1"));
        let kept = world.link(create("u1", "google", "s1").of("other"));
        assert_eq!(world.apply(remove("u1").rules(known())), Err(Failure::UserNotFound));
        let (gone, links, _) = world.user_and_links(remove("u1"));
        world.assert_told_at(gone.created_at, NOW);
        assert_eq!((gone.document, links.len()), (None, 0));
        assert_eq!(world.apply(remove("u1")), Err(Failure::UserNotFound));
        assert_eq!(world.apply(find("google", "s1", None)), Err(Failure::LinkNotFound));
        assert_eq!(world.link(find("google", "s1", None).of("other")), kept);
        assert!(world.link(create("u1", "google", "s1")).revision > gone.revision);
    }

    fn an_alias_of_a_user_of_links_only_makes_no_new_user(world) {
        world.link(create("u1", "google", "s1").at(Instant(5)));
        let (named, created) = world.user(name("u1", "one", "x", None));
        assert!(!created);
        assert_eq!(named.ids, [alias("one", "x")]);
        world.assert_told_at(named.created_at, Instant(5));
    }

    fn links_are_made_along_with_their_user(world) {
        let links = [
            NewLink {
                display_name: Some("Shown".to_owned()),
                token: Some(Secret::new("opaque")),
                ..new_link("google", "s1")
            },
            new_link("google", "s2"),
            new_link("github", "s1"),
        ];
        let (user, made, created) = world.user_and_links(linked("u1", &links));
        assert!(created);
        assert_eq!(subjects(&made), ["s1", "s2", "s1"]);
        assert_eq!(made[0].display_name.as_deref(), Some("Shown"));
        assert_eq!(made[0].token.as_ref().map(Secret::expose), Some("opaque"));
        assert_eq!(world.links(list("u1")), (made.clone(), 3));
        assert_eq!(world.user_and_links(with_links("u1")), (user.clone(), made, false));
        assert_eq!(world.user_and_links(get("u1")), (user.clone(), vec![], false));
        let (_, all, created) = world.user_and_links(linked("u1", &[new_link("github", "s2")]));
        assert_eq!((all.len(), created), (4, false));
    }

    fn a_user_and_the_links_along_are_one_write(world) {
        let (user, made, _) = world.user_and_links(linked("u1", &[new_link("google", "s1"), new_link("google", "s2")]));
        assert!(made.iter().all(|l| l.revision == user.revision));
        let (again, ..) = world.user_and_links(linked("u1", &[new_link("github", "s2")]));
        assert_eq!(again.revision, user.revision + 1);
    }

    fn links_of_a_new_user_need_no_known_one(world) {
        let put = linked("u1", &[new_link("google", "s1")]);
        assert_eq!(world.user_and_links(put.rules(known())).1.len(), 1);
    }

    fn a_link_that_is_there_is_refused_or_kept_as_the_rule_says(world) {
        let made = world.link(create("u1", "google", "s1"));
        let twice = [new_link("github", "s1"), new_link("github", "s1")];
        let there = [new_link("google", "s1")];
        for links in [&twice[..], &there[..]] {
            assert_eq!(world.apply(linked("u1", links)), Err(Failure::LinkExists));
        }
        assert_eq!(world.links(list("u1")).0, vec![made.clone()]);
        assert_eq!(world.user_and_links(linked("u1", &there).rules(SAME)).1, [made]);
        assert_eq!(world.user_and_links(linked("u1", &twice).rules(SAME)).1.len(), 2);
    }

    fn a_put_stands_or_falls_as_a_whole(world) {
        world.link(create("u9", "google", "taken"));
        let before = world.user(put("u1", Some("{}"), &[])).0;
        let all = Put {
            mode: None,
            document: whole("{\"a\":1}"),
            links: &[new_link("google", "s1"), new_link("google", "taken")],
        };
        let mut all = all.user("u1");
        if let Action::UserPut { ids, .. } = &mut all.action {
            ids.push(alias("one", "x"));
        }
        assert_eq!(world.apply(all.clone().rules(SAME)), Err(Failure::SubjectTaken));
        assert_eq!(world.user_and_links(with_links("u1")), (before.clone(), vec![], false));
        assert_eq!(world.store.user_of(&tenant("acme"), &vendor("one"), "x"), Ok(user("x")));
        world.links(delete("u9", "google", "taken"));
        let (after, links, _) = world.user_and_links(all);
        assert_eq!((after.revision, after.ids.len(), links.len()), (before.revision + 1, 1, 2));
    }

    fn what_is_wrong_with_a_put_is_told_in_one_order(world) {
        world.link(create("u9", "google", "taken"));
        let all = |mode: PutMode, document: &str, id: &str| {
            let put = Put { mode: Some(mode), document: whole(document), links: &[new_link("google", "taken")] };
            let mut all = put.user("u1");
            if let Action::UserPut { ids, .. } = &mut all.action {
                ids.push(alias("linkbridge", id));
            }
            all
        };
        assert_eq!(world.apply(all(PutMode::Update, "no json", "x")), Err(Failure::UserNotFound));
        let field = |answer| match answer {
            Err(Failure::Invalid(problems)) => problems[0].field.unwrap().name(),
            other => panic!("{other:?}"),
        };
        assert_eq!(field(world.apply(all(PutMode::Create, "no json", "x"))), "document");
        assert_eq!(field(world.apply(all(PutMode::Create, "{}", "x"))), "vendor");
    }
}
