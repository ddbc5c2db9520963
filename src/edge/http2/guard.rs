//! What a connection has done so far, and whether that was too much.

use tokio::time::Instant;

use super::budget::{Budget, price};
use super::frames::{CONTINUATION, DATA, Event, Frames, HEADERS, SETTINGS};
use super::streams::Streams;
use super::{Fault, Settings};

/// The two directions of a connection, and what is kept of them.
#[derive(Debug)]
pub(super) struct Guard {
    settings: Settings,
    inbound: Frames,
    outbound: Frames,
    budget: Budget,
    streams: Streams,
    /// Whether a frame has come.
    has_begun: bool,
    /// Since when a list of fields has not ended.
    fields: Option<Instant>,
    /// The highest stream that those above have heard of.
    passed: u32,
}

impl Guard {
    /// That of a connection which begins now.
    pub(super) fn new(settings: Settings, now: Instant) -> Self {
        Self {
            inbound: Frames::of_client(),
            outbound: Frames::of_server(),
            budget: Budget::new(settings.frames, now),
            streams: Streams::new(settings.streams),
            has_begun: false,
            fields: None,
            passed: 0,
            settings,
        }
    }

    /// Looks at what the peer has sent. If that was too much, those above must not see it.
    pub(super) fn received(&mut self, bytes: &[u8], now: Instant) -> Result<(), Fault> {
        let Self {
            inbound,
            budget,
            streams,
            has_begun,
            fields,
            ..
        } = self;
        let mut fault = None;
        budget.refill(now);
        inbound.feed(bytes, |event| match event {
            Event::Frame(frame) => {
                let price = price(frame, streams.was_given_time(frame.stream, now));
                let found = if !std::mem::replace(has_begun, true) && frame.kind != SETTINGS {
                    Some(Fault::Opening)
                } else if !frame.has_possible_length() {
                    Some(Fault::Size)
                } else if fields.is_none() && streams.is_ended(frame) {
                    Some(Fault::Ended)
                } else {
                    (!budget.spend(price)).then_some(Fault::Frames(frame.kind))
                };
                fault = fault.or(found);
                if matches!(frame.kind, HEADERS | CONTINUATION) {
                    let since = fields.unwrap_or(now);
                    *fields = (!frame.ends_fields()).then_some(since);
                }
                streams.received(frame, now);
            }
            Event::Increment { stream, by } => streams.increment(stream, by, now),
            Event::Setting { id, value } => {
                if !streams.setting(id, value, now) {
                    fault.get_or_insert(Fault::Window);
                }
            }
        });
        if let Some(fault) = fault {
            return Err(fault);
        }
        self.passed = self.streams.highest();
        Ok(())
    }

    /// Looks at what the peer is sent.
    pub(super) fn sent(&mut self, bytes: &[u8], now: Instant) {
        let Self {
            outbound,
            budget,
            streams,
            ..
        } = self;
        outbound.feed(bytes, |event| {
            if let Event::Frame(frame) = event {
                if frame.kind == DATA {
                    budget.sent(frame.length);
                }
                if streams.sent(frame, now) {
                    budget.answered();
                }
            }
        });
    }

    /// How many streams are open.
    pub(super) fn open(&self) -> usize {
        self.streams.count()
    }

    /// When the next wait becomes too long, and which.
    pub(super) fn deadline(&self) -> Option<(Instant, Fault)> {
        let fields = self.fields.map(|since| since + self.settings.head);
        let answer = self.streams.waits().map(|t| t + self.settings.stall);
        let fields = fields.map(|end| (end, Fault::Head));
        let answer = answer.map(|end| (end, Fault::Stalled));
        fields.into_iter().chain(answer).min_by_key(|(end, _)| *end)
    }

    /// The frame that says why the connection ends, if one may be put here.
    pub(super) fn last_word(&self, fault: Fault) -> Option<Vec<u8>> {
        let message = fault.message();
        let length = u8::try_from(8 + message.len()).ok()?;
        let mut frame = vec![0, 0, length, 7, 0, 0, 0, 0, 0];
        frame.extend(self.passed.to_be_bytes());
        frame.extend(fault.code().to_be_bytes());
        frame.extend(message.bytes());
        self.outbound.is_between().then_some(frame)
    }
}
