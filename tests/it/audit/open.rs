//! Requests to an IdP of which nobody knows what became of them: what the next start says, and what an operator may.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::over_idp::over;
use super::{Ran, audit, records};
use crate::fronts::clients::client;
use crate::fronts::facts::{Fact, new_subject};
use crate::fronts::speaker::Speaker;
use crate::support::client::Client;
use crate::support::fault::Act;
use crate::support::fixtures::{Q, USERS};

/// Lets a server be killed while an IdP does not answer it.
fn killed_while_it_asks(dir: &Path) {
    let asked = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&asked);
    let (mut server, fault) = over(dir, move || {
        flag.store(true, Ordering::Release);
        Act::SaysAndStalls(Vec::new())
    });
    let addr = server.addr;
    let asking = std::thread::spawn(move || {
        let fact = Fact::new("A", "P", &new_subject());
        let speaker = Speaker::new(client("linkbridge"), addr, Q);
        let values = speaker.values(&fact);
        let create = &speaker.client.creates[0].request;
        let filled = create.fill(&speaker.client.headers, &values).unwrap();
        let headers = filled.headers.iter();
        let headers: Vec<_> = headers.map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let mut http = Client::new(addr);
        let _ = http.send(
            &filled.method,
            &filled.target,
            &headers,
            filled.body.as_deref(),
        );
    });
    while !asked.load(Ordering::Acquire) {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    server.kill();
    asking.join().unwrap();
    drop(fault);
}

fn settle(data: &str, seq: &str, how: &str, because: &str) -> Ran {
    audit(&[
        "settle",
        "--data",
        data,
        seq,
        "--as",
        how,
        "--because",
        because,
    ])
}

/// Goes over the chain, which must be whole.
fn verified(data: &str) -> String {
    let ran = audit(&["verify", "--data", data]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    ran.out
}

/// The only line that `audit open` has, between tabs.
fn listed(data: &str) -> Vec<String> {
    let ran = audit(&["open", "--data", data]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
    ran.out.trim_end().split('\t').map(str::to_owned).collect()
}

#[test]
fn what_a_killed_server_asked_for_is_unknown_until_an_operator_has_found_out() {
    let dir = tempfile::tempdir().unwrap();
    killed_while_it_asks(dir.path());
    let path = dir.path().join("data");
    let data = path.display().to_string();
    let told = verified(&data);
    assert!(told.contains("link.create at upstream"), "{told}");
    let open = listed(&data);
    let seq = open[0].as_str();
    assert_eq!(open[2], "link.create");
    assert_eq!(open[5], "upstream");
    assert_eq!(open[7], USERS[0].key);
    assert_eq!(open[8], "no outcome");

    // The next start tells of it, and says in the audit that nobody knows.
    let (server, _fault) = over(dir.path(), || Act::status(500, ""));
    let log = server.log();
    assert!(
        log.contains("before it wrote down what became of it"),
        "{log}"
    );
    let all = records(&path, seq.parse().unwrap());
    assert_eq!(all[0]["phase"], "outcome");
    assert_eq!(all[0]["intent"].to_string(), seq);
    assert_eq!(all[0]["outcome"], "unknown");
    assert_eq!(all[0]["client"], "linkbridge");
    assert_eq!(all[0]["user_id"], USERS[0].key);
    let told = verified(&data);
    assert!(!told.contains("without an outcome"), "{told}");
    assert!(told.contains("with an unknown outcome: 1;"), "{told}");
    assert_eq!(listed(&data)[8], "unknown");
    // Not while it runs.
    let refused = settle(&data, seq, "done", "asked them");
    assert_eq!(refused.code, 3, "{}", refused.out);
    assert!(
        refused.err.contains("another linkbridge uses"),
        "{}",
        refused.err
    );
    drop(server);

    let other = all[0]["seq"].to_string();
    assert_eq!(settle(&data, &other, "done", "x").code, 1);
    assert_eq!(settle(&data, "99999", "done", "x").code, 1);
    assert_eq!(settle(&data, seq, "done", "two\nlines").code, 2);
    assert_eq!(settle(&data, seq, "done", " ").code, 2);
    assert_eq!(settle(&data, seq, "perhaps", "x").code, 2);
    let done = settle(&data, seq, "not-done", "=they have no such link");
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    let all = records(&path, 0);
    let last = all.last().unwrap();
    assert_eq!(last["phase"], "settled");
    assert_eq!(last["outcome"], "failed");
    assert_eq!(last["intent"].to_string(), seq);
    assert_eq!(last["client"], "audit settle");
    assert_eq!(last["front"], "cli");
    assert_eq!(last["user_id"], USERS[0].key);
    assert_eq!(last["reason"], "=they have no such link");
    assert!(!verified(&data).contains("unknown"));
    assert_eq!(audit(&["open", "--data", &data]).out, "");
    let again = settle(&data, seq, "done", "x");
    assert_eq!(again.code, 1, "{}", again.out);
    assert!(again.err.contains("settled already"), "{}", again.err);
    assert_eq!(records(&path, 0).len(), all.len());
    let csv = audit(&["export", "--data", &data, "--format", "csv"]).out;
    assert!(csv.contains(",'=they have no such link,"), "{csv}");
}

#[test]
fn a_request_is_settled_before_the_next_start_too() {
    let dir = tempfile::tempdir().unwrap();
    killed_while_it_asks(dir.path());
    let data = dir.path().join("data").display().to_string();
    let open = listed(&data);
    let done = settle(&data, &open[0], "done", "their log has it");
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    let told = verified(&data);
    assert!(!told.contains("outcome"), "{told}");
}

#[test]
fn where_there_is_no_store_nothing_is_settled_and_none_made() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().display().to_string();
    assert_eq!(settle(&data, "1", "done", "x").code, 3);
    assert_eq!(audit(&["open", "--data", &data]).code, 3);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
