//! What a call costs the server's CPU beside the same request over REST, in one run. The ratios are printed
//! and not judged: a noisy machine must not fail a test. The targets are 1.3 for Connect and 1.6 for gRPC.
//! Run with the binary that `LINKBRIDGE_BIN` names:
//!
//!     cargo build --release
//!     LINKBRIDGE_BIN=target/release/linkbridge cargo test --test it -- --ignored --nocapture what_a_call_costs

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::support::server::{binary, free_port};

const KEY: &str = "a-key-of-the-benchmark-7f2c9b1e4d6a8035";
const PROVIDER: &str = "311900000000000002";
const SERVICE: &str = "/zitadel.user.v2.UserService/AddIDPLink";

/// Requests of one kind in one round, in so many rounds, over so many connections or streams.
const REQUESTS: u64 = 4_000;
const ROUNDS: usize = 5;
const AT_ONCE: u64 = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Rest,
    Connect,
    RestHttp2,
    Grpc,
}

const WAYS: [Way; 4] = [Way::Rest, Way::Connect, Way::RestHttp2, Way::Grpc];

static NEXT: AtomicU64 = AtomicU64::new(0);

/// `google.protobuf` wire format by hand: a text field.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    prost_reflect::prost::encoding::encode_varint(value.len() as u64, &mut out);
    out.extend_from_slice(value);
    out
}

/// An account that nobody has, for one of ten thousand users.
fn request(way: Way, port: u16) -> http::Request<Full<Bytes>> {
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let (user, subject) = (format!("3118{:014}", n % 10_000), format!("ext-{n:08}"));
    let name = "rosa@ext.example";
    let link =
        format!("{{\"idpId\":\"{PROVIDER}\",\"userId\":\"{subject}\",\"userName\":\"{name}\"}}");
    let (path, media, body) = match way {
        Way::Rest | Way::RestHttp2 => (
            format!("/v2/users/{user}/links"),
            "application/json",
            format!("{{\"idpLink\":{link}}}").into_bytes(),
        ),
        Way::Connect => (
            SERVICE.to_owned(),
            "application/json",
            format!("{{\"userId\":\"{user}\",\"idpLink\":{link}}}").into_bytes(),
        ),
        Way::Grpc => {
            let link = [
                field(1, PROVIDER.as_bytes()),
                field(2, subject.as_bytes()),
                field(3, name.as_bytes()),
            ];
            let message = [field(1, user.as_bytes()), field(2, &link.concat())].concat();
            let mut frame = vec![0];
            frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
            frame.extend(message);
            (SERVICE.to_owned(), "application/grpc", frame)
        }
    };
    let is_http2 = matches!(way, Way::RestHttp2 | Way::Grpc);
    let uri = match is_http2 {
        true => format!("http://127.0.0.1:{port}{path}"),
        false => path,
    };
    let request = http::Request::post(uri)
        .header("authorization", format!("Bearer {KEY}"))
        .header("content-type", media);
    let request = match is_http2 {
        true => request,
        false => request.header("host", format!("127.0.0.1:{port}")),
    };
    request.body(Full::new(Bytes::from(body))).unwrap()
}

/// Sends one kind of request over and over; every answer is a success.
async fn send(way: Way, port: u16, requests: u64) {
    let stream = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    stream.set_nodelay(true).unwrap();
    let io = TokioIo::new(stream);
    if matches!(way, Way::Rest | Way::Connect) {
        let (mut sender, connection) = http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        for _ in 0..requests {
            sender.ready().await.unwrap();
            check(sender.send_request(request(way, port)).await.unwrap()).await;
        }
        return;
    }
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    for _ in 0..requests {
        sender.ready().await.unwrap();
        check(sender.send_request(request(way, port)).await.unwrap()).await;
    }
}

async fn check(answer: http::Response<hyper::body::Incoming>) {
    assert_eq!(answer.status(), 200);
    let refused = answer.headers().get("grpc-status").cloned();
    let body = answer.into_body().collect().await.unwrap();
    let trailer = body.trailers().and_then(|t| t.get("grpc-status").cloned());
    let status = refused.or(trailer);
    assert!(status.is_none_or(|status| status == "0"));
    assert!(!body.to_bytes().is_empty());
}

/// CPU time of a process so far, in seconds.
fn cpu(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let ticks = |index: usize| fields[index].parse::<f64>().unwrap();
    // A tick is a hundredth of a second on every Linux that this runs on.
    (ticks(11) + ticks(12)) / 100.0
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(dir: &std::path::Path, ports: [u16; 2]) -> Running {
    let [port, port2] = ports;
    let hash: String = <sha2::Sha256 as sha2::Digest>::digest(KEY.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let text = format!(
        "[server]\ndata = \"{}\"\npublic_url = \"http://127.0.0.1:{port}\"\n\
         [[listener]]\naddress = \"127.0.0.1:{port}\"\n[[listener]]\naddress = \"127.0.0.1:{port2}\"\nhttp2 = true\n\
         [limits]\nsource_rate = \"1000000/s\"\nclient_rate = \"1000000/s\"\n\
         [[tenant]]\nkey = \"acme\"\nids = {{ zitadel = \"311700000000000009\" }}\n\
         [[provider]]\nkey = \"oidc\"\nname = \"Acme\"\nkind = \"oidc\"\nids = {{ zitadel = \"{PROVIDER}\" }}\n\
         [[client]]\nname = \"bench\"\nkey_sha256 = \"{hash}\"\ntenant = \"acme\"\nscopes = [\"links.read\", \"links.create\"]\n",
        dir.join("data").display(),
    );
    std::fs::write(dir.join("c.toml"), text).unwrap();
    let child = Command::new(binary())
        .args(["serve", "--config"])
        .arg(dir.join("c.toml"))
        .current_dir(dir)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(child);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    while std::net::TcpStream::connect(address).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    running
}

#[test]
#[ignore = "a measurement: takes a minute, and means something for a release build on a quiet machine only"]
fn what_a_call_costs_beside_the_same_request_over_rest() {
    let dir = tempfile::tempdir().unwrap();
    let ports = [free_port(), free_port()];
    let server = start(dir.path(), ports);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut all = vec![Vec::new(); WAYS.len()];
    for round in 0..=ROUNDS {
        for index in 0..WAYS.len() {
            // The order rotates, so that no way always comes after the same other one.
            let index = (index + round) % WAYS.len();
            let way = WAYS[index];
            let port = ports[usize::from(matches!(way, Way::RestHttp2 | Way::Grpc))];
            let before = cpu(server.0.id());
            runtime.block_on(async {
                let each = (0..AT_ONCE).map(|_| tokio::spawn(send(way, port, REQUESTS / AT_ONCE)));
                for one in each.collect::<Vec<_>>() {
                    one.await.unwrap();
                }
            });
            // The first round warms up.
            if round > 0 {
                all[index].push((cpu(server.0.id()) - before) / REQUESTS as f64 * 1e6);
            }
        }
    }
    let median = |values: &Vec<f64>| {
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    };
    let rest = median(&all[0]);
    for (way, values) in WAYS.iter().zip(&all) {
        let cost = median(values);
        eprintln!(
            "{way:?}: {cost:.0} µs of CPU each, {:.2} of REST; rounds {values:.0?}",
            cost / rest
        );
    }
}
