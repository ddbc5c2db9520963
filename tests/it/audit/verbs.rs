//! `audit verify` and `audit export`, beside a server that runs.

use serde_json::json;

use super::{audit, records};
use crate::support::client::Client;
use crate::support::config::Profile;
use crate::support::fixtures::{TENANTS, USERS};
use crate::support::native::{create_link, put_user};
use crate::support::server::Server;

#[test]
fn what_a_running_server_writes_is_shown_and_proved() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start_in(dir.path(), &Profile::default()).unwrap();
    let mut client = Client::new(server.addr);
    let tenant = TENANTS[0].key;
    let data = dir.path().join("data").display().to_string();
    let config = dir.path().join("config.toml").display().to_string();
    let mut make = |user: usize, subject: &str| {
        let user = USERS[user].key;
        put_user(&mut client, tenant, user).unwrap();
        let body = json!({ "user_id": user, "provider_id": "google", "subject": subject, "token": "canary-token" });
        create_link(&mut client, tenant, &body).unwrap();
    };
    make(0, "canary-one");
    let first = audit(&["verify", "--config", &config]);
    assert_eq!(first.code, 0, "{}{}", first.out, first.err);
    let head = first
        .out
        .lines()
        .find_map(|line| line.strip_prefix("head: "));
    let head = head.unwrap().to_owned();
    make(1, "canary-two");
    let again = audit(&["verify", "--data", &data, "--expect-head", &head]);
    assert_eq!(again.code, 0, "{}{}", again.out, again.err);
    assert!(again.out.contains("the chain is whole"), "{}", again.out);

    let export = |more: &[&str]| {
        let ran = audit(&[&["export", "--data", &data], more].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(!ran.out.contains("canary"), "{}", ran.out);
        ran.out
    };
    let all = export(&[]);
    let kept: Vec<serde_json::Value> = all
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(kept, records(&dir.path().join("data"), 0));
    let count = |more: &[&str]| export(more).lines().count();
    assert_eq!(count(&["--user", USERS[1].key]), 2);
    assert_eq!(count(&["--tenant", "nobody"]), 0);
    assert_eq!(count(&["--subject", "canary-two"]), 1);
    assert_eq!(count(&["--subject", "canary"]), 0);
    assert_eq!(count(&["--after", "2"]), kept.len() - 2);
    assert_eq!(
        count(&["--from", "2000-01-01", "--to", "2100-01-01"]),
        kept.len()
    );
    assert_eq!(count(&["--from", "2100-01-01"]), 0);
    assert_eq!(count(&["--format", "csv"]), kept.len() + 1);

    let file = dir.path().join("export.jsonl");
    let over = |text: &str| {
        std::fs::write(&file, text).unwrap();
        audit(&[
            "verify",
            "--file",
            file.to_str().unwrap(),
            "--expect-head",
            &head,
        ])
    };
    assert_eq!(over(&all).code, 0);
    // A part of it is whole from where it begins, but has not what was noted before.
    assert_eq!(over(&export(&["--after", "2"])).code, 0);
    let ran = over(&export(&["--after", "3"]));
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.err.contains("noted"), "{}", ran.err);
    for damaged in [
        all.replacen("link.create", "link.delete", 1),
        without_the_third(&all),
        all.replacen('{', "", 1),
        all.replacen(USERS[1].key, USERS[2].key, 1),
    ] {
        assert_eq!(over(&damaged).code, 1, "{damaged}");
    }

    server.kill();
    let killed = audit(&["verify", "--data", &data, "--expect-head", &head]);
    assert_eq!(killed.code, 0, "{}", killed.err);
    let conn = rusqlite::Connection::open(dir.path().join("data/linkbridge.db")).unwrap();
    conn.execute_batch("UPDATE audit SET user_id = 'somebody' WHERE seq = 2")
        .unwrap();
    let ran = audit(&["verify", "--data", &data]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("record 2 does not have the hash"),
        "{}",
        ran.err
    );
}

fn without_the_third(lines: &str) -> String {
    let kept = lines.lines().enumerate().filter(|(index, _)| *index != 2);
    kept.map(|(_, line)| format!("{line}\n")).collect()
}

#[test]
fn what_cannot_be_read_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().display().to_string();
    for arguments in [
        &["verify", "--data", &data][..],
        &["export", "--data", &data],
    ] {
        let ran = audit(arguments);
        assert_eq!(ran.code, 3, "{}", ran.out);
        assert!(ran.err.contains("there is no database"), "{}", ran.err);
    }
    for arguments in [
        &["verify", "--data", &data, "--expect-head", "abc"][..],
        &["export", "--data", &data, "--from", "yesterday"],
        &["verify"],
    ] {
        assert_eq!(audit(arguments).code, 2, "{arguments:?}");
    }
}
