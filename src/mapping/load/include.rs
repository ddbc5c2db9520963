//! Included files: which of their tables are taken, and how they go together with those of the file itself.

use std::collections::HashMap;

use toml::Spanned;
use toml::de::DeTable;

use super::Includes;
use crate::finding::{Sink, Table, parse_toml, suggest};
use crate::mapping::context::RawShape;
use crate::mapping::plan::Words;
use crate::mapping::words;
use crate::model::Field;

/// The tables that can be included.
const INCLUDABLE: &[&str] = &["error", "kinds", "op", "shape"];

/// A file that is included, and which of its tables.
pub(super) struct Included {
    pub(super) text: String,
    pub(super) sink: Sink,
    tables: Vec<String>,
}

/// Finds the texts of `include = ["file.toml#a,b"]`.
pub(super) fn include_files(text: &str, sink: &Sink, includes: &Includes<'_>) -> Vec<Included> {
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

pub(super) type Parsed<'a> = (&'a Included, Spanned<DeTable<'a>>);

/// Shapes and the kinds table, those of included files too; what stands in the file itself wins.
pub(super) fn shared<'a>(
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
pub(super) fn tables_of<'a>(
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
