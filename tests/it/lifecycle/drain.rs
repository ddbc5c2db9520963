//! The end of a process: what it waits for, what it does not, and what its exit code says.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::super::support::client::Client;
use super::super::support::config::{self, Profile};
use super::super::support::server::{binary, free_ports};
use super::supervisor::Supervisor;
use super::{configuration, mapping};

fn serve(dir: &Path, limits: &str) -> Supervisor {
    let mut supervisor = Supervisor::new(dir, 0);
    std::fs::write(dir.join("versioned.toml"), mapping(1)).unwrap();
    let text = configuration(dir, supervisor.ports, "");
    supervisor.configure(&text.replacen("drain_delay_seconds = 0", limits, 1));
    supervisor.start();
    supervisor
}

/// Connections that end by themselves only after a long time: a head without its end, a body without its rest,
/// and a client of HTTP/2 that answers nothing.
fn stubborn(supervisor: &Supervisor) -> Vec<TcpStream> {
    let send = |addr: SocketAddr, bytes: &[u8]| {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.write_all(bytes).unwrap();
        stream
    };
    let body = b"POST /linkbridge/v1/links HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nContent-Length: 9\r\n\r\n{";
    let http2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let streams = vec![
        send(supervisor.http1(), b"GET / HTT"),
        send(supervisor.http1(), body),
        send(supervisor.http2(), http2),
    ];
    std::thread::sleep(Duration::from_millis(100));
    streams
}

fn ready(supervisor: &Supervisor) -> u16 {
    let admin = (std::net::Ipv4Addr::LOCALHOST, supervisor.ports.admin).into();
    let answer = Client::new(admin).send("GET", "/readyz", &[], None);
    answer.map_or(0, |answer| answer.status)
}

#[test]
fn a_drain_is_announced_first_and_ends_whatever_does_not_end_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let limits = "drain_delay_seconds = 1\ndrain_seconds = 2\nhead_seconds = 60\nbody_seconds = 60\nbody_chunk_seconds = 60";
    let mut supervisor = serve(dir.path(), limits);
    assert_eq!(ready(&supervisor), 200);
    let held = stubborn(&supervisor);
    let began = Instant::now();
    supervisor.signal("-TERM");
    supervisor.wait_for("STOPPING=1");
    let mut client = Client::new(supervisor.http1());
    while ready(&supervisor) != 503 {
        assert!(began.elapsed() < Duration::from_secs(1), "still ready");
    }
    // Not ready, and serving: whoever has not noticed yet is answered.
    let served = client.send("GET", "/version", &[], None).unwrap();
    assert!(began.elapsed() > Duration::from_secs(1) || served.status == 401);
    assert_eq!(supervisor.wait(), Some(0), "{}", supervisor.log());
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(2900), "{took:?}");
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert!(
        supervisor
            .log()
            .contains("still open at the end of the drain")
    );
    drop(held);
}

#[test]
fn a_second_signal_does_not_wait() {
    let dir = tempfile::tempdir().unwrap();
    let limits = "drain_delay_seconds = 20\ndrain_seconds = 30";
    let mut supervisor = serve(dir.path(), limits);
    let held = stubborn(&supervisor);
    supervisor.signal("-TERM");
    supervisor.wait_for("STOPPING=1");
    let began = Instant::now();
    supervisor.signal("-TERM");
    assert_eq!(supervisor.wait(), Some(0), "{}", supervisor.log());
    assert!(began.elapsed() < Duration::from_secs(3));
    drop(held);
}

/// What a client that waits between its requests meets at the end: an answer that says it is the last, or the
/// end of the connection, and never a reset.
#[test]
fn idle_connections_end_without_a_reset() {
    let dir = tempfile::tempdir().unwrap();
    let mut supervisor = serve(dir.path(), "drain_delay_seconds = 0");
    let mut idle = TcpStream::connect(supervisor.http1()).unwrap();
    let request = b"GET /linkbridge/v1/status HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut buffer = [0; 4096];
    idle.write_all(request).unwrap();
    assert!(idle.read(&mut buffer).unwrap() > 0);
    let mut other = idle_at(&supervisor, request);
    supervisor.signal("-TERM");
    supervisor.wait_for("STOPPING=1");
    // The drain begins a moment after that is said. One sends once more, just then.
    std::thread::sleep(Duration::from_millis(60));
    other.write_all(request).unwrap();
    let mut answer = String::new();
    other.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("Connection: close"),
        "{answer}"
    );
    assert_eq!(idle.read(&mut buffer).unwrap(), 0);
    assert_eq!(supervisor.wait(), Some(0));
}

fn idle_at(supervisor: &Supervisor, request: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(supervisor.http1()).unwrap();
    stream.write_all(request).unwrap();
    assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
    stream
}

fn run(dir: &Path) -> Output {
    Command::new(binary())
        .args(["serve", "--config", "config.toml"])
        .current_dir(dir)
        .env_clear()
        .output()
        .unwrap()
}

#[test]
fn the_exit_code_says_what_was_in_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let supervisor = serve(dir.path(), "drain_delay_seconds = 0");
    let code = |output: Output| {
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    // The data directory is in use.
    let (exit, told) = code(run(dir.path()));
    assert_eq!(exit, Some(5), "{told}");
    let text = |ports, data: &str| config::text(&Profile::default(), ports, &dir.path().join(data));
    let write = |text: String| std::fs::write(dir.path().join("config.toml"), text).unwrap();
    // The address is.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut ports = free_ports();
    ports.http1 = taken.local_addr().unwrap().port();
    write(text(ports, "other"));
    let (exit, told) = code(run(dir.path()));
    assert_eq!(exit, Some(4), "{told}");
    // The store is damaged.
    std::fs::create_dir(dir.path().join("damaged")).unwrap();
    write(text(free_ports(), "other"));
    for name in ["linkbridge.db", "linkbridge.sqlite"] {
        if dir.path().join("other").join(name).exists() {
            std::fs::write(dir.path().join("damaged").join(name), [7; 8192]).unwrap();
        }
    }
    write(text(free_ports(), "damaged"));
    let (exit, told) = code(run(dir.path()));
    assert_eq!(exit, Some(6), "{told}");
    // The configuration is wrong.
    write("[server".to_owned());
    let (exit, told) = code(run(dir.path()));
    assert_eq!(exit, Some(2), "{told}");
    drop(supervisor);
}
