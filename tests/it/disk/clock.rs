//! A wall clock that jumps: a day back, 400 days ahead, and home again. Deadlines, limits and the store go on; what
//! is stored does not get older than what it follows.

use super::shim::Shim;
use super::*;

const DAY: i64 = 24 * 60 * 60;

#[test]
fn a_clock_that_jumps_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let shim = Shim::new(dir.path(), &dir.path().join("data"));
    let server = Server::start_by(&shim.launch(), dir.path(), &text(dir.path())).unwrap();
    let mut client = Client::new(server.addr);
    let mut script = Script::new();
    for days in [0, -1, 400, 0, -30, 0] {
        shim.shift_clock(days * DAY);
        let what = format!("{days} days away");
        let began = Instant::now();
        for _ in 0..10 {
            assert!(script.step(&mut client), "{what}: {:?}", script.odd);
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{what}: slow");
        script.read(&mut client, false);
        script.compare(&mut client, &what);
    }
    script.nothing_odd(&server, "a clock that jumps");
    after_a_kill(server, dir.path(), &mut script, "a clock that jumped");
}
