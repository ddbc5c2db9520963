//! The price of frames that are no request, and what pays for them.
//!
//! A unit is one frame. Units come back with time, with every answer that is sent to its end, and with the
//! bytes of answers, because those are what honest frames follow from: a gRPC client sends a PING and one or
//! two WINDOW_UPDATEs after an answer to measure the line, and resets what it does not want to the end; a
//! client with a small buffer sends two WINDOW_UPDATEs for each piece that it has read. With 16 units for an
//! answer and one for 128 bytes, a client that asks four times as much of us as that never comes to the end of
//! its budget, however busy it is; who only sends frames has the burst, and then what time gives.

use tokio::time::Instant;

use super::Allowance;
use super::frames::{CONTINUATION, DATA, Frame, HEADERS, RST_STREAM, SETTINGS};

/// What an answer gives back.
const OF_AN_ANSWER: u64 = 16;
/// So many bytes of answers give one unit back.
const BYTES_OF_A_UNIT: u64 = 128;
/// DATA of this size is paid for by the window that it uses.
const SMALL: u32 = 256;

/// Units that are left.
#[derive(Debug)]
pub(super) struct Budget {
    allowance: Allowance,
    units: u64,
    refilled: Instant,
    /// Bytes of answers that have not made a unit yet.
    bytes: u64,
}

impl Budget {
    pub(super) fn new(allowance: Allowance, now: Instant) -> Self {
        Self {
            allowance,
            units: u64::from(allowance.burst),
            refilled: now,
            bytes: 0,
        }
    }

    /// Gives what time has brought.
    pub(super) fn refill(&mut self, now: Instant) {
        let each = self.allowance.each.as_nanos().max(1);
        let n = now.saturating_duration_since(self.refilled).as_nanos() / each;
        if n > 0 {
            self.earn(u64::try_from(n).unwrap_or(u64::MAX));
            // What is left of the time counts for the next unit, unless that would be years.
            let counted = u32::try_from(n).map(|n| self.allowance.each.saturating_mul(n));
            self.refilled = counted
                .ok()
                .and_then(|counted| self.refilled.checked_add(counted))
                .unwrap_or(now);
        }
    }

    /// Takes the price of a frame; whether it was there.
    pub(super) fn spend(&mut self, price: u64) -> bool {
        let left = self.units.checked_sub(price);
        self.units = left.unwrap_or(0);
        left.is_some()
    }

    /// Gives for an answer that was sent to its end.
    pub(super) fn answered(&mut self) {
        self.earn(OF_AN_ANSWER);
    }

    /// Gives for bytes of an answer.
    pub(super) fn sent(&mut self, bytes: u32) {
        self.bytes += u64::from(bytes);
        self.earn(self.bytes / BYTES_OF_A_UNIT);
        self.bytes %= BYTES_OF_A_UNIT;
    }

    fn earn(&mut self, units: u64) {
        let most = u64::from(self.allowance.burst);
        self.units = self.units.saturating_add(units).min(most);
    }
}

/// What a frame costs. A reset is free where its stream was given time: the number of streams bounds how
/// many of those there can be, and a client whose own patience ends must not be punished for it.
pub(super) fn price(frame: Frame, was_given_time: bool) -> u64 {
    let length = u64::from(frame.length);
    match frame.kind {
        // Requests are limited elsewhere: by streams, by rates, by the size of their fields.
        HEADERS => 0,
        DATA if frame.ends_stream() => 0,
        // The window that padding uses is given back at once.
        DATA if frame.length >= SMALL && !frame.is_padded() => 0,
        DATA | CONTINUATION => 1,
        RST_STREAM if was_given_time => 0,
        // Each is answered, and may change the window of every stream.
        SETTINGS if !frame.is_ack() => 4 + length / 64,
        // No window bounds their payloads.
        _ => 1 + length / 1024,
    }
}
