//! Whether requests can be served now, and if not, why not. Each check is asked at the moment, so that an answer
//! is never older than itself. Whether the process lives is another question: nothing that it depends on makes it
//! dead.

use super::Process;
use super::phase::Phase;

/// One thing that has to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Check {
    /// Its name, which stays.
    pub(super) name: &'static str,
    /// What is wrong; `None` = nothing.
    pub(super) trouble: Option<&'static str>,
}

/// Every check. The server is ready when none has trouble.
pub(super) fn checks(process: &Process) -> [Check; 3] {
    let shared = process.current();
    let serving = match *process.phase.borrow() {
        Phase::Serving => None,
        Phase::Leaving | Phase::Draining | Phase::Aborted => Some("the server is ending"),
    };
    let backend = (!shared.world.backend.ready()).then_some("writes cannot be expected to succeed");
    [
        Check {
            name: "serving",
            trouble: serving,
        },
        Check {
            name: "backend",
            trouble: backend,
        },
        Check {
            // Nobody serves before they are loaded, and a reload that fails leaves those that were.
            name: "mappings",
            trouble: None,
        },
    ]
}
