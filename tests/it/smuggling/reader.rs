//! A strict reader of HTTP/1.1 requests, from RFC 9112 and nothing else: what the server is judged by.
//!
//! It has all bytes at once and takes its time, so it is written as the grammar is: it cuts heads out of the
//! stream, lines out of heads, and parts out of lines.

/// What a stream of bytes is.
#[derive(Debug)]
pub(super) struct Reading {
    /// The methods of the requests that are complete.
    pub(super) methods: Vec<String>,
    /// What comes after them.
    pub(super) end: End,
}

/// How a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With the last byte of a request.
    Clean,
    /// In the middle of one, as far as can be told.
    Incomplete,
    /// With a request after which nothing is read.
    Last,
    /// In something that is none, or that has more than one reading.
    Bad(&'static str),
}

impl Reading {
    /// For each complete request, whether it is a HEAD, whose answer has no body.
    pub(super) fn heads(&self) -> Vec<bool> {
        self.methods.iter().map(|method| method == "HEAD").collect()
    }
}

/// Why reading stops.
enum Stop {
    Incomplete,
    Bad(&'static str),
}

struct Request {
    method: String,
    is_last: bool,
    length: usize,
}

/// Reads requests to the end of a stream.
pub(super) fn read(stream: &[u8]) -> Reading {
    let mut methods = Vec::new();
    let mut rest = stream;
    let end = loop {
        if rest.is_empty() {
            break End::Clean;
        }
        match request(rest) {
            Ok(request) => {
                methods.push(request.method);
                rest = &rest[request.length..];
                if request.is_last {
                    break End::Last;
                }
            }
            Err(Stop::Incomplete) => break End::Incomplete,
            Err(Stop::Bad(why)) => break End::Bad(why),
        }
    };
    Reading { methods, end }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

fn request(bytes: &[u8]) -> Result<Request, Stop> {
    // Section 2.2: an empty line before a request is read over.
    let skipped = if bytes.starts_with(b"\r\n") { 2 } else { 0 };
    let text = &bytes[skipped..];
    let end = find(text, b"\r\n\r\n").ok_or(Stop::Incomplete)?;
    let body = &text[end + 4..];
    let mut lines = split(&text[..end]);
    let (method, is_new) = request_line(lines.remove(0))?;
    let mut fields = Vec::new();
    for line in lines {
        fields.push(field(line)?);
    }
    let all = |name: &str| -> Vec<&[u8]> {
        let named = fields.iter().filter(|(n, _)| n == name);
        named.map(|(_, value)| *value).collect()
    };
    match all("host")[..] {
        [] if !is_new => {}
        [host] if is_host(host) => {}
        _ => return Err(Stop::Bad("not one valid Host")),
    }
    // Section 6.3.
    let length = match (&all("content-length")[..], &all("transfer-encoding")[..]) {
        ([], []) => 0,
        ([length], []) => {
            let length = number(length).ok_or(Stop::Bad("a length that is none"))?;
            if body.len() < length {
                return Err(Stop::Incomplete);
            }
            length
        }
        ([], [coding]) if is_new && coding.eq_ignore_ascii_case(b"chunked") => chunked(body)?,
        ([], _) => return Err(Stop::Bad("codings")),
        (_, []) => return Err(Stop::Bad("lengths")),
        _ => return Err(Stop::Bad("a length and a coding")),
    };
    // Section 9.3.
    let connection: Vec<u8> = all("connection").join(&b","[..]).to_ascii_lowercase();
    let says = |word: &[u8]| {
        let mut words = connection.split(|byte| *byte == b',');
        words.any(|w| w.trim_ascii() == word)
    };
    Ok(Request {
        method,
        is_last: says(b"close") || (!is_new && !says(b"keep-alive")),
        length: skipped + end + 4 + length,
    })
}

fn split(head: &[u8]) -> Vec<&[u8]> {
    let (mut lines, mut rest) = (Vec::new(), head);
    while let Some(at) = find(rest, b"\r\n") {
        lines.push(&rest[..at]);
        rest = &rest[at + 2..];
    }
    lines.push(rest);
    lines
}

fn is_token(bytes: &[u8]) -> bool {
    let one = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(one)
}

/// Section 3. The second answer is whether it is HTTP/1.1.
fn request_line(line: &[u8]) -> Result<(String, bool), Stop> {
    let words: Vec<_> = line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = words[..] else {
        return Err(Stop::Bad("not three words"));
    };
    if !is_token(method) {
        return Err(Stop::Bad("a method that is no token"));
    }
    if target.is_empty() || !target.iter().all(u8::is_ascii_graphic) || target.contains(&b'#') {
        return Err(Stop::Bad("a target with bytes of no target"));
    }
    let is_target = target.starts_with(b"/")
        || target == b"*"
        || target.windows(3).any(|three| three == b"://");
    if !is_target {
        return Err(Stop::Bad("a target of no form that is served"));
    }
    let is_new = match version {
        b"HTTP/1.1" => true,
        b"HTTP/1.0" => false,
        _ => return Err(Stop::Bad("another version")),
    };
    Ok((String::from_utf8_lossy(method).into_owned(), is_new))
}

/// Section 5: a name in lower case, and a value without the white space around it.
fn field(line: &[u8]) -> Result<(String, &[u8]), Stop> {
    let colon = find(line, b":").ok_or(Stop::Bad("a line without a colon"))?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if !is_token(name) {
        return Err(Stop::Bad("a name that is no token"));
    }
    let may_stand = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
    if !value.iter().all(may_stand) {
        return Err(Stop::Bad("a control character in a value"));
    }
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !blank(byte));
    let end = value.iter().rposition(|byte| !blank(byte));
    let value = match (start, end) {
        (Some(start), Some(end)) => &value[start..=end],
        _ => b"",
    };
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    Ok((name, value))
}

/// Section 3.2, as far as no list of hosts, no user and no path is one.
fn is_host(host: &[u8]) -> bool {
    let one = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(byte);
    !host.is_empty() && host.iter().all(one)
}

/// A length that every program reads in the same way: no sign, no zeros before it, not too long.
fn number(text: &[u8]) -> Option<usize> {
    let plain = text.iter().all(u8::is_ascii_digit) && (text == b"0" || !text.starts_with(b"0"));
    let text = std::str::from_utf8(text).ok().filter(|_| plain)?;
    text.parse().ok()
}

/// Section 7.1: how long a chunked body is.
fn chunked(body: &[u8]) -> Result<usize, Stop> {
    let mut at = 0;
    loop {
        let rest = &body[at..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit());
        let digits = digits.count();
        if digits > 8 {
            return Err(Stop::Bad("a size of too many digits"));
        }
        let behind = &rest[digits..];
        if behind.is_empty() || behind == b"\r" {
            return match digits {
                0 if !behind.is_empty() => Err(Stop::Bad("no size")),
                _ => Err(Stop::Incomplete),
            };
        }
        if digits == 0 || !behind.starts_with(b"\r\n") {
            return Err(Stop::Bad("not a size and a line end"));
        }
        let text = std::str::from_utf8(&rest[..digits]).unwrap();
        let size = usize::from_str_radix(text, 16).unwrap();
        at += digits + 2;
        if size == 0 {
            return trailers(&body[at..]).map(|length| at + length);
        }
        let Some(end) = body.get(at + size..) else {
            return Err(Stop::Incomplete);
        };
        match end {
            [] | [b'\r'] => return Err(Stop::Incomplete),
            [b'\r', b'\n', ..] => at += size + 2,
            _ => return Err(Stop::Bad("a chunk that does not end")),
        }
    }
}

/// Section 7.1.2: how long the trailers are, with the empty line.
fn trailers(bytes: &[u8]) -> Result<usize, Stop> {
    let mut at = 0;
    loop {
        let rest = &bytes[at..];
        let end = find(rest, b"\r\n").ok_or(Stop::Incomplete)?;
        at += end + 2;
        if end == 0 {
            return Ok(at);
        }
        field(&rest[..end])?;
    }
}

#[test]
fn the_judge_knows_what_it_judges() {
    let ends = |stream: &str| {
        let reading = read(stream.as_bytes());
        (reading.methods.len(), reading.end)
    };
    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(ends(&format!("{get}\r\n{get}")), (2, End::Clean));
    assert_eq!(ends(&get[..10]), (0, End::Incomplete));
    assert!(matches!(ends("GET / HTTP/1.1\r\n\r\n"), (0, End::Bad(_))));
    let post = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(
        ends(&format!("{post}2\r\nok\r\n0\r\nX: y\r\n\r\n")),
        (1, End::Clean)
    );
    assert_eq!(ends(&format!("{post}2\r\no")), (0, End::Incomplete));
    assert!(matches!(ends(&format!("{post}2;\r\n")), (0, End::Bad(_))));
}
