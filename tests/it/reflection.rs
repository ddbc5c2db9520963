//! Server reflection as a stream: answered message by message, within its limits. What the answers say is
//! judged by gRPC's own client, in `tests/sdk/grpc-py`.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::mpsc;

use crate::support::server::{binary, free_port};

const V1: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const V1ALPHA: &str = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

/// `list_services = ""`: field 7, a text of no length.
const LIST: &[u8] = &[0, 0, 0, 0, 2, 7 << 3 | 2, 0];

struct Server {
    child: Child,
    port: u16,
    _dir: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(limits: &str) -> Server {
    start_with(limits, "")
}

/// A server that waits a second for a piece, and three in all.
fn start_with(limits: &str, fronts: &str) -> Server {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let text = format!(
        "[server]\ndata = \"{}\"\npublic_url = \"http://127.0.0.1:{port}\"\nadmin_listen = \"off\"\n\
         [[listener]]\naddress = \"127.0.0.1:{port}\"\nhttp2 = true\n\
         [limits]\nbody_chunk_seconds = 1\nbody_seconds = 3\n{limits}\n\
         [[tenant]]\nkey = \"acme\"\nids = {{ zitadel = \"311700000000000009\" }}\n{fronts}",
        dir.path().join("data").display(),
    );
    std::fs::write(dir.path().join("c.toml"), text).unwrap();
    let log = std::fs::File::create(dir.path().join("log")).unwrap();
    let child = Command::new(binary())
        .args(["serve", "--config"])
        .arg(dir.path().join("c.toml"))
        .current_dir(dir.path())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let server = Server {
        child,
        port,
        _dir: dir,
    };
    let begin = Instant::now();
    while std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        let log = || std::fs::read_to_string(server._dir.path().join("log"));
        assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
    server
}

/// A body that goes on until its sender is dropped.
struct Pieces(mpsc::UnboundedReceiver<Vec<u8>>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.0.poll_recv(cx);
        piece.map(|piece| piece.map(|piece| Ok(Frame::data(piece.into()))))
    }
}

/// A stream, from the client's side.
struct Stream {
    send: Option<mpsc::UnboundedSender<Vec<u8>>>,
    answer: http::Response<Incoming>,
    got: Vec<u8>,
}

impl Stream {
    async fn open(server: &Server, path: &str, content_type: &str) -> Self {
        let stream = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, server.port))
            .await
            .unwrap();
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let (send, pieces) = mpsc::unbounded_channel();
        let request = http::Request::post(format!("http://127.0.0.1:{}{path}", server.port))
            .header("content-type", content_type)
            .header("te", "trailers")
            .body(Pieces(pieces))
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        Self {
            send: Some(send),
            answer,
            got: Vec::new(),
        }
    }

    fn send(&self, piece: &[u8]) {
        // It fails where the server has ended the stream already, as it may.
        let _ = self.send.as_ref().unwrap().send(piece.to_vec());
    }

    /// The next message; the status if there is none.
    async fn next(&mut self) -> Result<Vec<u8>, String> {
        loop {
            if let Some((head, rest)) = self.got.split_first_chunk::<5>() {
                let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
                if rest.len() >= length {
                    let message = rest[..length].to_vec();
                    self.got.drain(..5 + length);
                    return Ok(message);
                }
            }
            let status = |map: &http::HeaderMap| {
                let value = map.get("grpc-status");
                value.map(|value| value.to_str().unwrap().to_owned())
            };
            let frame = match self.answer.frame().await {
                None => return Err(status(self.answer.headers()).unwrap()),
                Some(frame) => frame.unwrap(),
            };
            match frame.into_data() {
                Ok(data) => self.got.extend_from_slice(&data),
                Err(trailers) => return Err(status(trailers.trailers_ref().unwrap()).unwrap()),
            }
        }
    }
}

fn run(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            tokio::time::timeout(Duration::from_secs(30), future)
                .await
                .unwrap();
        });
}

fn says(message: &[u8], text: &str) -> bool {
    message.windows(text.len()).any(|w| w == text.as_bytes())
}

#[test]
fn each_message_is_answered_before_the_next_is_sent() {
    let server = start("");
    run(async {
        for path in [V1, V1ALPHA] {
            let mut stream = Stream::open(&server, path, "application/grpc").await;
            for _ in 0..3 {
                stream.send(LIST);
                let message = stream.next().await.unwrap();
                assert!(says(&message, "zitadel.user.v2.UserService"));
            }
            stream.send = None;
            assert_eq!(stream.next().await, Err("0".to_owned()));
        }
    });
}

#[test]
fn pieces_need_not_be_messages() {
    let server = start("");
    run(async {
        let mut stream = Stream::open(&server, V1, "application/grpc+proto").await;
        stream.send(&LIST[..3]);
        tokio::time::sleep(Duration::from_millis(100)).await;
        stream.send(&[&LIST[3..], LIST, &LIST[..6]].concat());
        assert!(stream.next().await.is_ok() && stream.next().await.is_ok());
        stream.send(&LIST[6..]);
        stream.send = None;
        assert!(stream.next().await.is_ok());
        assert_eq!(stream.next().await, Err("0".to_owned()));
    });
}

