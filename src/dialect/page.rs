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

/// Takes what means "from the start" for what it is: nobody after whom a page could begin.
pub(super) fn from_start(op: &Op, params: &mut Record) {
    if let Some(PageStyle::LinkHeader { first }) = op.page.as_ref().map(|page| &page.style)
        && params.text(Field::PageAfter) == Some(first)
    {
        params.take(Field::PageAfter);
    }
}

/// The user after whom the next page begins, as the header of an answer says it.
pub(super) fn next(plan: &Plan, op: &Op, headers: &HeaderMap) -> Option<String> {
    let PageStyle::LinkHeader { .. } = &op.page.as_ref()?.style else {
        return None;
    };
    let fields = headers.get_all(header::LINK).iter();
    let mut links = fields
        .filter_map(|field| field.to_str().ok())
        .flat_map(links_of);
    let (target, _) = links.find(|(_, parameters)| is_next(parameters))?;
    let target = target.split('#').next().unwrap_or_default();
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

/// The links of a header field: each target with its parameters. A target may hold commas.
fn links_of(field: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = field;
    std::iter::from_fn(move || {
        let (target, after) = rest.split_once('<')?.1.split_once('>')?;
        let (parameters, more) = until(',', after);
        rest = more;
        Some((target, parameters))
    })
}

/// A text up to the first separator that does not stand in quotes, and what is behind it.
fn until(separator: char, text: &str) -> (&str, &str) {
    let mut in_quotes = false;
    let mut parts = text.splitn(2, |c: char| {
        in_quotes ^= c == '"';
        c == separator && !in_quotes
    });
    let before = parts.next().unwrap_or_default();
    (before, parts.next().unwrap_or_default())
}

/// Whether the parameters of a link say that it leads to the next page: `rel="next"`, also without
/// quotes and among other words.
fn is_next(parameters: &str) -> bool {
    let mut rest = parameters;
    while !rest.is_empty() {
        let (parameter, more) = until(';', rest);
        let (name, value) = parameter.split_once('=').unwrap_or_default();
        if name.trim().eq_ignore_ascii_case("rel") {
            let words = value.trim().trim_matches('"');
            let mut words = words.split_whitespace();
            return words.any(|word| word.eq_ignore_ascii_case("next"));
        }
        rest = more;
    }
    false
}

/// The path of a public URL.
fn prefix(origin: &str) -> &str {
    let rest = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    rest.find('/')
        .and_then(|slash| rest.get(slash..))
        .unwrap_or("")
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
