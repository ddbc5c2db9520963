//! Reading `[[op]]` tables: one exchange each.

mod answer;

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method};

use super::check;
use super::context::Context;
use super::example;
use super::names::{self, evidence};
use super::path::Path;
use super::plan::{Auth, Op, Origin, Row, Tree};
use super::route::{Segment, parse_template};
use super::row::{Site, row};
use super::rpc;
use super::tree;
use crate::finding::{Sink, Table, Text, suggest};
use crate::model::{Field, MAX_TOKEN_SECONDS, OperationKind};
pub(super) use answer::status_if;
use answer::{answer, page};

/// What ops inherit from the top of the file.
pub(super) struct Defaults {
    pub(super) consumes: Vec<String>,
    pub(super) produces: Vec<String>,
}

/// Reads one `[[op]]`.
pub(super) fn read(table: Table<'_>, context: &Context<'_>, defaults: &Defaults) -> Option<Op> {
    let sink = table.sink();
    let name = table.need_text("name");
    let does = table
        .need_text("does")
        .and_then(|text| operation(&text, sink));
    let method = table
        .need_text("method")
        .and_then(|text| method(&text, sink));
    let path = table
        .need_text("path")
        .and_then(|text| template(&text, sink));
    let also: Option<Vec<_>> = table
        .texts("also")
        .unwrap_or_default()
        .iter()
        .map(|text| other_template(text, path.as_deref().unwrap_or_default(), sink))
        .collect();
    let captures = captures(&table, path.as_deref().unwrap_or_default(), context);
    let query = named_rows(table.table("query").as_ref(), context);
    let headers = header_rows(table.table("headers").as_ref(), context);
    let lifetime = table.int_in("lifetime", 60..=MAX_TOKEN_SECONDS);
    let (has, lacks) = when(&table);
    let request = body(table.table("request"), context);
    let answer = answer(&table, context, defaults, does);
    let consumes = media_types(&table, "consumes");
    let auth = match table.word("auth", &["required", "none"]) {
        Some(1) => Auth::None,
        _ => Auth::Required,
    };
    let op = Op {
        name: name?.value.into_owned(),
        does: does?,
        method: method?,
        path: path?,
        also: also?,
        rpc: rpc::of_op(&table),
        strict: table.bool("strict") == Some(true),
        auth,
        captures: captures?,
        query: query?,
        headers: headers?,
        lifetime: lifetime.and_then(|seconds| u32::try_from(seconds).ok()),
        consumes: consumes.unwrap_or_else(|| defaults.consumes.clone()),
        has: has?,
        lacks: lacks?,
        emit: table.bool("emit").unwrap_or(false),
        members: check::members(request.as_ref()?),
        request: request?,
        answer: answer?,
        page: page(&table),
        examples: example::read_all(&table),
        evidence: evidence(&table),
        because: table.text("because").map(|t| t.value.into_owned()),
        origin: Origin {
            source: Arc::clone(sink.source()),
            span: table.span(),
        },
    };
    table.finish();
    Some(op)
}

/// An operation's name.
pub(super) fn operation(text: &Text<'_>, sink: &Sink) -> Option<OperationKind> {
    names::named(text, sink, "operation", OperationKind::ALL, |kind| {
        kind.name()
    })
}

fn template(text: &Text<'_>, sink: &Sink) -> Option<Vec<Segment>> {
    match parse_template(&text.value) {
        Ok(path) => Some(path),
        Err(fault) => {
            sink.error("LB204", text.span.clone(), fault);
            None
        }
    }
}

/// A path that means the same as `path`: it has the same captures.
fn other_template(text: &Text<'_>, path: &[Segment], sink: &Sink) -> Option<Vec<Segment>> {
    let other = template(text, sink)?;
    let captures = |segments: &[Segment]| {
        let captures = segments.iter().filter(|s| matches!(s, Segment::Capture(_)));
        let mut names: Vec<Segment> = captures.cloned().collect();
        names.sort();
        names
    };
    if captures(&other) == captures(path) {
        return Some(other);
    }
    let hint = "write the same {captures} as in `path`";
    let message = format!("`{}` does not have the captures of `path`", text.value);
    sink.error_hint("LB205", text.span.clone(), message, hint);
    None
}

/// A list of media types, or one.
pub(super) fn media_types(table: &Table<'_>, key: &'static str) -> Option<Vec<String>> {
    let texts = table.texts(key)?;
    for text in &texts {
        let is_header = HeaderValue::try_from(text.value.as_ref()).is_ok();
        if !is_header || !text.value.contains('/') {
            let message = format!("`{}` is no media type", text.value);
            let hint = "write a type and a subtype, as in \"application/json\"";
            let sink = table.sink();
            sink.error_hint("LB004", text.span.clone(), message, hint);
        }
    }
    if texts.is_empty() {
        let message = format!("`{key}` names no media type");
        table.sink().error("LB004", table.value_span(key), message);
    }
    Some(texts.into_iter().map(|t| t.value.into_owned()).collect())
}

