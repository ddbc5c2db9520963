//! What a host is: the value of `Host`, and the authority of a target.

/// Whether `text` is a host with an optional port, and nothing more (no user, no white space).
pub(super) fn is_host(text: &str) -> bool {
    let (host, port) = split_port(text);
    let inside = host
        .strip_prefix('[')
        .map(|h| h.strip_suffix(']').unwrap_or(""));
    let good_host = match inside {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        }
    };
    good_host
        && port.is_none_or(|port| {
            port.parse::<u16>().is_ok() && port.bytes().all(|b| b.is_ascii_digit())
        })
}

/// The host without its port, in lower case.
pub(super) fn bare_host(text: &str) -> String {
    split_port(text).0.to_ascii_lowercase()
}

fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    }
}
