//! The other side of `tests/faultio/shim.c`: what is to fail below a directory, the wall clock, and how much memory
//! the process believes to have in use.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::super::support::server::Launch;

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Open,
    Read,
    Write,
    Sync,
    Truncate,
}

impl Kind {
    pub(super) const ALL: [Kind; 5] = [
        Kind::Open,
        Kind::Read,
        Kind::Write,
        Kind::Sync,
        Kind::Truncate,
    ];

    fn index(self) -> u64 {
        self as u64
    }
}

/// `EIO` and `ENOSPC` of Linux.
pub(super) const EIO: i32 = 5;
pub(super) const ENOSPC: i32 = 28;

/// What is mapped into the process.
pub(super) struct Shim {
    control: File,
    path: PathBuf,
    below: PathBuf,
}

/// Compiled once; the C compiler is there, since the store is built with it.
static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let library = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("faultio.so");
    let scratch = library.with_extension(std::process::id().to_string());
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faultio/shim.c");
    let done = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-o"])
        .arg(&scratch)
        .args([source, "-ldl"])
        .status();
    assert!(done.unwrap().success(), "the shim does not compile");
    std::fs::rename(&scratch, &library).unwrap();
    library
});

impl Shim {
    /// A shim for files below `below`, which is off.
    pub(super) fn new(dir: &Path, below: &Path) -> Self {
        let path = dir.join("faultio.control");
        let control = OpenOptions::new()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        control.set_len(64).unwrap();
        Self {
            control,
            path,
            below: below.to_owned(),
        }
    }

    pub(super) fn launch(&self) -> Launch {
        Launch {
            through: Vec::new(),
            variables: vec![
                ("LD_PRELOAD", LIBRARY.clone().into_os_string()),
                ("FAULTIO_CONTROL", self.path.clone().into_os_string()),
                ("FAULTIO_DIRECTORY", OsString::from(&self.below)),
            ],
        }
    }

    /// The same, with the memory in use being what [`Shim::uses`] says. That must have been said before.
    pub(super) fn launch_with_memory(&self) -> Launch {
        let mut launch = self.launch();
        let memory = self.memory().into_os_string();
        launch.variables.push(("FAULTIO_MEMORY", memory));
        launch
    }

    /// So many bytes are resident.
    pub(super) fn uses(&self, bytes: u64) {
        let pages = bytes / rustix::param::page_size() as u64;
        // Whoever reads it meanwhile sees the one or the other.
        let scratch = self.path.with_extension("scratch");
        std::fs::write(&scratch, format!("0 {pages} 0 0 0 0 0\n")).unwrap();
        std::fs::rename(&scratch, self.memory()).unwrap();
    }

    fn memory(&self) -> PathBuf {
        self.path.with_extension("memory")
    }

    /// From now on the `nth` call of `kind` fails with `error`; if `sticky`, so do all after it.
    pub(super) fn fail(&self, kind: Kind, nth: i32, sticky: bool, error: i32) {
        self.set(0, 0);
        self.set(1, nth);
        self.set(2, i32::from(sticky));
        self.set(3, error);
        self.set(4, 0);
        self.set(0, 1 << kind.index());
    }

    /// Nothing fails any more. Answers how often something did.
    pub(super) fn heal(&self) -> i32 {
        self.set(0, 0);
        self.get(16)
    }

    /// How many calls of a kind there were, failed or not.
    pub(super) fn calls(&self, kind: Kind) -> i32 {
        self.get(32 + 4 * kind.index())
    }

    /// Moves the wall clock to so many seconds from the true one.
    pub(super) fn shift_clock(&self, seconds: i64) {
        let bytes = seconds.to_ne_bytes();
        self.control.write_all_at(&bytes, 24).unwrap();
    }

    fn set(&self, field: u64, value: i32) {
        let bytes = value.to_ne_bytes();
        self.control.write_all_at(&bytes, field * 4).unwrap();
    }

    fn get(&self, at: u64) -> i32 {
        let mut bytes = [0; 4];
        self.control.read_exact_at(&mut bytes, at).unwrap();
        i32::from_ne_bytes(bytes)
    }
}
