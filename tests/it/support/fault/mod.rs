//! A server that misbehaves as it is told, byte by byte, on loopback.
//!
//! ```ignore
//! let fault = Fault::start(vec![Act::ok("{}"), Act::Closes]);
//! call(&fault.url);                       // "http://127.0.0.1:PORT"
//! assert_eq!(fault.seen().len(), 2);      // every request that was read whole, in order
//! ```
//!
//! A script has one [`Act`] for each request, in the order in which requests arrive over all connections; the
//! last one is for all that come after. Acts of the kind `…AtOnce` are for a connection: they take the place
//! of reading a request. Connections are kept until an act ends them, so that a second request on the same
//! one is seen as such ([`Seen::connection`]). [`named`] has the faults of the fault matrix by name.
//! [`tls`] is the same behind TLS, [`http2`] is for faults of HTTP/2. [`refusing`] and [`black_hole`] are
//! places where nobody answers.

pub(crate) mod http2;
mod named;
pub(crate) mod tls;

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

pub(crate) use self::named::named;

/// What happens to one request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// An answer with this status, these fields (each line ends with CRLF) and this body, framed as it should be.
    Answers(u16, String, Vec<u8>),
    /// The same, after a time.
    AnswersAfter(Duration, u16, Vec<u8>),
    /// The same as the first, and then the connection is closed without a word.
    AnswersAndCloses(u16, Vec<u8>),
    /// These bytes; the connection stays.
    Says(Vec<u8>),
    /// These bytes, and the connection is closed.
    SaysAndCloses(Vec<u8>),
    /// These bytes, and the connection is reset.
    SaysAndResets(Vec<u8>),
    /// These bytes, and then nothing more, for as long as the peer waits.
    SaysAndStalls(Vec<u8>),
    /// The first bytes at once, then the others one by one with a pause before each.
    Trickles(Vec<u8>, Vec<u8>, Duration),
    /// The first bytes, then the others again and again, for as long as the peer reads.
    Floods(Vec<u8>, Vec<u8>),
    /// The connection is closed before anything is read.
    ClosesAtOnce,
    /// The connection is reset before anything is read.
    ResetsAtOnce,
}

impl Act {
    /// 200 with this body, as JSON.
    pub(crate) fn ok(body: &str) -> Self {
        Act::json(200, body)
    }

    /// This status with this body, as JSON.
    pub(crate) fn json(status: u16, body: &str) -> Self {
        let fields = "content-type: application/json\r\n".to_owned();
        Act::Answers(status, fields, body.as_bytes().to_vec())
    }

    /// This status with these fields and no body.
    pub(crate) fn status(status: u16, fields: &str) -> Self {
        Act::Answers(status, fields.to_owned(), Vec::new())
    }
}

/// A request that was read whole.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The number of its connection, from 0.
    pub(crate) connection: usize,
    /// The head, without the empty line.
    pub(crate) head: String,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// When it was there.
    pub(crate) at: Instant,
}

impl Seen {
    /// The request line.
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// The value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// The server. It ends when it is dropped.
pub(crate) struct Fault {
    /// Where it is: scheme, host and port.
    pub(crate) url: String,
    pub(crate) addr: SocketAddr,
    shared: Arc<Shared>,
}

/// What happens to a request, decided when it is there.
pub(crate) type Choice = dyn Fn(&Seen) -> Act + Send + Sync;

/// What its threads share.
struct Shared {
    script: Mutex<Vec<Act>>,
    /// Decides in place of the script.
    choice: Option<Box<Choice>>,
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    ended: AtomicBool,
}

/// What requests come through.
trait Wire: Read + Write {
    fn tcp(&self) -> &TcpStream;
    /// The orderly end of what is above TCP.
    fn bye(&mut self) {}
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Fault {
    /// A server without TLS that does this.
    pub(crate) fn start(script: Vec<Act>) -> Self {
        Self::start_over("http", script, Some)
    }

    /// A server without TLS that looks at each request and does what this says.
    pub(crate) fn choosing(choice: Box<Choice>) -> Self {
        Self::serving("http", (Vec::new(), Some(choice)), Some)
    }

    fn start_over<W: Wire>(
        scheme: &str,
        script: Vec<Act>,
        wire: impl Fn(TcpStream) -> Option<W> + Clone + Send + 'static,
    ) -> Self {
        Self::serving(scheme, (script, None), wire)
    }

    fn serving<W: Wire>(
        scheme: &str,
        (script, choice): (Vec<Act>, Option<Box<Choice>>),
        wire: impl Fn(TcpStream) -> Option<W> + Clone + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            choice,
            seen: Mutex::default(),
            connections: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        });
        let inner = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if inner.ended.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let number = inner.connections.fetch_add(1, Ordering::SeqCst);
                let (inner, wire) = (Arc::clone(&inner), wire.clone());
                std::thread::spawn(move || {
                    // A stalled peer must not keep the thread for ever.
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
                    let _ = stream.set_nodelay(true);
                    if let Some(mut wire) = wire(stream) {
                        // The peer may well have gone.
                        let _ = inner.serve(&mut wire, number);
                    }
                });
            }
        });
        Self {
            url: format!("{scheme}://{addr}"),
            addr,
            shared,
        }
    }

    /// Every request so far that was read whole.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// From now on it does this.
    pub(crate) fn now_does(&self, script: Vec<Act>) {
        *self.shared.script.lock().unwrap() = script;
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.addr);
    }
}

