//! `linkbridge index`, and the index that a running server keeps: the real binary over a stub vendor that
//! cannot look accounts up.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::stubs::zitadel::{Caller, Idp, Zitadel};
use super::stubs::{Fate, Stub};
use super::support::client::Client;
use super::support::config::{Ports, Profile, text};
use super::support::fixtures::K;
use super::support::server::{Server, binary, free_ports};

const ORGANISATION: &str = "311700000000000009";
const GOOGLE: &str = "311900000000000002";
const USERS: usize = 250;

fn user(n: usize) -> String {
    format!("3118000000000{n:05}")
}

/// A vendor with users of two organisations, each with a link.
fn vendor() -> Zitadel {
    let mut vendor = Zitadel::new();
    for (id, name) in [(ORGANISATION, "Acme"), ("311700000000000010", "Other")] {
        vendor.organisations.insert(id.to_owned(), name.to_owned());
    }
    let idp = Idp {
        organisation: None,
        name: "Acme".to_owned(),
        kind: "IDP_TYPE_OIDC".to_owned(),
        active: true,
    };
    vendor.idps.insert(GOOGLE.to_owned(), idp);
    let caller = Caller::Instance(ORGANISATION.to_owned());
    vendor.tokens.insert("t".to_owned(), caller);
    for n in 0..USERS {
        vendor.user(ORGANISATION, &user(n), &format!("name{n}"));
        vendor.link(&user(n), GOOGLE, &format!("s-{n}"), "Shown");
    }
    vendor.user("311700000000000010", "stranger", "stranger");
    vendor.link("stranger", GOOGLE, "s-theirs", "Theirs");
    vendor
}

/// A directory with a configuration whose links are at the stub.
struct Place {
    stub: Stub<Zitadel>,
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            stub: Stub::start(vendor()),
            directory: tempfile::tempdir().unwrap(),
        };
        std::fs::write(place.path().join("token"), "t").unwrap();
        std::fs::write(place.path().join("index.toml"), place.config(free_ports())).unwrap();
        place
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn config(&self, ports: Ports) -> String {
        let profile = Profile {
            open_users: true,
            ..Profile::default()
        };
        let upstream = format!(
            "[backend.upstream]\nname = \"main\"\ndialect = \"zitadel-v2\"\nbase_url = \"{}\"\n\
             allow_http = true\nallow_addresses = [\"127.0.0.1/32\"]\n\
             credential = {{ kind = \"static\", token = \"file:{}\" }}\n\n[[tenant]]",
            self.stub.url(),
            self.path().join("token").display()
        );
        let text = text(&profile, ports, &self.path().join("data"));
        text.replacen("[[tenant]]", &upstream, 1)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .arg("index")
            .args(words)
            .arg("--config")
            .arg(self.path().join("index.toml"))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// How a verb ended and what it said.
    fn run(&self, words: &[&str]) -> (i32, String) {
        said(self.command(words).output().unwrap())
    }

    fn serve(&self) -> Server {
        Server::start_with(self.path(), &|ports| self.config(ports)).unwrap()
    }

    /// How often the vendor was asked for the links of a user.
    fn asked_for(&self, n: usize) -> usize {
        let path = format!("/v2/users/{}/links/_search", user(n));
        self.stub.log().iter().filter(|r| r.path == path).count()
    }
}

fn said(output: Output) -> (i32, String) {
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(text).unwrap(),
    )
}

fn find(client: &mut Client, subject: &str) -> (u16, String) {
    let target = format!("/linkbridge/v1/providers/acme-oidc/subjects/{subject}");
    let key = format!("Bearer {K}");
    let answer = client
        .send("GET", &target, &[("authorization", &key)], None)
        .unwrap();
    (answer.status, answer.text())
}

