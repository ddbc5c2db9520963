//! A store under test with short ways to ask it something.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use linkbridge::backend::embedded::{Embedded, Settings};
use linkbridge::backend::{Answer, Atomicity, Backend};
use linkbridge::directory::Aliases;
use linkbridge::model::{How, Instant, Link, Operation, Outcome, User};

/// Everything that a store of links is.
pub(super) trait Store: Backend + Aliases {
    /// How often what may go wrong by chance is tried, where a store in this process is tried `n` times.
    fn rounds(&self, n: usize) -> usize {
        n
    }

    /// Whether what is told happened at the instants of the operations; else by a clock of its own.
    fn has_their_clock(&self) -> bool {
        true
    }
}

impl Store for Embedded {}

/// How the parts of operations, and operations, are written shortly.
pub(super) use super::ask::*;

/// A store under test.
pub(super) struct World {
    pub(super) store: Box<dyn Store>,
}

/// The instant of operations that name none.
pub(super) const NOW: Instant = Instant(1_700_000_000_000);

/// Runs a fact on a new embedded store.
pub(super) fn with_embedded(fact: fn(&World)) {
    let directory = tempfile::tempdir().unwrap();
    fact(&World {
        store: Box::new(embedded(directory.path())),
    });
}

/// An embedded store in this directory.
pub(super) fn embedded(directory: &std::path::Path) -> Embedded {
    Embedded::open(Settings::new(directory)).unwrap_or_else(|e| panic!("{e}"))
}

/// Waits for a future on this thread.
pub(super) fn wait<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}

impl World {
    pub(super) fn apply(&self, operation: Operation) -> Answer {
        wait(self.store.apply(operation))
    }

    pub(super) fn apply_all(
        &self,
        operations: Vec<Operation>,
        atomicity: Atomicity,
    ) -> Vec<Answer> {
        wait(self.store.apply_all(operations, atomicity))
    }

    /// The link of an answer that must hold one.
    pub(super) fn link(&self, operation: Operation) -> Link {
        self.link_and_how(operation).0
    }

    pub(super) fn link_and_how(&self, operation: Operation) -> (Link, How) {
        match self.apply(operation) {
            Ok(Outcome::Link { link, how }) => (link, how),
            other => panic!("no link: {other:?}"),
        }
    }

    /// Asserts that this instant is told of something that was done at that one.
    pub(super) fn assert_told_at(&self, told: Option<Instant>, at: Instant) {
        match self.store.has_their_clock() {
            true => assert_eq!(told, Some(at)),
            false => assert!(told.is_some()),
        }
    }

    /// The links of an answer that must hold several, with their number in all.
    pub(super) fn links(&self, operation: Operation) -> (Vec<Link>, u64) {
        match self.apply(operation) {
            Ok(Outcome::Links { links, total }) => (links, total),
            other => panic!("no links: {other:?}"),
        }
    }

    /// The user of an answer that must hold one, and whether it was made.
    pub(super) fn user(&self, operation: Operation) -> (User, bool) {
        match self.apply(operation) {
            Ok(Outcome::User { user, created, .. }) => (user, created),
            other => panic!("no user: {other:?}"),
        }
    }

    /// A user with the links of the answer, and whether the user was made.
    pub(super) fn user_and_links(&self, operation: Operation) -> (User, Vec<Link>, bool) {
        match self.apply(operation) {
            Ok(Outcome::User {
                user,
                links,
                created,
            }) => (user, links, created),
            other => panic!("no user: {other:?}"),
        }
    }

    /// The document of a user, parsed.
    pub(super) fn document(&self, who: &str) -> serde_json::Value {
        let text = self.user(get(who)).0.document.unwrap();
        serde_json::from_str(&text).unwrap()
    }
}
