//! A small client of HTTP/2 by prior knowledge over one TCP connection, which reads trailers. It is hyper's, as the
//! one of HTTP/1.1 is.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::client::{Answer, PATIENCE, read};

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
        let mut request = request.map_err(|error| format!("{method} {target}: {error}"))?;
        let mut sender = match self.sender.take().filter(SendRequest::is_ready) {
            Some(sender) => sender,
            None => self.connect()?,
        };
        let answer = loop {
            let exchange = async {
                match sender.try_send_request(request).await {
                    Ok(response) => read(response).await.map(Ok),
                    // The connection ended between two requests, and this one comes back as it was: the
                    // server has seen nothing of it, and it goes over another connection.
                    Err(mut lost) => match lost.take_message() {
                        Some(unsent) => Ok(Err(unsent)),
                        None => Err(lost.into_error().to_string()),
                    },
                }
            };
            let exchanged = self
                .runtime
                .block_on(async { tokio::time::timeout(PATIENCE, exchange).await });
            match exchanged.unwrap_or_else(|_| Err("timeout".to_owned())) {
                Ok(Ok(answer)) => break Ok(answer),
                Ok(Err(unsent)) => {
                    request = unsent;
                    sender = self.connect()?;
                }
                Err(error) => break Err(error),
            }
        };
        self.sender = answer.is_ok().then_some(sender);
        answer
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
