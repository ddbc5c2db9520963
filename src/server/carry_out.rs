//! A decoded request, carried out within its time and answered in the words of its front.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant as Tick};

use super::call::{Call, Tells};
use super::facts::Facts;
use super::front::Front;
use super::overload;
use super::perform::perform;
use super::walk::Alive;
use super::{Shared, clock, respond, tokens};
use crate::dialect::{Decoded, OpId};
use crate::edge::authn::Grant;
use crate::edge::overload::Priority;
use crate::edge::rate_limit::{Class, Who};
use crate::model::{Failure, Field, Instant, OperationKind, Record, Response, Value};
use crate::trace::{self, Kind, Name};

/// Carries the decoded request out, within its time.
pub(super) async fn carry_out(
    shared: &Arc<Shared>,
    front: &Front,
    decoded: Decoded,
    alive: &Alive,
    facts: &mut Facts<'_>,
) -> Response {
    let (op, at) = (decoded.op, clock::now());
    let mut call = call(front, decoded, &facts.context, at);
    if call.kind.writes() {
        call.origin = Arc::new(facts.origin(front));
    }
    let (kind, params) = (call.kind, Arc::clone(&call.params));
    let toll = facts.toll(shared);
    if let Err(failure) = toll.operation(who(front, kind, facts)) {
        facts.failed(&failure);
        let params = facts.told(Some(front), &params);
        return refused(
            front,
            op,
            failure,
            params.as_ref().unwrap_or(&call.params),
            at,
        );
    }
    call.toll = Some(toll);
    let (limit, late) = time(shared, facts);
    let asked = Tick::now();
    let entered = shared.overload.enter(Priority::of(kind), limit).await;
    trace::note_queued(asked.elapsed());
    let permit = match entered {
        Ok(permit) => permit,
        Err(failure) => {
            facts.failed(&failure);
            return worded(front, op, Err(failure), &params, at);
        }
    };
    let result = if kind.writes() {
        facts.may_have_written = true;
        let (shared, grant, alive) = (Arc::clone(shared), facts.grant.clone(), alive.clone());
        let task = tokio::spawn(trace::along(async move {
            let client = grant.as_ref().map(Grant::client);
            let result = perform(&shared.world, client, call).await;
            permit.finish(overload::end_of(&result));
            drop(alive);
            result
        }));
        match tokio::time::timeout(limit, task).await {
            Ok(Ok(result)) => result,
            // The panic goes on here, where it gets its incident and its answer.
            Ok(Err(ended)) if ended.is_panic() => resume_unwind(ended.into_panic()),
            Ok(Err(_)) => Err(Failure::OutcomeUnknown),
            Err(_) => Err(late.unwrap_or(Failure::OutcomeUnknown)),
        }
    } else {
        let client = facts.grant.as_ref().map(Grant::client);
        let performed = tokio::time::timeout(limit, perform(&shared.world, client, call)).await;
        let result = performed.unwrap_or(Err(late.unwrap_or(Failure::Overloaded {
            retry_after: shared.overload.come_back(),
        })));
        permit.finish(overload::end_of(&result));
        result
    };
    facts.replied = result.is_ok();
    facts.came_to(&result);
    let _span = trace::span(Name::Encode, Kind::Internal);
    let told = facts.told(Some(front), &params);
    worded(front, op, result, told.as_ref().unwrap_or(&params), at)
}

/// From whose budgets an operation pays.
fn who(front: &Front, kind: OperationKind, facts: &Facts<'_>) -> Who {
    Who {
        client: facts.grant.as_ref().map(Grant::index),
        front: front.key(),
        class: Class::of(kind),
    }
}

/// A decoded request as a call; `context` is what its head says beside it.
pub(super) fn call(front: &Front, decoded: Decoded, context: &Record, at: Instant) -> Call {
    let Decoded {
        op,
        mut params,
        problems,
        refusal,
    } = decoded;
    if let Some(rule) = front.dialect.page(op)
        && !params.has(Field::PageLimit)
    {
        params.set(
            Field::PageLimit,
            Value::Int(i64::try_from(rule.limit).unwrap_or(i64::MAX)),
        );
    }
    complete(&mut params, context);
    Call {
        kind: front.dialect.operation(op),
        vendor: front.dialect.vendor().clone(),
        rules: front.dialect.rules(&front.settings),
        tells: Tells::of(&front.dialect, op),
        members: front.dialect.members(op).to_vec(),
        params: Arc::new(params),
        problems,
        refusal,
        at,
        toll: None,
        origin: Arc::default(),
    }
}

/// What came of a call, in the words of its front.
pub(super) fn worded(
    front: &Front,
    op: OpId,
    result: Result<Record, Failure>,
    params: &Record,
    at: Instant,
) -> Response {
    match result {
        Ok(reply) => {
            let settings = &front.settings;
            front.dialect.encode_response(op, &reply, params, settings)
        }
        Err(failure) => refused(front, op, failure, params, at),
    }
}

/// How long an operation may take, and what it is to the client if it takes longer and the client's own
/// patience is what ends first: to have waited too long says nothing about what was done.
fn time(shared: &Shared, facts: &Facts<'_>) -> (Duration, Option<Failure>) {
    let limit = shared.settings.timeouts.request;
    match facts.patience {
        Some(patience) if patience < limit => (patience, Some(Failure::UpstreamTimeout)),
        _ => (limit, None),
    }
}

/// The answer to a request that was understood and not carried out.
fn refused(front: &Front, op: OpId, failure: Failure, params: &Record, at: Instant) -> Response {
    if let Some(mut reply) = front.dialect.list_of_nothing(op, &failure) {
        reply.set(Field::CarriedOutAt, Value::Int(at.0));
        let settings = &front.settings;
        return front.dialect.encode_response(op, &reply, params, settings);
    }
    let failure = front.dialect.place(op, failure);
    respond::failure(Some(front), &failure, Some(op), params)
}

/// Answers a request for a token, or for where tokens are given.
pub(super) fn answer_about_tokens(
    shared: &Shared,
    front: &Front,
    mut decoded: Decoded,
    sender: &tokens::Sender<'_>,
    facts: &mut Facts<'_>,
) -> Response {
    complete(&mut decoded.params, &facts.context);
    let at = clock::now();
    let kind = front.dialect.operation(decoded.op);
    let paid = sender.toll.operation(who(front, kind, facts));
    let answered = paid.and_then(|()| match kind {
        OperationKind::TokenIssue => tokens::issue(shared, front, &decoded, sender, at),
        _ => Ok((Record::new(), None)),
    });
    facts.came_to(&answered);
    let (op, mut answered) = (decoded.op, answered);
    if let Ok((_, client @ Some(_))) = &mut answered {
        facts.grant = client.take();
    }
    let told = facts.told(Some(front), &decoded.params);
    let params = told.as_ref().unwrap_or(&decoded.params);
    match answered {
        Ok((reply, _)) => {
            let settings = &front.settings;
            front.dialect.encode_response(op, &reply, params, settings)
        }
        Err(failure) => refused(front, op, failure, params, at),
    }
}

/// Adds what the head of a request says, for wording what comes of it.
fn complete(params: &mut Record, context: &Record) {
    for (field, value) in context.iter() {
        if !params.has(field) {
            params.set(field, value.clone());
        }
    }
}
