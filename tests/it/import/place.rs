//! A data directory with a configuration, and the command at work on it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rusqlite::{Connection, OpenFlags};

/// A directory of a test: configuration, files, data.
pub(super) struct Place {
    dir: tempfile::TempDir,
}

/// What a run came to.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Ran {
    /// The number that the summary has under this name.
    pub(super) fn count(&self, name: &str) -> u64 {
        let line = self
            .out
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let found = line.and_then(|number| number.parse().ok());
        found.unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    /// Accepted and refused rows.
    pub(super) fn rows(&self) -> (u64, u64) {
        (self.count("accepted"), self.count("refused"))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Place {
    /// A configuration with these tenants, which have ids at FusionAuth and ZITADEL.
    pub(super) fn new(tenants: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tenant = |key: &&str| {
            format!(
                "[[tenant]]\nkey = \"{key}\"\nids = {{ fusionauth = \"{key}-f\", zitadel = \"{key}-z\" }}\n"
            )
        };
        let tenants: String = tenants.iter().map(tenant).collect();
        let data = dir.path().join("data");
        let text = format!("[server]\ndata = \"{}\"\n{tenants}", data.display());
        std::fs::write(dir.path().join("import.toml"), text).unwrap();
        Self { dir }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(super) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The command, still to be started.
    pub(super) fn command(&self, file: &str, flags: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(["users", "import", file, "--config", "import.toml"])
            .args(flags)
            .current_dir(self.dir.path())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the command to its end.
    pub(super) fn import(&self, file: &str, flags: &[&str]) -> Ran {
        self.command(file, flags).output().unwrap().into()
    }

    pub(super) fn start(&self, file: &str, flags: &[&str]) -> Child {
        self.command(file, flags).spawn().unwrap()
    }

    /// Whether there is a store.
    pub(super) fn has_store(&self) -> bool {
        self.path("data").exists()
    }

    /// The first column of every row, as text.
    pub(super) fn ask(&self, sql: &str) -> Vec<String> {
        ask(&self.path("data"), sql).unwrap()
    }

    /// The number that a statement answers.
    pub(super) fn number(&self, sql: &str) -> u64 {
        self.ask(sql)[0].parse().unwrap()
    }

    /// Everything that imports write, but for the times.
    pub(super) fn everything(&self) -> Vec<String> {
        [
            "SELECT concat_ws('|', tenant, user_id, document) FROM users ORDER BY 1",
            "SELECT concat_ws('|', tenant, vendor, vendor_id, user_id) FROM user_aliases ORDER BY 1",
            "SELECT concat_ws('|', tenant, user_id, revision) FROM revisions ORDER BY 1",
            "SELECT concat_ws('|', client, tenant, action, user_id, vendor, vendor_id, reason) FROM audit ORDER BY 1",
        ]
        .iter()
        .flat_map(|sql| self.ask(sql))
        .collect()
    }
}

/// Reads the store without a hand on it, also while a process writes.
pub(super) fn ask(data: &Path, sql: &str) -> rusqlite::Result<Vec<String>> {
    let path = data.join("linkbridge.db");
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = conn.prepare(&format!(
        "SELECT CAST(a AS TEXT) FROM (SELECT NULL AS a WHERE 0 UNION ALL SELECT * FROM ({sql}))"
    ))?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}

fn binary() -> PathBuf {
    std::env::var_os("LINKBRIDGE_BIN").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_linkbridge")),
        PathBuf::from,
    )
}
