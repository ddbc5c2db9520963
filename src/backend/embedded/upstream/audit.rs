//! What the audit says of links at an IdP: what it is about to be asked for, what became of that, and what changes
//! of what is kept here.

use crate::backend::embedded::audit::{Said, json, phase};
use crate::backend::embedded::task::{Entry, Step, Stop, Task};
use crate::backend::upstream::state::{Came, Ending, Intended, Mark, Row};
use crate::model::{Link, LinkId};

/// The IdP is about to be asked. Answers the number of the record.
pub(super) fn intended(task: &Task<'_>, upstream: &str, intended: &Intended) -> Step<i64> {
    let link = link_of(task, intended);
    let seq = task.audit(&Entry {
        user: Some(&intended.user_id),
        link: link.as_ref(),
        upstream: Some(upstream),
        phase: Some(phase::INTENT),
        ..Entry::default()
    })?;
    task.change("INSERT INTO audit_open (seq) VALUES (?1)", [seq])?;
    Ok(seq)
}

/// It is known what became of it, or known not to be known. Rows of other links than the one that it is about have
/// records of their own.
pub(super) fn concluded(
    task: &Task<'_>,
    upstream: &str,
    (seq, intended): (i64, &Intended),
    ending: &Ending,
) -> Step<()> {
    if task.change("DELETE FROM audit_open WHERE seq = ?1", [seq])? != 1 {
        return Err(Stop::Damaged("an outcome has no intent"));
    }
    let link = link_of(task, intended);
    let is_it = |row: &&Row| {
        link.as_ref()
            .is_some_and(|link| row.link_id() == link.link_id)
    };
    // A candidate that is forgotten because there is no such link is no change of one.
    let is_done = ending.came == Came::Done;
    let (mut before, mut after) = (None, None);
    for row in ending.put.iter().filter(is_it) {
        (before, after) = told(task, row);
    }
    if is_done && let Some(row) = ending.forget.iter().find(is_it) {
        before = Some(said(task, row));
    }
    task.audit(&Entry {
        user: Some(&intended.user_id),
        link: link.as_ref(),
        before,
        after,
        upstream: Some(upstream),
        upstream_request_id: ending.request_id.as_deref(),
        phase: Some(phase::OUTCOME),
        ended: Some((seq, ending.came.word())),
        ..Entry::default()
    })?;
    if !is_done {
        return Ok(());
    }
    let others =
        |rows: &[Row]| -> Vec<Row> { rows.iter().filter(|row| !is_it(row)).cloned().collect() };
    acknowledged(
        task,
        upstream,
        &others(&ending.put),
        &others(&ending.forget),
    )
}

/// Rows change, each with a record of its own.
pub(super) fn acknowledged(
    task: &Task<'_>,
    upstream: &str,
    put: &[Row],
    forget: &[Row],
) -> Step<()> {
    let put = put.iter().map(|row| (row, told(task, row)));
    let forget = forget
        .iter()
        .map(|row| (row, (Some(said(task, row)), None)));
    for (row, (before, after)) in put.chain(forget) {
        let link = link_of_row(row);
        task.audit(&Entry {
            link: Some(&link),
            before,
            after,
            upstream: Some(upstream),
            ..Entry::default()
        })?;
    }
    Ok(())
}

/// Before and after of a row that is put: one that is marked as deleted was there before.
fn told(task: &Task<'_>, row: &Row) -> (Option<String>, Option<String>) {
    let said = said(task, row);
    match row.mark {
        Mark::Deleted(_) => (Some(said), None),
        Mark::Candidate | Mark::Created(_) => (None, Some(said)),
    }
}

/// What is said of a row.
fn said(task: &Task<'_>, row: &Row) -> String {
    json(&[
        ("created_at", Said::number(row.created_at.map(|at| at.0))),
        (
            "display_name",
            task.keys.audit().name(row.display_name.as_deref()),
        ),
        ("token", Said::there(row.token.is_some())),
        (
            "vendor_link_id",
            task.keys.audit().name(row.vendor_link_id.as_deref()),
        ),
    ])
}

/// The link that a request is about.
fn link_of(task: &Task<'_>, intended: &Intended) -> Option<Link> {
    let (provider_id, subject) = intended.account.as_ref()?;
    let (tenant, user_id) = (&task.operation.tenant, &intended.user_id);
    Some(Link {
        link_id: LinkId::of(tenant, user_id, provider_id, subject),
        tenant: tenant.clone(),
        user_id: user_id.clone(),
        provider_id: provider_id.clone(),
        subject: subject.clone(),
        display_name: None,
        token: None,
        created_at: None,
        updated_at: None,
        last_login_at: None,
        revision: 0,
    })
}

fn link_of_row(row: &Row) -> Link {
    Link {
        link_id: row.link_id(),
        tenant: row.tenant.clone(),
        user_id: row.user_id.clone(),
        provider_id: row.provider_id.clone(),
        subject: row.subject.clone(),
        display_name: None,
        token: None,
        created_at: None,
        updated_at: None,
        last_login_at: None,
        revision: 0,
    }
}
