//! What the audit says of each change: one row for each link, and one for the user where more than
//! links of the user changed.

use linkbridge::model::Operation;
use linkbridge::model::operation::{LastFactor, OnRepeat, Rules};
use serde_json::json;

use super::world::*;

/// The rows of the audit: action, user, provider, whether there are link and account, vendor.
fn rows(directory: &std::path::Path) -> Vec<String> {
    let conn = rusqlite::Connection::open(directory.join("linkbridge.db")).unwrap();
    let mut statement = conn
        .prepare(
            "SELECT concat_ws(' ', action, user_id, provider_id, iif(link_id IS NULL, NULL, 'link'), \
             iif(subject IS NULL, NULL, 'account'), vendor) FROM audit ORDER BY seq",
        )
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn assert_audited(operations: Vec<Operation>, want: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let world = World {
        store: Box::new(embedded(directory.path())),
    };
    for operation in operations {
        assert!(world.apply(operation.clone()).is_ok(), "{operation:?}");
    }
    drop(world);
    assert_eq!(rows(directory.path()), want);
}

#[test]
fn a_link_with_attributes_is_a_change_of_both() {
    let same = Rules {
        on_repeat: OnRepeat::Same,
        ..PLAIN
    };
    let made = || {
        with_attributes(
            create("u1", "google", "s1"),
            &[attribute("a", json!(1), true)],
        )
    };
    let second = with_attributes(
        create("u1", "google", "s2"),
        &[attribute("a", json!(2), true)],
    );
    assert_audited(
        // The third finds the attribute there already, and changes the links only.
        vec![made(), made().rules(same), second],
        &[
            "link.create u1 google link account",
            "link.create u1",
            "link.create u1 google link account",
        ],
    );
}

#[test]
fn each_link_of_a_put_is_a_change() {
    let links = [new_link("google", "s1"), new_link("github", "s2")];
    let put = Put {
        document: whole("{}"),
        links: &links,
        ..Put::default()
    };
    assert_audited(
        vec![put.user("u1"), name("u1", "one", "x", None), remove("u1")],
        &[
            "user.put u1 google link account",
            "user.put u1 github link account",
            "user.put u1",
            "user.alias u1 one",
            "user.delete u1 google link account",
            "user.delete u1 github link account",
            "user.delete u1",
        ],
    );
}

#[test]
fn a_delete_among_links_is_one_like_any_other() {
    let keep = Rules {
        last_factor: LastFactor::Keep,
        ..PLAIN
    };
    let gone = among("u1", &["google"], Some(("google", "s1"))).rules(keep);
    assert_audited(
        vec![
            create("u1", "google", "s1"),
            create("u1", "github", "s1"),
            gone,
        ],
        &[
            "link.create u1 google link account",
            "link.create u1 github link account",
            "link.delete u1 google link account",
        ],
    );
}

#[test]
fn a_refusal_is_no_change() {
    let directory = tempfile::tempdir().unwrap();
    let world = World {
        store: Box::new(embedded(directory.path())),
    };
    world.link(create("u1", "google", "s1"));
    let twice = [new_link("github", "s2"), new_link("google", "s1")];
    let put = Put {
        links: &twice,
        ..Put::default()
    };
    assert!(world.apply(put.user("u1")).is_err());
    assert!(world.apply(among("u1", &["google"], None)).is_err());
    drop(world);
    assert_eq!(
        rows(directory.path()),
        ["link.create u1 google link account"]
    );
}
