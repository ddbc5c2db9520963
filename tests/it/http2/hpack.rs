//! HPACK (RFC 7541), written for these tests: what writes can also write what is wrong, and what reads judges
//! the server's fields. Held to the examples of the RFC's appendix C.

use std::collections::VecDeque;

use super::huffman;

/// Appendix A.
const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

/// A name and a value.
pub(super) type Field = (Vec<u8>, Vec<u8>);

/// An integer whose first octet has `bits` of room beside `first` (section 5.1).
pub(super) fn integer(first: u8, bits: u32, value: usize, out: &mut Vec<u8>) {
    let most = (1 << bits) - 1;
    if value < most {
        out.push(first | u8::try_from(value).unwrap());
        return;
    }
    out.push(first | u8::try_from(most).unwrap());
    let mut rest = value - most;
    while rest >= 128 {
        out.push(u8::try_from(rest % 128).unwrap() | 0x80);
        rest /= 128;
    }
    out.push(u8::try_from(rest).unwrap());
}

/// A string, as it is or in Huffman's code (section 5.2).
fn string(text: &[u8], is_huffman: bool, out: &mut Vec<u8>) {
    let coded = is_huffman.then(|| huffman::encode(text));
    let text = coded.as_deref().unwrap_or(text);
    integer(u8::from(is_huffman) << 7, 7, text.len(), out);
    out.extend_from_slice(text);
}

/// Which kind of literal a field is written as (section 6.2).
#[derive(Clone, Copy)]
pub(super) enum Literal {
    Incremental,
    Without,
    Never,
}

/// A field as a literal, whose name may be an index.
pub(super) fn literal(
    kind: Literal,
    is_huffman: bool,
    name: Result<usize, &[u8]>,
    value: &[u8],
    out: &mut Vec<u8>,
) {
    let (first, bits) = match kind {
        Literal::Incremental => (0x40, 6),
        Literal::Without => (0, 4),
        Literal::Never => (0x10, 4),
    };
    match name {
        Ok(index) => integer(first, bits, index, out),
        Err(name) => {
            out.push(first);
            string(name, is_huffman, out);
        }
    }
    string(value, is_huffman, out);
}

/// What reads the fields of one direction.
pub(super) struct Decoder {
    table: VecDeque<Field>,
    most: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            table: VecDeque::new(),
            most: 4096,
        }
    }
}

impl Decoder {
    /// Reads a whole list of fields.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Result<Vec<Field>, String> {
        let mut fields = Vec::new();
        while let Some(&first) = bytes.first() {
            match first {
                0x80.. => {
                    let index = read_integer(&mut bytes, 7)?;
                    fields.push(self.entry(index)?);
                }
                0x40.. => {
                    let field = self.read_literal(&mut bytes, 6)?;
                    self.table.push_front(field.clone());
                    self.evict();
                    fields.push(field);
                }
                0x20.. => {
                    if !fields.is_empty() {
                        return Err("a size within a list".to_owned());
                    }
                    self.most = read_integer(&mut bytes, 5)?;
                    if self.most > 4096 {
                        return Err("a table that is too large".to_owned());
                    }
                    self.evict();
                }
                _ => fields.push(self.read_literal(&mut bytes, 4)?),
            }
        }
        Ok(fields)
    }

    fn read_literal(&mut self, bytes: &mut &[u8], bits: u32) -> Result<Field, String> {
        let name = match read_integer(bytes, bits)? {
            0 => read_string(bytes)?,
            index => self.entry(index)?.0,
        };
        Ok((name, read_string(bytes)?))
    }

    fn entry(&self, index: usize) -> Result<Field, String> {
        let index = index.checked_sub(1).ok_or("index 0")?;
        if let Some((name, value)) = STATIC.get(index) {
            return Ok((name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        }
        let entry = self.table.get(index - STATIC.len()).cloned();
        entry.ok_or_else(|| format!("no entry {index}"))
    }

    fn evict(&mut self) {
        let size = |(name, value): &Field| name.len() + value.len() + 32;
        while self.table.iter().map(size).sum::<usize>() > self.most {
            self.table.pop_back();
        }
    }
}

fn octet(bytes: &mut &[u8]) -> Result<u8, String> {
    let (first, rest) = bytes.split_first().ok_or("the list ends too early")?;
    *bytes = rest;
    Ok(*first)
}

fn read_integer(bytes: &mut &[u8], bits: u32) -> Result<usize, String> {
    let most = (1 << bits) - 1;
    let mut value = usize::from(octet(bytes)?) & most;
    if value < most {
        return Ok(value);
    }
    for shift in (0..28).step_by(7) {
        let next = octet(bytes)?;
        value += usize::from(next & 0x7f) << shift;
        if next < 0x80 {
            return Ok(value);
        }
    }
    Err("an integer without an end".to_owned())
}

fn read_string(bytes: &mut &[u8]) -> Result<Vec<u8>, String> {
    let is_huffman = bytes.first().is_some_and(|first| *first >= 0x80);
    let length = read_integer(bytes, 7)?;
    let (text, rest) = bytes
        .split_at_checked(length)
        .ok_or("a string without an end")?;
    *bytes = rest;
    match is_huffman {
        true => huffman::decode(text),
        false => Ok(text.to_vec()),
    }
}

/// The examples of appendix C.4 and C.6: one table over several lists, Huffman's code, and entries that leave.
#[test]
fn the_examples_of_the_rfc_are_read() {
    let lines = |fields: Vec<Field>| {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let lines = fields.into_iter();
        lines
            .map(|(name, value)| format!("{}: {}", text(name), text(value)))
            .collect::<Vec<_>>()
    };
    let mut requests = Decoder::default();
    for (hex, more) in [
        ("828684418cf1e3c2e5f23a6ba0ab90f4ff", &[][..]),
        ("828684be5886a8eb10649cbf", &["cache-control: no-cache"]),
    ] {
        let mut expected = vec![
            ":method: GET",
            ":scheme: http",
            ":path: /",
            ":authority: www.example.com",
        ];
        expected.extend(more);
        let read = requests.read(&super::frames::hex(hex).unwrap()).unwrap();
        assert_eq!(lines(read), expected);
    }
    let mut responses = Decoder {
        most: 256,
        ..Decoder::default()
    };
    let date = "date: Mon, 21 Oct 2013 20:13:21 GMT";
    let later = "date: Mon, 21 Oct 2013 20:13:22 GMT";
    let place = "location: https://www.example.com";
    let cookie = "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
    for (hex, expected) in [
        (
            "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad1718\
             63c78f0b97c8e9ae82ae43d3",
            &[":status: 302", "cache-control: private", date, place][..],
        ),
        (
            "4883640effc1c0bf",
            &[":status: 307", "cache-control: private", date, place],
        ),
        (
            "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7\
             b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
            &[
                ":status: 200",
                "cache-control: private",
                later,
                place,
                "content-encoding: gzip",
                cookie,
            ],
        ),
    ] {
        let read = responses.read(&super::frames::hex(hex).unwrap()).unwrap();
        assert_eq!(lines(read), expected);
    }
    let every: Vec<u8> = (0..=255).collect();
    assert_eq!(huffman::decode(&huffman::encode(&every)), Ok(every));
}
