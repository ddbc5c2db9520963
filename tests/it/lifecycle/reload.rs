//! Reloads: all or nothing, for the next request, with nobody noticing who need not.

use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::support::client::Client;
use super::super::support::fixtures::HARNESS;
use super::super::support::random::number;
use super::load::{Kind, Load, Secure, Speaker, missing};
use super::restart::certificate;
use super::supervisor::Supervisor;
use super::{configuration, mapping};

/// A server in this directory, with the mapping of version 1.
fn serve(dir: &Path, more: &str) -> Supervisor {
    let mut supervisor = Supervisor::new(dir, 0);
    std::fs::write(dir.join("versioned.toml"), mapping(1)).unwrap();
    supervisor.configure(&configuration(dir, supervisor.ports, more));
    supervisor.start();
    supervisor
}

/// The configuration that is in use, as the last line about it says.
fn last_version(supervisor: &Supervisor) -> String {
    let log = supervisor.log();
    let line = log.lines().rfind(|line| line.contains("version=")).unwrap();
    let (_, rest) = line.split_once("version=").unwrap();
    rest.split_whitespace()
        .next()
        .unwrap()
        .trim_matches('"')
        .to_owned()
}

#[test]
fn reloads_under_load_fail_no_request_and_mix_no_answer() {
    let reloads = number("LINKBRIDGE_RELOADS").unwrap_or(10);
    let dir = tempfile::tempdir().unwrap();
    let mut supervisor = serve(dir.path(), "");
    let at = [
        (Kind::Http1, supervisor.http1()),
        (Kind::Http2, supervisor.http2()),
    ];
    let load = Load::start(3, &at, "");
    let file = dir.path().join("versioned.toml");
    let good = std::fs::read_to_string(dir.path().join("config.toml")).unwrap();
    let mut expected = vec![1];
    let mut client = Speaker::new(Kind::Http1, supervisor.http1(), "");
    for round in 0..reloads {
        let version = u32::try_from(round).unwrap() + 2;
        let current = *expected.last().unwrap();
        // Every second one is wrong, in turns: in the mapping, in the configuration, in what it refers to.
        match round % 6 {
            1 => std::fs::write(
                &file,
                mapping(version).replace("[op.response]", "[op.respons]"),
            )
            .unwrap(),
            3 => supervisor.configure(&good.replace("users = \"open\"", "users = \"opn\"")),
            5 => supervisor.configure(&good.replace("versioned.toml", "missing.toml")),
            _ => {
                std::fs::write(&file, mapping(version)).unwrap();
                supervisor.configure(&good);
                expected.push(u64::from(version));
            }
        }
        let is_good = *expected.last().unwrap() != current;
        supervisor.reload();
        let answer = client.send("GET", "/version", String::new()).unwrap();
        let now = answer.json().unwrap()["version"].as_u64();
        assert_eq!(
            now,
            expected.last().copied(),
            "round {round}\n{}",
            supervisor.log()
        );
        let refused = usize::try_from(round / 2).unwrap() + usize::from(!is_good);
        let kept = || supervisor.log().matches("the old one holds").count();
        // Lines are written by a thread of their own.
        let began = std::time::Instant::now();
        while kept() < refused && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(kept(), refused, "round {round}");
        std::thread::sleep(Duration::from_millis(20));
    }
    let met = load.stop();
    eprintln!(
        "reload: {reloads} reloads, {} links and {} reads of {} versions, {} failed",
        met.linked.len(),
        met.reads,
        met.versions.len(),
        met.failures.len()
    );
    assert!(
        met.failures.is_empty(),
        "{:#?}\n{}",
        met.failures,
        supervisor.log()
    );
    assert!(met.versions.iter().all(|seen| expected.contains(seen)));
    assert!(met.versions.len() > 1, "nobody has seen a reload");
    assert_eq!(missing(supervisor.http1(), &met.linked), [""; 0]);
    supervisor.stop();
}

#[test]
fn a_refused_reload_says_where_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut supervisor = serve(dir.path(), "");
    let good = std::fs::read_to_string(dir.path().join("config.toml")).unwrap();
    let mut client = Speaker::new(Kind::Http1, supervisor.http1(), "");
    let mut provider = |key: &str| {
        let path = format!("/linkbridge/v1/providers/{key}");
        client.send("GET", &path, String::new()).unwrap().status
    };
    let more = "\n[[provider]]\nkey = \"new\"\nname = \"New\"\nkind = \"oidc\"\n";
    supervisor.configure(&format!(
        "{}{more}",
        good.replace("workers = 2", "workers = 3")
    ));
    supervisor.reload();
    let first = last_version(&supervisor);
    let log = supervisor.log();
    assert!(
        log.contains("config.toml:3:1") && log.contains("LB610"),
        "{log}"
    );
    assert!(log.contains("code=\"LB610\""), "{log}");
    assert_eq!(provider("new"), 404);
    // The same without what needs a restart: a provider more, without a restart.
    supervisor.configure(&format!("{good}{more}"));
    supervisor.reload();
    assert_eq!(provider("new"), 200);
    assert_ne!(last_version(&supervisor), first);
    // What was is what is: the version is that of the text.
    supervisor.configure(&good);
    supervisor.reload();
    assert_eq!((provider("new"), last_version(&supervisor)), (404, first));
    // A broken mapping is told with its own place.
    let broken = mapping(2).replace("path = \"/version\"", "path = 7");
    std::fs::write(dir.path().join("versioned.toml"), broken).unwrap();
    supervisor.reload();
    let log = supervisor.log();
    assert!(
        log.contains("versioned.toml:19:8") && log.contains("LB612"),
        "{log}"
    );
    supervisor.stop();
}

