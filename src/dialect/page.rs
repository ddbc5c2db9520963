//! Links to the pages of a list, in the header `Link` (RFC 8288).

use http::{HeaderMap, HeaderValue, header};

use super::text::{Param, Query};
use super::{Settings, request};
use crate::mapping::condition::Scene;
use crate::mapping::plan::{Op, PageStyle, Plan};
use crate::model::{Field, Record};

/// The targets of the first page and of the next one, if there is one: the op's own request with another
/// place to begin. They are relative, as the path that the client sees.
pub(super) fn links(
    plan: &Plan,
    op: &Op,
    reply: &Record,
    params: &Record,
    settings: &Settings,
) -> Option<HeaderValue> {
    let PageStyle::LinkHeader { first } = &op.page.as_ref()?.style else {
        return None;
    };
    let link = |after: &str, relation: &str| {
        let mut params = params.clone();
        params.set_text(Field::PageAfter, after);
        let target = request::target(plan, op, &params, settings);
        format!("<{}{target}>; rel=\"{relation}\"", prefix(&settings.origin))
    };
    let next = reply.text(Field::PageNext).map(|after| link(after, "next"));
    let links: Vec<String> = std::iter::once(link(first, "first")).chain(next).collect();
    HeaderValue::try_from(links.join(",")).ok()
}

/// The user after whom the next page begins, as the header of an answer says it.
pub(super) fn next(plan: &Plan, op: &Op, headers: &HeaderMap) -> Option<String> {
    let PageStyle::LinkHeader { .. } = &op.page.as_ref()?.style else {
        return None;
    };
    let all = headers.get(header::LINK)?.to_str().ok()?;
    let link = all.split(',').find(|link| link.contains("rel=\"next\""))?;
    let target = link.split_once('<')?.1.split_once('>')?.0;
    let query = target.split_once('?')?.1;
    let (name, _) = op
        .query
        .iter()
        .find(|(_, row)| row.fields.contains(&Field::PageAfter))?;
    let request = Record::new();
    let scene = Scene {
        request: &request,
        option: &|_| None,
        body: false,
    };
    match Query::parse(query, &plan.query, &scene).param(name) {
        Param::Value(after) => Some(after),
        _ => None,
    }
}

/// The path of a public URL.
fn prefix(origin: &str) -> &str {
    let rest = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    rest.find('/')
        .and_then(|slash| rest.get(slash..))
        .unwrap_or("")
}
