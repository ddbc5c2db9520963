//! Where the walk, the connections and the workers meet the gates of `edge::overload`.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;
use http::header::EXPECT;
use hyper::body::{Body, Incoming};

use super::Shared;
use super::facts::Facts;
use super::target::Target;
use super::timed_io::Activity;
use crate::edge::body;
use crate::edge::overload::{End, LOOK_EVERY, Lag, Overload, Priority, SHORT_IDLE, Stage};
use crate::model::{Failure, Record, Response};

thread_local! {
    /// How late this worker is.
    static LAG: RefCell<Lag> = RefCell::new(Lag::new(Instant::now()));
}

/// How large the body of a refused request may be to be read anyway, so that its connection can go on, and
/// how long that may take: many clients come back on new connections otherwise, which cost more.
const DRAINED_BYTES: u64 = 64 * 1024;
const DRAINED_WITHIN: Duration = Duration::from_millis(100);

/// How much a request matters, by what it leads to.
pub(super) fn priority(target: &Target<'_>, method: &http::Method) -> Priority {
    match target {
        // The body decides between them: it is let on for the one that matters most.
        Target::Op { candidates, .. } => {
            let priorities = candidates.operations().map(Priority::of);
            priorities.max().unwrap_or(Priority::Create)
        }
        Target::Stream(_) => Priority::Get,
        Target::Way(_) => Priority::of_method(method),
        // It is as good as answered.
        Target::Answer(_) => Priority::Health,
    }
}

/// Lets a request go on by its head, before anything is done for it.
///
/// # Errors
/// [`Failure::Overloaded`].
pub(super) fn pass(shared: &Shared, priority: Priority) -> Result<(), Failure> {
    LAG.with_borrow_mut(|lag| shared.overload.pass(priority, lag))
}

/// Refuses a request by its head, in the words of its front.
pub(super) async fn refuse_early(
    shared: &Shared,
    failure: &Failure,
    (headers, mut body): (&HeaderMap, Incoming),
    facts: &mut Facts<'_>,
) -> Response {
    let is_small = body.size_hint().upper();
    // Whoever waits to be asked for a body is not asked: reading it would do that.
    let is_coming = facts.body_pending && !headers.contains_key(EXPECT);
    if is_coming && is_small.is_some_and(|bytes| bytes <= DRAINED_BYTES) {
        let drain = body::collect(&mut body, &shared.settings.body);
        let drained = tokio::time::timeout(DRAINED_WITHIN, drain).await;
        facts.body_pending = !matches!(drained, Ok(Ok(_)));
    }
    facts.refuse(shared, failure)
}

/// What the end of an operation says of the backend.
pub(super) fn end_of(result: &Result<Record, Failure>) -> End {
    match result {
        Ok(_) => End::Done,
        Err(Failure::Overloaded { .. }) => End::PushedBack,
        Err(_) => End::Other,
    }
}

/// Watches how late this worker is, until the runtime ends.
pub(super) async fn watch_worker(overload: Arc<Overload>) {
    loop {
        let before = Instant::now();
        tokio::time::sleep(LOOK_EVERY).await;
        let now = Instant::now();
        let late = now.saturating_duration_since(before + LOOK_EVERY);
        let permille = LAG.with_borrow_mut(|lag| {
            lag.look(now, late);
            lag.permille()
        });
        overload.note_lag(late, permille);
    }
}

/// Ends when the connection should: under pressure, once it has been idle for some seconds, or after its
/// next answer.
pub(super) async fn pressed(overload: &Overload, activity: &Activity) {
    let mut stages = overload.stages();
    loop {
        // The sender lives as long as the server.
        let pressed = stages.wait_for(|stage| *stage >= Stage::ShortIdle).await;
        let pressed = pressed.map(|stage| *stage);
        let Ok(stage) = pressed else {
            // Who tells the stages is gone, and with it the server.
            return std::future::pending().await;
        };
        if stage >= Stage::NoKeepAlive {
            // What a new connection is about to bring is answered, as the last of it.
            let _ = tokio::time::timeout(SHORT_IDLE, activity.begun()).await;
            if overload.stage() < Stage::NoKeepAlive {
                continue;
            }
            overload.note_ended_connection();
            return;
        }
        let before = activity.requests();
        let calmed = stages.wait_for(|stage| *stage != Stage::ShortIdle);
        if tokio::time::timeout(SHORT_IDLE, calmed).await.is_err()
            && activity.is_idle()
            && activity.requests() == before
        {
            overload.note_ended_connection();
            return;
        }
    }
}
