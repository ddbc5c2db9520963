//! A few futures at once.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// The outputs of all futures, in their order. All of them are polled at each wake: for a few.
pub(super) async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<(Option<Pin<Box<F>>>, Option<F::Output>)> = futures
        .map(|future| (Some(Box::pin(future)), None))
        .collect();
    poll_fn(|context| {
        let mut is_done = true;
        for (future, output) in &mut waiting {
            if let Some(pending) = future {
                match pending.as_mut().poll(context) {
                    Poll::Ready(ready) => {
                        *output = Some(ready);
                        *future = None;
                    }
                    Poll::Pending => is_done = false,
                }
            }
        }
        if is_done {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    waiting
        .into_iter()
        .filter_map(|(_, output)| output)
        .collect()
}
