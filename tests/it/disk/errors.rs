//! The k-th call of each kind fails, once or from then on, while the store is at work or while it is opened.

use std::path::Path;

use super::super::support::random::number;
use super::shim::{EIO, ENOSPC, Kind, Shim};
use super::*;

/// What a server does with the fault in place: how often it struck, and how often somebody was refused.
fn strike(kind: Kind, nth: i32, sticky: bool, error: i32) -> (i32, usize) {
    let what = format!("call {nth} of {kind:?}, sticky: {sticky}, error {error}");
    let dir = tempfile::tempdir().unwrap();
    let shim = Shim::new(dir.path(), &dir.path().join("data"));
    let server = Server::start_by(&shim.launch(), dir.path(), &text(dir.path()));
    let mut server = server.unwrap_or_else(|e| panic!("{what}: {e}"));
    let mut client = Client::new(server.addr);
    let mut script = Script::new();
    assert!(script.step(&mut client), "{what}: {:?}", script.odd);
    shim.fail(kind, nth, sticky, error);
    for _ in 0..6 {
        script.step(&mut client);
        script.read(&mut client, true);
    }
    let hits = shim.heal();
    assert!(server.lives(), "{what}:\n{}", server.log());
    script.recover(&mut client, &what);
    script.read(&mut client, false);
    script.nothing_odd(&server, &what);
    script.compare(&mut client, &what);
    let refused = script.refused;
    after_a_kill(server, dir.path(), &mut script, &what);
    (hits, refused)
}

/// How many calls of each kind the script makes where nothing fails.
fn calls() -> Vec<(Kind, i32)> {
    let dir = tempfile::tempdir().unwrap();
    let shim = Shim::new(dir.path(), &dir.path().join("data"));
    let server = Server::start_by(&shim.launch(), dir.path(), &text(dir.path())).unwrap();
    let mut client = Client::new(server.addr);
    let mut script = Script::new();
    assert!(script.step(&mut client));
    let before: Vec<i32> = Kind::ALL.iter().map(|kind| shim.calls(*kind)).collect();
    for _ in 0..6 {
        assert!(script.step(&mut client));
        script.read(&mut client, false);
    }
    let made = Kind::ALL.iter().zip(before);
    made.map(|(kind, before)| (*kind, shim.calls(*kind) - before))
        .collect()
}

/// Numbers from 1 to `n`, at most `most` of them, spread.
fn spread(n: i32, most: i32) -> Vec<i32> {
    let count = n.min(most);
    (0..count).map(|i| 1 + i * n / count.max(1)).collect()
}

#[test]
fn a_disk_that_fails_loses_nothing_that_was_acknowledged() {
    let most = number("LINKBRIDGE_IO_FAULTS").map_or(2, |n| i32::try_from(n).unwrap());
    let calls = calls();
    eprintln!("disk: calls of the script: {calls:?}");
    let made = |kind| {
        calls
            .iter()
            .find(|(k, _)| *k == kind)
            .map_or(0, |(_, n)| *n)
    };
    assert!(made(Kind::Write) > 0 && made(Kind::Sync) > 0, "{calls:?}");
    let (mut cells, mut refused) = (0, 0);
    for (kind, n) in &calls {
        for nth in spread(*n, most) {
            for (sticky, error) in [(false, EIO), (true, EIO), (true, ENOSPC)] {
                if error == ENOSPC && *kind != Kind::Write {
                    continue;
                }
                let (hits, told) = strike(*kind, nth, sticky, error);
                assert!(hits > 0, "call {nth} of {kind:?} was never made");
                cells += 1;
                refused += told;
            }
        }
    }
    eprintln!("disk: {cells} faults, {refused} requests refused");
    assert!(refused > 0, "no fault was ever noticed");
}

/// Starts over good data while the `nth` call of a kind fails; then without.
fn open(kind: Kind, nth: i32, dir: &Path, script: &mut Script) {
    let what = format!("call {nth} of {kind:?} at the start");
    let shim = Shim::new(dir, &dir.join("data"));
    shim.fail(kind, nth, false, EIO);
    match Server::start_by(&shim.launch(), dir, &text(dir)) {
        Ok(server) => {
            shim.heal();
            let mut client = Client::new(server.addr);
            script.recover(&mut client, &what);
            script.nothing_odd(&server, &what);
            after_a_kill(server, dir, script, &what);
        }
        Err(told) => {
            assert!(told.contains("error: "), "{what}: {told}");
            assert!(!told.contains("panic"), "{what}: {told}");
            let server = Server::start_with(dir, &text(dir)).unwrap();
            after_a_kill(server, dir, script, &what);
        }
    }
}

#[test]
fn a_disk_that_fails_at_the_start_is_told_and_harms_nothing() {
    let most = number("LINKBRIDGE_IO_FAULTS").map_or(1, |n| i32::try_from(n).unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut script = Script::new();
    let shim = Shim::new(dir.path(), &dir.path().join("data"));
    let server = Server::start_by(&shim.launch(), dir.path(), &text(dir.path())).unwrap();
    let mut client = Client::new(server.addr);
    for _ in 0..5 {
        assert!(script.step(&mut client));
    }
    let made: Vec<_> = Kind::ALL.iter().map(|k| (*k, shim.calls(*k))).collect();
    after_a_kill(server, dir.path(), &mut script, "no fault");
    for (kind, n) in made {
        for nth in spread(n, most) {
            open(kind, nth, dir.path(), &mut script);
        }
    }
}
