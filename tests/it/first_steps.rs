//! The first five minutes: the binary with the example configuration on an empty directory, and every command
//! that its start prints, pasted.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use linkbridge::mapping::builtin;
use linkbridge::model::OperationKind;

use crate::loss::built_in;
use crate::support::client::Client;
use crate::support::server::free_port;

const PATIENCE: Duration = Duration::from_secs(20);

/// A started server; dropping it ends it.
struct Started {
    child: Child,
    addr: SocketAddr,
    /// What it wrote, once it has said everything that a start says.
    said: String,
    // Only held, so that it lives as long as the server.
    _dir: tempfile::TempDir,
}

impl Drop for Started {
    fn drop(&mut self) {
        // Both fail only if the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The example configuration, at a port of its own and with data of its own.
fn start() -> Started {
    let dir = tempfile::tempdir().unwrap();
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let log = dir.path().join("out");
    let out = File::create(&log).unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.toml");
    let child = Command::new(env!("CARGO_BIN_EXE_linkbridge"))
        .args(["serve", "--config"])
        .arg(example)
        .args(["--listen", &addr.to_string(), "--data", "data"])
        .current_dir(dir.path())
        .env_clear()
        .env("LINKBRIDGE_SERVER_ADMIN_LISTEN", "off")
        .stdin(Stdio::null())
        .stdout(out.try_clone().unwrap())
        .stderr(out)
        .spawn()
        .unwrap();
    let mut started = Started {
        child,
        addr,
        said: String::new(),
        _dir: dir,
    };
    let began = Instant::now();
    // The commands for every dialect are the last that a start says.
    let wanted = builtin::SOURCES.len() + n_reading();
    while commands(&started.said).len() < wanted {
        assert!(
            began.elapsed() < PATIENCE,
            "{wanted} commands are wanted:\n{}",
            started.said
        );
        assert!(
            matches!(started.child.try_wait(), Ok(None)),
            "the server has ended:\n{}",
            started.said
        );
        std::thread::sleep(Duration::from_millis(10));
        started.said = std::fs::read_to_string(&log).unwrap();
    }
    started
}

/// How many dialects have an op that reads links or users.
fn n_reading() -> usize {
    let reads = |kind: OperationKind| {
        let family = kind.name().split('.').next();
        !kind.writes() && matches!(family, Some("link" | "user"))
    };
    let names = builtin::SOURCES.iter().map(|(name, _)| built_in(name));
    names
        .filter(|dialect| dialect.plan().ops.iter().any(|op| reads(op.does)))
        .count()
}

/// The commands among what was said; a line that is not whole yet is none.
fn commands(said: &str) -> Vec<&str> {
    let whole = said.split_inclusive('\n').filter(|l| l.ends_with('\n'));
    whole
        .map(str::trim)
        .filter(|line| line.starts_with("curl "))
        .collect()
}

/// The words of a command line, as a shell splits it: quotes, and a quote outside of them after a backslash.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            '\\' if !quoted => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    assert!(!quoted, "a quote is not closed in {line}");
    words.extend(word);
    words
}

/// What curl would send.
#[derive(Debug, Default)]
struct Pasted {
    method: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    target: String,
}

fn pasted(line: &str, addr: SocketAddr) -> Pasted {
    let mut pasted = Pasted {
        method: "GET".to_owned(),
        ..Pasted::default()
    };
    let mut words = words(line).into_iter();
    assert_eq!(words.next().as_deref(), Some("curl"));
    while let Some(word) = words.next() {
        match word.as_str() {
            "-sS" => {}
            "-X" => pasted.method = words.next().unwrap(),
            "-d" => pasted.body = words.next(),
            "-H" => {
                let header = words.next().unwrap();
                let (name, value) = header.split_once(':').unwrap();
                pasted
                    .headers
                    .push((name.to_owned(), value.trim().to_owned()));
            }
            url => {
                let target = url.strip_prefix(&format!("http://{addr}"));
                pasted.target = target.unwrap_or_else(|| panic!("{url}")).to_owned();
            }
        }
    }
    pasted
}

#[test]
fn every_command_that_a_start_prints_works_as_it_stands() {
    let started = start();
    let mut client = Client::new(started.addr);
    let mut methods = Vec::new();
    for line in commands(&started.said) {
        let request = pasted(line, started.addr);
        let headers: Vec<(&str, &str)> = request
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let body = request.body.as_deref().map(str::as_bytes);
        let answer = client
            .send(&request.method, &request.target, &headers, body)
            .unwrap_or_else(|lost| panic!("{line}: {lost}"));
        assert!(
            (200..300).contains(&answer.status),
            "{line}\nis answered {}: {}\n{}",
            answer.status,
            answer.text(),
            started.said
        );
        methods.push(request.method);
    }
    // One that writes for each dialect, and no more than one that reads.
    let n_getting = methods.iter().filter(|method| *method == "GET").count();
    assert!(n_getting <= n_reading(), "{methods:?}");
    for (name, _) in builtin::SOURCES {
        let said = &started.said;
        assert!(
            said.contains(&format!("dialect {name} at http://")),
            "{said}"
        );
    }
}

#[test]
fn a_line_is_split_as_a_shell_does() {
    assert_eq!(
        words(r"curl -d 'it'\''s {}' '' 'http://a/b?c=d e'"),
        ["curl", "-d", "it's {}", "", "http://a/b?c=d e"]
    );
}
