//! Any call is taken out of its frame within its limit, or refused; and what is framed reads back.
//!
//! The input is a content type on a line, header lines, an empty line and a body. A content type that names no
//! protocol chooses one by its length.

#![no_main]

use std::iter;

use bytes::Bytes;
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use linkbridge::transport::{Codec, Detail, Protocol, Status, answer, message, refuse, timeout};

const LIMIT: usize = 4096;

fuzz_target!(|data: &[u8]| {
    let end = data.windows(2).position(|two| two == b"\n\n");
    let (head, body) = end.map_or((data, &[][..]), |end| (&data[..end], &data[end + 2..]));
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let content_type = lines.next().unwrap_or_default();
    let word = Protocol::NAMES[content_type.len() % Protocol::NAMES.len()];
    let protocol = Protocol::named(content_type).or_else(|| Protocol::named_word(word, Codec::Json)).unwrap();
    let headers = fields(lines);

    if let Err(status) = timeout(protocol, &headers) {
        refused(protocol, &status);
    }
    match message(protocol, &headers, Bytes::copy_from_slice(body), LIMIT) {
        Ok(read) => {
            assert!(read.len() <= LIMIT);
            reads_back(&read);
        }
        Err(mut status) => {
            refused(protocol, &status);
            // A text and a detail that somebody else chose.
            status.message = head.into_owned();
            status.details.push(Detail { type_name: "acme.Any".to_owned(), value: body.to_vec() });
            refused(protocol, &status);
        }
    }
});

fn fields<'a>(lines: impl Iterator<Item = &'a str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        if let Some((name, value)) = line.split_once(':')
            && let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.trim().parse::<http::HeaderValue>())
        {
            headers.append(name, value);
        }
    }
    headers
}

/// A message that was read can be sent, and is the same then.
fn reads_back(read: &Bytes) {
    let grpc = Protocol::Grpc(Codec::Proto);
    let told = answer(grpc, HeaderMap::new(), read.to_vec());
    assert_eq!(message(grpc, &HeaderMap::new(), told.body, LIMIT).as_ref(), Ok(read));
}

/// A refusal says in every protocol what it must.
fn refused(protocol: Protocol, status: &Status) {
    let words = Protocol::NAMES.iter().filter_map(|word| Protocol::named_word(word, Codec::Proto));
    for protocol in words.chain(iter::once(protocol)) {
        let told = refuse(protocol, HeaderMap::new(), status);
        match protocol {
            Protocol::Connect(_) => assert!(told.status >= 400 && told.body.starts_with(b"{\"code\":")),
            Protocol::Grpc(_) => assert!(told.headers.contains_key("grpc-status") && told.body.is_empty()),
            Protocol::GrpcWeb(_) => assert!(told.body.starts_with(&[0x80]) && told.body.ends_with(b"\r\n")),
            Protocol::GrpcWebText(_) => assert!(told.body.len() % 4 == 0),
        }
    }
}
