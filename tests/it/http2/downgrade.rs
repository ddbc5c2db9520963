//! Requests of HTTP/2 that are passed on as HTTP/1.1: an origin that writes down every byte gets a request in one
//! canonical framing, or nothing at all.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::case::{Case, read};
use super::place::Way;
use crate::passthrough::origin::{Origin, field, fields};
use crate::passthrough::world::World;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";

/// What is wrong with a head as an origin got it. A reader that knows one way to write a request only.
fn fault(head: &str, addr: SocketAddr) -> Option<String> {
    let Some(lines) = head.strip_suffix("\r\n\r\n") else {
        return Some("no end".to_owned());
    };
    let is_name = |name: &str| {
        let more = |b| b"!#$%&'*+-.^`|~".contains(&b);
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || more(b))
    };
    let mut lines = lines.split("\r\n");
    let first: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, "HTTP/1.1"] = first[..] else {
        return Some(format!("first line {first:?}"));
    };
    if !is_name(method)
        || !target.starts_with("/x/")
        || !target.bytes().all(|b| b.is_ascii_graphic())
    {
        return Some(format!("first line {first:?}"));
    }
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            return Some(format!("no field: {line:?}"));
        };
        let is_control = |b: u8| b.is_ascii_control() && b != b'\t';
        if !is_name(name) || value.bytes().any(is_control) {
            return Some(format!("field {line:?}"));
        }
    }
    let count = |name| fields(head, name).len();
    let framing = count("content-length") + count("transfer-encoding");
    let is_framed = framing <= 1 && field(head, "transfer-encoding").is_none_or(|t| t == "chunked");
    let is_there = fields(head, "host") == [addr.to_string()];
    match (is_framed, is_there, count("connection") + count("upgrade")) {
        (true, true, 0) => None,
        _ => Some(format!("framing, host or connection of {head:?}")),
    }
}

/// A body out of its framing.
fn body(head: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
    if field(head, "transfer-encoding").is_none() {
        return Ok(bytes.to_vec());
    }
    let (mut out, mut rest) = (Vec::new(), bytes);
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n");
        let (size, after) = rest.split_at(end.ok_or("no size of a chunk")?);
        let size = std::str::from_utf8(size).map_err(|e| e.to_string())?;
        let size = usize::from_str_radix(size, 16).map_err(|e| e.to_string())?;
        let chunk = after.get(2..2 + size).ok_or("a chunk without its end")?;
        out.extend_from_slice(chunk);
        rest = after[2 + size..]
            .strip_prefix(b"\r\n")
            .ok_or("a chunk without its end")?;
        if size == 0 {
            return if rest.is_empty() {
                Ok(out)
            } else {
                Err("more than a body".to_owned())
            };
        }
    }
}

/// What is wrong with what came of a case.
async fn judge(way: &Way, case: &Case, origin: &Origin) -> Result<(), String> {
    let n = origin.heads().len();
    way.play(case, 1).await?;
    let heads = origin.heads();
    let new = &heads[n..];
    let Some(expected) = &case.arrives else {
        return match new {
            [] => Ok(()),
            new => Err(format!("the origin got {new:?}")),
        };
    };
    let [head] = new else {
        return Err(format!("the origin got {} requests", new.len()));
    };
    if let Some(fault) = fault(head, origin.addr) {
        return Err(fault);
    }
    let bodies = origin.bodies();
    let got = body(head, bodies.last().ok_or("no body")?)?;
    match got == expected.as_bytes() {
        true => Ok(()),
        false => Err(format!("body {:?}", String::from_utf8_lossy(&got))),
    }
}

#[test]
fn an_origin_gets_one_canonical_framing_or_nothing() {
    let surplus = Arc::new(Mutex::new(Vec::new()));
    let more = Arc::clone(&surplus);
    let origin = Origin::start(move |_, peer| {
        peer.say(OK);
        let mut buffer = [0; 4096];
        while let n @ 1.. = peer.read(&mut buffer) {
            more.lock().unwrap().extend_from_slice(&buffer[..n]);
        }
    });
    let mut world = World::start(&origin, "ory", "[\"* /x/**\"]", "");
    let way = Way::Clear(world.server.http2);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut wrong = Vec::new();
    for case in read("downgrade") {
        if let Err(why) = runtime.block_on(judge(&way, &case, &origin)) {
            wrong.push(format!("{}: {why}", case.name));
        }
    }
    // Whatever follows a request on its connection has come by then.
    std::thread::sleep(Duration::from_millis(100));
    let surplus = surplus.lock().unwrap();
    if !surplus.is_empty() {
        wrong.push(format!(
            "beside its requests, the origin got {:?}",
            String::from_utf8_lossy(&surplus)
        ));
    }
    assert!(world.server.lives());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
