//! The notation of the cases: what is sent, and what must come.
//!
//! A line `> FRAME` sends a frame: its type (or `0x16`), its stream (`next` opens another one, `last` is that one),
//! flags by name, and the pieces of its payload:
//!
//! | piece | means |
//! |---|---|
//! | `hex:00ff` `text:abc` `zeros:9` `u8:1` `u16:1` `u32:1` | bytes |
//! | `self` | the number of the last stream, in four bytes |
//! | `set:4=65535` | a setting |
//! | `name=value` | a field, as a literal that is not indexed; `\xNN` is any byte, `{name}` what the test fills in |
//! | `fill:name=8000` `stow:name=4000` | a field with so many letters; the second goes into the table |
//! | `incremental:n=v` `without:n=v` `never:n=v` | another literal; with `~:` in Huffman's code; `#4=v` has an indexed name |
//! | `index:2` `indexes:62=500` `size:4096` | an indexed field, so many of them, a size of the table |
//! | `get` `head` `post` `pass` | the fields of a whole request; of the last, all but method and path |
//! | `reserved` `length:5` | the reserved bit is set; the head says another length |
//!
//! `> raw …` sends bytes without a head. `> 500 x A | B` sends A and B five hundred times. `> wait 100` sends nothing
//! for so many milliseconds.
//!
//! A line `< …` waits. What comes meanwhile is passed over, except for a reset or a GOAWAY that is not what is
//! waited for. Alternatives are put between `or`:
//! `GOAWAY CODE` (and the end of the connection), `RST_STREAM 1 CODE` (`*` is any code), `status 1 200` (`4xx`, `*`), `end 1` (of
//! the stream), `PING ACK 0a0b…`, `SETTINGS ACK`, `DATA 1 length:5`, `closed` (the end, whatever was said before), and
//! `alive` (a PING is answered). A script that does not end with the end of the connection must find it `alive`, unless
//! its last line is `< done`.

use std::collections::BTreeMap;

use super::frames::{hex, kind};
use super::hpack::{Literal, integer, literal};

/// What stands for what: `{key}`, and templates of requests.
pub(super) type Words = BTreeMap<&'static str, String>;

/// A line of a script.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Sends these frames so often.
    Send {
        times: usize,
        frames: Vec<String>,
    },
    Wait(u64),
    /// One of these must come.
    Expect(Vec<String>),
}

pub(super) fn parse(script: &str) -> Result<Vec<Step>, String> {
    let lines = script.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(step).collect()
}

fn step(line: &str) -> Result<Step, String> {
    let (sign, rest) = line.split_at(1);
    let rest = rest.trim();
    match sign {
        "<" => {
            let alternatives = rest.split(" or ").map(|one| one.trim().to_owned());
            Ok(Step::Expect(alternatives.collect()))
        }
        ">" => {
            if let Some(millis) = rest.strip_prefix("wait ") {
                return millis.parse().map(Step::Wait).map_err(|e| e.to_string());
            }
            let (times, rest) = match rest.split_once(" x ") {
                Some((n, rest)) => (n.trim().parse().map_err(|_| bad(line))?, rest),
                None => (1, rest),
            };
            let frames = rest.split(" | ").map(|frame| frame.trim().to_owned());
            Ok(Step::Send {
                times,
                frames: frames.collect(),
            })
        }
        _ => Err(bad(line)),
    }
}

fn bad(line: &str) -> String {
    format!("not a line of a script: {line}")
}

/// Writes frames, and knows which stream was the last.
pub(super) struct Writer<'w> {
    words: &'w Words,
    last: u32,
}

impl<'w> Writer<'w> {
    pub(super) fn new(words: &'w Words) -> Self {
        Self { words, last: 0 }
    }

    /// The bytes of a frame.
    pub(super) fn frame(&mut self, text: &str) -> Result<Vec<u8>, String> {
        let mut pieces = text.split_whitespace();
        let name = pieces.next().ok_or_else(|| bad(text))?;
        let mut out = Payload::default();
        if name == "raw" {
            for piece in pieces {
                out.add(piece, self.words)?;
            }
            return Ok(out.bytes);
        }
        let kind = kind(name).ok_or_else(|| bad(text))?;
        let stream = self.stream(pieces.next().unwrap_or("0"))?;
        for piece in pieces {
            match piece {
                "self" => out.bytes.extend(self.last.to_be_bytes()),
                piece => out.add(piece, self.words)?,
            }
        }
        let length = out.length.unwrap_or(out.bytes.len());
        let length = u32::try_from(length).map_err(|e| e.to_string())?;
        let mut bytes = length.to_be_bytes()[1..].to_vec();
        bytes.extend([kind, out.flags]);
        bytes.extend((stream | out.reserved).to_be_bytes());
        bytes.append(&mut out.bytes);
        Ok(bytes)
    }

