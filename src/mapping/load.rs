//! Reading a whole mapping file, with the files that it includes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use toml::Spanned;
use toml::de::DeTable;

use super::context::{Context, RawShape};
use super::op::{Defaults, header_rows, media_types};
use super::plan::{
    About, ErrorRow, JsonHabits, OptionSpec, Plan, QueryRules, Repeated, Take, Words,
};
use super::route::Routes;
use super::source::Source;
use super::{check, errors, neighbor, op, rpc, rules, upstream, words};
use crate::finding::{Finding, Severity, Sink, Table, parse_toml, suggest};
use crate::model::{Field, OperationKind, VendorName};

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

/// The tables that can be included.
const INCLUDABLE: &[&str] = &["error", "kinds", "op", "shape"];

/// A file that is included, and which of its tables.
struct Included {
    text: String,
    sink: Sink,
    tables: Vec<String>,
}

/// Finds the texts of `include = ["file.toml#a,b"]`.
fn include_files(text: &str, sink: &Sink, includes: &Includes<'_>) -> Vec<Included> {
    // A second sink: what is wrong with the file as a whole is said once, by the main reading.
    let quiet = Sink::new("", text);
    let Some(root) = parse_toml(text, &quiet) else {
        return Vec::new();
    };
    let table = Table::root(&root, &quiet);
    let mut files = Vec::new();
    for entry in table.texts("include").unwrap_or_default() {
        let (file, tables) = entry
            .value
            .split_once('#')
            .unwrap_or((entry.value.as_ref(), ""));
        if tables.is_empty() {
            sink.error_hint(
                "LB004",
                entry.span,
                "an include names tables",
                "write \"file.toml#error,shape\"",
            );
            continue;
        }
        for table in tables.split(',').map(str::trim) {
            if !INCLUDABLE.contains(&table) {
                let message = format!("`{table}` cannot be included");
                sink.error_hint(
                    "LB004",
                    entry.span.clone(),
                    message,
                    suggest(table, INCLUDABLE),
                );
            }
        }
        match includes(file) {
            Some(text) => files.push(Included {
                sink: Sink::new(file, &text),
                tables: tables.split(',').map(|t| t.trim().to_owned()).collect(),
                text,
            }),
            None => sink.error(
                "LB005",
                entry.span,
                format!("there is no file `{file}` beside this one"),
            ),
        }
    }
    files
}

type Parsed<'a> = (&'a Included, Spanned<DeTable<'a>>);

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

/// Shapes and the kinds table, those of included files too; what stands in the file itself wins.
fn shared<'a>(
    table: &Table<'a>,
    included: &'a [Parsed<'a>],
) -> (HashMap<String, RawShape<'a>>, Option<Words>) {
    let mut raw = HashMap::new();
    let mut kinds = None;
    let own = std::iter::once((table.table("shape"), table.table("kinds")));
    let others = included.iter().map(|(file, root)| {
        let table = Table::root(root, &file.sink);
        let pick = |key: &'static str| {
            file.tables
                .iter()
                .any(|t| t == key)
                .then(|| table.table(key))
                .flatten()
        };
        (pick("shape"), pick("kinds"))
    });
    for (shapes, words) in own.chain(others) {
        for (key, value) in shapes.iter().flat_map(|table| table.entries()) {
            let sink = shapes.as_ref().map_or(table.sink(), |t| t.sink());
            match value.get_ref() {
                toml::de::DeValue::Table(shape) => {
                    let shape = RawShape {
                        table: shape,
                        span: key.span,
                        sink,
                    };
                    raw.entry(key.value.into_owned()).or_insert(shape);
                }
                other => sink.error(
                    "LB004",
                    value.span(),
                    format!("a shape is a table, not {}", other.type_str()),
                ),
            }
        }
        if let Some(words) = words {
            kinds = kinds.or_else(|| words::read(&words, None, Field::ProviderKind));
        }
    }
    (raw, kinds)
}