/// Waits until something is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_index_is_built_and_then_says_who_holds_nothing() {
    let place = Place::new();
    let (code, text) = place.run(&["status"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("main / acme: not complete"), "{text}");
    let (code, text) = place.run(&["build", "--rate", "100000"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("main / acme: complete, 250 users, 250 links"),
        "{text}"
    );
    let (code, text) = place.run(&["status", "--upstream", "main", "--tenant", "acme"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("good until") && text.contains("250 users"),
        "{text}"
    );
    assert_eq!(place.asked_for(7), 1);

    let server = place.serve();
    let mut client = Client::new(server.addr);
    let (status, text) = find(&mut client, "s-7");
    assert_eq!(status, 200, "{text}");
    assert!(text.contains(&user(7)), "{text}");
    assert_eq!(find(&mut client, "s-nobody").0, 404);
    assert_eq!(find(&mut client, "s-theirs").0, 404);
    // The server has nothing to do to it.
    assert_eq!(place.asked_for(8), 1);
}

#[test]
fn what_is_not_there_is_bad_usage() {
    let place = Place::new();
    for words in [["--upstream", "mian"], ["--tenant", "acne"]] {
        for verb in ["build", "status"] {
            let (code, text) = place.run(&[&[verb], &words[..]].concat());
            assert_eq!(code, 2, "{text}");
            assert!(text.contains("main") || text.contains("acme"), "{text}");
        }
    }
}

#[test]
fn a_running_server_fills_its_index_by_itself() {
    let place = Place::new();
    let server = place.serve();
    let mut client = Client::new(server.addr);
    let (status, text) = find(&mut client, "s-nobody");
    assert_eq!(status, 503, "not found would be a lie: {text}");
    until("the index is complete", || {
        let status = find(&mut client, "s-nobody").0;
        assert!(status == 503 || status == 404, "{status}");
        status == 404
    });
    assert_eq!(find(&mut client, "s-249").0, 200);
    let (code, text) = place.run(&["status"]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = place.run(&["build"]);
    assert_eq!(code, 3, "{text}");
    assert!(
        text.contains("another linkbridge uses this data directory"),
        "{text}"
    );
}

#[test]
fn a_scan_that_is_killed_goes_on() {
    let place = Place::new();
    // The first 100 users are a page. The 150th hangs.
    let slow = format!("/v2/users/{}/links/_search", user(150));
    let hang = move |request: &super::stubs::Request| match request.path == slow {
        true => Fate::Hang,
        false => Fate::Honest,
    };
    place.stub.tamper(hang.clone());
    let mut child = place
        .command(&["build", "--rate", "100000"])
        .spawn()
        .unwrap();
    until("the scan hangs", || place.asked_for(150) > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    let (code, text) = place.run(&["status"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("100 users, 100 links so far"), "{text}");

    // A signal does the same in order.
    let child = place
        .command(&["build", "--rate", "100000"])
        .spawn()
        .unwrap();
    until("the scan hangs", || place.asked_for(150) > 1);
    let signal = Command::new("sh")
        .args(["-c", &format!("kill -INT {}", child.id())])
        .status();
    assert!(signal.unwrap().success());
    let (code, text) = said(child.wait_with_output().unwrap());
    assert_eq!(code, 3, "{text}");
    assert!(
        text.contains("goes on where an earlier scan stopped"),
        "{text}"
    );
    assert!(text.contains("stopped; the same command goes on"), "{text}");

    place.stub.heal();
    let (code, text) = place.run(&["build", "--rate", "100000"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("complete, 250 users, 250 links"), "{text}");
    assert_eq!((place.asked_for(50), place.asked_for(249)), (1, 1));
    let (code, _) = place.run(&["build", "--rate", "100000", "--restart"]);
    assert_eq!((code, place.asked_for(50)), (0, 2));
}

#[test]
fn a_vendor_that_refuses_the_credential_ends_a_scan() {
    let place = Place::new();
    place.stub.with(|vendor| vendor.tokens.clear());
    let (code, text) = place.run(&["build"]);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("main / acme: the IdP refuses"), "{text}");
}
