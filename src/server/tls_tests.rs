//! TLS as its sockets show it: what ALPN decides, and peers that do not shake hands as they should.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::testing::{LONG, SHORT, connect, settings, start};
use super::*;
use crate::edge::tls::Tls;
use crate::edge::tls::testing::Authority;

const NAME: &str = "links.example.com";
const ASK: &[u8] = b"GET /x HTTP/1.1\r\nHost: links.example.com\r\n\r\n";
const LAST: &[u8] = b"GET /x HTTP/1.1\r\nHost: links.example.com\r\nConnection: close\r\n\r\n";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

type Encrypted = StreamOwned<ClientConnection, TcpStream>;

/// A server with TLS, and what its clients need.
struct Served {
    running: Running,
    authority: Authority,
}

impl Served {
    fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let authority = Authority::new();
        let tls = Tls::new(vec![authority.sign(&[NAME]).identity()], None).unwrap();
        let mut settings = settings();
        settings.listeners[0].protocol = Protocol::Tls(tls);
        change(&mut settings);
        Self {
            running: start(settings),
            authority,
        }
    }

    fn address(&self) -> SocketAddr {
        self.running.addresses()[0]
    }

    /// The TLS of a client that offers these protocols.
    fn client(&self, alpn: &[&str]) -> ClientConnection {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(self.authority.pem.as_bytes()).unwrap();
        roots.add(root).unwrap();
        let mut config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
        ClientConnection::new(Arc::new(config), NAME.try_into().unwrap()).unwrap()
    }

    fn open(&self, alpn: &[&str]) -> Encrypted {
        let mut stream = StreamOwned::new(self.client(alpn), connect(self.address()));
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        stream
    }

    fn alive(&self) {
        let mut stream = self.open(&[]);
        stream.write_all(LAST).unwrap();
        assert!(rest(&mut stream).starts_with("HTTP/1.1 404 "));
    }
}

/// Everything up to the end that TLS announces.
fn rest(stream: &mut Encrypted) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

/// How long a connection lasts after these bytes.
fn held(address: SocketAddr, bytes: &[u8], ends: bool) -> Duration {
    let begin = Instant::now();
    let mut stream = connect(address);
    let _ = stream.write_all(bytes);
    if ends {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    // A reset is an end, too; only waiting in vain is none.
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    assert!(!answer.starts_with(b"HTTP"), "answered without TLS");
    begin.elapsed()
}

#[test]
fn alpn_decides_and_nothing_else() {
    let served = Served::start(|_| {});
    for (alpn, agreed) in [
        (&["http/1.1"][..], Some("http/1.1")),
        (&["http/1.1", "h2"], Some("h2")),
        (&["acme", "h2"], Some("h2")),
        (&[], None),
    ] {
        let mut stream = served.open(alpn);
        assert_eq!(stream.conn.alpn_protocol(), agreed.map(str::as_bytes));
        if agreed == Some("h2") {
            stream.write_all(PREFACE).unwrap();
            let mut frame = [0; 9];
            stream.read_exact(&mut frame).unwrap();
            assert_eq!(frame[3], 4, "the first frame of HTTP/2 is SETTINGS");
        } else {
            stream.write_all(LAST).unwrap();
            assert!(rest(&mut stream).starts_with("HTTP/1.1 404 "));
            // Nor does the preface of HTTP/2 change what was agreed.
            let mut stream = served.open(alpn);
            stream.write_all(PREFACE).unwrap();
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            assert!(answer.starts_with(b"HTTP/1.1 505 "), "{answer:?}");
        }
    }
    // Somebody who offers only what we do not speak is told so (RFC 7301), and not served something else.
    let mut stream = StreamOwned::new(served.client(&["acme"]), connect(served.address()));
    let refused = stream
        .write_all(ASK)
        .and_then(|()| stream.read(&mut [0; 1]).map(drop));
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("NoApplicationProtocol")
    );
}

