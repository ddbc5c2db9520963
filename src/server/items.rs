//! Requests that are several in one: each item is carried out for itself, and the answers keep their order.
//!
//! Several run at the same time, so that the store commits them as a group.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use super::perform::Performer;
use crate::dialect;
use crate::model::{Failure, Field, Problem, Record, Value};

/// The most items of a request that are carried out at the same time.
const AT_ONCE: usize = 16;

/// The reply to a request with items: one record for each of them.
pub(super) async fn each(performer: &Performer<'_>, params: &Record, items: &[Record]) -> Record {
    let common = &without(params, &[Field::Items]);
    let answers = items.iter().enumerate().map(|(index, item)| async move {
        let answered = one(performer, &over(common, item), index).await;
        let mut answer = answered.unwrap_or_else(refused);
        answer.set_text_opt(Field::ItemId, item.text(Field::ItemId));
        answer
    });
    let mut reply = Record::with_capacity(3);
    reply.set(Field::Items, Value::List(in_order(answers, AT_ONCE).await));
    performer.stamp(&mut reply);
    reply
}

/// The reply to one item, which pays at the limits as a request of its own would.
async fn one(performer: &Performer<'_>, params: &Record, index: usize) -> Result<Record, Failure> {
    let toll = performer.toll_of(index)?;
    let answer = performer.one(params, None, toll.as_ref()).await;
    performer.add(toll);
    answer
}

/// What an item says over what the request says. Whose data it is, is for the request to say.
fn over(common: &Record, item: &Record) -> Record {
    let mut params = common.clone();
    let own = without(item, &[Field::Items, Field::Tenant]);
    for (field, value) in own.iter() {
        params.set(field, value.clone());
    }
    params
}

fn without(record: &Record, fields: &[Field]) -> Record {
    let kept = record.iter().filter(|(field, _)| !fields.contains(field));
    kept.map(|(field, value)| (field, value.clone())).collect()
}

/// A failure as the record of its item.
fn refused(failure: Failure) -> Record {
    let failure = match failure {
        Failure::Invalid(problems) => Failure::Invalid(problems.into_iter().map(placed).collect()),
        failure => failure,
    };
    let mut record = dialect::failure_record(&failure);
    record.set_text(Field::Outcome, "refused");
    record
}

/// What was found after decoding is at its field: the place in the whole request is not known here.
fn placed(mut problem: Problem) -> Problem {
    if let (Some(field), true) = (problem.field, problem.at.is_empty()) {
        field.name().clone_into(&mut problem.at);
    }
    problem
}

/// Runs futures to their ends, at most `limit` at the same time; the answers are in the order of the
/// futures.
async fn in_order<F: Future>(futures: impl Iterator<Item = F>, limit: usize) -> Vec<F::Output> {
    let mut waiting = futures.enumerate();
    let mut running: Vec<(usize, Pin<Box<F>>)> = Vec::new();
    let mut ended = Vec::new();
    std::future::poll_fn(|context| {
        loop {
            let room = limit - running.len();
            let begun = waiting.by_ref().take(room);
            running.extend(begun.map(|(index, future)| (index, Box::pin(future))));
            let before = running.len();
            running.retain_mut(|(index, future)| match future.as_mut().poll(context) {
                Poll::Ready(answer) => {
                    ended.push((*index, answer));
                    false
                }
                Poll::Pending => true,
            });
            if before == 0 {
                return Poll::Ready(());
            }
            // What has begun in the place of what has ended must be polled as well.
            if running.len() == before {
                return Poll::Pending;
            }
        }
    })
    .await;
    ended.sort_by_key(|(index, _)| *index);
    ended.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
#[path = "items_tests.rs"]
mod tests;