#[test]
fn a_key_that_is_taken_away_opens_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let mut supervisor = serve(dir.path(), "");
    let good = std::fs::read_to_string(dir.path().join("config.toml")).unwrap();
    let mut open = [
        Speaker::new(Kind::Http1, supervisor.http1(), ""),
        Speaker::new(Kind::Http2, supervisor.http2(), ""),
    ];
    let mut statuses = || {
        let path = "/linkbridge/v1/providers";
        open.each_mut()
            .map(|c| c.send("GET", path, String::new()).unwrap().status)
    };
    assert_eq!(statuses(), [200, 200]);
    // A token of the client, which nothing is kept of.
    let mut client = Client::new(supervisor.http1());
    let basic = format!("Basic {}", STANDARD.encode(format!("harness:{HARNESS}")));
    let form = "application/x-www-form-urlencoded";
    let headers = [("Authorization", basic.as_str()), ("Content-Type", form)];
    let body = Some(&b"grant_type=client_credentials"[..]);
    let answer = client.send("POST", "/as/token", &headers, body).unwrap();
    let token = answer.json().unwrap()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let bearer = format!("Bearer {token}");
    let mut by_token = || {
        let path = "/v1/environments/e/users/u/linkedAccounts";
        let headers = [("Authorization", bearer.as_str())];
        client.send("GET", path, &headers, None).unwrap().status
    };
    assert_ne!(by_token(), 401);
    let (before, rest) = good.split_once("[[client]]\nname = \"harness\"").unwrap();
    let rest = rest
        .split_once("\n[[")
        .map_or(String::new(), |(_, rest)| format!("\n[[{rest}"));
    let other = "[[client]]\nname = \"other\"\nkey_sha256 = \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"\nscopes = [\"links.read\"]\n";
    supervisor.configure(&format!("{before}{other}{rest}"));
    let began = Instant::now();
    supervisor.signal("-HUP");
    while statuses() != [401, 401] {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{}",
            supervisor.log()
        );
    }
    let took = began.elapsed();
    eprintln!("reload: a key that is taken away is refused after {took:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(by_token(), 401);
    supervisor.stop();
}

#[test]
fn renewed_certificates_are_shown_to_new_connections_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (row, old) = certificate(dir.path(), "own");
    let mut supervisor = Supervisor::new(dir.path(), 0);
    std::fs::write(dir.path().join("versioned.toml"), mapping(1)).unwrap();
    let more = format!(
        "\n[[listener]]\naddress = \"{}\"\n{row}",
        supervisor.third()
    );
    supervisor.configure(&configuration(dir.path(), supervisor.ports, &more));
    supervisor.start();
    let addr = supervisor.third();
    let mut early = Speaker::Tls(Box::new(Secure::new(addr, &old)));
    let get = |speaker: &mut Speaker| {
        speaker
            .send("GET", "/version", String::new())
            .map(|a| a.status)
    };
    assert_eq!(get(&mut early), Ok(200));
    let mut resume = Speaker::Tls(Box::new(Secure::new(addr, &old)));
    assert_eq!(get(&mut resume), Ok(200));
    let (_, new) = certificate(dir.path(), "own");
    supervisor.reload();
    assert_eq!(get(&mut early), Ok(200), "an open connection goes on");
    let mut late = Speaker::Tls(Box::new(Secure::new(addr, &new)));
    assert_eq!(
        get(&mut late),
        Ok(200),
        "a new one is shown the new certificate"
    );
    let mut mistaken = Speaker::Tls(Box::new(Secure::new(addr, &old)));
    assert!(get(&mut mistaken).is_err(), "and the old one to nobody");
    // Whoever has a ticket from before resumes with it.
    let Speaker::Tls(client) = &mut resume else {
        unreachable!();
    };
    let before = client.resumed();
    client.disconnect();
    assert_eq!(get(&mut resume), Ok(200));
    let Speaker::Tls(client) = &resume else {
        unreachable!();
    };
    assert_eq!(client.resumed(), before + 1);
    supervisor.stop();
}