#[test]
fn whoever_does_not_shake_hands_is_gone_in_time_and_leaves_room() {
    let served = Served::start(|settings| {
        settings.timeouts.tls_handshake = SHORT;
        settings.connections_per_source = 2;
    });
    let mut hello = Vec::new();
    served.client(&[]).write_tls(&mut hello).unwrap();
    for (what, bytes) in [
        ("silence", &b""[..]),
        ("half a hello", &hello[..hello.len() / 2]),
        ("a hello, and no more", &hello),
        ("a hello to be continued", &[22, 3, 1, 0, 1, 1]),
    ] {
        let time = held(served.address(), bytes, false);
        assert!(time >= SHORT && time < LONG / 4, "{what}: {time:?}");
        assert!(
            held(served.address(), bytes, true) < LONG / 4,
            "{what}, and an end"
        );
    }
    for (what, bytes) in [
        ("noise", &[0xff; 512][..]),
        ("HTTP without TLS", LAST),
        ("the preface of HTTP/2", PREFACE),
        (
            "SSL 2",
            b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x01\x00\x80\x03\x00\x80",
        ),
        ("data before the handshake", &[23, 3, 3, 0, 4, 1, 2, 3, 4]),
        (
            "a record that is too large",
            &[22, 3, 1, 0xff, 0xff, 1, 0, 0, 0],
        ),
    ] {
        let time = held(served.address(), bytes, false);
        assert!(time < LONG / 4, "{what}: {time:?}");
    }
    served.alive();
}

#[test]
fn the_deadlines_of_http_hold_behind_the_handshake() {
    let served = Served::start(|settings| {
        settings.timeouts.first_byte = SHORT;
        settings.timeouts.head = SHORT;
    });
    for alpn in [&["http/1.1"][..], &["h2"]] {
        for sent in [&b""[..], &PREFACE[..10]] {
            let mut stream = served.open(alpn);
            let begin = Instant::now();
            stream.write_all(sent).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
            assert!(begin.elapsed() < LONG / 4, "{alpn:?}, {} bytes", sent.len());
        }
    }
    // Between two requests neither of them runs.
    let mut stream = served.open(&["http/1.1"]);
    for _ in 0..2 {
        stream.write_all(ASK).unwrap();
        let n = stream.read(&mut [0; 4096]).unwrap();
        assert!(n > 0);
        std::thread::sleep(SHORT * 3);
    }
}

#[test]
fn a_client_that_does_not_read_is_gone_in_time() {
    for tls in [true, false] {
        let served = Served::start(|settings| {
            settings.timeouts.write_stall = SHORT;
            settings.connection_requests = u64::MAX;
            if !tls {
                settings.listeners[0].protocol = Protocol::Http1;
            }
        });
        let requests = ASK.repeat(500);
        let begin = Instant::now();
        let end = if tls {
            let mut stream = served.open(&["http/1.1"]);
            stream.sock.set_write_timeout(Some(LONG)).unwrap();
            std::iter::repeat_with(|| stream.write_all(&requests)).find_map(Result::err)
        } else {
            let mut stream = connect(served.address());
            stream.set_write_timeout(Some(LONG)).unwrap();
            std::iter::repeat_with(|| stream.write_all(&requests)).find_map(Result::err)
        };
        let kind = end.unwrap().kind();
        let ended = [
            std::io::ErrorKind::ConnectionReset,
            std::io::ErrorKind::BrokenPipe,
        ];
        assert!(
            ended.contains(&kind),
            "{kind:?} after {:?}",
            begin.elapsed()
        );
    }
}

#[test]
fn a_drain_ends_idle_connections_with_a_word_and_waits_for_no_handshake() {
    let served = Served::start(|settings| settings.timeouts.tls_handshake = SHORT);
    let _silent = connect(served.address());
    let mut idle = served.open(&["http/1.1"]);
    idle.write_all(ASK).unwrap();
    assert!(idle.read(&mut [0; 4096]).unwrap() > 0);
    served.running.control().drain();
    // Without the closing word of TLS this would be an error.
    assert_eq!(rest(&mut idle), "");
    let begin = Instant::now();
    assert!(served.running.wait());
    assert!(begin.elapsed() < LONG / 2);
}
