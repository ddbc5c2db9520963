//! `/readyz` tells the truth of the store: 503 with the reason from the first write that its disk refuses until the
//! store has proven itself, and `/livez` has nothing to do with it.

use std::cell::Cell;

use super::super::telemetry::wait_for;
use super::shim::{EIO, ENOSPC, Kind, Shim};
use super::*;

/// What a path of the admin listener answers.
fn ask(admin: u16, path: &str) -> (u16, String) {
    let mut client = Client::new(([127, 0, 0, 1], admin).into());
    let answer = client.send("GET", path, &[], None).unwrap();
    (answer.status, answer.text())
}

#[test]
fn readiness_follows_the_disk_of_the_store_and_liveness_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let shim = Shim::new(dir.path(), &dir.path().join("data"));
    let (admin, text) = (Cell::new(0), text(dir.path()));
    let server = Server::start_by(&shim.launch(), dir.path(), &|ports| {
        admin.set(ports.admin);
        text(ports)
    });
    let server = server.unwrap();
    let admin = admin.get();
    let mut client = Client::new(server.addr);
    let mut script = Script::new();
    for (kind, error) in [(Kind::Write, EIO), (Kind::Sync, EIO), (Kind::Write, ENOSPC)] {
        let what = format!("{kind:?} with error {error}");
        script.recover(&mut client, &what);
        wait_for("ready before", || {
            (ask(admin, "/readyz").0 == 200).then_some(())
        });
        shim.fail(kind, 1, true, error);
        // The store learns of its disk by what it writes; whoever is told of a failure does not find it ready.
        while script.step(&mut client) {}
        for _ in 0..5 {
            let (status, told) = ask(admin, "/readyz");
            assert_eq!(status, 503, "{what}: {told}");
            assert!(
                told.contains("backend: not ready: the store cannot write"),
                "{what}: {told}"
            );
            assert_eq!(ask(admin, "/livez").0, 200, "{what}");
            std::thread::sleep(Duration::from_millis(30));
        }
        // What was refused did not make it ready, nor did the store's own attempts.
        script.step(&mut client);
        assert_eq!(ask(admin, "/readyz").0, 503, "{what}");
        assert!(shim.heal() > 0, "{what}: nothing failed");
        wait_for("ready again", || {
            (ask(admin, "/readyz").0 == 200).then_some(())
        });
        script.recover(&mut client, &what);
        script.compare(&mut client, &what);
    }
    assert!(script.refused >= 3, "{} refused", script.refused);
    script.nothing_odd(&server, "readiness");
}
