//! Health: whether event loops turn, and whether requests can be served.

use std::time::Duration;

use crate::server::Shared;
use crate::server::phase::Phase;

/// For how long an event loop may not turn. Each of them is to turn twice a second; what keeps one from it is
/// a bug, and no request comes through meanwhile.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);

/// A question of readiness. It is asked on the thread of the admin listener and must not wait for anything.
pub struct Check {
    /// What it is about, in a word or two.
    pub name: String,
    /// Whether nothing is served without it; else it is only told, with `?verbose`.
    pub is_needed: bool,
    /// Asks. The error says why not.
    pub ask: Box<dyn Fn() -> Result<(), String> + Send + Sync>,
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Check").field(&self.name).finish()
    }
}

/// A question with its answer.
pub(in crate::server) struct Checked {
    pub(in crate::server) name: String,
    pub(in crate::server) is_needed: bool,
    pub(in crate::server) result: Result<(), String>,
}

impl Checked {
    pub(super) fn lets_serve(&self) -> bool {
        self.result.is_ok() || !self.is_needed
    }
}

/// Asks everything.
pub(in crate::server) fn checks(shared: &Shared) -> Vec<Checked> {
    let needed = |name: &str, why: Option<&str>| Checked {
        name: name.to_owned(),
        is_needed: true,
        result: why.map_or(Ok(()), |why| Err(why.to_owned())),
    };
    let leaving = match *shared.phase.borrow() {
        Phase::Serving => None,
        Phase::Leaving => Some("the server is about to drain"),
        Phase::Draining | Phase::Aborted => Some("the server drains"),
    };
    let backend = (!shared.world.backend.ready())
        .then_some("the store cannot write, or an upstream is left alone because it fails");
    let own = [needed("serving", leaving), needed("backend", backend)];
    let more = shared.observed.checks.iter().map(|check| Checked {
        name: check.name.clone(),
        is_needed: check.is_needed,
        result: (check.ask)(),
    });
    own.into_iter().chain(more).collect()
}

/// What there is to say of workers by the silence of each; nothing if all is well.
pub(super) fn stuck(silences: &[Option<Duration>]) -> Vec<String> {
    let silent = silences.iter().enumerate().filter_map(|(worker, silence)| {
        let silence = (*silence)?;
        (silence > LONGEST_SILENCE).then(|| {
            let seconds = silence.as_secs();
            format!("worker {worker} has not turned for {seconds} s")
        })
    });
    silent.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_stuck_after_ten_seconds_and_never_once_it_has_ended() {
        let silences = [
            Some(Duration::from_secs(10)),
            None,
            Some(Duration::from_secs(11)),
        ];
        assert_eq!(stuck(&silences), ["worker 2 has not turned for 11 s"]);
        assert!(stuck(&[None, Some(Duration::ZERO)]).is_empty());
    }
}
