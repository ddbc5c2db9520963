//! A small client of HTTP/2 by prior knowledge over one TCP connection, which reads trailers. It is hyper's, as the
//! one of HTTP/1.1 is.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::client::Answer;
use super::exchange::exchange;

/// A client with at most one connection, which it opens when it needs one.
pub(crate) struct Http2 {
    runtime: tokio::runtime::Runtime,
    addr: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Http2 {
    /// A client of the listener at this address.
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

    /// Sends a request and reads its answer and trailers. Nothing is ever sent twice.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(crate) fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, String> {
        let uri = format!("http://{}{target}", self.addr);
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body)));
        let request = request.map_err(|error| format!("{method} {target}: {error}"))?;
        let sender = match self.sender.take().filter(SendRequest::is_ready) {
            Some(sender) => sender,
            None => self.connect()?,
        };
        let (answer, sender) = exchange(&self.runtime, sender, request, || self.connect())?;
        self.sender = Some(sender);
        Ok(answer)
    }

    fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        self.runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(self.addr).await;
            let stream = stream.map_err(|error| error.to_string())?;
            stream
                .set_nodelay(true)
                .map_err(|error| error.to_string())?;
            let io = TokioIo::new(stream);
            let made = handshake(TokioExecutor::new(), io).await;
            let (sender, connection) = made.map_err(|error| error.to_string())?;
            tokio::spawn(connection);
            Ok(sender)
        })
    }
}