#[test]
fn broken_messages_end_the_stream_with_their_status() {
    let server = start("");
    let cases: [(&[u8], &str); 6] = [
        // Half a head, half a message.
        (&LIST[..3], "3"),
        (&LIST[..6], "3"),
        // Flags that are not known; compressed, and no word how; over the limit.
        (&[8, 0, 0, 0, 0], "13"),
        (&[1, 0, 0, 0, 0], "13"),
        (&[0, 0xff, 0xff, 0xff, 0xff], "8"),
        // No message.
        (&[0, 0, 0, 0, 1, 0xff], "3"),
    ];
    run(async {
        for (sent, status) in cases {
            let mut stream = Stream::open(&server, V1, "application/grpc").await;
            stream.send(LIST);
            assert!(stream.next().await.is_ok());
            stream.send(sent);
            stream.send = None;
            assert_eq!(stream.next().await, Err(status.to_owned()), "{sent:?}");
        }
    });
}

#[test]
fn a_silent_stream_and_a_long_one_both_end() {
    let server = start("");
    run(async {
        for sent in [&[][..], &LIST[..4]] {
            let mut stream = Stream::open(&server, V1, "application/grpc").await;
            stream.send(sent);
            let begin = Instant::now();
            assert_eq!(stream.next().await, Err("4".to_owned()));
            let took = begin.elapsed();
            assert!(took > Duration::from_millis(800) && took < Duration::from_secs(3));
        }
        let mut stream = Stream::open(&server, V1, "application/grpc").await;
        let begin = Instant::now();
        let status = loop {
            stream.send(LIST);
            match stream.next().await {
                Ok(_) => tokio::time::sleep(Duration::from_millis(400)).await,
                Err(status) => break status,
            }
        };
        assert_eq!(status, "4");
        assert!(begin.elapsed() >= Duration::from_millis(2500));
    });
}

#[test]
fn a_stream_has_so_many_messages_and_no_more() {
    let server = start("");
    run(async {
        let mut stream = Stream::open(&server, V1, "application/grpc").await;
        stream.send(&LIST.repeat(300));
        let mut answered = 0;
        let status = loop {
            match stream.next().await {
                Ok(_) => answered += 1,
                Err(status) => break status,
            }
        };
        assert_eq!((answered, status.as_str()), (256, "8"));
    });
}

#[test]
fn messages_count_against_the_rate_of_their_source() {
    let server = start("source_rate = \"1/h burst 3\"");
    run(async {
        let mut stream = Stream::open(&server, V1, "application/grpc").await;
        stream.send(&LIST.repeat(4));
        for _ in 0..3 {
            assert!(stream.next().await.is_ok());
        }
        assert_eq!(stream.next().await, Err("8".to_owned()));
        // The head of another stream is one too many as well.
        let mut stream = Stream::open(&server, V1, "application/grpc").await;
        assert_eq!(stream.next().await, Err("8".to_owned()));
    });
}

#[test]
fn what_is_no_stream_of_grpc_is_refused() {
    let server = start("");
    run(async {
        let web = Stream::open(&server, V1, "application/grpc-web+proto").await;
        let body = web.answer.into_body().collect().await.unwrap().to_bytes();
        assert!(says(&body, "grpc-status: 12\r\n"), "{body:?}");
        for (content_type, status) in [("application/json", 404), ("text/plain", 415)] {
            let answer = Stream::open(&server, V1, content_type).await.answer;
            assert_eq!(answer.status(), status, "{content_type}");
        }
    });
}

#[test]
fn a_front_is_told_of_where_it_is() {
    let fronts = "[[front]]\ndialect = \"zitadel-v2\"\nprefix = \"/z\"\n\
                  [[front]]\ndialect = \"zitadel-management-v1\"\n";
    let server = start_with("", fronts);
    run(async {
        let services = ["zitadel.user.v2.User", "zitadel.management.v1.Management"];
        for (prefix, told) in [("/z", [true, false]), ("", [false, true])] {
            let path = format!("{prefix}{V1}");
            let mut stream = Stream::open(&server, &path, "application/grpc").await;
            stream.send(LIST);
            let message = stream.next().await.unwrap();
            assert_eq!(services.map(|service| says(&message, service)), told);
        }
        // A unary call is below the prefix, too: an empty question, and the answer is `SERVING`.
        let check = "/z/grpc.health.v1.Health/Check";
        let stream = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, server.port));
        let io = TokioIo::new(stream.await.unwrap());
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        let request = http::Request::post(format!("http://127.0.0.1:{}{check}", server.port))
            .header("content-type", "application/grpc")
            .body(Full::new(Bytes::from_static(&[0; 5])))
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&body[..], [0, 0, 0, 0, 2, 1 << 3, 1]);
    });
}

#[test]
fn a_drain_ends_a_stream() {
    let mut server = start("drain_delay_seconds = 0");
    run(async {
        let mut stream = Stream::open(&server, V1, "application/grpc").await;
        stream.send(LIST);
        assert!(stream.next().await.is_ok());
        let pid = server.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(sent.success());
        assert_eq!(stream.next().await, Err("14".to_owned()));
    });
    assert!(server.child.wait().unwrap().success());
}