    fn stream(&mut self, text: &str) -> Result<u32, String> {
        match text {
            "next" => {
                self.last = if self.last == 0 { 1 } else { self.last + 2 };
                Ok(self.last)
            }
            "last" => Ok(self.last),
            number => {
                let stream: u32 = number.parse().map_err(|_| bad(number))?;
                self.last = self.last.max(stream);
                Ok(stream)
            }
        }
    }
}

#[derive(Default)]
struct Payload {
    flags: u8,
    reserved: u32,
    length: Option<usize>,
    bytes: Vec<u8>,
}

impl Payload {
    fn add(&mut self, piece: &str, words: &Words) -> Result<(), String> {
        let number = |text: &str| text.parse::<usize>().map_err(|_| bad(piece));
        match piece {
            "END_STREAM" | "ACK" => self.flags |= 0x1,
            "END_HEADERS" => self.flags |= 0x4,
            "PADDED" => self.flags |= 0x8,
            "PRIORITIZED" => self.flags |= 0x20,
            "reserved" => self.reserved = 1 << 31,
            "get" | "head" | "post" | "pass" => {
                for field in words.get(piece).ok_or_else(|| bad(piece))?.split(' ') {
                    self.add(field, words)?;
                }
            }
            _ => {
                let (what, text) = piece.split_once(':').unwrap_or(("", piece));
                match what {
                    "flags" => {
                        self.flags |= u8::from_str_radix(text, 16).map_err(|_| bad(piece))?
                    }
                    "length" => self.length = Some(number(text)?),
                    "hex" => self.bytes.extend(hex(text)?),
                    "text" => self.bytes.extend(plain(text, words)?),
                    "zeros" => self.bytes.extend(vec![0; number(text)?]),
                    "u8" => self
                        .bytes
                        .push(u8::try_from(number(text)?).map_err(|_| bad(piece))?),
                    "u16" => {
                        let n = u16::try_from(number(text)?).map_err(|_| bad(piece))?;
                        self.bytes.extend(n.to_be_bytes());
                    }
                    "u32" => {
                        let n = u32::try_from(number(text)?).map_err(|_| bad(piece))?;
                        self.bytes.extend(n.to_be_bytes());
                    }
                    "set" => {
                        let (id, value) = text.split_once('=').ok_or_else(|| bad(piece))?;
                        self.add(&format!("u16:{id}"), words)?;
                        self.add(&format!("u32:{value}"), words)?;
                    }
                    "index" => integer(0x80, 7, number(text)?, &mut self.bytes),
                    "size" => integer(0x20, 5, number(text)?, &mut self.bytes),
                    "indexes" => {
                        let (index, n) = text.split_once('=').ok_or_else(|| bad(piece))?;
                        for _ in 0..number(n)? {
                            integer(0x80, 7, number(index)?, &mut self.bytes);
                        }
                    }
                    "stow" => {
                        let (name, n) = text.split_once('=').ok_or_else(|| bad(piece))?;
                        let field = format!("{name}={}", "a".repeat(number(n)?));
                        self.field("incremental", &field, words)?;
                    }
                    "fill" => {
                        let (name, n) = text.split_once('=').ok_or_else(|| bad(piece))?;
                        self.field(
                            "without",
                            &format!("{name}={}", "a".repeat(number(n)?)),
                            words,
                        )?;
                    }
                    "incremental" | "without" | "never" | "incremental~" | "without~"
                    | "never~" => {
                        self.field(what, text, words)?;
                    }
                    _ => self.field("without", piece, words)?,
                }
            }
        }
        Ok(())
    }

    fn field(&mut self, how: &str, text: &str, words: &Words) -> Result<(), String> {
        let kind = match how.trim_end_matches('~') {
            "incremental" => Literal::Incremental,
            "never" => Literal::Never,
            _ => Literal::Without,
        };
        // A name may begin with a colon, and a value may have anything.
        let (name, value) = text.split_once('=').ok_or_else(|| bad(text))?;
        let (name_bytes, value) = (plain(name, words)?, plain(value, words)?);
        let name = match name.strip_prefix('#') {
            Some(index) => Ok(index.parse().map_err(|_| bad(text))?),
            None => Err(name_bytes.as_slice()),
        };
        literal(kind, how.ends_with('~'), name, &value, &mut self.bytes);
        Ok(())
    }
}

/// A text with `\xNN` and `{word}` as what they stand for.
fn plain(text: &str, words: &Words) -> Result<Vec<u8>, String> {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(['\\', '{']) {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at..];
        if let Some(code) = rest.strip_prefix("\\x") {
            out.extend(hex(code.get(..2).ok_or_else(|| bad(text))?)?);
            rest = &code[2..];
        } else if let Some((word, after)) = rest[1..].split_once('}')
            && let Some(word) = words.get(word)
        {
            out.extend_from_slice(word.as_bytes());
            rest = after;
        } else {
            out.extend_from_slice(&rest.as_bytes()[..1]);
            rest = &rest[1..];
        }
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}
