//! HTTP/2 as the RFCs have it: the 147 cases of h2spec and more, over raw frames, judged by a reader of frames and
//! fields that is no part of the server. What the server does otherwise would stand in `tests/http2/gaps.toml`, with a
//! reason; an entry that is not needed fails.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::case::{Case, directory, read};
use super::place::Way;
use crate::tls::Served;

/// The cases that are expected to fail, with a piece of how they do.
fn gaps() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(directory().join("gaps.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let gaps = table.get("gap").and_then(toml::Value::as_array);
    let gaps = gaps.into_iter().flatten().map(|gap| {
        let text = |key: &str| match gap.get(key).and_then(toml::Value::as_str) {
            Some(text) if !text.is_empty() => text.to_owned(),
            _ => panic!("no {key} in {gap}"),
        };
        let _reason = text("because");
        (text("case"), text("came"))
    });
    gaps.collect()
}

/// Plays all cases; the failed ones with what came instead.
fn failures(way: &Way, cases: &[Case]) -> Vec<(String, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let room = Arc::new(Semaphore::new(8));
        let mut all = JoinSet::new();
        for case in cases.iter().cloned() {
            let (way, room) = (way.clone(), Arc::clone(&room));
            all.spawn(async move {
                let _room = room.acquire().await.unwrap();
                let played = way.play(&case, 1).await;
                played
                    .err()
                    .map(|why| (case.name, format!("{}: {why}", case.section)))
            });
        }
        all.join_all().await.into_iter().flatten().collect()
    })
}

fn hold(way: &Way) {
    let cases = read("conformance");
    let mut gaps = gaps();
    let mut wrong = Vec::new();
    for (name, why) in failures(way, &cases) {
        match gaps.remove(&name) {
            Some(came) if why.contains(&came) => {}
            _ => wrong.push(format!("{name} ({why})")),
        }
    }
    wrong.extend(gaps.keys().map(|name| format!("{name}: no gap any more")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_case_holds_in_clear_text_and_over_tls() {
    let mut served = Served::start();
    hold(&Way::Clear(served.server.http2));
    hold(&Way::tls(&served));
    assert!(served.server.lives());
    let log = served.server.log();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn the_cases_of_h2spec_are_all_there() {
    let cases = read("conformance");
    let numbers: BTreeSet<&str> = cases.iter().filter_map(|c| c.h2spec.as_deref()).collect();
    let n = |group: &str| numbers.iter().filter(|n| n.starts_with(group)).count();
    assert_eq!((n("generic/"), n("http2/"), n("hpack/")), (44, 95, 8));
}
