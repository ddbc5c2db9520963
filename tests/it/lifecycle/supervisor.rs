//! What a service manager does: it holds the sockets, starts the binary with them, hears what it says, and ends it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::super::support::config::Ports;
use super::super::support::server::{binary, free_port};

/// Far above what anything here takes.
const PATIENCE: Duration = Duration::from_secs(40);

/// A supervised server. Dropping it kills the process.
pub(super) struct Supervisor {
    pub(super) dir: PathBuf,
    pub(super) ports: Ports,
    /// HTTP/1.1, HTTP/2, and one more; the process gets copies of them.
    sockets: [TcpListener; 3],
    notices: UnixDatagram,
    heard: String,
    child: Option<Child>,
}

/// The shell passes on what it has as its input, output and error as the sockets of the process, and puts the log
/// in their place.
const START: &str = "exec 3<&0 4<&1 5<&2 </dev/null >>server.log 2>&1\n\
    export LISTEN_FDS=3 LISTEN_PID=$$\nexec \"$0\" serve --config config.toml";

impl Supervisor {
    /// Opens the sockets. The third has this port.
    pub(super) fn new(dir: &Path, third: u16) -> Self {
        let listen = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let sockets = [listen(0), listen(0), listen(third)];
        let port = |index: usize| sockets[index].local_addr().unwrap().port();
        let ports = Ports {
            http1: port(0),
            http2: port(1),
            admin: free_port(),
        };
        let notices = UnixDatagram::bind(dir.join("notify")).unwrap();
        notices
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        Self {
            dir: dir.to_owned(),
            ports,
            sockets,
            notices,
            heard: String::new(),
            child: None,
        }
    }

    pub(super) fn http1(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.http1).into()
    }

    pub(super) fn http2(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.http2).into()
    }

    pub(super) fn third(&self) -> SocketAddr {
        self.sockets[2].local_addr().unwrap()
    }

    /// Writes the configuration.
    pub(super) fn configure(&self, text: &str) {
        std::fs::write(self.dir.join("config.toml"), text).unwrap();
    }

    /// Starts the process and waits until it is ready.
    pub(super) fn start(&mut self) {
        let [first, second, third] = &self.sockets;
        let copy = |socket: &TcpListener| Stdio::from(OwnedFd::from(socket.try_clone().unwrap()));
        let child = Command::new("sh")
            .args(["-c", START])
            .arg(binary())
            .current_dir(&self.dir)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("NOTIFY_SOCKET", self.dir.join("notify"))
            .stdin(copy(first))
            .stdout(copy(second))
            .stderr(copy(third))
            .spawn()
            .unwrap();
        self.child = Some(child);
        self.wait_for("READY=1");
    }

    /// Waits until the process has said this, and forgets what it has said before.
    pub(super) fn wait_for(&mut self, word: &str) {
        let began = Instant::now();
        loop {
            if let Some((_, rest)) = self.heard.split_once(word) {
                self.heard = rest.to_owned();
                return;
            }
            let mut buffer = [0; 4096];
            match self.notices.recv(&mut buffer) {
                Ok(n) => self.heard.push_str(&String::from_utf8_lossy(&buffer[..n])),
                Err(_) => {
                    let ended = self.child.as_mut().map(|child| child.try_wait().unwrap());
                    assert!(
                        ended.flatten().is_none() && began.elapsed() < PATIENCE,
                        "no {word}: {ended:?}\n{}",
                        self.log()
                    );
                }
            }
        }
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("server.log")).unwrap_or_default()
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub(super) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(
            Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// SIGHUP; waits until the reload is over, one way or the other.
    pub(super) fn reload(&mut self) {
        self.signal("-HUP");
        self.wait_for("RELOADING=1");
        self.wait_for("READY=1");
    }

    /// Waits for the end of the process, and answers its exit code.
    pub(super) fn wait(&mut self) -> Option<i32> {
        let mut child = self.child.take().unwrap();
        let began = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status.code();
            }
            if began.elapsed() > PATIENCE {
                let _ = child.kill();
                panic!("the process does not end:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// SIGTERM; waits for the end, which is one in order.
    pub(super) fn stop(&mut self) {
        self.signal("-TERM");
        assert_eq!(self.wait(), Some(0), "{}", self.log());
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if let Some(child) = self.child.as_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
