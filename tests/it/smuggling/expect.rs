//! `Expect: 100-continue`: who asks, what for and how much is decided before anybody is told to go on.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::World;
use crate::support::fixtures::{A, K, LINK, create_body};

/// What comes first after a head, before a byte of its body was sent.
fn first(addr: SocketAddr, head: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut buffer = [0; 4096];
    let n = stream.read(&mut buffer).unwrap();
    let text = String::from_utf8_lossy(&buffer[..n]).into_owned();
    (stream, text)
}

#[test]
fn nobody_is_told_to_go_on_who_will_be_refused() {
    let world = World::start();
    let addr = world.server.addr;
    let head = |target: &str, key: &str, length: usize| {
        format!(
            "POST {target} HTTP/1.1\r\nHost: a\r\nAuthorization: {key}\r\nContent-Type: application/json\r\n\
             Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    for (head, status) in [
        (head(LINK, "wrong", 100), "401"),
        (head("/nowhere", K, 100), "404"),
        (head(LINK, K, 10_000_000), "413"),
        (head(LINK, K, 100).replace("Host: a\r\n", ""), "400"),
        (head(LINK, K, 100).replace("100-c", "a-c"), "417"),
    ] {
        let (mut stream, mut text) = first(addr, &head);
        // An answer without its body: so the connection cannot go on.
        let _ = stream.read_to_string(&mut text);
        let text = text.to_ascii_lowercase();
        assert!(text.starts_with(&format!("http/1.1 {status}")), "{text}");
        assert!(text.contains("connection: close"), "{text}");
        assert!(!text.contains("http/1.1 100"), "{text}");
    }
    let body = create_body(A, "expected", "Ann", "opaque").to_string();
    let (mut stream, text) = first(addr, &head(LINK, K, body.len()));
    assert_eq!(text, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).unwrap();
    let mut buffer = [0; 4096];
    let n = stream.read(&mut buffer).unwrap();
    assert!(buffer[..n].starts_with(b"HTTP/1.1 200 "));
}