impl Shared {
    /// The act of a connection that has just been made, if it is next.
    fn at_once(&self) -> Option<Act> {
        let is_at_once = |act: &Act| matches!(act, Act::ClosesAtOnce | Act::ResetsAtOnce);
        let mut script = self.script.lock().unwrap();
        script
            .first()
            .is_some_and(is_at_once)
            .then(|| next(&mut script))
    }

    fn serve(&self, wire: &mut dyn Wire, connection: usize) -> io::Result<()> {
        match self.at_once() {
            Some(Act::ResetsAtOnce) => return reset(wire),
            Some(_) => return Ok(()),
            None => {}
        }
        let mut buffer = Vec::new();
        while let Some((head, body)) = request(wire, &mut buffer)? {
            let seen = Seen {
                connection,
                head,
                body,
                at: Instant::now(),
            };
            self.seen.lock().unwrap().push(seen.clone());
            let act = match &self.choice {
                Some(choice) => choice(&seen),
                None => next(&mut self.script.lock().unwrap()),
            };
            if !self.act(wire, act)? {
                wire.bye();
                return Ok(());
            }
        }
        Ok(())
    }

    /// Does it; false if the connection is to end.
    fn act(&self, wire: &mut dyn Wire, act: Act) -> io::Result<bool> {
        match act {
            Act::Answers(status, fields, body) => say(wire, &answer(status, &fields, &body))?,
            Act::AnswersAfter(wait, status, body) => {
                std::thread::sleep(wait);
                say(wire, &answer(status, "", &body))?;
            }
            Act::AnswersAndCloses(status, body) => {
                say(wire, &answer(status, "", &body))?;
                return Ok(false);
            }
            Act::Says(bytes) => say(wire, &bytes)?,
            Act::SaysAndCloses(bytes) => {
                say(wire, &bytes)?;
                return Ok(false);
            }
            Act::SaysAndResets(bytes) => {
                say(wire, &bytes)?;
                // What was said is to be there before the reset, which overtakes what is still on its way.
                std::thread::sleep(Duration::from_millis(30));
                reset(wire)?;
                return Ok(false);
            }
            Act::SaysAndStalls(bytes) => {
                say(wire, &bytes)?;
                let _ = wire.read(&mut [0; 64]);
                return Ok(false);
            }
            Act::Trickles(first, rest, pause) => {
                say(wire, &first)?;
                for byte in rest {
                    if self.ended.load(Ordering::SeqCst) {
                        break;
                    }
                    std::thread::sleep(pause);
                    say(wire, &[byte])?;
                }
            }
            Act::Floods(first, more) => {
                say(wire, &first)?;
                while !self.ended.load(Ordering::SeqCst) {
                    say(wire, &more)?;
                }
                return Ok(false);
            }
            Act::ClosesAtOnce => return Ok(false),
            Act::ResetsAtOnce => {
                reset(wire)?;
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The next act; the last one stays.
fn next(script: &mut Vec<Act>) -> Act {
    match script.len() {
        0 => Act::ok("{}"),
        1 => script[0].clone(),
        _ => script.remove(0),
    }
}

fn say(wire: &mut dyn Wire, bytes: &[u8]) -> io::Result<()> {
    wire.write_all(bytes)?;
    wire.flush()
}

fn reset(wire: &dyn Wire) -> io::Result<()> {
    SockRef::from(wire.tcp()).set_linger(Some(Duration::ZERO))?;
    // The close that follows is a reset; the other direction ends now.
    wire.tcp().shutdown(Shutdown::Read)
}

/// An answer, framed as it should be.
pub(crate) fn answer(status: u16, fields: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut bytes =
        format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{fields}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Reads one request; `None` at the end of the connection.
fn request(wire: &mut dyn Wire, buffer: &mut Vec<u8>) -> io::Result<Option<(String, Vec<u8>)>> {
    loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..at]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.trim().parse::<usize>().unwrap())
            });
            let end = at + 4 + length.unwrap_or(0);
            if buffer.len() >= end {
                let body = buffer[at + 4..end].to_vec();
                buffer.drain(..end);
                return Ok(Some((head, body)));
            }
        }
        let mut more = [0; 4096];
        match wire.read(&mut more)? {
            0 => return Ok(None),
            n => buffer.extend_from_slice(&more[..n]),
        }
    }
}

/// A place where connections are refused. The port is kept as long as the socket.
pub(crate) fn refusing() -> (String, Socket) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    let addr = socket.local_addr().unwrap().as_socket().unwrap();
    (format!("http://{addr}"), socket)
}

/// A place that takes no connection and refuses none: its queue is full. Held by the sockets.
pub(crate) fn black_hole() -> (String, Vec<Socket>) {
    let (url, listener) = refusing();
    listener.listen(0).unwrap();
    let addr = listener.local_addr().unwrap();
    let mut held = vec![listener];
    for _ in 0..4 {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        // Under way, or waiting for ever: both fill the queue.
        let _ = socket.connect(&addr);
        held.push(socket);
    }
    (url, held)
}
