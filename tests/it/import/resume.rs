//! An import that is interrupted, by a signal or by nothing less than the end of its process.

use std::fmt::Write as _;
use std::process::Child;
use std::time::{Duration, Instant};

use super::place::{Place, Ran, ask};
use crate::support::random::{Random, seed};

/// Rows of a file; every hundredth is refused.
const ROWS: u64 = 20_000;
const REFUSED: u64 = ROWS / 100;
const ACCEPTED: u64 = ROWS - REFUSED;

fn is_refused(row: u64) -> bool {
    row % 100 == 7
}

fn csv() -> String {
    let mut text = "user_id,fusionauth,zitadel\r\n".to_owned();
    for row in 0..ROWS {
        // The order of the users is not that of their ids.
        let user = row.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let end = if is_refused(row) { " " } else { "" };
        write!(text, "u{user:016x},\"f-{row}\",{row}{end}\r\n").unwrap();
    }
    text
}

fn jsonl() -> String {
    let mut text = String::new();
    for row in 0..ROWS {
        let user = row.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let end = if is_refused(row) { " " } else { "" };
        writeln!(
            text,
            "{{\"user_id\":\"u{user:016x}\",\"ids\":{{\"fusionauth\":\"f-{row}\",\"zitadel\":\"{row}{end}\"}}}}"
        )
        .unwrap();
    }
    text
}

/// Every row once: none lost, none twice.
fn check(place: &Place) {
    let count = |table: &str| place.number(&format!("SELECT count(*) FROM {table}"));
    assert_eq!(count("users"), ACCEPTED);
    assert_eq!(count("user_aliases"), 2 * ACCEPTED);
    assert_eq!(count("revisions WHERE revision = 1"), ACCEPTED);
    assert_eq!(count("revisions"), ACCEPTED);
    // A row for each user, and one for each id.
    assert_eq!(count("audit"), 3 * ACCEPTED);
    assert_eq!(count("meta WHERE name LIKE 'import %'"), 0);
}

/// The line of every record of the report, in its order.
fn reported(place: &Place) -> Vec<u64> {
    let report = place.read("refused.csv");
    let lines = report.strip_prefix("line,reason,text\n").unwrap().lines();
    lines
        .map(|line| line.split_once(',').unwrap().0.parse().unwrap())
        .collect()
}

fn expected_lines(header: u64) -> Vec<u64> {
    (0..ROWS)
        .filter(|row| is_refused(*row))
        .map(|row| row + 1 + header)
        .collect()
}

/// Waits until the process has committed this many users.
fn wait_for(place: &Place, child: &mut Child, users: u64) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        let count = ask(&place.path("data"), "SELECT count(*) FROM users");
        let count = count.ok().and_then(|rows| rows[0].parse::<u64>().ok());
        if count.is_some_and(|count| count >= users) {
            return;
        }
        assert!(matches!(child.try_wait(), Ok(None)), "it ended too early");
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("nothing was imported in a minute");
}

#[test]
fn a_killed_import_goes_on_where_it_stopped() {
    let seed = seed("LINKBRIDGE_IMPORT_SEED");
    eprintln!("LINKBRIDGE_IMPORT_SEED={seed}");
    let mut random = Random::new(seed);
    for (name, text, header) in [("users.csv", csv(), 1), ("users.jsonl", jsonl(), 0)] {
        let place = Place::new(&["acme"]);
        place.write(name, text);
        let flags = ["--batch", "200", "--report", "refused.csv"];
        // Four kills in the midst of the work, each a little later in the file.
        let mut users = 0;
        for round in 1..=4 {
            let mut child = place.start(name, &flags);
            users += random.between(1, ACCEPTED / 6);
            wait_for(&place, &mut child, users);
            child.kill().unwrap();
            let ran = Ran::from(child.wait_with_output().unwrap());
            assert_eq!(ran.code, -1, "seed {seed}, round {round}: {ran:?}");
            let resumed = ran.err.contains("goes on after line");
            assert_eq!(resumed, round > 1, "seed {seed}, round {round}: {ran:?}");
            users = place.number("SELECT count(*) FROM users");
        }
        // The same bytes are the same file under another name.
        let ending = name.split_once('.').unwrap().1;
        let renamed = format!("renamed.{ending}");
        std::fs::rename(place.path(name), place.path(&renamed)).unwrap();
        let ran = place.import(&renamed, &flags);
        assert_eq!(
            (ran.code, ran.rows()),
            (1, (ACCEPTED, REFUSED)),
            "seed {seed}: {ran:?}"
        );
        assert!(ran.err.contains("goes on after line"), "{}", ran.err);
        assert!(ran.count("rows of this run") < ROWS);
        assert_eq!(
            (ran.count("new users"), ran.count("unchanged")),
            (ACCEPTED, 0)
        );
        check(&place);
        assert_eq!(reported(&place), expected_lines(header), "seed {seed}");
    }
}

