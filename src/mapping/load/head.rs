//! The tables at the head of a file: what it is about, its options, where clients put their credential, how
//! queries and JSON are read.

use crate::finding::Table;
use crate::mapping::context::Context;
use crate::mapping::plan::{About, JsonHabits, OptionSpec, QueryRules, Repeated, Take};

pub(super) fn about(table: &Table<'_>) -> About {
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

pub(super) fn options(table: &Table<'_>) -> Vec<OptionSpec> {
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

pub(super) fn take(table: &Table<'_>) -> Option<Vec<Take>> {
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

pub(super) fn query_rules(table: &Table<'_>, context: &Context<'_>) -> Option<QueryRules> {
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

pub(super) fn json_habits(table: &Table<'_>) -> JsonHabits {
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
