//! A connection, encrypted or not, as hyper's client wants it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Whether anything has come back since something was last sent: over HTTP/1.1, the first byte of an answer.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<AtomicBool>);

impl Heard {
    /// What this connection has heard; HTTP/2 has more to say than answers, so that it is not asked.
    pub(super) fn on(connected: &Connected) -> bool {
        let mut extras = http::Extensions::new();
        connected.get_extras(&mut extras);
        let heard = extras.get::<Self>();
        heard.is_some_and(|Heard(heard)| heard.load(Ordering::Relaxed))
    }
}

/// How many reads in a row succeed before others get their turn: who never stops sending heads of interim
/// answers, which hyper reads away without an end, would have the thread for itself, and no timer would fire.
const READS_IN_A_ROW: u8 = 4;

/// Notes what is heard.
struct Ear {
    io: Box<dyn Io>,
    heard: Heard,
    in_a_row: u8,
}

/// A connection.
pub(super) struct Stream {
    io: TokioIo<Ear>,
    is_http2: bool,
}

impl Stream {
    pub(super) fn plain(tcp: TcpStream, is_http2: bool) -> Self {
        Self::over(Box::new(tcp), is_http2)
    }

    /// What the peer has chosen by ALPN decides what is spoken.
    pub(super) fn tls(tls: TlsStream<TcpStream>) -> Self {
        let is_http2 = speaks_http2(&tls);
        Self::over(Box::new(tls), is_http2)
    }

    fn over(io: Box<dyn Io>, is_http2: bool) -> Self {
        let heard = Heard::default();
        Self {
            io: TokioIo::new(Ear {
                io,
                heard,
                in_a_row: 0,
            }),
            is_http2,
        }
    }
}

/// Whether the peer has chosen HTTP/2.
pub(super) fn speaks_http2(tls: &TlsStream<TcpStream>) -> bool {
    tls.get_ref().1.alpn_protocol() == Some(b"h2")
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        if self.is_http2 {
            Connected::new().negotiated_h2()
        } else {
            Connected::new().extra(self.io.inner().heard.clone())
        }
    }
}

impl AsyncRead for Ear {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.in_a_row >= READS_IN_A_ROW {
            self.in_a_row = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.heard.0.store(true, Ordering::Relaxed);
        }
        self.in_a_row = if polled.is_ready() {
            self.in_a_row + 1
        } else {
            0
        };
        polled
    }
}

impl AsyncWrite for Ear {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.heard.0.store(false, Ordering::Relaxed);
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
