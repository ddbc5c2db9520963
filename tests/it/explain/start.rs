//! What a start says of its backend, and what it refuses.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Fixed, config, run, upstream};
use crate::stubs::{Request, Stub};
use crate::support::server::{binary, free_port};

const PATIENCE: Duration = Duration::from_secs(20);

/// A started server; dropping it ends it.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        // Both fail only if the process is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts with these upstreams, and waits until everything that is wanted is said.
fn said(folder: &Path, backend: &str, wanted: &[&str]) -> String {
    std::fs::write(folder.join("config.toml"), config(backend)).unwrap();
    let log = folder.join("log");
    let out = File::create(&log).unwrap();
    let child = Command::new(binary())
        .args(["serve", "--config", "config.toml", "--listen"])
        .arg(format!("127.0.0.1:{}", free_port()))
        .current_dir(folder)
        .env_clear()
        .env("PAT", "hunter2")
        .env("LINKBRIDGE_SERVER_ADMIN_LISTEN", "off")
        .stdin(Stdio::null())
        .stdout(out.try_clone().unwrap())
        .stderr(out)
        .spawn()
        .unwrap();
    let mut started = Started(child);
    let began = Instant::now();
    loop {
        let text = std::fs::read_to_string(&log).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        if wanted.iter().all(|part| text.contains(part)) {
            return text;
        }
        let runs = matches!(started.0.try_wait(), Ok(None));
        assert!(
            runs && began.elapsed() < PATIENCE,
            "{wanted:?} are wanted:\n{text}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_start_tells_the_tree_and_what_each_credential_can_reach() {
    let provider = |id: &str| json!({"id": id, "name": "A", "type": "Google", "enabled": true});
    let listed = json!({"identityProviders": [
        provider("82339786-3dff-42a6-aac6-1f1ceecb6c46"),
        provider("00000000-0000-4000-8000-000000000001"),
        provider("00000000-0000-4000-8000-000000000002"),
    ]});
    let good = Stub::start(Fixed(200, listed));
    let strict = Stub::start(Fixed(401, json!({})));
    let folder = tempfile::tempdir().unwrap();
    let second = upstream("flip", &strict.url())
        .replace("[backend.upstream]", "[backend.route.upstream]")
        .replace("\"main\"", "\"second\"");
    let backend = format!(
        "{}\n[[backend.route]]\ntenants = [\"blue\"]\n{second}",
        upstream("fusionauth", &good.url())
    );
    let tree = format!(
        "backend: route / blue -> upstream second (flip at {}), others -> upstream main (fusionauth at {}); \
         beside it: embedded store in ./data",
        strict.url(),
        good.url()
    );
    said(
        folder.path(),
        &backend,
        &[
            &tree,
            "backend: upstream main answers (provider.list: 3 providers; 2 of them are not configured)",
            "warning: upstream second cannot be used now (provider.list: the credential is refused, 401)",
        ],
    );
    let lines = |log: Vec<Request>| -> Vec<String> { log.iter().map(Request::line).collect() };
    assert_eq!(lines(good.log()), ["GET /api/identity-provider"]);
    assert_eq!(good.log()[0].header("authorization"), Some("hunter2"));
    assert_eq!(
        lines(strict.log()),
        ["GET /api/admin/users/v4/users/identity-providers"]
    );
}

#[test]
fn an_idp_that_is_away_does_not_keep_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    said(
        folder.path(),
        &upstream("fusionauth", &nowhere),
        &[
            "listening at",
            "warning: upstream main cannot be used now (provider.list: it cannot be reached)",
        ],
    );
}

#[test]
fn tenants_that_share_a_credential_with_open_users_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = config(&upstream("zitadel-v2", "https://iam.invalid")).replacen("known", "open", 1);
    std::fs::write(folder.path().join("config.toml"), text).unwrap();
    let output = run(folder.path(), "serve", &[]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("error[LB565]: one credential serves `acme` and `blue`, and the users of `acme` are open"),
        "{told}"
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(!folder.path().join("data").exists());
}
