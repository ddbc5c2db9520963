//! The admin listener: `/livez` (the event loop turns) and `/readyz` (requests can be served).
//!
//! It has no credential, so it belongs on loopback or an inner network, which is its default.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use super::{Process, readiness};

/// Serves health until the runtime ends, also while the server drains.
pub(super) async fn serve(process: Arc<Process>, listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(75)).await;
            continue;
        };
        let process = Arc::clone(&process);
        tokio::spawn(async move {
            let service = service_fn(move |request: http::Request<Incoming>| {
                let (status, text) = answer(&process, request.uri().path());
                let mut response = http::Response::new(Full::new(Bytes::from(text)));
                *response.status_mut() = status;
                std::future::ready(Ok::<_, Infallible>(response))
            });
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(10))
                .max_buf_size(8 * 1024)
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

fn answer(process: &Process, path: &str) -> (http::StatusCode, String) {
    match path {
        "/livez" => (http::StatusCode::OK, "alive\n".to_owned()),
        "/readyz" => {
            let checks = readiness::checks(process);
            let ready = match checks.iter().all(|check| check.trouble.is_none()) {
                true => http::StatusCode::OK,
                false => http::StatusCode::SERVICE_UNAVAILABLE,
            };
            let line = |check: &readiness::Check| match check.trouble {
                None => format!("{}: ok\n", check.name),
                Some(trouble) => format!("{}: not ready: {trouble}\n", check.name),
            };
            (ready, checks.iter().map(line).collect())
        }
        _ => (http::StatusCode::NOT_FOUND, "livez, readyz\n".to_owned()),
    }
}
