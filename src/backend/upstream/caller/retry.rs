//! What may be repeated, after how long, and how much of it: retries must not become the load that keeps an
//! IdP down.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use http::header::RETRY_AFTER;
use tokio::time::Instant;

use crate::backend::upstream::exchange::Effect;
use crate::outbound::{Answer, Fault, NoAnswer};

/// The most retries of one call.
pub(super) const MAX_RETRIES: u32 = 2;
/// Before the first retry, on average; twice that before the second.
const BACKOFF: Duration = Duration::from_millis(40);
/// The longest wait that an answer may ask for.
const MAX_ASKED: Duration = Duration::from_secs(1);

/// What one retry costs, in what a call brings (percents).
const COST: u32 = 100;
/// What can be saved: ten retries.
const MOST: u32 = 1000;
/// What time brings, one retry a second, so that an IdP that is seldom called has some too.
const FLOOR: u32 = 300;

/// How much may be repeated: a share of the calls.
pub(super) struct Budget {
    percent: u32,
    saved: Mutex<(u32, Instant)>,
}

impl Budget {
    pub(super) fn new(percent: u32, now: Instant) -> Self {
        Self {
            percent: percent.min(100),
            saved: Mutex::new((FLOOR, now)),
        }
    }

    /// Notes a call.
    pub(super) fn earn(&self) {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        saved.0 = saved.0.saturating_add(self.percent).min(MOST);
    }

    /// Whether there is enough for a retry; if so, it is spent.
    pub(super) fn spend(&self, now: Instant) -> bool {
        if self.percent == 0 {
            return false;
        }
        let mut guard = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let (saved, since) = &mut *guard;
        let seconds = now.saturating_duration_since(*since).as_secs();
        if seconds > 0 {
            *since = now;
            let gained = u32::try_from(seconds)
                .unwrap_or(u32::MAX)
                .saturating_mul(COST);
            *saved = saved.saturating_add(gained).min(FLOOR).max(*saved);
        }
        let left = saved.checked_sub(COST);
        *saved = left.unwrap_or(*saved);
        left.is_some()
    }
}

/// How long to wait before a call without an answer is repeated; `None` if it is not.
pub(super) fn after_no_answer(
    no_answer: &NoAnswer,
    effect: Effect,
    retry: u32,
) -> Option<Duration> {
    let may_help = match no_answer.fault {
        Fault::Unresolved | Fault::Unreachable => true,
        // Before a connection only: who is slow is not helped by more of it.
        Fault::TimedOut(_) => !no_answer.sent,
        Fault::Ended => true,
        Fault::ForbiddenAddress(_)
        | Fault::Tls(_)
        | Fault::TooLarge
        | Fault::Encoded
        | Fault::Broken => false,
    };
    let is_harmless = effect == Effect::Reads || !no_answer.sent;
    (may_help && is_harmless).then(|| backoff(retry))
}

/// How long to wait before a call with this answer is repeated, which is done once; `None` if it is not.
pub(super) fn after_answer(answer: &Answer, effect: Effect, retry: u32) -> Option<Duration> {
    let is_passing = matches!(
        answer.status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    );
    if effect == Effect::Writes || !is_passing {
        return None;
    }
    match answer.headers.get(RETRY_AFTER) {
        None => Some(backoff(retry)),
        Some(value) => {
            // A date is no short time, whatever it says: clocks differ.
            let seconds = value.to_str().ok()?.trim().parse().ok()?;
            let asked = Duration::from_secs(seconds);
            (asked <= MAX_ASKED).then(|| asked.max(backoff(retry)))
        }
    }
}

/// From half of it to one and a half, so that callers that failed together do not come back together.
fn backoff(retry: u32) -> Duration {
    let whole = BACKOFF * (1 << retry.min(MAX_RETRIES));
    let share = getrandom::u32().unwrap_or(u32::MAX / 2) >> 16;
    whole / 2 + whole * share / (1 << 16)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn no_answer(fault: Fault, sent: bool) -> NoAnswer {
        NoAnswer { fault, sent }
    }

    #[test]
    fn a_write_is_repeated_only_if_nothing_of_it_was_sent() {
        let repeated = |fault: Fault, sent, effect| {
            after_no_answer(&no_answer(fault, sent), effect, 0).is_some()
        };
        for fault in [Fault::Unreachable, Fault::Unresolved, Fault::Ended] {
            assert!(repeated(fault.clone(), false, Effect::Writes));
            assert!(repeated(fault.clone(), false, Effect::Reads));
            assert!(!repeated(fault.clone(), true, Effect::Writes));
            assert!(repeated(fault, true, Effect::Reads));
        }
        let late = Fault::TimedOut("the answer");
        assert!(!repeated(late.clone(), true, Effect::Reads));
        assert!(repeated(late, false, Effect::Writes));
        for fault in [
            Fault::Broken,
            Fault::TooLarge,
            Fault::Encoded,
            Fault::Tls(String::new()),
            Fault::ForbiddenAddress([127, 0, 0, 1].into()),
        ] {
            for (sent, effect) in [(true, Effect::Reads), (false, Effect::Writes)] {
                assert!(!repeated(fault.clone(), sent, effect), "{fault}");
            }
        }
    }

    #[test]
    fn a_read_is_repeated_after_a_passing_answer_that_asks_for_no_long_wait() {
        let pause = |status: u16, retry_after: Option<&'static str>, effect| {
            let mut headers = HeaderMap::new();
            if let Some(value) = retry_after {
                headers.insert(RETRY_AFTER, http::HeaderValue::from_static(value));
            }
            let answer = Answer {
                status: StatusCode::from_u16(status).unwrap(),
                headers,
                body: Bytes::new(),
            };
            after_answer(&answer, effect, 0)
        };
        for status in [502, 503, 504] {
            assert!(pause(status, None, Effect::Reads).is_some());
            assert!(pause(status, None, Effect::Writes).is_none());
        }
        for status in [200, 400, 401, 404, 409, 429, 500, 501] {
            assert!(pause(status, None, Effect::Reads).is_none(), "{status}");
        }
        let asked = |value| pause(503, Some(value), Effect::Reads);
        assert_eq!(asked("1"), Some(MAX_ASKED));
        assert!(asked("0").unwrap() < MAX_ASKED);
        for long in ["2", "3600", "-1", "", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(asked(long), None, "{long}");
        }
    }

    #[test]
    fn waits_grow_and_differ() {
        for retry in 0..3 {
            let whole = BACKOFF * (1 << retry);
            let waits: Vec<_> = (0..50).map(|_| backoff(retry)).collect();
            let is_right = |wait: &Duration| *wait >= whole / 2 && *wait <= whole * 3 / 2;
            assert!(waits.iter().all(is_right));
            assert!(waits.iter().any(|wait| *wait != waits[0]));
        }
    }

    #[test]
    fn retries_are_a_share_of_the_calls_and_a_few_at_least() {
        let start = Instant::now();
        let budget = Budget::new(10, start);
        let spent = |now| (0..100).filter(|_| budget.spend(now)).count();
        assert_eq!(spent(start), 3);
        for _ in 0..50 {
            budget.earn();
        }
        assert_eq!(spent(start), 5);
        assert_eq!(spent(start + Duration::from_secs(2)), 2);
        assert_eq!(spent(start + Duration::from_secs(3600)), 3);
        for _ in 0..100_000 {
            budget.earn();
        }
        assert_eq!(spent(start + Duration::from_secs(3600)), 10);
        assert!(!Budget::new(0, start).spend(start));
    }
}
