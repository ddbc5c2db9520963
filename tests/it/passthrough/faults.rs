//! An origin that is not there, or not well; a client that goes.

use std::io::{Read, Write};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::origin::Origin;
use super::world::{THEIRS, World, connect, request, status};
use crate::support::server::free_port;

const ALLOW: &str = "[\"* /x/**\"]";

fn bearer(method: &str, more: &str) -> String {
    request(method, "/x/a", &format!("Bearer {THEIRS}"), more)
}

/// What a front of Ory says: its error, with this status.
fn is_told(answer: &str, expected: u16) {
    assert_eq!(status(answer), expected, "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"));
    assert_eq!(json["error"]["code"], expected, "{answer}");
}

#[test]
fn an_origin_that_is_down_is_told_in_the_vendors_words() {
    let nobody = format!("http://127.0.0.1:{}", free_port());
    is_told(
        &World::start_at(&nobody, "ory", ALLOW, "").raw(&bearer("GET", "")),
        502,
    );
    // An address that is not allowed is never connected to.
    let world = World::start_at("http://169.254.169.254", "ory", ALLOW, "");
    is_told(&world.raw(&bearer("GET", "")), 502);
    let resets = Origin::start(|_, _| {});
    let world = World::start(&resets, "ory", ALLOW, "");
    is_told(&world.raw(&bearer("POST", "Content-Length: 0\r\n")), 502);
    assert_eq!(
        resets.connections(),
        1,
        "what may have been carried out is not sent again"
    );
    is_told(&world.raw(&bearer("GET", "")), 502);
    assert_eq!(resets.connections(), 3, "a question is asked once more");
    let garbles = Origin::says("this is no HTTP\r\n\r\n");
    is_told(
        &World::start(&garbles, "ory", ALLOW, "").raw(&bearer("GET", "")),
        502,
    );
    assert_eq!(garbles.connections(), 1);
    let floods = Origin::start(|_, peer| {
        peer.say("HTTP/1.1 200 OK\r\n");
        for _ in 0..100 {
            peer.say(&format!("X-A: {}\r\n", "a".repeat(1000)));
        }
    });
    is_told(
        &World::start(&floods, "ory", ALLOW, "").raw(&bearer("GET", "")),
        502,
    );
}

#[test]
fn an_origin_that_does_not_answer_is_given_up_and_left() {
    let (closed, was_closed) = mpsc::channel();
    let silent = Origin::start(move |_, peer| closed.send(peer.until_closed()).unwrap());
    let world = World::start(&silent, "ory", ALLOW, "");
    let began = Instant::now();
    is_told(&world.raw(&bearer("GET", "")), 504);
    let took = began.elapsed();
    assert!((900..2500).contains(&took.as_millis()), "{took:?}");
    let left = was_closed.recv_timeout(Duration::from_secs(5)).unwrap();
    assert!(left < Duration::from_secs(3), "{left:?}");
}

#[test]
fn an_answer_that_stalls_or_breaks_off_is_no_whole_answer() {
    for (said, chunked) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", false),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
            true,
        ),
    ] {
        for stalls in [true, false] {
            let origin = Origin::start(move |_, peer| {
                peer.say(said);
                if stalls {
                    peer.until_closed();
                }
            });
            let world = World::start(&origin, "ory", ALLOW, "");
            let began = Instant::now();
            let answer = world.raw(&bearer("GET", ""));
            assert_eq!(status(&answer), 200);
            assert!(answer.contains("half"), "{answer}");
            assert!(
                !chunked || !answer.ends_with("0\r\n\r\n"),
                "the end was made up: {answer}"
            );
            let took = began.elapsed();
            assert!(
                took < Duration::from_secs(5) && (stalls == (took > Duration::from_secs(1))),
                "{took:?}"
            );
        }
    }
}

#[test]
fn a_client_that_goes_takes_its_request_along() {
    // While the origin thinks, while it answers, and while it reads.
    for (begins, more, part) in [
        ("", "", ""),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nsome",
            "",
            "",
        ),
        ("", "Content-Length: 1000000\r\n", "some"),
    ] {
        let (closed, was_closed) = mpsc::channel();
        let (came, has_come) = mpsc::channel();
        let origin = Origin::start_at_head(move |_, peer| {
            peer.say(begins);
            came.send(()).unwrap();
            closed.send(peer.until_closed()).unwrap();
        });
        let more_time = "first_byte_seconds = 60\nstall_seconds = 60";
        let world = {
            let front = super::world::front(&origin.url(), "ory", "", ALLOW, "");
            let front = front.replace("first_byte_seconds = 1\nstall_seconds = 2", more_time);
            World::with_fronts(&front)
        };
        let mut stream = connect(world.addr());
        stream
            .write_all((bearer("POST", more) + part).as_bytes())
            .unwrap();
        has_come.recv_timeout(Duration::from_secs(5)).unwrap();
        if !begins.is_empty() {
            let mut buffer = [0; 16];
            stream.read_exact(&mut buffer).unwrap();
        }
        std::thread::sleep(Duration::from_millis(100));
        drop(stream);
        let left = was_closed.recv_timeout(Duration::from_secs(5));
        assert!(left.is_ok(), "the origin is kept busy: {begins:?} {more:?}");
    }
}

#[test]
fn a_client_that_stalls_is_told_so_and_the_origin_left() {
    let (closed, was_closed) = mpsc::channel();
    let origin = Origin::start_at_head(move |_, peer| closed.send(peer.until_closed()).unwrap());
    let world = World::start(&origin, "ory", ALLOW, "");
    let began = Instant::now();
    let answer = world.raw(&(bearer("POST", "Content-Length: 10\r\n") + "half"));
    assert_eq!(status(&answer), 408, "{answer}");
    assert!(began.elapsed() < Duration::from_secs(4));
    assert!(was_closed.recv_timeout(Duration::from_secs(5)).is_ok());
}

