//! Bodies go through as they come: the first byte arrives before the last is sent, and little is held.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

use super::origin::Origin;
use super::world::{THEIRS, World, connect, request};

const SIZE: usize = 64 * 1024 * 1024;
const PIECE: usize = 64 * 1024;
/// What the process may grow by: far less than a body.
const GROWTH_KB: u64 = 8 * 1024;

fn world(origin: &Origin) -> World {
    World::start(origin, "ory", "[\"* /x/**\"]", "")
}

/// The most memory that a process has had, in kB.
fn peak(world: &World) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", world.server.pid())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Bytes by which it shows what is lost or out of order.
fn piece(n: usize) -> Vec<u8> {
    (0..PIECE).map(|i| ((n * 31 + i) % 251) as u8).collect()
}

fn write_pieces(stream: &mut impl FnMut(&[u8]), from: usize, to: usize) {
    for n in from..to {
        stream(&piece(n));
    }
}

fn read_pieces(read: &mut impl FnMut(&mut [u8]) -> usize, from: usize, to: usize) {
    let mut buffer = vec![0; PIECE];
    for n in from..to {
        let mut filled = 0;
        while filled < PIECE {
            let count = read(&mut buffer[filled..]);
            assert!(count > 0, "the body ended in piece {n}");
            filled += count;
        }
        assert!(buffer == piece(n), "piece {n} is another one");
    }
}

fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

const PIECES: usize = SIZE / PIECE;
const FIRST: usize = 4;

#[test]
fn a_large_request_goes_through_while_it_is_sent() {
    let (came, has_come) = mpsc::channel();
    let origin = Origin::start_at_head(move |_, peer| {
        read_pieces(&mut |buffer| peer.read(buffer), 0, FIRST);
        came.send(()).unwrap();
        read_pieces(&mut |buffer| peer.read(buffer), FIRST, PIECES);
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    });
    let world = world(&origin);
    let before = peak(&world);
    let mut stream = connect(world.addr());
    let more = format!("Content-Length: {SIZE}\r\n");
    let text = request("POST", "/x/a", &format!("Bearer {THEIRS}"), &more);
    stream.write_all(text.as_bytes()).unwrap();
    let mut write = |bytes: &[u8]| stream.write_all(bytes).unwrap();
    // A little more than the origin waits for: a piece may be held.
    write_pieces(&mut write, 0, FIRST + 2);
    has_come.recv_timeout(Duration::from_secs(10)).unwrap();
    write_pieces(&mut write, FIRST + 2, PIECES);
    let answer = head(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let grown = peak(&world) - before;
    assert!(grown < GROWTH_KB, "{grown} kB more");
}

#[test]
fn a_large_answer_goes_through_while_it_is_sent_and_no_faster_than_it_is_read() {
    let (go_on, goes_on) = mpsc::channel();
    let goes_on = std::sync::Mutex::new(goes_on);
    let origin = Origin::start(move |_, peer| {
        peer.say(&format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"
        ));
        let mut write = |bytes: &[u8]| peer.write(bytes).unwrap();
        write_pieces(&mut write, 0, FIRST);
        goes_on
            .lock()
            .unwrap()
            .recv_timeout(Duration::from_secs(10))
            .unwrap();
        write_pieces(&mut write, FIRST, PIECES);
    });
    let world = world(&origin);
    let before = peak(&world);
    let mut stream = connect(world.addr());
    let text = request("GET", "/x/a", &format!("Bearer {THEIRS}"), "");
    stream.write_all(text.as_bytes()).unwrap();
    let answer = head(&mut stream);
    assert!(answer.contains(&SIZE.to_string()), "{answer}");
    read_pieces(&mut |buffer| stream.read(buffer).unwrap(), 0, FIRST);
    go_on.send(()).unwrap();
    // The origin could send all of it in this time, if somebody held it.
    std::thread::sleep(Duration::from_secs(1));
    let grown = peak(&world) - before;
    assert!(grown < GROWTH_KB, "{grown} kB more");
    read_pieces(&mut |buffer| stream.read(buffer).unwrap(), FIRST, PIECES);
    let grown = peak(&world) - before;
    assert!(grown < GROWTH_KB, "{grown} kB more");
}

#[test]
fn both_directions_at_once() {
    let origin = Origin::start_at_head(move |_, peer| {
        peer.say(&format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"
        ));
        let mut buffer = vec![0; PIECE];
        let mut left = SIZE;
        while left > 0 {
            let n = peer.read(&mut buffer);
            assert!(n > 0, "the body ended {left} bytes early");
            peer.write(&buffer[..n]).unwrap();
            left -= n;
        }
    });
    let world = world(&origin);
    let before = peak(&world);
    let mut stream = connect(world.addr());
    let mut writer = stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        let more = format!("Content-Length: {SIZE}\r\n");
        let text = request("POST", "/x/a", &format!("Bearer {THEIRS}"), &more);
        writer.write_all(text.as_bytes()).unwrap();
        write_pieces(&mut |bytes| writer.write_all(bytes).unwrap(), 0, PIECES);
    });
    let answer = head(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    read_pieces(&mut |buffer| stream.read(buffer).unwrap(), 0, PIECES);
    sender.join().unwrap();
    let grown = peak(&world) - before;
    assert!(grown < GROWTH_KB, "{grown} kB more");
}
