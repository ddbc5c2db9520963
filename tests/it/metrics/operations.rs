//! What is written for operators: the dashboard, the alerts and the table of metrics name what the binary tells,
//! and what the binary tells is named by them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use linkbridge::model::FailureKind;
use serde_json::Value;

use super::exposition::Exposition;
use super::promql::{self, Asked};
use super::world::World;
use crate::support::fixtures::K;

/// Labels that Prometheus itself adds to what it scrapes.
const OF_PROMETHEUS: &[&str] = &["instance", "job"];

fn text(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Every metric with a sample: requests have been made.
fn told() -> Exposition {
    let world = World::start();
    let headers = [("Authorization", K)];
    for path in ["/api/theme/x", "/linkbridge/v1/status", "/nothing"] {
        drop(world.client().send("GET", path, &headers, None));
    }
    // An index comes to be when a scan is over; this one cannot be, since the IdP refuses us.
    world.metrics()
}

/// Metrics that have no sample in a world where no scan of an index has succeeded.
const WITHOUT_SAMPLES: &[(&str, &[&str])] = &[("linkbridge_index_age_seconds", &["upstream"])];

/// The labels of each name that a sample can have, with `_bucket` and the like.
fn labels(told: &Exposition) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = told.labels();
    for (name, labels) in WITHOUT_SAMPLES {
        let labels = labels.iter().map(|label| (*label).to_owned());
        all.insert((*name).to_owned(), labels.collect());
    }
    all
}

/// Every expression of the dashboard with the title of its panel, the queries of its variables too.
fn of_dashboard() -> Vec<(String, String)> {
    let dashboard: Value =
        serde_json::from_str(&text("docs/operations/grafana-dashboard.json")).unwrap();
    let mut found = Vec::new();
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap().to_owned();
        assert!(
            ids.insert(panel["id"].as_u64().unwrap()),
            "{title}: its id is taken"
        );
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        for target in panel["targets"].as_array().unwrap() {
            found.push((title.clone(), target["expr"].as_str().unwrap().to_owned()));
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if variable["type"] == "query" {
            let query = variable["definition"].as_str().unwrap();
            let inner = query
                .strip_prefix("label_values(")
                .and_then(|query| query.strip_suffix(')'));
            let (metric, label) = inner.unwrap().split_once(", ").unwrap();
            let expr = format!("sum by ({label}) ({metric})");
            found.push((variable["name"].as_str().unwrap().to_owned(), expr));
        }
    }
    found
}

/// Every alert with its expression.
fn of_alerts() -> Vec<(String, String)> {
    let text = text("docs/operations/alerts.yaml");
    let mut found: Vec<(String, String)> = Vec::new();
    let mut is_expr = false;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if let Some(name) = line.trim_start().strip_prefix("- alert: ") {
            found.push((name.to_owned(), String::new()));
        } else if line.trim() == "expr: |-" {
            is_expr = true;
        } else if is_expr && indent >= 10 {
            let (_, expr) = found.last_mut().unwrap();
            *expr += line.trim();
            expr.push('\n');
        } else {
            is_expr = false;
        }
    }
    found
}

/// What of an expression is not there.
fn missing(asked: &Asked, there: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut grouped: BTreeSet<&str> = OF_PROMETHEUS.iter().copied().collect();
    for (metric, selected) in &asked.metrics {
        let Some(labels) = there.get(metric) else {
            wrong.push(format!("there is no {metric}"));
            continue;
        };
        grouped.extend(labels.iter().map(String::as_str));
        for (label, value) in selected {
            if !labels.contains(label) && !OF_PROMETHEUS.contains(&label.as_str()) {
                wrong.push(format!("{metric} has no label {label}"));
            }
            if label == "outcome" {
                let kinds = value.split('|').filter(|kind| *kind != "ok");
                let unknown = kinds.filter(|kind| FailureKind::named(kind).is_none());
                wrong.extend(unknown.map(|kind| format!("there is no outcome {kind}")));
            }
        }
    }
    let unknown = asked
        .groups
        .iter()
        .filter(|g| !grouped.contains(g.as_str()));
    wrong.extend(unknown.map(|group| format!("nothing has the label {group}")));
    wrong
}

#[test]
fn dashboard_and_alerts_ask_for_what_there_is_and_for_all_of_it() {
    let told = told();
    let there = labels(&told);
    let all: Vec<_> = of_dashboard().into_iter().chain(of_alerts()).collect();
    assert!(all.len() > 90, "{}", all.len());
    let (mut wrong, mut used) = (Vec::new(), BTreeSet::new());
    for (place, expr) in &all {
        match promql::asked(expr) {
            Ok(asked) if asked.metrics.is_empty() => wrong.push(format!("{place}: asks nothing")),
            Ok(asked) => {
                let missing = missing(&asked, &there);
                wrong.extend(missing.iter().map(|what| format!("{place}: {what}")));
                used.extend(asked.metrics.into_keys());
            }
            Err(error) => wrong.push(format!("{place}: {error}")),
        }
    }
    for family in told.0.keys() {
        let endings = ["", "_bucket", "_sum", "_count"];
        if !endings
            .iter()
            .any(|ending| used.contains(&format!("{family}{ending}")))
        {
            wrong.push(format!("{family} is in no panel and in no alert"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_alert_has_its_page() {
    let operations = text("docs/operations.md");
    let alerts = of_alerts();
    let names: BTreeSet<&String> = alerts.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), alerts.len(), "two alerts have one name");
    for name in names {
        let row = format!("| `{name}` | ");
        assert_eq!(
            operations.matches(&row).count(),
            1,
            "{name} in docs/operations.md"
        );
    }
    let told = operations.matches("| `Linkbridge").count();
    assert_eq!(
        told,
        alerts.len(),
        "docs/operations.md tells of alerts that are not there"
    );
}

/// The table of metrics, from what the binary tells.
fn table(told: &Exposition) -> String {
    let there = labels(told);
    let mut out = String::from(
        "# Metrics\n\nEverything that `/metrics` tells. This page is generated from it: \
         `UPDATE_GOLDEN=1 cargo test --test it -- metrics`.\n\n| metric | type | labels | what it is |\n|---|---|---|---|\n",
    );
    for (name, family) in &told.0 {
        let samples = [name.clone(), format!("{name}_count")];
        let labels = samples.iter().find_map(|sample| there.get(sample));
        let labels: Vec<String> = labels
            .unwrap_or_else(|| panic!("{name} has no sample"))
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        let (kind, help) = (&family.kind, &family.help);
        writeln!(
            out,
            "| `{name}` | {kind} | {} | {help} |",
            labels.join(", ")
        )
        .unwrap();
    }
    out
}

#[test]
fn the_table_of_metrics_is_what_is_told() {
    let table = table(&told());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations/metrics.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == table,
        "docs/operations/metrics.md is out of date; run again with UPDATE_GOLDEN=1"
    );
}
