//! Memory that runs out, as far as the process can tell: at 92 % of the limit every connection ends after its
//! answer, over HTTP/2 with GOAWAY, and once there is memory again none does.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use super::super::telemetry::wait_for;
use super::shim::Shim;
use super::*;

/// The limit that is configured.
const LIMIT: u64 = 1 << 30;

const SETTINGS: u8 = 4;
const HEADERS: u8 = 1;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A connection of HTTP/2 by prior knowledge, frame by frame.
struct Raw {
    stream: TcpStream,
    next: u32,
}

impl Raw {
    fn new(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).unwrap();
        let mut raw = Self { stream, next: 1 };
        raw.stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .unwrap();
        raw.send(SETTINGS, 0, 0, &[]);
        raw
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.stream.write_all(&frame).unwrap();
    }

    /// The next frame: its type, flags, stream and payload; `None` at the end of the connection.
    fn frame(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).ok()?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.stream.read_exact(&mut payload).ok()?;
        if kind == SETTINGS && flags & ACK == 0 {
            self.send(SETTINGS, ACK, 0, &[]);
        }
        Some((kind, flags, u32::from_be_bytes(stream), payload))
    }

    /// `GET /api/status`, which is answered without a GOAWAY.
    fn is_answered(&mut self) {
        // :method GET and :scheme http of the static table, then :path and :authority as literals.
        let mut fields = vec![0x82, 0x86];
        for (name, value) in [(0x04, "/api/status"), (0x01, "127.0.0.1")] {
            fields.extend([name, u8::try_from(value.len()).unwrap()]);
            fields.extend(value.as_bytes());
        }
        let id = self.next;
        self.next += 2;
        self.send(HEADERS, END_STREAM | END_HEADERS, id, &fields);
        loop {
            let (kind, flags, stream, payload) = self.frame().expect("no answer");
            assert_ne!(kind, GOAWAY, "{payload:?}");
            // 8 is ":status 200" of the static table.
            if kind == HEADERS && stream == id {
                assert_eq!(payload.first(), Some(&0x88), "{payload:?}");
            }
            if stream == id && flags & END_STREAM != 0 {
                return;
            }
        }
    }

    /// Reads to the end of the connection; answers the code of each GOAWAY before it.
    fn ends_with(mut self) -> Vec<u32> {
        let mut codes = Vec::new();
        while let Some((kind, flags, stream, payload)) = self.frame() {
            if kind == GOAWAY {
                codes.push(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
            } else if kind == 6 && flags & ACK == 0 {
                self.send(6, ACK, stream, &payload);
            }
        }
        codes
    }
}

#[test]
fn memory_that_runs_out_ends_connections_of_http2_with_goaway() {
    let dir = tempfile::tempdir().unwrap();
    let shim = Shim::new(dir.path(), &dir.path().join("data"));
    let text = text(dir.path());
    shim.uses(LIMIT / 2);
    let limits = format!("[limits]\nmemory_bytes = {LIMIT}\n");
    let server = Server::start_by(&shim.launch_with_memory(), dir.path(), &|ports| {
        text(ports).replacen("[limits]\n", &limits, 1)
    });
    let server = server.unwrap();
    let mut connection = Raw::new(server.http2);
    connection.is_answered();
    // A connection that is there already could end just when it is used: each of these has its own.
    let over_http1 = || {
        wait_for("an answer", || {
            let answer = Client::new(server.addr).bare("GET", "/api/status").ok()?;
            let field = answer.header("connection").map(str::to_owned);
            Some((answer.status, field))
        })
    };
    assert_eq!(over_http1(), (200, None));

    shim.uses(LIMIT / 100 * 93);
    // Without an error, and only once all that was under way has been answered.
    let codes = connection.ends_with();
    assert!(
        !codes.is_empty() && codes.iter().all(|code| *code == 0),
        "{codes:?}"
    );
    // Nobody is refused: each connection has its answer.
    assert_eq!(over_http1(), (200, Some("close".to_owned())));

    shim.uses(LIMIT / 2);
    wait_for("calm", || (over_http1() == (200, None)).then_some(()));
    let mut connection = Raw::new(server.http2);
    connection.is_answered();
    connection.is_answered();
}
