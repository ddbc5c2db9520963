//! An origin that writes down every byte, and answers each complete request by the strict reader.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::reader;

/// What came over one connection.
type Written = Arc<Mutex<Vec<u8>>>;

/// Its thread ends with the process.
pub(super) struct Origin {
    addr: SocketAddr,
    streams: Arc<Mutex<Vec<Written>>>,
    messages: Arc<AtomicUsize>,
}

impl Origin {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = Self {
            addr: listener.local_addr().unwrap(),
            streams: Arc::default(),
            messages: Arc::default(),
        };
        let (streams, messages) = (Arc::clone(&origin.streams), Arc::clone(&origin.messages));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let written = Written::default();
                streams.lock().unwrap().push(Arc::clone(&written));
                let messages = Arc::clone(&messages);
                std::thread::spawn(move || serve(stream, &written, &messages));
            }
        });
        origin
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// How many complete requests there were.
    pub(super) fn messages(&self) -> usize {
        self.messages.load(Ordering::SeqCst)
    }

    /// What came over each connection.
    pub(super) fn streams(&self) -> Vec<Vec<u8>> {
        let streams = self.streams.lock().unwrap();
        let copy = |stream: &Written| stream.lock().unwrap().clone();
        streams.iter().map(copy).collect()
    }
}

fn serve(mut stream: TcpStream, written: &Mutex<Vec<u8>>, messages: &AtomicUsize) {
    let (mut answered, mut buffer) = (0, [0; 16 * 1024]);
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        let methods = {
            let mut written = written.lock().unwrap();
            written.extend_from_slice(&buffer[..n]);
            reader::read(&written).methods
        };
        for method in methods.iter().skip(answered) {
            messages.fetch_add(1, Ordering::SeqCst);
            let body = if method == "HEAD" { "" } else { "ok" };
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{body}");
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
        answered = methods.len();
    }
}
