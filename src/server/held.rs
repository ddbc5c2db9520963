//! A head of which a part has come: kept until it is complete, and what came behind it until it is taken.
//!
//! Most heads come in one piece and never are here. Memory is taken as bytes come, and given back with the head.

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// So much is read at once.
const PIECE: usize = 4096;

/// Bytes that have come: those that may pass, then those that may not yet.
#[derive(Debug, Default)]
pub(super) struct Held {
    bytes: Vec<u8>,
    /// Up to here they were given away.
    given: usize,
    /// Up to here they may pass.
    passed: usize,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Keeps the begin of a head. Nothing else is held then.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// What may not pass yet.
    pub(super) fn window(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.passed..).unwrap_or_default()
    }

    /// Lets so many more pass.
    pub(super) fn pass(&mut self, count: usize) {
        self.passed += count;
    }

    /// Gives what may pass, as far as there is room for it.
    pub(super) fn give(&mut self, buf: &mut ReadBuf<'_>) {
        let may = self.bytes.get(self.given..self.passed).unwrap_or_default();
        let count = may.len().min(buf.remaining());
        buf.put_slice(may.get(..count).unwrap_or_default());
        self.given += count;
        if self.given < self.passed || self.given == 0 {
            return;
        }
        // All that may pass has been given: what is left stands at the front again.
        self.bytes.drain(..self.given);
        (self.given, self.passed) = (0, 0);
        if self.bytes.is_empty() {
            self.bytes = Vec::new();
        }
    }

    /// Reads on behind what there is.
    pub(super) fn poll_fill<S: AsyncRead>(
        &mut self,
        stream: Pin<&mut S>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize>> {
        let mut piece = [0; PIECE];
        let mut buf = ReadBuf::new(&mut piece);
        ready!(stream.poll_read(cx, &mut buf))?;
        self.bytes.extend_from_slice(buf.filled());
        Poll::Ready(Ok(buf.filled().len()))
    }
}
