use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits {
    head_bytes: 400,
    fields: 8,
    target_bytes: 100,
    field_bytes: 60,
};

/// What comes of a stream that comes in pieces of these lengths, over and over: how much passes, how many
/// heads that are, and what is refused.
fn run(bytes: &[u8], pieces: &[usize]) -> (Vec<u8>, u64, Option<Fault>) {
    let mut filter = Filter::new(LIMITS);
    let (mut window, mut passed) = (Vec::new(), Vec::new());
    let (mut rest, mut lengths) = (bytes, pieces.iter().cycle());
    while !rest.is_empty() {
        let (piece, more) = rest.split_at((*lengths.next().unwrap()).clamp(1, rest.len()));
        rest = more;
        window.extend_from_slice(piece);
        let count = filter.look(&mut window);
        passed.extend(window.drain(..count));
    }
    let fault = filter.refusal().map(|refusal| refusal.fault);
    // A body passes up to the very byte that is wrong; with a head nothing of it does.
    (passed, filter.heads(), fault)
}

fn refused(text: &str) -> Option<Fault> {
    run(text.as_bytes(), &[usize::MAX]).2
}

#[test]
fn what_has_one_reading_passes_as_it_is() {
    for good in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        "GET http://A/x?y HTTP/1.1\r\nhost:\t a \t\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0a\r\n0123456789\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: \u{e4}\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nX-Text: \u{fc}\tb\r\n\r\n",
    ] {
        for pieces in [&[usize::MAX][..], &[1], &[3, 7, 1]] {
            let (passed, _, fault) = run(good.as_bytes(), pieces);
            assert_eq!((passed.as_slice(), fault), (good.as_bytes(), None));
        }
    }
}

#[test]
fn what_is_refused_says_why() {
    let field = |field: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n");
    let chunks = |body: &str| {
        format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}")
    };
    let cases = [
        (
            "GET / HTTP/1.1\nHost: a\r\n\r\n".to_owned(),
            Fault::BareLineFeed,
        ),
        (
            "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n".to_owned(),
            Fault::BareCarriageReturn,
        ),
        ("\r\n\r\nGET / HTTP/1.1\r\n".to_owned(), Fault::EmptyLines),
        ("GET  / HTTP/1.1\r\n".to_owned(), Fault::RequestLine),
        ("GET /\r\n".to_owned(), Fault::RequestLine),
        ("PRI * HTTP/2.0\r\n".to_owned(), Fault::Version),
        ("GET x HTTP/1.1\r\n".to_owned(), Fault::Target),
        ("GET /#a HTTP/1.1\r\n".to_owned(), Fault::Target),
        ("GET http://a@b/ HTTP/1.1\r\n".to_owned(), Fault::Target),
        ("CONNECT a:1 HTTP/1.1\r\n".to_owned(), Fault::Connect),
        (format!("{} / HTTP/1.1\r\n", "M".repeat(33)), Fault::Method),
        (
            format!("GET /{} HTTP/1.1\r\n", "x".repeat(100)),
            Fault::TargetTooLong,
        ),
        ("x".repeat(200), Fault::TargetTooLong),
        (
            "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            Fault::ForeignTarget,
        ),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), Fault::Host),
        (field("Host: a"), Fault::Host),
        (field(" folded"), Fault::Folded),
        (field("Name : x"), Fault::FieldName),
        (field("none"), Fault::FieldName),
        (field("X: a\0b"), Fault::Control),
        (field(&"X-A: b\r\n".repeat(8)), Fault::TooManyFields),
        (
            field(&format!("X: {}", "x".repeat(61))),
            Fault::FieldTooLong,
        ),
        (
            field(&format!("X: {0}\r\n", "x".repeat(60)).repeat(6)),
            Fault::HeadTooLarge,
        ),
        (
            field("Content-Length: 1\r\nContent-Length: 1"),
            Fault::Length,
        ),
        (field("Content-Length: +1"), Fault::Length),
        (field("Content-Length: 01"), Fault::Length),
        (field("Content-Length: 99999999999999999999"), Fault::Length),
        (
            field("Content-Length: 1\r\nTransfer-Encoding: chunked"),
            Fault::LengthAndCoding,
        ),
        (
            field("Transfer-Encoding: gzip, chunked"),
            Fault::UnknownCoding,
        ),
        (
            field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
            Fault::UnknownCoding,
        ),
        (field("Transfer-Encoding: chunked, identity"), Fault::Coding),
        (
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
            Fault::Coding,
        ),
        (field("Expect: a-pony"), Fault::Expectation),
        (chunks("5;a=b\r\n"), Fault::Chunk),
        (chunks("5 \r\n"), Fault::Chunk),
        (chunks("5\n"), Fault::Chunk),
        (chunks("\r\n"), Fault::Chunk),
        (chunks("000000001\r\n"), Fault::Chunk),
        (chunks("1\r\nabc"), Fault::Chunk),
        (chunks("0\r\nHost: a\r\n\r\n"), Fault::Trailer),
        (chunks("0\r\nContent_Length: 1\r\n\r\n"), Fault::Trailer),
        (chunks("0\r\n a\r\n\r\n"), Fault::Trailer),
        (chunks("0\r\nX: a\n\r\n"), Fault::Trailer),
    ];
    for (text, fault) in &cases {
        assert_eq!(refused(text), Some(*fault), "{text}");
        let answer = Refusal {
            fault: *fault,
            is_head: false,
        }
        .answer("now");
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
        let json: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(json["status"], fault.status());
    }
}

#[test]
fn an_upgrade_is_asked_of_nobody() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\nUPGRADE: h2c\r\nUpgraded: x\r\n\r\n";
    let (passed, _, fault) = run(head, &[5]);
    let text = String::from_utf8(passed).unwrap();
    assert!(text.contains("\r\nUPGRAD_: h2c\r\nUpgraded: x\r\n"));
    assert_eq!(fault, None);
}

#[test]
fn a_refusal_does_not_take_what_stood_before_it() {
    let good = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok";
    let bytes = [&good[..], b"GET / HTTP/1.1\nHost: a\r\n\r\n"].concat();
    let (passed, heads, fault) = run(&bytes, &[1]);
    assert_eq!((passed.as_slice(), heads), (&good[..], 1));
    assert_eq!(fault, Some(Fault::BareLineFeed));
}

/// What streams are put together from.
const PARTS: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\n",
    b"POST /x HTTP/1.1\r\nHost: a\r\n",
    b"Host: a\r\n",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"5\r\nhello\r\n",
    b"0\r\n",
    b"hello",
    b"X: y\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"\xff",
    b"\0",
    b" ",
    b"1",
];

proptest! {
    /// Any bytes, in whatever pieces: the same passes, and the same is refused.
    #[test]
    fn pieces_do_not_matter(
        parts in prop::collection::vec(prop::sample::select(PARTS), 0..16),
        pieces in prop::collection::vec(1_usize..40, 1..8),
    ) {
        let bytes = parts.concat();
        prop_assert_eq!(run(&bytes, &pieces), run(&bytes, &[usize::MAX]));
        prop_assert_eq!(run(&bytes, &[1]), run(&bytes, &[usize::MAX]));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let (passed, _, _) = run(&bytes, &[64]);
        prop_assert!(bytes.starts_with(&passed));
    }
}
