//! An identity provider on loopback: it says what a test tells it to, and counts who asks.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What it does next.
#[derive(Clone, Debug)]
pub(crate) enum Does {
    /// Answers with this status, these fields and this body.
    Answers(u16, String, String),
    /// Answers after some time.
    AnswersAfter(Duration, String),
    /// Closes the connection.
    Closes,
    /// Says nothing at all.
    Hangs,
    /// Sends a head, then the body byte by byte.
    Trickles,
    /// Sends a body that does not end.
    Floods,
}

impl Does {
    pub(crate) fn say(body: impl Into<String>) -> Self {
        Does::Answers(200, String::new(), body.into())
    }
}

pub(crate) struct Idp {
    pub(crate) addr: SocketAddr,
    does: Arc<Mutex<Does>>,
    asked: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
    ended: Arc<AtomicBool>,
}

impl Idp {
    pub(crate) fn start(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let idp = Self {
            addr: listener.local_addr().unwrap(),
            does: Arc::new(Mutex::new(does)),
            asked: Arc::default(),
            requests: Arc::default(),
            ended: Arc::default(),
        };
        let (does, asked, requests, ended) = (
            Arc::clone(&idp.does),
            Arc::clone(&idp.asked),
            Arc::clone(&idp.requests),
            Arc::clone(&idp.ended),
        );
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (does, asked, requests, ended) = (
                    Arc::clone(&does),
                    Arc::clone(&asked),
                    Arc::clone(&requests),
                    Arc::clone(&ended),
                );
                std::thread::spawn(move || {
                    let Ok(mut stream) = stream else { return };
                    let Some(request) = read(&mut stream) else {
                        return;
                    };
                    requests.lock().unwrap().push(request);
                    asked.fetch_add(1, Ordering::SeqCst);
                    let does = does.lock().unwrap().clone();
                    // The peer may well have gone.
                    let _ = act(&mut stream, does, &ended);
                });
            }
        });
        idp
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub(crate) fn now_does(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    /// How often it was asked so far.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Every request, head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Idp {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.addr);
    }
}

fn read(stream: &mut TcpStream) -> Option<String> {
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let n = stream.read(&mut buffer).ok().filter(|n| *n > 0)?;
        text.push_str(&String::from_utf8_lossy(&buffer[..n]));
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
    }
}

fn act(stream: &mut TcpStream, does: Does, ended: &AtomicBool) -> std::io::Result<()> {
    let answer = |status: u16, fields: &str, body: &str| {
        format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{fields}\r\n{body}",
            body.len()
        )
    };
    match does {
        Does::Answers(status, fields, body) => {
            stream.write_all(answer(status, &fields, &body).as_bytes())
        }
        Does::AnswersAfter(wait, body) => {
            std::thread::sleep(wait);
            stream.write_all(answer(200, "", &body).as_bytes())
        }
        Does::Closes => Ok(()),
        Does::Hangs => {
            while !ended.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(20));
            }
            Ok(())
        }
        Does::Trickles => {
            stream.write_all(b"HTTP/1.1 200 X\r\ncontent-length: 1000\r\n\r\n")?;
            while !ended.load(Ordering::SeqCst) {
                stream.write_all(b" ")?;
                std::thread::sleep(Duration::from_millis(50));
            }
            Ok(())
        }
        Does::Floods => {
            stream.write_all(b"HTTP/1.1 200 X\r\n\r\n")?;
            while !ended.load(Ordering::SeqCst) {
                stream.write_all(&[b' '; 65_536])?;
            }
            Ok(())
        }
    }
}
