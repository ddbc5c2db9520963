//! A disk that fails on command.
//!
//! A test runs itself again in a child process, with a library before the C library that makes calls
//! on the files of a store fail (`tests/it/support/faults.rs`).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where the orders of the test stand, in a child process.
fn orders() -> Option<PathBuf> {
    std::env::var_os("LINKBRIDGE_FAULTS").map(PathBuf::from)
}

/// Runs `script` in a child process of this test whose disk can be made to fail.
pub(super) fn under_faults(test: &str, script: fn(&Disk)) {
    if let Some(orders) = orders() {
        return script(&Disk {
            orders,
            count: AtomicUsize::new(0),
        });
    }
    if !cfg!(all(target_os = "linux", target_env = "gnu")) {
        eprintln!("skipped: the library that makes calls fail is written for Linux with glibc");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let library = compile(directory.path());
    let child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            &format!("backend::faults::{test}"),
            "--nocapture",
        ])
        .env("LD_PRELOAD", library)
        .env("LINKBRIDGE_FAULTS", directory.path().join("orders"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned()
        + &String::from_utf8_lossy(&child.stderr);
    assert!(
        child.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

fn compile(directory: &Path) -> PathBuf {
    let library = directory.join("libfaults.so");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/faults.rs");
    let made = Command::new(rustc)
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "cdylib",
            "-C",
            "opt-level=1",
            "-o",
        ])
        .args([library.as_os_str(), source.as_os_str()])
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    library
}

/// The disk of a child process.
pub(super) struct Disk {
    orders: PathBuf,
    count: AtomicUsize,
}

impl Disk {
    /// Lets `fail` calls of a group fail after the next `pass`.
    pub(super) fn fail(&self, group: &str, error: i32, pass: usize, fail: u64) {
        let id = self.count.fetch_add(1, Ordering::Relaxed);
        let draft = self.orders.with_extension("new");
        std::fs::write(&draft, format!("{id} {group} {error} {pass} {fail}")).unwrap();
        std::fs::rename(draft, &self.orders).unwrap();
    }

    pub(super) fn mend(&self) {
        std::fs::remove_file(&self.orders).unwrap();
    }
}