/// Every `[[key]]`: the file's own first, then those of included files.
fn tables_of<'a>(
    table: &Table<'a>,
    included: &'a [Parsed<'a>],
    key: &'static str,
) -> Vec<Table<'a>> {
    let mut tables = table.tables(key);
    for (file, root) in included
        .iter()
        .filter(|(file, _)| file.tables.iter().any(|t| t == key))
    {
        tables.extend(Table::root(root, &file.sink).tables(key));
    }
    tables
}

fn about(table: &Table<'_>) -> About {
    let Some(about) = table.table("about") else {
        return About::default();
    };
    let text = |key| {
        about
            .text(key)
            .map(|t| t.value.into_owned())
            .unwrap_or_default()
    };
    let docs = about
        .texts("docs")
        .unwrap_or_default()
        .into_iter()
        .map(|t| t.value.into_owned())
        .collect();
    let result = About {
        docs,
        version: text("version"),
        read: text("read"),
    };
    about.finish();
    result
}

fn options(table: &Table<'_>) -> Vec<OptionSpec> {
    let Some(options) = table.table("option") else {
        return Vec::new();
    };
    let mut specs = Vec::new();
    for (key, value) in options.entries() {
        let toml::de::DeValue::Table(inner) = value.get_ref() else {
            options
                .sink()
                .error("LB004", value.span(), "an option is a table");
            continue;
        };
        let option = Table::new(inner, key.span, options.sink());
        let values: Vec<String> = option
            .texts("values")
            .unwrap_or_default()
            .into_iter()
            .map(|t| t.value.into_owned())
            .collect();
        let default = option.need_text("default");
        let because = option.need_text("because");
        if let Some(default) = &default
            && !values.iter().any(|v| *v == default.value)
        {
            options.sink().error(
                "LB004",
                default.span.clone(),
                "the default is none of the values",
            );
        }
        if let (Some(default), Some(because)) = (default, because) {
            specs.push(OptionSpec {
                name: key.value.into_owned(),
                values,
                default: default.value.into_owned(),
                because: because.value.into_owned(),
            });
        }
        option.finish();
    }
    specs
}

fn take(table: &Table<'_>) -> Option<Vec<Take>> {
    let auth = table.table("auth");
    let front = auth.as_ref().and_then(|auth| auth.table("front"));
    let (Some(auth), Some(front)) = (auth, front) else {
        let hint = "take = [{ header = \"Authorization\" }] says where clients put their key";
        let message = "`[auth.front]` is missing";
        table.sink().error_hint("LB003", 0..0, message, hint);
        return None;
    };
    let takes = front.tables("take").into_iter().map(|take| {
        let header = take.need_text("header")?;
        let scheme = take.text("scheme").map(|t| t.value.into_owned());
        let name = header.value.parse().ok();
        if name.is_none() {
            take.sink().error(
                "LB004",
                header.span,
                format!("`{}` is no header name", header.value),
            );
        }
        take.finish();
        Some(Take {
            header: name?,
            scheme,
        })
    });
    let takes: Option<Vec<_>> = takes.collect();
    front.finish();
    auth.finish();
    takes
}

fn query_rules(table: &Table<'_>, context: &Context<'_>) -> Option<QueryRules> {
    let Some(query) = table.table("query") else {
        return Some(QueryRules::default());
    };
    let blank = query.word("blank", &["absent", "value"]);
    let repeated = match query.word("repeated", &["refuse", "join"]) {
        Some(1) => Repeated::Join,
        _ => Repeated::Refuse,
    };
    let absent_values = query.texts("absent_values").unwrap_or_default();
    let condition = context.condition(&query, "absent_values_if");
    query.finish();
    Some(QueryRules {
        blank_is_absent: blank == Some(0),
        repeated,
        absent_values: absent_values
            .into_iter()
            .map(|t| t.value.into_owned())
            .collect(),
        absent_values_if: condition.ok()?,
    })
}

fn json_habits(table: &Table<'_>) -> JsonHabits {
    let Some(json) = table.table("json") else {
        return JsonHabits::default();
    };
    let habits = JsonHabits {
        snake_too: json.word("names", &["exact", "snake too"]) == Some(1),
        omits_defaults: json.word("omit", &["nothing", "defaults"]) == Some(1),
        refuses_duplicates: json.word("duplicates", &["last", "refuse"]) == Some(1),
    };
    json.finish();
    habits
}
