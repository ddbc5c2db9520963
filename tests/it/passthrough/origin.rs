//! An origin on loopback that writes down what it gets, byte for byte, and says what a test tells it to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What it does with a request whose head it has read.
pub(crate) type Act = dyn Fn(&str, &mut Peer) + Send + Sync;

/// A connection to it: what was read beyond the head comes first.
pub(crate) struct Peer {
    stream: TcpStream,
    early: Vec<u8>,
}

/// An origin. Dropping it ends it.
pub(crate) struct Origin {
    pub(crate) addr: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
    connections: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
}

impl Origin {
    /// One that reads every body and answers so.
    pub(crate) fn says(answer: &'static str) -> Self {
        Self::start(move |_, peer| peer.say(answer))
    }

    /// One that does this after it has read and written down a request, its body too.
    pub(crate) fn start(act: impl Fn(&str, &mut Peer) + Send + Sync + 'static) -> Self {
        Self::serve(true, Arc::new(act))
    }

    /// One that does this after it has read the head of a request.
    pub(crate) fn start_at_head(act: impl Fn(&str, &mut Peer) + Send + Sync + 'static) -> Self {
        Self::serve(false, Arc::new(act))
    }

    fn serve(whole: bool, act: Arc<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = Self {
            addr: listener.local_addr().unwrap(),
            heads: Arc::default(),
            bodies: Arc::default(),
            connections: Arc::default(),
            ended: Arc::default(),
        };
        let (heads, bodies) = (Arc::clone(&origin.heads), Arc::clone(&origin.bodies));
        let (connections, ended) = (Arc::clone(&origin.connections), Arc::clone(&origin.ended));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                connections.fetch_add(1, Ordering::SeqCst);
                let (heads, bodies) = (Arc::clone(&heads), Arc::clone(&bodies));
                let act = Arc::clone(&act);
                std::thread::spawn(move || {
                    let mut peer = Peer::new(stream.unwrap());
                    let Some(head) = peer.head() else { return };
                    heads.lock().unwrap().push(head.clone());
                    if whole {
                        let body = peer.body(&head);
                        bodies.lock().unwrap().push(body);
                    }
                    act(&head, &mut peer);
                });
            }
        });
        origin
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The heads of all requests so far, as they came.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// Their bodies, still in their framing if that is chunked.
    pub(crate) fn bodies(&self) -> Vec<Vec<u8>> {
        self.bodies.lock().unwrap().clone()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.addr);
    }
}

impl Peer {
    fn new(stream: TcpStream) -> Self {
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self {
            stream,
            early: Vec::new(),
        }
    }

    fn head(&mut self) -> Option<String> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(end) = self.early.windows(4).position(|w| w == b"\r\n\r\n") {
                let rest = self.early.split_off(end + 4);
                let head = std::mem::replace(&mut self.early, rest);
                return Some(String::from_utf8(head).unwrap());
            }
            let n = self.stream.read(&mut buffer).ok().filter(|n| *n > 0)?;
            self.early.extend_from_slice(&buffer[..n]);
        }
    }

    /// Up to so many bytes of a body; none at its end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> usize {
        if self.early.is_empty() {
            return self.stream.read(buffer).unwrap_or(0);
        }
        let n = self.early.len().min(buffer.len());
        buffer[..n].copy_from_slice(&self.early[..n]);
        self.early.drain(..n);
        n
    }

    fn body(&mut self, head: &str) -> Vec<u8> {
        let chunked = field(head, "transfer-encoding").is_some();
        let length: usize = field(head, "content-length").map_or(0, |n| n.parse().unwrap());
        let mut body = Vec::new();
        let mut buffer = [0; 4096];
        while (chunked && !body.ends_with(b"0\r\n\r\n")) || (!chunked && body.len() < length) {
            let n = self.read(&mut buffer);
            if n == 0 {
                break;
            }
            body.extend_from_slice(&buffer[..n]);
        }
        body
    }

    /// Writes; whoever listens may well have gone.
    pub(crate) fn say(&mut self, text: &str) {
        let _ = self.write(text.as_bytes());
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Waits until the other side has closed the connection, and says how long that took.
    pub(crate) fn until_closed(&mut self) -> Duration {
        let began = Instant::now();
        let mut buffer = [0; 4096];
        while self.read(&mut buffer) > 0 {}
        began.elapsed()
    }
}

/// The value of a field of a head.
pub(crate) fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    fields(head, name).first().copied()
}

/// The values of all fields of this name.
pub(crate) fn fields<'h>(head: &'h str, name: &str) -> Vec<&'h str> {
    let lines = head.lines().skip(1).take_while(|line| !line.is_empty());
    let named = lines.filter_map(|line| line.split_once(':'));
    let named = named.filter(|(n, _)| n.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.trim()).collect()
}
