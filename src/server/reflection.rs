//! Server reflection of gRPC: a stream of questions, each answered as it comes.
//!
//! Unlike every other body this one cannot be collected first: clients wait for an answer before they ask
//! on. It is read as the answers are: hyper asks for the next frame of the answer when the client has room
//! for it, and only then is the next question waited for. What is told is public in the vendor's own files,
//! so that no credential is asked for.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use tokio::time::{Instant, timeout_at};

use super::Shared;
use super::phase::{Phase, reached};
use crate::dialect::{Dialect, NoQuestion, reflect};
use crate::edge::rate_limit::Toll;
use crate::transport::{self, Code, Messages, Status};

/// The most questions of one stream: far more than there are names to ask for.
const QUESTIONS: u32 = 256;

/// The largest question, which has one name in it.
const QUESTION_BYTES: usize = 4096;

/// The front's dialects that are told of to a path on a host: those that have the service there.
fn dialects(shared: &Shared, host: &str, path: &str) -> Vec<Arc<Dialect>> {
    let fronts = shared.fronts.iter();
    let told = fronts.filter(|front| front.reflects(host, path));
    told.map(|front| Arc::clone(&front.dialect)).collect()
}

/// The body of the answer: one message for each of the request's.
pub(super) struct Reflection {
    /// What comes next; `None` after the trailers.
    next: Option<Pin<Box<dyn Future<Output = Step> + Send>>>,
}

/// A frame of the answer, and what goes on after it.
struct Step {
    frame: Frame<Bytes>,
    rest: Option<Exchange>,
}

impl Reflection {
    /// Begins a stream that was let in. `patience` is how long its client waits.
    ///
    /// # Errors
    /// What the client is told of header fields that cannot be served.
    pub(super) fn begin(
        shared: &Arc<Shared>,
        source: IpAddr,
        (host, parts): (&str, &Parts),
        patience: Option<Duration>,
        body: Incoming,
    ) -> Result<Self, Status> {
        let total = shared.settings.body.total;
        let exchange = Exchange {
            messages: Messages::new(&parts.headers, QUESTION_BYTES)?,
            body,
            dialects: dialects(shared, host, parts.uri.path()),
            source,
            asked: 0,
            end: Instant::now() + patience.map_or(total, |patience| patience.min(total)),
            draining: Box::pin(reached(&shared.phase, Phase::Draining)),
            shared: Arc::clone(shared),
        };
        let next: Pin<Box<dyn Future<Output = Step> + Send>> = Box::pin(exchange.step());
        Ok(Self { next: Some(next) })
    }
}

impl Body for Reflection {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(next) = self.next.as_mut() else {
            return Poll::Ready(None);
        };
        let step = ready!(next.as_mut().poll(cx));
        self.next = match step.rest {
            Some(rest) => Some(Box::pin(rest.step())),
            None => None,
        };
        Poll::Ready(Some(Ok(step.frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.next.is_none()
    }
}

/// A stream at work.
struct Exchange {
    shared: Arc<Shared>,
    source: IpAddr,
    dialects: Vec<Arc<Dialect>>,
    body: Incoming,
    messages: Messages,
    /// How many questions there were.
    asked: u32,
    /// When the stream ends at the latest.
    end: Instant,
    draining: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Exchange {
    async fn step(mut self) -> Step {
        let answer = match self.question().await {
            Ok(Some(question)) => self.answer(&question).map(Some),
            Ok(None) => Ok(None),
            Err(status) => Err(status),
        };
        let end = match answer {
            Ok(Some(frame)) => {
                return Step {
                    frame: Frame::data(frame),
                    rest: Some(self),
                };
            }
            Ok(None) => Ok(()),
            Err(status) => Err(status),
        };
        Step {
            frame: Frame::trailers(transport::trailers(&end)),
            rest: None,
        }
    }

    /// Waits for the next question; `None` if there is none to come.
    async fn question(&mut self) -> Result<Option<Bytes>, Status> {
        loop {
            if let Some(message) = self.messages.take()? {
                return Ok(Some(message));
            }
            let pause = Instant::now() + self.shared.settings.body.chunk;
            let piece = tokio::select! {
                biased;
                () = self.draining.as_mut() => {
                    return Err(Status::new(Code::Unavailable, "the server is ending"));
                }
                piece = timeout_at(self.end.min(pause), self.body.frame()) => piece,
            };
            match piece {
                Ok(Some(Ok(frame))) => {
                    // Trailers ask nothing.
                    if let Ok(data) = frame.into_data() {
                        self.messages.push(&data);
                    }
                }
                Ok(None) => return self.messages.end().map(|()| None),
                Ok(Some(Err(_))) => {
                    return Err(Status::new(Code::Canceled, "the request broke off"));
                }
                Err(_) => {
                    let message = "no further message came in time";
                    return Err(Status::new(Code::DeadlineExceeded, message));
                }
            }
        }
    }

    fn answer(&mut self, question: &[u8]) -> Result<Bytes, Status> {
        self.asked += 1;
        if self.asked > QUESTIONS {
            let message = format!("a stream has {QUESTIONS} messages at most");
            return Err(Status::new(Code::ResourceExhausted, message));
        }
        // The first one was counted with the head. A stream is no way around the limit.
        if self.asked > 1 && Toll::new(&self.shared.limits).arrive(self.source).is_err() {
            return Err(Status::new(Code::ResourceExhausted, "too many requests"));
        }
        let answer = reflect(&self.dialects, question).map_err(|NoQuestion| {
            Status::new(Code::InvalidArgument, "the message cannot be read")
        })?;
        transport::framed(&answer)
    }
}
