//! The audit from outside: what each write leaves in it, through every front and over an IdP; the verbs that show
//! and prove it; what a store does that cannot keep it.

mod fronts;
mod open;
mod over_idp;
mod store;
mod verbs;

use std::path::Path;
use std::process::Command;

use linkbridge::backend::embedded::Settings;
use linkbridge::backend::embedded::audit::Log;

use super::support::server;

/// A record as tests compare it: phase, action, what it names, and the members of before and after.
fn shown(line: &serde_json::Value) -> String {
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let members = |name: &str| match line[name].as_object() {
        None => "-".to_owned(),
        Some(said) => said.keys().cloned().collect::<Vec<_>>().join(" "),
    };
    let named = |name: &str, word: &str| match line.get(name) {
        Some(_) => format!(" {word}"),
        None => String::new(),
    };
    format!(
        "{} {}{}{} {} -> {}",
        text("phase"),
        text("action"),
        named("link_id", "link"),
        named("subject", "account"),
        members("before"),
        members("after")
    )
}

/// The records after this one, of a data directory that may be in use.
fn records(data: &Path, after: i64) -> Vec<serde_json::Value> {
    let log = Log::open(&Settings::new(data)).unwrap();
    let mut lines = Vec::new();
    log.each(after, |line| {
        lines.push(serde_json::from_str(&line.to_json()).unwrap());
        Ok(())
    })
    .unwrap();
    lines
}

/// What a verb came to.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

/// Runs `linkbridge audit …`.
fn audit(arguments: &[&str]) -> Ran {
    let done = Command::new(server::binary())
        .arg("audit")
        .args(arguments)
        .env_clear()
        .output()
        .unwrap();
    Ran {
        code: done.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&done.stdout).into_owned(),
        err: String::from_utf8_lossy(&done.stderr).into_owned(),
    }
}
