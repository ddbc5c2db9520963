//! The admin listener: health, metrics, what is configured and what is served.
//!
//! It has no credential, so it belongs on loopback or an inner network, which is its default. Nothing can be
//! changed here, and nothing of a user is told.
//!
//! It has a thread of its own: a worker that hangs must not keep `/livez` from saying so, and reading metrics
//! must not keep a worker from its requests. What may wait for a disk runs on yet another thread, one at a
//! time, so that `/livez` answers while it waits.

mod answer;
mod health;
mod routes;

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Semaphore, oneshot};

pub use self::health::Check;
pub(super) use self::health::checks;
use super::Process;
use super::timed_write::TimedWrite;

/// The most connections. One more waits in the queue of the socket until one of them ends, which each does soon.
const CONNECTIONS: usize = 64;
/// A request's head, and the time between two requests.
const HEAD: Duration = Duration::from_secs(5);
/// A peer that does not read its answer.
const STALL: Duration = Duration::from_secs(5);
/// A connection in all.
const AGE: Duration = Duration::from_secs(300);
/// How long what is being read may hold up the end of the server.
const PATIENCE: Duration = Duration::from_millis(200);

/// The thread of the admin listener. Dropping it ends it.
pub(super) struct Admin {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Admin {
    /// Serves until this is dropped: also while the server drains.
    pub(super) fn start(process: Arc<Process>, socket: TcpListener) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(2)
            .build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("admin".to_owned());
        let thread = thread.spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(process, socket) => {}
                    _ = stopped => {}
                }
            });
            // A reading may wait for a disk that never answers.
            runtime.shutdown_timeout(PATIENCE);
        })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the admin listener had ended with a panic");
        }
    }
}

/// What the connections share.
struct Desk {
    process: Arc<Process>,
    /// Held by whoever reads what may take a while.
    reading: tokio::sync::Mutex<()>,
}

async fn serve(process: Arc<Process>, socket: TcpListener) {
    let listener = match tokio::net::TcpListener::from_std(socket) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the admin listener was lost at the start");
            return;
        }
    };
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let desk = Arc::new(Desk {
        process,
        reading: tokio::sync::Mutex::default(),
    });
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(75)).await;
            continue;
        };
        let desk = Arc::clone(&desk);
        drop(tokio::spawn(async move {
            let service = service_fn(move |request: http::Request<Incoming>| {
                let desk = Arc::clone(&desk);
                async move { Ok::<_, Infallible>(respond(&desk, &request).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .max_buf_size(8 * 1024)
                .serve_connection(TokioIo::new(TimedWrite::new(stream, STALL)), service);
            let _ = tokio::time::timeout(AGE, connection).await;
            drop(place);
        }));
    }
}

async fn respond(desk: &Desk, request: &http::Request<Incoming>) -> http::Response<Full<Bytes>> {
    let reply = answer::answer(desk, request).await;
    let mut response = http::Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    headers.insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static(reply.content_type),
    );
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        headers.insert(
            http::HeaderName::from_static(name),
            http::HeaderValue::from_static(value),
        );
    }
    if reply.status == http::StatusCode::METHOD_NOT_ALLOWED {
        let allow = http::HeaderValue::from_static("GET, HEAD");
        headers.insert(http::header::ALLOW, allow);
    }
    response
}

#[cfg(test)]
mod tests;
