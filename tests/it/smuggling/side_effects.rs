//! A body is whole and good before anything is done with it.

use std::fmt::Write as _;

use super::World;
use super::talk::talk;
use crate::support::client::Client;
use crate::support::fixtures::{A, K, LINK, create_body};

/// What follows a body that is complete and good as far as it goes: each breaks the framing.
const BREAKS: [&str; 12] = [
    "0;x\r\n\r\n",
    "0\n\r\n",
    "0\r\n\n",
    "0\r\nContent-Length: 5\r\n\r\n",
    "0\r\nnonsense\r\n\r\n",
    "5 \r\nhello\r\n0\r\n\r\n",
    "x\r\n",
    "\r\n",
    "1\r\n \n",
    "1\r\n  \r\n0\r\n\r\n",
    "ffffffffff\r\n",
    "0\r\nX: \u{0}\r\n\r\n",
];

#[test]
fn a_broken_body_never_leads_to_a_write() {
    let world = World::start();
    let addr = world.server.addr;
    let mut wrong = String::new();
    let post = |framing: &str| {
        format!(
            "POST {LINK} HTTP/1.1\r\nHost: a\r\nAuthorization: {K}\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"
        )
    };
    for (index, end) in BREAKS.iter().enumerate() {
        let body = create_body(A, &format!("broken-{index}"), "Ann", "opaque").to_string();
        let head = post("Transfer-Encoding: chunked");
        let bytes = format!("{head}{:x}\r\n{body}\r\n{end}", body.len());
        let got = talk(addr, &[bytes.as_bytes()], &[], false);
        if !matches!(got.as_deref(), Ok([one]) if one.status == 400 && one.says_close) {
            writeln!(wrong, "{end:?}: {got:?}").unwrap();
        }
    }
    // A body that only breaks off, in either framing.
    for (index, (head, more)) in [
        (post("Transfer-Encoding: chunked"), "0\r\n"),
        (post("Transfer-Encoding: chunked"), ""),
        (post("Content-Length: 100000"), ""),
    ]
    .iter()
    .enumerate()
    {
        let body = create_body(A, &format!("short-{index}"), "Ann", "opaque").to_string();
        let bytes = match head.contains("chunked") {
            true => format!("{head}{:x}\r\n{body}\r\n{more}", body.len()),
            false => format!("{head}{body}"),
        };
        let got = talk(addr, &[bytes.as_bytes()], &[], true);
        if !matches!(got.as_deref(), Ok([]) | Ok([_])) {
            writeln!(wrong, "short {index}: {got:?}").unwrap();
        }
    }
    let mut client = Client::new(addr);
    let links = client.bare("GET", &format!("{LINK}?userId={A}")).unwrap();
    assert_eq!(links.status, 200);
    for written in ["broken-", "short-"] {
        if links.text().contains(written) {
            writeln!(wrong, "written: {}", links.text()).unwrap();
        }
    }
    // The same body in good framing is written: the test would see it.
    let body = create_body(A, "whole", "Ann", "opaque").to_string();
    let head = post("Transfer-Encoding: chunked\r\nConnection: close");
    let bytes = format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let got = talk(addr, &[bytes.as_bytes()], &[false], false).unwrap();
    assert_eq!(got[0].status, 200);
    let links = client.bare("GET", &format!("{LINK}?userId={A}")).unwrap();
    assert!(links.text().contains("whole"));
    assert!(wrong.is_empty(), "{wrong}");
}
