//! The real binary as a child process: fresh ports, a generated configuration, waited for, ended with the test.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use super::client::Client;
use super::config::{self, Ports, Profile};

/// A running server. Dropping it kills the process.
pub(crate) struct Server {
    child: Child,
    /// Where it listens for HTTP/1.1.
    pub(crate) addr: SocketAddr,
    /// Where it listens for HTTP/2.
    pub(crate) http2: SocketAddr,
    /// How long it took from the start of the process to its first answer.
    pub(crate) ready_after: Duration,
    log: PathBuf,
    // Only held, so that the directory lives as long as the server; `None` if the test owns it.
    _dir: Option<tempfile::TempDir>,
}

/// How the process is started, where that is not as usual.
#[derive(Clone, Debug, Default)]
pub(crate) struct Launch {
    /// A program, with arguments, that becomes the server.
    pub(crate) through: Vec<OsString>,
    /// More variables of the environment.
    pub(crate) variables: Vec<(&'static str, OsString)>,
}

impl Launch {
    fn command(&self) -> Command {
        match self.through.split_first() {
            None => Command::new(binary()),
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(binary());
                command
            }
        }
    }
}

/// How long a start may take; far above what any test demands, so that its own message comes first.
const START: Duration = Duration::from_secs(20);

impl Server {
    /// A server with fresh data.
    pub(crate) fn start(profile: &Profile) -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
        let mut server = Self::start_in(dir.path(), profile)?;
        server._dir = Some(dir);
        Ok(server)
    }

    /// A server over the data that is in this directory.
    pub(crate) fn start_in(dir: &Path, profile: &Profile) -> Result<Self, String> {
        Self::start_with(dir, &|ports| {
            config::text(profile, ports, &dir.join("data"))
        })
    }

    /// A server over the data that is in this directory, with the configuration that `text` has for these ports.
    pub(crate) fn start_with(dir: &Path, text: &dyn Fn(Ports) -> String) -> Result<Self, String> {
        Self::start_by(&Launch::default(), dir, text)
    }

    /// The same, with these variables in its environment.
    pub(crate) fn start_under(
        dir: &Path,
        text: &dyn Fn(Ports) -> String,
        variables: &[(&'static str, String)],
    ) -> Result<Self, String> {
        let variables = variables.iter();
        let launch = Launch {
            variables: variables
                .map(|(name, value)| (*name, value.into()))
                .collect(),
            ..Launch::default()
        };
        Self::start_by(&launch, dir, text)
    }

    /// The same, started in another way.
    pub(crate) fn start_by(
        launch: &Launch,
        dir: &Path,
        text: &dyn Fn(Ports) -> String,
    ) -> Result<Self, String> {
        let mut last = String::new();
        // A port that was free can be taken before the child binds it: then the child ends, and another is tried.
        for _ in 0..3 {
            match Self::try_start(launch, dir, text) {
                Ok(server) => return Ok(server),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn try_start(
        launch: &Launch,
        dir: &Path,
        text: &dyn Fn(Ports) -> String,
    ) -> Result<Self, String> {
        let ports = free_ports();
        let file = dir.join("config.toml");
        std::fs::write(&file, text(ports)).map_err(|e| e.to_string())?;
        let log = dir.join("server.log");
        let out = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(|e| e.to_string())?;
        let said_before = std::fs::read_to_string(&log).map_or(0, |log| log.len());
        let err: File = out.try_clone().map_err(|e| e.to_string())?;
        let began = Instant::now();
        let child = launch
            .command()
            .args(["serve", "--config"])
            .arg(&file)
            .current_dir(dir)
            // Variables of whoever runs the tests must not reach the configuration.
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(launch.variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(|e| e.to_string())?;
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.http1));
        let mut server = Self {
            child,
            addr,
            http2: SocketAddr::from((Ipv4Addr::LOCALHOST, ports.http2)),
            ready_after: Duration::ZERO,
            log,
            _dir: None,
        };
        loop {
            if let Some(status) = server.child.try_wait().map_err(|e| e.to_string())? {
                return Err(format!("the server ended with {status}:\n{}", server.log()));
            }
            // Another server could have the port: what is waited for is this one's own word, in the part of
            // the log that this start has written.
            let listens = server
                .log()
                .get(said_before..)
                .is_some_and(|log| log.contains("listening at"));
            if listens
                && Client::new(addr)
                    .send("GET", "/api/status", &[], None)
                    .is_ok()
            {
                server.ready_after = began.elapsed();
                return Ok(server);
            }
            if began.elapsed() > START {
                return Err(format!("the server does not answer:\n{}", server.log()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it wrote to its standard output and error.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process lives.
    pub(crate) fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGKILL, now; returns when the process is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary under test: that of this build, or the one that `LINKBRIDGE_BIN` names.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("LINKBRIDGE_BIN").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_linkbridge")),
        PathBuf::from,
    )
}

/// Ports for a server.
pub(crate) fn free_ports() -> Ports {
    Ports {
        http1: free_port(),
        http2: free_port(),
        admin: free_port(),
    }
}

/// A free port that no other test of this process was given. Listeners share ports (SO_REUSEPORT), so two
/// servers on one port would not notice each other.
pub(crate) fn free_port() -> u16 {
    static GIVEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);
    loop {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        if GIVEN.lock().unwrap().insert(port) {
            return port;
        }
    }
}
