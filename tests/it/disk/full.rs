//! A disk that becomes full, for real: a file system of a few megabytes in a mount namespace of its own. Where
//! one cannot be had, it says so.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use super::super::support::random::number;
use super::super::support::server::Launch;
use super::*;

/// Whether this machine lets us mount anything.
fn can_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .output();
    tried.is_ok_and(|done| done.status.success())
}

#[test]
fn a_full_disk_refuses_writes_goes_on_reading_and_heals_by_itself() {
    if !can_mount() {
        eprintln!("SKIPPED: this machine does not let us mount a file system");
        return;
    }
    let episodes = number("LINKBRIDGE_FULL_DISKS").unwrap_or(2);
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let script = "mount -t tmpfs -o size=4m,mode=700 tmpfs \"$0\" && exec \"$@\"";
    let launch = Launch {
        through: ["unshare", "--mount", "sh", "-c", script]
            .iter()
            .map(Into::into)
            .chain([data.clone().into_os_string()])
            .collect(),
        variables: Vec::new(),
    };
    let server = Server::start_by(&launch, dir.path(), &text(dir.path())).unwrap();
    // What that process sees there; from outside the namespace nothing is.
    let inside = PathBuf::from(format!("/proc/{}/root", server.pid()));
    let filler = inside.join(data.strip_prefix("/").unwrap()).join("filler");
    let mut client = Client::new(server.addr);
    let mut told = Script::new();
    for episode in 0..episodes {
        let what = format!("episode {episode}");
        told.recover(&mut client, &what);
        fill(&filler);
        let began = Instant::now();
        // The log has room left: only when that is used up is a write refused.
        while told.step(&mut client) {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{what}: never full"
            );
        }
        let asked = Instant::now();
        assert!(!told.step(&mut client) || told.refused > 0, "{what}");
        assert!(
            asked.elapsed() < Duration::from_secs(2),
            "{what}: a slow refusal"
        );
        told.read(&mut client, false);
        std::fs::remove_file(&filler).unwrap();
        told.recover(&mut client, &what);
        told.nothing_odd(&server, &what);
        told.compare(&mut client, &what);
    }
    assert!(told.refused as u64 >= episodes, "{} refused", told.refused);
}

/// Takes all the room that is left.
fn fill(path: &Path) {
    let mut file = std::fs::File::create(path).unwrap();
    let mut block = vec![0_u8; 64 * 1024];
    while !block.is_empty() {
        if file.write_all(&block).is_err() {
            block.truncate(block.len() / 4);
        }
    }
}