/// A method of an API.
pub(super) fn method(text: &Text<'_>, sink: &Sink) -> Option<Method> {
    let known = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    if known.contains(&text.value.as_ref()) {
        return text.value.parse().ok();
    }
    let message = format!("`{}` is no method of an API", text.value);
    sink.error_hint(
        "LB004",
        text.span.clone(),
        message,
        suggest(&text.value.to_uppercase(), &known),
    );
    None
}

/// The rows of the path's captures: those of `[op.captures]`, and by default the field that the
/// capture is named after.
fn captures(
    table: &Table<'_>,
    path: &[Segment],
    context: &Context<'_>,
) -> Option<Vec<(String, Row)>> {
    let sink = table.sink();
    let mut rows = named_rows(table.table("captures").as_ref(), context)?;
    let names: Vec<&str> = path
        .iter()
        .filter_map(|segment| match segment {
            Segment::Capture(name) => Some(name.as_str()),
            Segment::Literal(_) => None,
        })
        .collect();
    for (name, row) in &rows {
        if !names.contains(&name.as_str()) {
            let message = format!("the path has no {{{name}}}");
            sink.error_hint(
                "LB205",
                row.origin.span.clone(),
                message,
                suggest(name, &names),
            );
            return None;
        }
    }
    for name in names {
        if rows.iter().any(|(other, _)| other == name) {
            continue;
        }
        if Field::named(name).is_none() {
            let message = format!("{{{name}}} is no canonical field, and has no row");
            let hint = format!("add [op.captures] with a row for `{name}`");
            sink.error_hint("LB205", table.value_span("path"), message, hint);
            return None;
        }
        // The capture is the field: the same as the row `name = "name"`.
        let text = toml::de::DeValue::String(name.into());
        let value = toml::Spanned::new(table.value_span("path"), text);
        rows.push((name.to_owned(), row(&value, Site::Text, context, sink)?));
    }
    Some(rows)
}

/// Rows keyed by the name of a parameter.
pub(super) fn named_rows(
    table: Option<&Table<'_>>,
    context: &Context<'_>,
) -> Option<Vec<(String, Row)>> {
    let Some(table) = table else {
        return Some(Vec::new());
    };
    let rows: Vec<_> = table
        .entries()
        .map(|(key, value)| {
            let row = row(value, Site::Text, context, table.sink())?;
            Some((key.value.into_owned(), row))
        })
        .collect();
    rows.into_iter().collect()
}

/// Rows keyed by the name of a header.
pub(super) fn header_rows(
    table: Option<&Table<'_>>,
    context: &Context<'_>,
) -> Option<Vec<(HeaderName, Row)>> {
    let rows = named_rows(table, context)?;
    let names = rows
        .into_iter()
        .map(|(name, row)| match name.parse::<HeaderName>() {
            Ok(header) => Some((header, row)),
            Err(_) => {
                if let Some(table) = table {
                    table.sink().error(
                        "LB004",
                        table.key_span(&name),
                        format!("`{name}` is no header name"),
                    );
                }
                None
            }
        });
    names.collect()
}

/// The body members that choose the op.
fn when(table: &Table<'_>) -> (Option<Vec<Path>>, Option<Vec<Path>>) {
    let Some(when) = table.table("when") else {
        return (Some(Vec::new()), Some(Vec::new()));
    };
    let paths = |texts: Option<Vec<Text<'_>>>| -> Option<Vec<Path>> {
        let paths =
            texts
                .unwrap_or_default()
                .into_iter()
                .map(|text| match Path::parse(&text.value) {
                    Ok(path) => Some(path),
                    Err(_) => {
                        when.sink().error(
                            "LB101",
                            text.span,
                            format!("`{}` is not a singular path", text.value),
                        );
                        None
                    }
                });
        paths.collect()
    };
    let has = paths(when.texts("has"));
    let lacks = paths(when.texts("lacks"));
    when.finish();
    (has, lacks)
}

/// A table of body rows and nothing else.
fn body(table: Option<Table<'_>>, context: &Context<'_>) -> Option<Tree> {
    let Some(table) = table else {
        return Some(Tree::default());
    };
    let tree = tree::read(&table, context);
    finish_rows(table);
    tree
}

/// Reports the keys of a table that are neither asked for nor rows.
pub(super) fn finish_rows(table: Table<'_>) {
    table.finish_except(|key| key.starts_with('$'));
}
