//! Requests as bytes on a connection of their own: what is sent is what is written here, and whether the connection
//! goes on afterwards is seen.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::super::super::hostile::raw::read;
use super::super::super::support::client::Answer;
use super::super::template::Filled;

/// A request that may be wrong in any way.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Vec<u8>>,
    /// The length that is announced, where it is not that of the body.
    pub(super) length: Option<usize>,
}

impl From<Filled> for Wire {
    fn from(filled: Filled) -> Self {
        Self {
            method: filled.method,
            target: filled.target,
            headers: filled.headers,
            body: filled.body,
            length: None,
        }
    }
}

impl Wire {
    /// Without a header.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self
    }

    /// With a header in place of the one of this name.
    pub(super) fn with(self, name: &str, value: &str) -> Self {
        let mut with = self.without(name);
        with.headers.push((name.to_owned(), value.to_owned()));
        with
    }

    /// With this body.
    pub(super) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut text = format!(
            "{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\n",
            self.method, self.target
        );
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(length) = self.length.or(self.body.as_ref().map(Vec::len)) {
            text.push_str(&format!("Content-Length: {length}\r\n"));
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }
}

/// What becomes of a connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goes {
    /// The next request is answered.
    On,
    /// It ends, and the answer says so.
    Ends,
}

/// Sends a request, reads its answer, and looks whether the connection goes on.
pub(super) fn exchange(addr: SocketAddr, request: &Wire) -> Result<(Answer, Goes), String> {
    let mut stream = TcpStream::connect(addr).map_err(|e| e.to_string())?;
    let patience = Some(Duration::from_secs(20));
    stream
        .set_read_timeout(patience)
        .map_err(|e| e.to_string())?;
    // A server may answer and close before it has read everything; its answer is still to be read.
    let _ = stream.write_all(&request.bytes());
    let answer = read(&mut stream)?;
    if answer.header("connection") == Some("close") {
        return match stream.read(&mut [0; 16]) {
            Ok(0) => Ok((answer, Goes::Ends)),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok((answer, Goes::Ends)),
            other => Err(format!("said to close, and then {other:?}")),
        };
    }
    let next = "GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    stream
        .write_all(next.as_bytes())
        .map_err(|e| format!("closed without a word: {e}"))?;
    match read(&mut stream) {
        Ok(next) if next.status == 200 && next.text() == "{}" => Ok((answer, Goes::On)),
        Ok(next) => Err(format!(
            "the next answer is {} {}",
            next.status,
            next.text()
        )),
        Err(error) => Err(format!("the connection does not go on: {error}")),
    }
}
