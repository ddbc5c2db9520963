//! Limits while the wall clock jumps: nothing freezes, and nothing is refilled for free.

use std::path::Path;
use std::time::Duration;

use super::super::support::client::Client;
use super::{KEYS, Told, ask, serve};

/// Lets the binary see another wall clock than the machine's, from now on.
fn set(file: &Path, offset: &str) {
    std::fs::write(file, offset).unwrap();
    std::thread::sleep(Duration::from_millis(50));
}

/// Needs `libfaketime`; without it, it says so.
#[test]
fn a_wall_clock_that_jumps_changes_nothing() {
    let library = std::env::var_os("LINKBRIDGE_FAKETIME");
    let Some(library) = library.and_then(|path| path.into_string().ok()) else {
        eprintln!("SKIPPED: LINKBRIDGE_FAKETIME names no libfaketime");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("now");
    set(&file, "+0");
    let vars = [
        ("LD_PRELOAD", library),
        ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    let server = serve(dir.path(), "", "rate = \"1/s burst 20\"", &vars);
    let mut client = Client::new(server.addr);
    let mut dates = Vec::new();
    for offset in ["+0", "-1d", "+400d", "+0", "+400d", "-1d"] {
        // The budget is used up; then the clock jumps; then there is no more than real time brings.
        while ask(&mut client, KEYS[0]).status == 200 {}
        set(&file, offset);
        let mut let_in = 0;
        for _ in 0..40 {
            let answer = ask(&mut client, KEYS[0]);
            let_in += u32::from(answer.status == 200);
            dates.extend(answer.header("date").map(str::to_owned));
        }
        assert!(let_in <= 2, "{let_in} for free after {offset}");
        let refused = ask(&mut client, KEYS[0]);
        assert_eq!(refused.status, 429, "after {offset}");
        let wait = Told::of(&refused).retry_after.unwrap();
        assert!(wait <= 21, "frozen after {offset}: {wait} s");
        std::thread::sleep(Duration::from_millis(2_200));
        assert_eq!(
            ask(&mut client, KEYS[0]).status,
            200,
            "frozen after {offset}"
        );
    }
    dates.dedup();
    let years: std::collections::BTreeSet<_> =
        dates.iter().filter_map(|d| d.split(' ').nth(3)).collect();
    assert!(years.len() > 1, "the clock did not jump: {dates:?}");
}
