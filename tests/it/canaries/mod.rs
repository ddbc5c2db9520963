//! Canaries: texts that are nowhere else stand in every place that has a secret, every front is driven through
//! all that it has, in good ways and in bad ones, with everything logged that there is to log; and then
//! nothing that is written or told anywhere has one of them, but for what the table of [`places`] allows.

mod drive;
mod explain;
mod marked;
mod places;
mod source;
mod worlds;

use self::places::{Canaries, Place};
use self::worlds::World;

/// Everything that was written or told, and what must not be in it.
fn judge(world: &World) {
    let mut found = Vec::new();
    for (place, name, bytes) in world.told() {
        found.extend(world.canaries.find(place, &name, &bytes));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_canary_leaves_a_server_over_its_store() {
    let mut world = World::over_the_store();
    drive::all(&mut world);
    world.assert_that_it_was_loud();
    judge(&world);
}

#[test]
fn no_canary_leaves_a_server_over_an_idp_that_fails() {
    for (dialect, credential) in [
        ("fusionauth", "static"),
        ("zitadel-v2", "private_key_jwt"),
        ("pingone", "client_credentials"),
    ] {
        let mut world = World::over_an_idp(dialect, credential);
        drive::all(&mut world);
        world.assert_that_it_was_loud();
        judge(&world);
    }
}

/// The judge itself: what is there is found, in each of its forms, and what may be there is not reported.
#[test]
fn the_judge_finds_what_is_there() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let mut canaries = Canaries::default();
    canaries.add("key", "canary-key-0123456789", &[]);
    canaries.add("subject", "canary-subject-012345", &[Place::Database]);
    let found = |place, text: &str| canaries.find(place, "here", text.as_bytes()).len();
    assert_eq!(found(Place::Log, "x canary-key-0123456789 y"), 1);
    let coded = STANDARD.encode("ab:canary-key-0123456789");
    assert_eq!(found(Place::Log, &coded), 1);
    let coded = STANDARD.encode("a:canary-key-0123456789");
    assert_eq!(found(Place::Trace, &coded), 1);
    let hex: String = "canary-key-0123456789"
        .bytes()
        .map(|b| format!("{b:02X}"))
        .collect();
    assert_eq!(found(Place::Database, &hex), 1);
    assert_eq!(found(Place::Database, "canary-subject-012345"), 0);
    assert_eq!(found(Place::Log, "canary-subject-012345"), 1);
}
