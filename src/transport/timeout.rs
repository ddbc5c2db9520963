//! How long a client waits for its answer.

use std::time::Duration;

use http::HeaderMap;

use super::{Code, Protocol, Status};

/// How long the client waits, as it says; nothing if it does not. It may be zero, and as long as 99999999
/// hours.
///
/// # Errors
/// `invalid_argument` for a time that is none.
pub fn timeout(protocol: Protocol, headers: &HeaderMap) -> Result<Option<Duration>, Status> {
    let (field, read): (_, fn(&str) -> Option<Duration>) = match protocol {
        Protocol::Connect(_) => ("connect-timeout-ms", milliseconds),
        _ => ("grpc-timeout", with_unit),
    };
    let Some(value) = headers.get(field) else {
        return Ok(None);
    };
    let time = value.to_str().ok().and_then(read);
    let refused = || Status::new(Code::InvalidArgument, format!("invalid timeout in {field}"));
    time.map(Some).ok_or_else(refused)
}

/// Connect: at most ten digits.
fn milliseconds(text: &str) -> Option<Duration> {
    number(text, 10).map(Duration::from_millis)
}

/// gRPC: at most eight digits and a unit.
fn with_unit(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let value = number(text.strip_suffix(unit)?, 8)?;
    match unit {
        'H' => Some(Duration::from_secs(value * 3600)),
        'M' => Some(Duration::from_secs(value * 60)),
        'S' => Some(Duration::from_secs(value)),
        'm' => Some(Duration::from_millis(value)),
        'u' => Some(Duration::from_micros(value)),
        'n' => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

/// A number of digits only: `parse` alone would take a sign.
fn number(text: &str, most: usize) -> Option<u64> {
    let digits = text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
