//! A few futures at once.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

enum Slot<F: Future> {
    Waiting(Pin<Box<F>>),
    Done(F::Output),
}

/// The outputs of all futures, in their order. All of them are polled at each wake: for a few.
pub(super) async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut slots: Vec<Slot<F>> = futures
        .map(|future| Slot::Waiting(Box::pin(future)))
        .collect();
    poll_fn(|context| {
        let mut end = Poll::Ready(());
        for slot in &mut slots {
            if let Slot::Waiting(future) = slot {
                match future.as_mut().poll(context) {
                    Poll::Ready(output) => *slot = Slot::Done(output),
                    Poll::Pending => end = Poll::Pending,
                }
            }
        }
        end
    })
    .await;
    let done = slots.into_iter().filter_map(|slot| match slot {
        Slot::Done(output) => Some(output),
        Slot::Waiting(_) => None,
    });
    done.collect()
}
