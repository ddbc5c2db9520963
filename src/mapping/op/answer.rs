//! Reading `[op.response]`: statuses, body and headers of an answer; and `[op.page]`, how its list is cut.

use std::ops::Range;

use super::{Defaults, finish_rows, header_rows, media_types};
use crate::finding::{Sink, Table, Text};
use crate::mapping::condition::Condition;
use crate::mapping::context::Context;
use crate::mapping::names::failure_kind;
use crate::mapping::plan::{AnswerPlan, PageRule, PageStyle};
use crate::mapping::tree;
use crate::model::{FailureKind, OperationKind};

pub(super) fn answer(
    table: &Table<'_>,
    context: &Context<'_>,
    defaults: &Defaults,
    does: Option<OperationKind>,
) -> Option<AnswerPlan> {
    let Some(response) = table.table("response") else {
        table
            .sink()
            .error("LB003", table.span(), "`[op.response]` is missing");
        return None;
    };
    let statuses = statuses(&response);
    let status_if = status_if(&response, 200..600, context);
    let headers = header_rows(response.table("headers").as_ref(), context);
    let produces = media_types(&response, "produces");
    let text = response.text("text").map(|t| t.value.into_owned());
    let empty_for = empty_for(&response, does);
    let tree = tree::read(&response, context);
    finish_rows(response);
    Some(AnswerPlan {
        statuses: statuses?,
        status_if: status_if?,
        tree: tree?,
        text,
        headers: headers?,
        produces: produces.unwrap_or_else(|| defaults.produces.clone()),
        empty_for: empty_for?,
    })
}

/// `empty_for = ["user_not_found"]`: failures that a list has no word for.
fn empty_for(response: &Table<'_>, does: Option<OperationKind>) -> Option<Vec<FailureKind>> {
    let sink = response.sink();
    let kinds = response.texts("empty_for").unwrap_or_default();
    let kinds: Option<Vec<_>> = kinds.iter().map(|text| absence(text, sink)).collect();
    let is_list = does.is_none_or(|kind| kind.lists().is_some());
    if response.has("empty_for") && !is_list {
        let hint = "it is for link.list, provider.list and user.list";
        let message = "only a list can be answered as one of nothing";
        sink.error_hint("LB004", response.key_span("empty_for"), message, hint);
        return None;
    }
    kinds
}

/// A failure that says that something is not there; another one must not be hidden.
fn absence(text: &Text<'_>, sink: &Sink) -> Option<FailureKind> {
    let kind = failure_kind(text, sink)?;
    if kind.is_absence() {
        return Some(kind);
    }
    let message = format!("`{}` does not say that something is not there", text.value);
    sink.error("LB004", text.span.clone(), message);
    None
}

/// `status = 200` or `status = [200, 201]`.
fn statuses(response: &Table<'_>) -> Option<Vec<u16>> {
    let sink = response.sink();
    let Some(value) = response.value("status") else {
        sink.error("LB003", response.span(), "`status` is missing");
        return None;
    };
    let numbers: Vec<_> = match value.get_ref().as_array() {
        Some(array) => array.iter().collect(),
        None => vec![value],
    };
    let statuses: Option<Vec<u16>> = numbers
        .into_iter()
        .map(|n| {
            n.get_ref()
                .as_integer()
                .and_then(|n| n.as_str().parse().ok())
                .filter(|n| (200..600).contains(n))
        })
        .collect();
    if statuses.as_ref().is_none_or(Vec::is_empty) {
        sink.error(
            "LB004",
            value.span(),
            "`status` is a status code from 200 to 599, or a list of them",
        );
        return None;
    }
    statuses
}

/// `status_if = { 201 = "outcome is created" }`, in an answer or an error row.
pub(in crate::mapping) fn status_if(
    answer: &Table<'_>,
    known: Range<u16>,
    context: &Context<'_>,
) -> Option<Vec<(u16, Condition)>> {
    let Some(table) = answer.table("status_if") else {
        return Some(Vec::new());
    };
    let sink = answer.sink();
    let statuses = table.entries().map(|(key, value)| {
        let status = key.value.parse().ok().filter(|n| known.contains(n));
        if status.is_none() {
            let message = format!(
                "`{}` is no status code from {} to 599",
                key.value, known.start
            );
            sink.error("LB004", key.span, message);
        }
        let Some(text) = value.get_ref().as_str() else {
            sink.error("LB004", value.span(), "a condition is a string");
            return None;
        };
        let text = Text {
            value: text.into(),
            span: value.span(),
        };
        Some((status?, context.parse_condition(&text, sink).ok()?))
    });
    let statuses: Vec<Option<_>> = statuses.collect();
    statuses.into_iter().collect()
}

pub(super) fn page(table: &Table<'_>) -> Option<PageRule> {
    let page = table.table("page")?;
    let style = page.word("style", &["offset", "after", "link-header"]);
    let first = page.text("first");
    let limit = page.int_in("limit", 1..=10_000);
    if !page.has("limit") {
        let message = "`limit` is missing: the records of a page if the request does not say";
        page.sink().error("LB003", page.span(), message);
    }
    let style = match (style?, first) {
        (0, None) => PageStyle::Offset,
        (1, None) => PageStyle::After,
        (2, Some(first)) => PageStyle::LinkHeader {
            first: first.value.into_owned(),
        },
        _ => {
            let message =
                "the style \"link-header\", and no other, has `first`: what means from the start";
            page.sink().error("LB003", page.span(), message);
            return None;
        }
    };
    page.finish();
    Some(PageRule {
        style,
        limit: u64::try_from(limit?).ok()?,
    })
}
