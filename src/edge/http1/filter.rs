//! One connection's messages, one after the other.

use super::chunked::Chunked;
use super::fault::{Fault, Refusal};
use super::head::{Framing, Head};

/// How large the parts of a message may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest head, in bytes, with all its line ends.
    pub head_bytes: usize,
    /// The most fields.
    pub fields: usize,
    /// The longest target, in bytes.
    pub target_bytes: usize,
    /// The longest value of a field, in bytes.
    pub field_bytes: usize,
}

/// Where in its connection's messages a filter is.
#[derive(Debug)]
pub struct Filter {
    limits: Limits,
    state: State,
    heads: u64,
}

#[derive(Debug)]
enum State {
    /// In a head, or before one.
    Head(Head),
    /// In a body of which so many bytes are still to come.
    Length(u64),
    /// In a chunked body.
    Chunked(Chunked),
    /// Nothing passes any more.
    Refused(Refusal),
}

impl Filter {
    /// A filter at the start of a connection.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::Head(Head::default()),
            heads: 0,
        }
    }

    /// Looks at everything that has come and has not passed, and says how many bytes of it may pass now.
    /// What may not yet is shown again, with what comes after it; it is not looked at twice. The one thing
    /// that is changed is the name of a field `Upgrade`, which becomes one that nobody reads.
    pub fn look(&mut self, window: &mut [u8]) -> usize {
        let mut passed = 0;
        while let Some(rest) = window.get_mut(passed..).filter(|rest| !rest.is_empty()) {
            let step = self.step(rest);
            passed += step.unwrap_or(0);
            if step.is_none() || matches!(self.state, State::Refused(_)) {
                break;
            }
        }
        passed
    }

    /// How many bytes pass next; `None` if they depend on what is still to come.
    fn step(&mut self, rest: &mut [u8]) -> Option<usize> {
        match &mut self.state {
            State::Head(head) => match head.look(rest, &self.limits) {
                Ok(None) => None,
                Ok(Some((length, framing))) => {
                    self.heads += 1;
                    self.state = match framing {
                        Framing::Length(0) => State::Head(Head::default()),
                        Framing::Length(length) => State::Length(length),
                        Framing::Chunked => State::Chunked(Chunked::default()),
                    };
                    Some(length)
                }
                Err(fault) => {
                    let is_head = head.is_for_head();
                    self.state = State::Refused(Refusal { fault, is_head });
                    None
                }
            },
            State::Length(left) => {
                let count = usize::try_from(*left).map_or(rest.len(), |left| left.min(rest.len()));
                *left = left.saturating_sub(count as u64);
                if *left == 0 {
                    self.state = State::Head(Head::default());
                }
                Some(count)
            }
            State::Chunked(chunked) => {
                let (count, result) = chunked.look(rest, &self.limits);
                match result {
                    Ok(false) => {}
                    Ok(true) => self.state = State::Head(Head::default()),
                    Err(fault) => {
                        let is_head = false;
                        self.state = State::Refused(Refusal { fault, is_head });
                    }
                }
                Some(count)
            }
            State::Refused(_) => None,
        }
    }

    /// Refuses what is still to come, unless something is refused already.
    pub fn refuse(&mut self, fault: Fault) {
        let is_head = match &self.state {
            State::Head(head) => head.is_for_head(),
            _ => false,
        };
        if !matches!(self.state, State::Refused(_)) {
            self.state = State::Refused(Refusal { fault, is_head });
        }
    }

    /// What is refused, if anything is.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        match self.state {
            State::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether a head has begun and is not complete.
    #[must_use]
    pub fn is_in_head(&self) -> bool {
        matches!(&self.state, State::Head(head) if head.has_begun())
    }

    /// Whether no message has begun that is not complete.
    #[must_use]
    pub fn is_between(&self) -> bool {
        matches!(&self.state, State::Head(head) if !head.has_begun())
    }

    /// How many heads have passed.
    #[must_use]
    pub fn heads(&self) -> u64 {
        self.heads
    }
}
