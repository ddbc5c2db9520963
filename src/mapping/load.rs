//! Reading a whole mapping file, with the files that it includes.

mod head;
mod include;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use toml::Spanned;
use toml::de::DeTable;

use super::context::{Context, RawShape};
use super::op::{Defaults, header_rows, media_types};
use super::plan::{ErrorRow, Plan};
use super::route::Routes;
use super::source::Source;
use super::{check, errors, neighbor, op, rpc, rules, upstream};
use crate::finding::{Finding, Severity, Sink, Table, parse_toml};
use crate::model::{OperationKind, VendorName};
use head::{about, json_habits, options, query_rules, take};
use include::{Parsed, include_files, shared, tables_of};

/// The version of the format that this loader reads.
const FORMAT: i64 = 1;

/// How the loader gets the text of an included file, by its name.
pub type Includes<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// A loaded mapping: the plan if nothing is wrong, and everything there is to say.
#[derive(Debug)]
pub struct Loaded {
    /// The plan; `None` if a finding is an error.
    pub plan: Option<Plan>,
    /// Errors and warnings, in the order of the text.
    pub findings: Vec<Finding>,
}

/// Loads a mapping. `name` is the dialect's name, `shown` the file's name in findings.
#[must_use]
pub fn load(name: &str, shown: &str, text: &str, includes: &Includes<'_>) -> Loaded {
    let sink = Sink::new(shown, text);
    let digest = RefCell::new(Source::new(text));
    let includes: &Includes<'_> = &|file| {
        let text = includes(file)?;
        digest.borrow_mut().add(file, &text);
        Some(text)
    };
    let included = include_files(text, &sink, includes);
    let plan = parse_toml(text, &sink).and_then(|root| {
        let parsed: Vec<_> = included
            .iter()
            .filter_map(|file| Some((file, parse_toml(&file.text, &file.sink)?)))
            .collect();
        read(name, &root, &parsed, &sink, includes)
    });
    let digest = digest.take().digest();
    let plan = plan.map(|plan| Plan { digest, ..plan });
    let mut findings = sink.into_findings();
    for file in included {
        findings.extend(file.sink.into_findings());
    }
    let sound = findings.iter().all(|f| f.severity != Severity::Error);
    Loaded {
        plan: plan.filter(|_| sound),
        findings,
    }
}

fn read<'a>(
    name: &str,
    root: &'a Spanned<DeTable<'a>>,
    included: &'a [Parsed<'a>],
    sink: &'a Sink,
    includes: &Includes<'_>,
) -> Option<Plan> {
    let table = Table::root(root, sink);
    let _checked_before = table.value("include");
    let (raw, kinds) = shared(&table, included);
    let context = Context::new(raw, kinds.map(Arc::new), options(&table));
    let defaults = Defaults {
        consumes: media_types(&table, "consumes").unwrap_or_default(),
        produces: media_types(&table, "produces")
            .unwrap_or_else(|| vec!["application/json".to_owned()]),
    };
    let format = table.int("format");
    if format != Some(FORMAT) {
        sink.error(
            "LB003",
            table.key_span("format"),
            format!("this is not `format = {FORMAT}`"),
        );
    }
    let vendor = table.need_text("vendor").and_then(|text| {
        let name = VendorName::new(&text.value);
        if name.is_err() {
            let message = "a vendor's name is a text without white space at its ends";
            sink.error("LB004", text.span, message);
        }
        name.ok()
    });
    let title = table.need_text("title");
    let about = about(&table);
    let take = take(&table);
    let headers = header_rows(table.table("headers").as_ref(), &context);
    let query = query_rules(&table, &context);
    let exact_media = table.word("consumes_case", &["any", "exact"]) == Some(1);
    let json = json_habits(&table);
    let rules = rules::read(&table, &context.options);
    let response = table.table("response");
    let response_headers = header_rows(
        response.as_ref().and_then(|r| r.table("headers")).as_ref(),
        &context,
    );
    if let Some(response) = response {
        response.finish();
    }
    let all = tables_of(&table, included, "op");
    let count = all.len();
    let ops: Vec<_> = all
        .into_iter()
        .filter_map(|t| op::read(t, &context, &defaults))
        .collect();
    let ops_sound = ops.len() == count;
    let rpc = rpc::read(&table, &ops, includes);
    let neighbors = neighbor::read_all(&table);
    neighbor::check(&neighbors, &ops, sink);
    let upstream = upstream::read(&table, &ops);
    let mut errors: Vec<_> = tables_of(&table, included, "error")
        .into_iter()
        .filter_map(|t| errors::read(t, &context, &defaults))
        .collect();
    for row in &mut errors {
        row.is_included = !Arc::ptr_eq(&row.origin.source, sink.source());
    }
    let mut operations: Vec<OperationKind> = ops.iter().map(|op| op.does).collect();
    operations.sort_unstable();
    operations.dedup();
    // What another file words for operations that are not here is neither written nor read here.
    let is_for_others =
        |row: &ErrorRow| !row.on.is_empty() && row.on.iter().all(|op| !operations.contains(op));
    errors.retain(|row| !(row.is_included && ops_sound && is_for_others(row)));
    // Whether every failure has an answer can only be said of a table that was read whole.
    let wording = if sink.has_errors() {
        HashMap::new()
    } else {
        errors::wording(&errors, &operations, sink)
    };
    // A misspelled use of a shape is told as an error; that the shape is then unused says nothing more.
    let unused = if sink.has_errors() {
        Vec::new()
    } else {
        context.unused_shapes().collect()
    };
    let own = |shape: &RawShape<'_>| Arc::ptr_eq(shape.sink.source(), sink.source());
    for (name, shape) in unused.into_iter().filter(|(_, shape)| own(shape)) {
        shape.sink.warning(
            "LB302",
            shape.span.clone(),
            format!("nothing uses the shape `{name}`"),
            None,
        );
    }
    table.finish();
    let plan = Plan {
        name: name.to_owned(),
        // Known when every file was read.
        digest: [0; 32],
        vendor: vendor?,
        title: title?.value.into_owned(),
        about,
        take: take?,
        headers: headers?,
        query: query?,
        exact_media,
        json,
        rules,
        options: context.options,
        response_headers: response_headers?,
        routes: Routes::new(&ops),
        rpc,
        neighbors,
        upstream,
        ops,
        errors,
        wording,
    };
    check::plan(&plan, sink, ops_sound);
    Some(plan)
}