#[test]
fn an_origin_that_does_not_read_is_given_up() {
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let origin = Origin::start_at_head(move |_, _| {
        let _ = released
            .lock()
            .unwrap()
            .recv_timeout(Duration::from_secs(30));
    });
    let world = World::start(&origin, "ory", ALLOW, "");
    let mut stream = connect(world.addr());
    let head = bearer("POST", "Content-Length: 67108864\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut writer = stream.try_clone().unwrap();
    std::thread::spawn(move || {
        let piece = vec![b'x'; 65536];
        for _ in 0..1024 {
            if writer.write_all(&piece).is_err() {
                return;
            }
        }
    });
    let began = Instant::now();
    let mut answer = [0; 4096];
    let n = stream.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..n]).into_owned();
    assert_eq!(status(&answer), 504, "{answer}");
    assert!(
        began.elapsed() < Duration::from_secs(6),
        "{:?}",
        began.elapsed()
    );
    drop(release);
}

#[test]
fn an_early_answer_ends_the_connection_of_a_request_that_has_more() {
    let origin = Origin::start_at_head(|_, peer| {
        peer.say(
            "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
        peer.until_closed();
    });
    let world = World::start(&origin, "ory", ALLOW, "");
    let text = format!(
        "POST /x/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {THEIRS}\r\nContent-Length: 100\r\n\r\n\
         GET /x/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    );
    let answer = world.raw(&text);
    assert_eq!(status(&answer), 413, "{answer}");
    assert!(
        answer.to_ascii_lowercase().contains("connection: close"),
        "{answer}"
    );
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert_eq!(origin.heads().len(), 1);
}

#[test]
fn there_is_room_for_so_many_and_no_more() {
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let (came, has_come) = mpsc::channel();
    let origin = Origin::start(move |_, peer| {
        came.send(()).unwrap();
        let _ = released
            .lock()
            .unwrap()
            .recv_timeout(Duration::from_secs(5));
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    });
    let world = World::start(&origin, "ory", ALLOW, "max_in_flight = 1");
    std::thread::scope(|scope| {
        let first = scope.spawn(|| world.raw(&bearer("GET", "")));
        has_come.recv_timeout(Duration::from_secs(5)).unwrap();
        is_told(&world.raw(&bearer("GET", "")), 503);
        release.send(()).unwrap();
        assert_eq!(status(&first.join().unwrap()), 200);
    });
    release.send(()).unwrap();
    assert_eq!(status(&world.raw(&bearer("GET", ""))), 200);
}

#[test]
fn an_origin_with_tls_must_be_who_it_should_be() {
    let both = ["h2", "http/1.1"];
    let (addr, pem) = crate::outbound::tls::serve("127.0.0.1", &both);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    std::fs::write(&file, pem).unwrap();
    let fronts = super::world::front(&format!("https://{addr}"), "ory", "", ALLOW, "");
    let trusting = format!("ca_file = \"{}\"", file.display());
    let answer = World::with(&trusting, &fronts).raw(&bearer("GET", ""));
    // It says which protocol was spoken to it.
    assert!(
        status(&answer) == 200 && answer.ends_with("HTTP/1.1"),
        "{answer}"
    );
    let (other, _) = crate::outbound::tls::serve("127.0.0.1", &both);
    let fronts = super::world::front(&format!("https://{other}"), "ory", "", ALLOW, "");
    is_told(
        &World::with(&trusting, &fronts).raw(&bearer("GET", "")),
        502,
    );
}

/// Over HTTP/2 a client can leave one answer unread while its connection lives on.
#[test]
fn an_answer_that_nobody_reads_over_http2_is_left_in_time() {
    let (closed, was_closed) = mpsc::channel();
    let origin = Origin::start(move |_, peer| {
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n");
        let piece = vec![b'x'; 65536];
        let mut sent = 0;
        while sent < 1024 && peer.write(&piece).is_ok() {
            sent += 1;
        }
        closed.send(sent).unwrap();
    });
    let world = World::start(&origin, "ory", ALLOW, "");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let addr = world.server.http2;
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(addr).await.unwrap();
        let io = hyper_util::rt::TokioIo::new(stream);
        let executor = hyper_util::rt::TokioExecutor::new();
        let made = hyper::client::conn::http2::Builder::new(executor)
            .initial_stream_window_size(65_535)
            .handshake::<_, http_body_util::Empty<bytes::Bytes>>(io)
            .await;
        let (mut sender, connection) = made.unwrap();
        tokio::spawn(connection);
        let ask = || {
            http::Request::get(format!("http://{addr}/x/a"))
                .header("authorization", format!("Bearer {THEIRS}"))
                .body(http_body_util::Empty::new())
                .unwrap()
        };
        let unread = sender.send_request(ask()).await.unwrap();
        assert_eq!(unread.status(), 200);
        let sent = tokio::task::spawn_blocking(move || {
            was_closed.recv_timeout(Duration::from_secs(10)).unwrap()
        });
        let sent = sent.await.unwrap();
        assert!(sent < 512, "{sent} pieces were taken");
        // What is read then is no whole answer, and the connection goes on.
        let read = http_body_util::BodyExt::collect(unread.into_body()).await;
        assert!(read.is_err());
        assert_eq!(sender.send_request(ask()).await.unwrap().status(), 200);
    });
}