#[test]
fn a_signal_ends_an_import_after_its_batch() {
    let place = Place::new(&["acme"]);
    place.write("users.csv", csv());
    let mut child = place.start("users.csv", &["--batch", "200"]);
    wait_for(&place, &mut child, 1000);
    let killed = std::process::Command::new("sh")
        .args(["-c", &format!("kill -INT {}", child.id())])
        .status()
        .unwrap();
    assert!(killed.success());
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("stopped after line"), "{}", ran.err);
    assert!(ran.err.contains("give the same file again"), "{}", ran.err);
    let (accepted, refused) = ran.rows();
    assert_eq!((accepted + refused) % 200, 0);
    assert_eq!(place.number("SELECT count(*) FROM users"), accepted);
    // It ended in order: the log is empty.
    assert_eq!(
        std::fs::metadata(place.path("data/linkbridge.db-wal")).map_or(0, |d| d.len()),
        0
    );

    // A dry run goes over the whole file, and leaves the note alone.
    let ran = place.import("users.csv", &["--dry-run"]);
    assert_eq!(ran.rows(), (ACCEPTED, REFUSED), "{ran:?}");
    assert_eq!(ran.count("unchanged"), accepted);
    let ran = place.import("users.csv", &[]);
    assert_eq!((ran.code, ran.rows()), (1, (ACCEPTED, REFUSED)), "{ran:?}");
    assert_eq!(ran.count("rows of this run"), ROWS - accepted - refused);
    check(&place);
}

#[test]
fn an_import_can_start_over() {
    let place = Place::new(&["acme"]);
    place.write("users.csv", csv());
    let mut child = place.start("users.csv", &["--batch", "200"]);
    wait_for(&place, &mut child, 400);
    child.kill().unwrap();
    child.wait().unwrap();
    let there = place.number("SELECT count(*) FROM users");
    let ran = place.import("users.csv", &["--restart", "--report", "refused.csv"]);
    assert_eq!((ran.code, ran.rows()), (1, (ACCEPTED, REFUSED)), "{ran:?}");
    assert!(ran.err.contains("starts over"), "{}", ran.err);
    assert_eq!(ran.count("unchanged"), there);
    assert_eq!(ran.count("rows of this run"), ROWS);
    check(&place);
    assert_eq!(reported(&place), expected_lines(1));
}

#[test]
fn another_file_or_another_tenant_is_another_import() {
    let place = Place::new(&["acme", "other"]);
    place.write("users.csv", csv());
    let mut child = place.start("users.csv", &["--batch", "200", "--tenant", "acme"]);
    wait_for(&place, &mut child, 400);
    child.kill().unwrap();
    child.wait().unwrap();
    let ran = place.import("users.csv", &["--tenant", "other"]);
    assert_eq!(ran.count("rows of this run"), ROWS, "{ran:?}");
    place.write("more.csv", csv() + "zoe,,\r\n");
    let ran = place.import("more.csv", &["--tenant", "acme"]);
    assert_eq!(ran.count("rows of this run"), ROWS + 1, "{ran:?}");
    // What is left of the first one is still there.
    let ran = place.import("users.csv", &["--tenant", "acme"]);
    assert!(ran.err.contains("goes on after line"), "{ran:?}");
}
