//! A server of HTTP/2 by prior knowledge that misbehaves as it is told, frame by frame.
//!
//! As the one of HTTP/1.1: one [`Act2`] for each request (stream), the last one for all that follow.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// `REFUSED_STREAM`: nothing was done.
pub(crate) const REFUSED_STREAM: u32 = 7;
/// `INTERNAL_ERROR`.
pub(crate) const INTERNAL_ERROR: u32 = 2;

/// What happens to one stream, when its request is whole.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act2 {
    /// 200 without a body.
    Answers,
    /// The stream is reset with this code.
    Resets(u32),
    /// The head of an answer, and then the stream is reset with this code.
    AnswersHalfAndResets(u32),
    /// GOAWAY with this code, which says that this stream was still seen or not; then the connection ends.
    GoesAway(u32, bool),
    /// Nothing more on this stream; pings are answered.
    Stalls,
    /// Nothing more at all, pings included.
    Dies,
    /// The connection ends.
    Closes,
}

/// The server. It ends when it is dropped.
pub(crate) struct Fault2 {
    pub(crate) url: String,
    addr: SocketAddr,
    streams: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
}

impl Fault2 {
    pub(crate) fn start(script: Vec<Act2>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let fault = Self {
            url: format!("http://{addr}"),
            addr,
            streams: Arc::default(),
            connections: Arc::default(),
            ended: Arc::default(),
        };
        let script = Arc::new(Mutex::new(script));
        let (streams, connections, ended) = (
            Arc::clone(&fault.streams),
            Arc::clone(&fault.connections),
            Arc::clone(&fault.ended),
        );
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                connections.fetch_add(1, Ordering::SeqCst);
                let (streams, script) = (Arc::clone(&streams), Arc::clone(&script));
                std::thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
                    let _ = stream.set_nodelay(true);
                    let next = || {
                        streams.fetch_add(1, Ordering::SeqCst);
                        let mut script = script.lock().unwrap();
                        if script.len() > 1 {
                            script.remove(0)
                        } else {
                            script[0]
                        }
                    };
                    // The peer may well have gone.
                    let _ = serve(&mut stream, next);
                });
            }
        });
        fault
    }

    /// How many requests were whole so far.
    pub(crate) fn streams(&self) -> usize {
        self.streams.load(Ordering::SeqCst)
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Fault2 {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.addr);
    }
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200` by its index in the static table of HPACK.
const OK: u8 = 0x88;

fn serve(stream: &mut TcpStream, next: impl Fn() -> Act2) -> io::Result<()> {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface)?;
    write(stream, SETTINGS, 0, 0, &[])?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let (kind, flags) = (head[3], head[4]);
        let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload)?;
        match kind {
            SETTINGS if flags & ACK == 0 => write(stream, SETTINGS, ACK, 0, &[])?,
            PING if flags & ACK == 0 => write(stream, PING, ACK, 0, &payload)?,
            HEADERS | DATA if flags & END_STREAM != 0 && !act(stream, id, next())? => return Ok(()),
            _ => {}
        }
    }
}

/// Does it; false if the connection is to end.
fn act(stream: &mut TcpStream, id: u32, act: Act2) -> io::Result<bool> {
    match act {
        Act2::Answers => write(stream, HEADERS, END_HEADERS | END_STREAM, id, &[OK])?,
        Act2::Resets(code) => write(stream, RST_STREAM, 0, id, &code.to_be_bytes())?,
        Act2::AnswersHalfAndResets(code) => {
            write(stream, HEADERS, END_HEADERS, id, &[OK])?;
            write(stream, RST_STREAM, 0, id, &code.to_be_bytes())?;
        }
        Act2::GoesAway(code, has_seen) => {
            let last = if has_seen { id } else { id.saturating_sub(2) };
            let payload = [last.to_be_bytes(), code.to_be_bytes()].concat();
            write(stream, GOAWAY, 0, 0, &payload)?;
            // A close with unread bytes would be a reset, which overtakes the frame.
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read(&mut [0; 64]);
            return Ok(false);
        }
        Act2::Stalls => {}
        Act2::Dies => {
            std::thread::sleep(Duration::from_secs(20));
            return Ok(false);
        }
        Act2::Closes => return Ok(false),
    }
    Ok(true)
}

fn write(stream: &mut TcpStream, kind: u8, flags: u8, id: u32, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&id.to_be_bytes());
    frame.extend_from_slice(payload);
    stream.write_all(&frame)
}
