//! Restarts under load: no request fails, whatever it is sent over, and nothing that was acknowledged is lost.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, KeyPair};

use super::super::support::random::number;
use super::load::{Kind, Load, Speaker, missing};
use super::supervisor::Supervisor;
use super::{configuration, mapping};

/// An origin that takes its time for every answer.
fn slow_origin(time: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut head = [0; 4096];
                while stream.read(&mut head).is_ok_and(|n| n > 0) {
                    std::thread::sleep(time);
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow");
                }
            });
        }
    });
    port
}

/// A certificate of its own, in files; answers its line of the configuration, and itself.
pub(super) fn certificate(dir: &std::path::Path, name: &str) -> (String, String) {
    use std::os::unix::fs::PermissionsExt as _;
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let chain = params.self_signed(&key).unwrap().pem();
    let file = |kind: &str| dir.join(format!("{name}.{kind}"));
    std::fs::write(file("pem"), &chain).unwrap();
    std::fs::write(file("key"), key.serialize_pem()).unwrap();
    std::fs::set_permissions(file("key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let row = format!(
        "[[listener.tls.certificates]]\nchain = \"file:{}\"\nkey = \"file:{}\"\n",
        file("pem").display(),
        file("key").display()
    );
    (row, chain)
}

#[test]
fn restarts_under_load_fail_no_request() {
    let restarts = number("LINKBRIDGE_RESTARTS").unwrap_or(3);
    let dir = tempfile::tempdir().unwrap();
    let (row, authority) = certificate(dir.path(), "own");
    let mut supervisor = Supervisor::new(dir.path(), 0);
    std::fs::write(dir.path().join("versioned.toml"), mapping(1)).unwrap();
    let origin = slow_origin(Duration::from_secs(2));
    let more = format!(
        "\n[[listener]]\naddress = \"{}\"\n{row}\n[[front]]\ndialect = \"versioned\"\n\n\
         [[front]]\ndialect = \"linkbridge\"\n[front.passthrough]\norigin = \"http://127.0.0.1:{origin}\"\n\
         allow_http = true\naccess = \"anyone\"\ncredential = \"none\"\nallow = [\"GET /slow\"]\n\n\
         [outbound]\nallow_addresses = [\"127.0.0.0/8\"]\n",
        supervisor.third()
    );
    supervisor.configure(&configuration(dir.path(), supervisor.ports, &more));
    supervisor.start();
    let at = [
        (Kind::Http1, supervisor.http1()),
        (Kind::Http2, supervisor.http2()),
        (Kind::Tls, supervisor.third()),
    ];
    let load = Load::start(2, &at, &authority);
    let mut longest = Duration::ZERO;
    for round in 0..restarts {
        std::thread::sleep(Duration::from_millis(300));
        // One request that takes two seconds is under way when the process is told to end.
        let addr = supervisor.http1();
        let slow = (round == 0).then(|| {
            let slow = std::thread::spawn(move || {
                Speaker::new(Kind::Http1, addr, "").send("GET", "/slow", String::new())
            });
            std::thread::sleep(Duration::from_millis(300));
            slow
        });
        let began = Instant::now();
        supervisor.stop();
        supervisor.start();
        longest = longest.max(began.elapsed());
        if let Some(slow) = slow {
            let answer = slow.join().unwrap().unwrap();
            assert_eq!((answer.status, answer.text().as_str()), (200, "slow"));
        }
    }
    std::thread::sleep(Duration::from_millis(300));
    let met = load.stop();
    eprintln!(
        "restart: {restarts} restarts, {} links and {} reads, 0 failed; the longest restart took {longest:?}, \
         the longest answer {:?}",
        met.linked.len(),
        met.reads,
        met.longest
    );
    assert!(
        met.failures.is_empty(),
        "{:#?}\n{}",
        met.failures,
        supervisor.log()
    );
    assert!(met.linked.len() > 20 && met.reads > 20);
    assert_eq!(missing(supervisor.http1(), &met.linked), [""; 0]);
    supervisor.stop();
}
