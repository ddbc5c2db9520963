//! What holds for any bytes, any protocol and any header fields.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Code, Codec, Detail, Protocol, Status, answer, message, refuse, timeout};

/// The trailer frame of a success, which is all that follows the message.
const TRAILERS: usize = 21;

fn protocols() -> impl Strategy<Value = Protocol> {
    let codecs = prop_oneof![Just(Codec::Json), Just(Codec::Proto)];
    (0..Protocol::NAMES.len(), codecs)
        .prop_map(|(at, codec)| Protocol::named_word(Protocol::NAMES[at], codec).unwrap())
}

/// Fields that are looked at, with values near what they mean.
fn headers() -> impl Strategy<Value = HeaderMap> {
    let names = prop::sample::select(vec![
        "grpc-encoding",
        "content-encoding",
        "grpc-timeout",
        "connect-timeout-ms",
        "connect-protocol-version",
    ]);
    let values = prop_oneof![
        "(gzip|identity|br|1|2|5000m|5000)",
        "[0-9]{0,12}[HMSmunx]?",
        "[ -~\u{80}-\u{200}]{0,12}",
    ];
    vec((names, values), 0..4).prop_map(|fields| {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        headers
    })
}

/// Frames, some with a length that lies, or just bytes.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let lies = prop_oneof![4 => Just(None), 1 => any::<u32>().prop_map(Some)];
    let data = vec(any::<u8>(), 0..64);
    let frame = (prop_oneof![Just(0_u8), Just(1), any::<u8>()], lies, data);
    let frame = frame.prop_map(|(flags, lie, data)| {
        let length = lie.unwrap_or(u32::try_from(data.len()).unwrap());
        [&[flags], &length.to_be_bytes()[..], &data].concat()
    });
    let plain = prop_oneof![
        vec(frame, 0..3).prop_map(|frames| frames.concat()),
        vec(any::<u8>(), 0..96),
    ];
    (plain, any::<bool>()).prop_map(|(body, text)| {
        if text {
            STANDARD.encode(body).into_bytes()
        } else {
            body
        }
    })
}

proptest! {
    #[test]
    fn any_request_is_read_or_refused(
        protocol in protocols(), headers in headers(), body in bodies(), limit in 0_usize..96,
    ) {
        let _ = timeout(protocol, &headers);
        match message(protocol, &headers, body.into(), limit) {
            Ok(message) => prop_assert!(message.len() <= limit),
            Err(status) => drop(refuse(protocol, HeaderMap::new(), &status)),
        }
    }

    #[test]
    fn a_message_comes_out_of_its_frame_as_it_went_in(
        protocol in protocols(), sent in vec(any::<u8>(), 1..512),
    ) {
        let told = answer(protocol, HeaderMap::new(), sent.clone());
        let body = match protocol {
            Protocol::Connect(_) | Protocol::Grpc(_) => told.body,
            Protocol::GrpcWeb(_) => told.body.slice(..told.body.len() - TRAILERS),
            Protocol::GrpcWebText(_) => {
                let whole = STANDARD.decode(&told.body).unwrap();
                STANDARD.encode(&whole[..whole.len() - TRAILERS]).into()
            }
        };
        prop_assert_eq!(message(protocol, &HeaderMap::new(), body.clone(), sent.len()).unwrap(), &sent);
        let refused = message(protocol, &HeaderMap::new(), body, sent.len() - 1).unwrap_err();
        prop_assert_eq!(refused.code, Code::ResourceExhausted);
    }

    #[test]
    fn text_may_be_flushed_anywhere(sent in vec(any::<u8>(), 1..64), cuts in vec(0_usize..70, 0..6)) {
        let whole = answer(Protocol::Grpc(Codec::Proto), HeaderMap::new(), sent.clone()).body;
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(whole.len())).collect();
        cuts.extend([0, whole.len()]);
        cuts.sort_unstable();
        let text: String = cuts.windows(2).map(|cut| STANDARD.encode(&whole[cut[0]..cut[1]])).collect();
        let read = message(Protocol::GrpcWebText(Codec::Proto), &HeaderMap::new(), text.into(), 64);
        prop_assert_eq!(read.unwrap(), Bytes::from(sent));
    }

    #[test]
    fn any_text_of_a_failure_is_one_printable_line_that_reads_back(
        text in any::<String>(), value in vec(any::<u8>(), 0..300), at in 0..Code::ALL.len(),
    ) {
        let details = vec![Detail { type_name: "acme.Detail".to_owned(), value }];
        let status = Status { code: Code::ALL[at], message: text.clone(), details };
        let grpc = refuse(Protocol::Grpc(Codec::Proto), HeaderMap::new(), &status);
        let line = grpc.headers.get("grpc-message").map_or("", |value| value.to_str().unwrap());
        prop_assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        prop_assert_eq!(percent_decode_str(line).decode_utf8().unwrap(), text.as_str());
        let web = refuse(Protocol::GrpcWeb(Codec::Proto), HeaderMap::new(), &status);
        let lines = web.body.iter().filter(|byte| **byte == b'\n').count();
        // The length of the frame may have a byte that reads as one.
        let in_prefix = web.body[..5].iter().filter(|byte| **byte == b'\n').count();
        prop_assert_eq!(lines - in_prefix, if text.is_empty() { 2 } else { 3 });
        let connect = refuse(Protocol::Connect(Codec::Proto), HeaderMap::new(), &status);
        let error: serde_json::Value = serde_json::from_slice(&connect.body).unwrap();
        prop_assert_eq!(error["message"].as_str().unwrap_or_default(), text);
    }
}
