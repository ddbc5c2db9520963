//! The faults of the fault matrix that happen to one request over HTTP/1.1, by name.

use std::time::Duration;

use super::{Act, answer};

/// Every fault by its name.
pub(crate) fn named() -> Vec<(&'static str, Act)> {
    let head = |length: usize| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let bytes = |text: &str| text.as_bytes().to_vec();
    let mut all = vec![
        ("reset before the head", Act::SaysAndResets(Vec::new())),
        ("close before the head", Act::SaysAndCloses(Vec::new())),
        (
            "reset in the head",
            Act::SaysAndResets(bytes("HTTP/1.1 200 OK\r\ncontent-ty")),
        ),
        (
            "close in the head",
            Act::SaysAndCloses(bytes("HTTP/1.1 200 OK\r\ncontent-ty")),
        ),
        ("reset after the head", Act::SaysAndResets(bytes(&head(10)))),
        ("close after the head", Act::SaysAndCloses(bytes(&head(10)))),
        (
            "stalled head",
            Act::SaysAndStalls(bytes("HTTP/1.1 200 OK\r\ncontent-ty")),
        ),
        ("stalled body", Act::SaysAndStalls(bytes(&(head(10) + "{")))),
        ("nothing at all", Act::SaysAndStalls(Vec::new())),
        (
            "a byte now and then",
            Act::Trickles(
                bytes(&head(1000)),
                vec![b' '; 1000],
                Duration::from_millis(40),
            ),
        ),
        (
            "a head byte by byte",
            Act::Trickles(Vec::new(), bytes(&head(0)), Duration::from_millis(40)),
        ),
        (
            "truncated body",
            Act::SaysAndCloses(bytes(&(head(10) + "{}"))),
        ),
        (
            "two lengths",
            Act::SaysAndCloses(bytes(
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{} ",
            )),
        ),
        (
            "a length that is none",
            Act::SaysAndCloses(bytes("HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n{}")),
        ),
        (
            "a bad chunk",
            Act::SaysAndCloses(bytes(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
            )),
        ),
        (
            "chunks without an end",
            Act::SaysAndCloses(bytes(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
            )),
        ),
        (
            "no HTTP",
            Act::SaysAndCloses(bytes("SSH-2.0-OpenSSH_9.2\r\n")),
        ),
        (
            "a large head",
            Act::Says(answer(
                200,
                &format!("x-large: {}\r\n", "a".repeat(100_000)),
                b"{}",
            )),
        ),
        (
            "many fields",
            Act::Says(answer(200, &"x-many: 1\r\n".repeat(200), b"{}")),
        ),
        (
            "a large body",
            Act::Answers(200, String::new(), vec![b' '; 100_000]),
        ),
        (
            "a body without an end",
            Act::Floods(bytes("HTTP/1.1 200 OK\r\n\r\n"), vec![b' '; 65_536]),
        ),
        (
            "gzip",
            Act::Answers(
                200,
                "content-encoding: gzip\r\n".to_owned(),
                vec![0x1f, 0x8b, 8, 0],
            ),
        ),
        (
            "1xx without an end",
            Act::Floods(Vec::new(), bytes("HTTP/1.1 102 Processing\r\n\r\n")),
        ),
        (
            "1xx and then an answer",
            Act::Says(
                [
                    bytes("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"),
                    answer(200, "", b"{}"),
                ]
                .concat(),
            ),
        ),
        (
            "two answers",
            Act::Says([answer(200, "", b"{}"), answer(200, "", b"{\"evil\":1}")].concat()),
        ),
        (
            "a longer body than said",
            Act::Says([answer(200, "", b"{}"), bytes("{\"evil\":1}")].concat()),
        ),
        (
            "an upgrade",
            Act::Says(bytes(
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
            )),
        ),
        ("302", Act::status(302, "location: http://127.0.0.1:1/\r\n")),
        ("429 with a time", Act::status(429, "retry-after: 7\r\n")),
        (
            "503 with a short time",
            Act::status(503, "retry-after: 0\r\n"),
        ),
        (
            "503 with a long time",
            Act::status(503, "retry-after: 30\r\n"),
        ),
        ("invalid JSON", Act::ok("{\"a\":")),
        (
            "invalid UTF-8",
            Act::Answers(
                200,
                "content-type: application/json\r\n".to_owned(),
                vec![b'"', 0xff, b'"'],
            ),
        ),
        ("deep JSON", Act::ok(&"[".repeat(10_000))),
        (
            "a page for people",
            Act::Answers(
                200,
                "content-type: text/html\r\n".to_owned(),
                bytes("<html>"),
            ),
        ),
    ];
    let statuses = [
        ("400", 400),
        ("401", 401),
        ("403", 403),
        ("404", 404),
        ("409", 409),
        ("422", 422),
        ("429", 429),
        ("500", 500),
        ("502", 502),
        ("503", 503),
        ("504", 504),
    ];
    all.extend(statuses.map(|(name, status)| (name, Act::json(status, "{}"))));
    all
}
