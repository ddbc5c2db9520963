//! One connection: bytes out, answers in, to its end.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// What is known of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) status: u16,
    /// Whether it says that it is the last one.
    pub(super) says_close: bool,
}

/// Longer than any deadline of the server.
const PATIENCE: Duration = Duration::from_secs(20);

/// Writes these pieces, one after the other, and reads answers until the server closes. `heads` says which of
/// the answers have no body. Where the server waits for more, `gives_up` closes the writing side once it has
/// answered as many requests as there are heads.
pub(super) fn talk(
    addr: SocketAddr,
    pieces: &[&[u8]],
    heads: &[bool],
    gives_up: bool,
) -> Result<Vec<Answered>, String> {
    let mut stream = TcpStream::connect(addr).map_err(|e| e.to_string())?;
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    for piece in pieces {
        // A server that has refused closes, and may have done so before all was written.
        if stream.write_all(piece).is_err() {
            break;
        }
    }
    let (mut got, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    let mut has_given_up = !gives_up;
    loop {
        let (answers, _) = parse(&got, heads, false)?;
        if !has_given_up && answers.len() >= heads.len() {
            has_given_up = true;
            // It fails where the server has closed.
            let _ = stream.shutdown(Shutdown::Write);
        }
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => got.extend_from_slice(&buffer[..n]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                return Err(format!("reset after {} bytes of answers", got.len()));
            }
            Err(error) => {
                let text = String::from_utf8_lossy(&got);
                return Err(format!("not closed ({error}) after {text:?}"));
            }
        }
    }
    // What is refused may have been a HEAD as far as it could be read: then its refusal has no body either.
    let sent = pieces.concat();
    let may_be_head = sent.windows(5).any(|five| five == b"HEAD ");
    let (answers, left) = parse(&got, heads, may_be_head)?;
    match left {
        0 => Ok(answers),
        _ => Err(format!("{left} bytes behind {answers:?} are no answer")),
    }
}

/// All answers that are complete, and how many bytes are left. What only goes before an answer is none.
/// Behind those of complete requests, one whose body is missing is complete if `may_be_head`.
fn parse(
    mut bytes: &[u8],
    heads: &[bool],
    may_be_head: bool,
) -> Result<(Vec<Answered>, usize), String> {
    let mut answers: Vec<Answered> = Vec::new();
    while let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let status = head
            .strip_prefix("http/1.1 ")
            .or_else(|| head.strip_prefix("http/1.0 "))
            .and_then(|rest| rest.get(..3)?.parse().ok());
        let status: u16 = status.ok_or_else(|| format!("no answer: {head:?}"))?;
        let field = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(n, _)| *n == name).map(|(_, value)| value)
        };
        if status < 200 {
            bytes = &bytes[end + 4..];
            continue;
        }
        let length = match field("content-length").map(str::parse) {
            _ if heads.get(answers.len()) == Some(&true) => 0,
            _ if may_be_head && heads.len() <= answers.len() && bytes.len() == end + 4 => 0,
            Some(Ok(length)) => length,
            None if status == 204 => 0,
            other => return Err(format!("an answer of {status} with the length {other:?}")),
        };
        if bytes.len() < end + 4 + length {
            break;
        }
        bytes = &bytes[end + 4 + length..];
        answers.push(Answered {
            status,
            // To a client of HTTP/1.0 an answer is the last one unless it says otherwise.
            says_close: field("connection") == Some("close")
                || (head.starts_with("http/1.0 ") && field("connection") != Some("keep-alive")),
        });
    }
    Ok((answers, bytes.len()))
}
