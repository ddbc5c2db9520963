//! Requests as bytes, and one answer read as bytes: what no HTTP client would send or forgive.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::super::support::client::Answer;
use super::super::support::fixtures::K;

/// The head of a request with the super key that asks for the connection to be closed.
pub(crate) fn head(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    length: Option<usize>,
) -> Vec<u8> {
    let mut text = format!(
        "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {K}\r\nConnection: close\r\n"
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(length) = length {
        text.push_str(&format!("Content-Length: {length}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// Writes bytes as they are, then reads one answer.
pub(crate) fn raw(addr: SocketAddr, bytes: &[u8]) -> Result<Answer, String> {
    let mut stream = TcpStream::connect(addr).map_err(|e| e.to_string())?;
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .map_err(|e| e.to_string())?;
    // A server may answer and close before it has read everything; its answer is still to be read.
    let _ = stream.write_all(bytes);
    read(&mut stream)
}

/// Reads one answer.
pub(crate) fn read(stream: &mut TcpStream) -> Result<Answer, String> {
    let mut got = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        if let Some(answer) = parse(&got)? {
            return Ok(answer);
        }
        match stream.read(&mut buffer) {
            Ok(0) => return Err(format!("closed after {} bytes of answer", got.len())),
            Ok(n) => got.extend_from_slice(&buffer[..n]),
            Err(error) => return Err(format!("{error} after {} bytes of answer", got.len())),
        }
    }
}

/// An answer, once it is complete. All answers of the server have a length, except those
/// that have no body whatever they say; another one that has not is a fault.
fn parse(bytes: &[u8]) -> Result<Option<Answer>, String> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok());
    let status: u16 = status.ok_or_else(|| format!("not HTTP/1.1: {first}"))?;
    let headers = lines.map(|line| {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| format!("no header: {line}"))?;
        Ok((name.to_ascii_lowercase(), value.trim().to_owned()))
    });
    let headers = headers.collect::<Result<_, String>>()?;
    let mut answer = Answer {
        status,
        headers,
        ..Answer::default()
    };
    let wanted: usize = match answer.header("content-length").map(str::parse) {
        Some(Ok(wanted)) => wanted,
        None if status == 204 => 0,
        _ => return Err(format!("an answer without a length: {status}")),
    };
    let body = &bytes[end + 4..];
    if body.len() < wanted {
        return Ok(None);
    }
    answer.body = body[..wanted].to_vec();
    Ok(Some(answer))
}
