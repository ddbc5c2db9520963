//! One request over a connection that is kept, of either version of HTTP. Nothing is ever sent twice.

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use tokio::runtime::Runtime;

use super::client::{Answer, PATIENCE, read};

pub(crate) type Request = http::Request<Full<Bytes>>;

/// What becomes of an attempt to send: a request that was not sent comes back.
pub(crate) type Attempt = Result<http::Response<Incoming>, TrySendError<Request>>;

/// The sending end of a connection.
pub(crate) trait Sender {
    fn attempt(&mut self, request: Request) -> impl Future<Output = Attempt>;
}

impl Sender for http1::SendRequest<Full<Bytes>> {
    fn attempt(&mut self, request: Request) -> impl Future<Output = Attempt> {
        self.try_send_request(request)
    }
}

impl Sender for http2::SendRequest<Full<Bytes>> {
    fn attempt(&mut self, request: Request) -> impl Future<Output = Attempt> {
        self.try_send_request(request)
    }
}

/// Sends a request and reads its answer; the connection that it went over comes with it, for the next one.
///
/// # Errors
/// Why there is no answer.
pub(crate) fn exchange<S: Sender>(
    runtime: &Runtime,
    mut sender: S,
    mut request: Request,
    connect: impl Fn() -> Result<S, String>,
) -> Result<(Answer, S), String> {
    loop {
        let exchange = async {
            match sender.attempt(request).await {
                Ok(response) => read(response).await.map(Ok),
                // The connection ended between two requests, and this one comes back as it was: the
                // server has seen nothing of it, and it goes over another connection.
                Err(mut lost) => match lost.take_message() {
                    Some(unsent) => Ok(Err(unsent)),
                    None => Err(lost.into_error().to_string()),
                },
            }
        };
        let exchanged = runtime.block_on(async { tokio::time::timeout(PATIENCE, exchange).await });
        match exchanged.unwrap_or_else(|_| Err("timeout".to_owned()))? {
            Ok(answer) => return Ok((answer, sender)),
            Err(unsent) => request = unsent,
        }
        sender = connect()?;
    }
}
