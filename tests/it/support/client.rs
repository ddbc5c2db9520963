//! A small HTTP client over one TCP connection. It is hyper's, so that it is not our own code that judges us.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;

/// An answer, read to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// Header names, in lower case, with their values.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// Trailer names, in lower case, with their values.
    pub(crate) trailers: Vec<(String, String)>,
}

impl Answer {
    /// The value of the first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<serde_json::Value, String> {
        serde_json::from_slice(&self.body).map_err(|e| format!("{e} in {}", self.text()))
    }

    /// The body as text, for messages.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Lost {
    /// No connection: the request was never sent.
    Unsent(String),
    /// The request may have arrived; what became of it is unknown.
    Unknown(String),
}

/// A client with at most one connection, which it opens when it needs one.
pub(crate) struct Client {
    runtime: tokio::runtime::Runtime,
    addr: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl std::fmt::Display for Lost {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Lost::Unsent(why) => write!(out, "not sent: {why}"),
            Lost::Unknown(why) => write!(out, "sent, but not answered: {why}"),
        }
    }
}

/// Longer than any deadline of the server.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

impl Client {
    /// A client of the server at this address.
    pub(crate) fn new(addr: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Self {
            runtime,
            addr,
            sender: None,
        }
    }

    /// Opens the connection now, so that a later `send` starts at once.
    pub(crate) fn connect(&mut self) -> Result<(), Lost> {
        let addr = self.addr;
        let sender = self.runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(addr).await.map_err(unsent)?;
            stream.set_nodelay(true).map_err(unsent)?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(unsent)?;
            tokio::spawn(connection);
            Ok(sender)
        })?;
        self.sender = Some(sender);
        Ok(())
    }

    /// Sends a request and reads its answer. Nothing is ever sent twice.
    pub(crate) fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, Lost> {
        let mut request = http::Request::builder().method(method).uri(target);
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            request = request.header("Host", self.addr.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::copy_from_slice(body.unwrap_or_default()));
        let request = request
            .body(body)
            .unwrap_or_else(|e| panic!("{method} {target} is no request: {e}"));
        // A kept connection may have been closed since; that is found out before anything is sent.
        let usable = self
            .sender
            .as_mut()
            .is_some_and(|s| self.runtime.block_on(s.ready()).is_ok());
        if !usable {
            self.connect()?;
        }
        let sender = self.sender.as_mut().unwrap();
        let answer = self.runtime.block_on(async {
            tokio::time::timeout(PATIENCE, exchange(sender, request))
                .await
                .unwrap_or_else(|_| Err("timeout".to_owned()))
        });
        if answer.is_err() {
            self.sender = None;
        }
        answer.map_err(Lost::Unknown)
    }

    /// Sends a JSON document, with the super key of the fixtures.
    pub(crate) fn post(&mut self, target: &str, body: &serde_json::Value) -> Result<Answer, Lost> {
        let headers = [
            ("Authorization", super::fixtures::K),
            ("Content-Type", "application/json"),
        ];
        self.send("POST", target, &headers, Some(body.to_string().as_bytes()))
    }

    /// Sends a request without a body, with the super key of the fixtures.
    pub(crate) fn bare(&mut self, method: &str, target: &str) -> Result<Answer, Lost> {
        self.send(
            method,
            target,
            &[("Authorization", super::fixtures::K)],
            None,
        )
    }
}

fn unsent(error: impl std::fmt::Display) -> Lost {
    Lost::Unsent(error.to_string())
}

async fn exchange(
    sender: &mut SendRequest<Full<Bytes>>,
    request: http::Request<Full<Bytes>>,
) -> Result<Answer, String> {
    let response = sender
        .send_request(request)
        .await
        .map_err(|e| e.to_string())?;
    read(response).await
}

/// Reads an answer to its end.
pub(crate) async fn read(response: http::Response<Incoming>) -> Result<Answer, String> {
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(|e| e.to_string())?;
    let trailers = body.trailers().map(fields).unwrap_or_default();
    Ok(Answer {
        status: head.status.as_u16(),
        headers: fields(&head.headers),
        body: body.to_bytes().to_vec(),
        trailers,
    })
}

fn fields(headers: &http::HeaderMap) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let all = headers.iter();
    all.map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect()
}
