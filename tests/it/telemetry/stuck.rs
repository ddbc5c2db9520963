//! Nobody reads the log: then requests are answered all the same, and the log says later what is missing.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::super::support::client::Client;
use super::super::support::config::{self, Profile};
use super::super::support::server::{binary, free_ports};
use super::wait_for;

/// More than the pipe and the queue have room for.
const REQUESTS: usize = 6000;

#[test]
fn a_log_that_nobody_reads_stops_no_request() {
    let dir = tempfile::tempdir().unwrap();
    let ports = free_ports();
    let text = config::text(&Profile::default(), ports, &dir.path().join("data"));
    // A connection for all of them.
    let text = text + "connection_requests = 1000000\n";
    std::fs::write(dir.path().join("config.toml"), text).unwrap();
    let mut child = Command::new(binary())
        .args(["serve", "--config", "config.toml"])
        .current_dir(dir.path())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut client = Client::new(([127, 0, 0, 1], ports.http1).into());
    wait_for("a start", || client.send("GET", "/x", &[], None).ok());
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    for _ in 0..REQUESTS {
        let one = Instant::now();
        assert_eq!(client.send("GET", "/x", &[], None).unwrap().status, 404);
        slowest = slowest.max(one.elapsed());
    }
    eprintln!(
        "{REQUESTS} requests in {:?}, the slowest in {slowest:?}",
        began.elapsed()
    );
    // Before anything was read: what waits for the log would wait for ever.
    let mut stderr = child.stderr.take().unwrap();
    let reader = std::thread::spawn(move || {
        let (mut text, mut piece) = (String::new(), [0; 65536]);
        while let Ok(n @ 1..) = stderr.read(&mut piece) {
            text += &String::from_utf8_lossy(&piece[..n]);
            if text.contains("were dropped") {
                return text;
            }
        }
        text
    });
    let text = reader.join().unwrap();
    let end = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(end.unwrap().success());
    let _ = child.kill();
    child.wait().unwrap();
    let told = text
        .lines()
        .find(|line| line.contains("were dropped"))
        .unwrap();
    let missing: usize = told
        .rsplit_once("lines=")
        .unwrap()
        .1
        .trim()
        .parse()
        .unwrap();
    assert!(missing > 0 && missing < REQUESTS, "{told}");
}
