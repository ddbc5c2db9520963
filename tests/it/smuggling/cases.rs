//! The cases as they stand in their files.

use std::path::Path;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

/// A stream of bytes, and what comes of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    /// See the top of the module.
    pub(super) send: String,
    /// The statuses in their order.
    pub(super) answers: Vec<u16>,
    /// Whether the connection ends with the last of them.
    pub(super) closes: bool,
    /// Where it is written.
    pub(super) why: String,
}

/// All cases, in the order of their files' names.
pub(super) fn all() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smuggling");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let file: File = toml::from_str(&text).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        cases.extend(file.case);
    }
    let mut names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|two| two[0] != two[1]), "a name twice");
    assert!(cases.iter().all(|case| !case.why.is_empty()));
    cases
}

/// What the names in braces stand for.
pub(super) struct Words {
    pub(super) get: String,
    pub(super) body: String,
}

impl Words {
    /// The bytes of a case.
    pub(super) fn bytes(&self, send: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = send;
        while let Some((plain, after)) = rest.split_once('{') {
            let (word, after) = after.split_once('}').expect("a brace is closed");
            unescape(plain, &mut bytes);
            bytes.extend(self.word(word));
            rest = after;
        }
        unescape(rest, &mut bytes);
        bytes
    }

    fn word(&self, word: &str) -> Vec<u8> {
        let next = || format!("{}\r\n", self.get).into_bytes();
        if let Some((text, times)) = word.rsplit_once('*') {
            let mut one = Vec::new();
            match text {
                "next" => one = next(),
                _ => unescape(text, &mut one),
            }
            return one.repeat(times.parse().unwrap());
        }
        match word {
            "get" => self.get.clone().into_bytes(),
            "body" => self.body.clone().into_bytes(),
            "next" => next(),
            "len:next" => next().len().to_string().into_bytes(),
            "hexlen:next" => format!("{:x}", next().len()).into_bytes(),
            _ => panic!("{{{word}}} is no word"),
        }
    }
}

fn unescape(text: &str, bytes: &mut Vec<u8>) {
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        bytes.push(match chars.next() {
            Some('r') => b'\r',
            Some('n') => b'\n',
            Some('t') => b'\t',
            Some('0') => 0,
            Some('\\') => b'\\',
            Some('x') => {
                let digits: String = chars.by_ref().take(2).collect();
                u8::from_str_radix(&digits, 16).unwrap()
            }
            other => panic!("{other:?} is no escape"),
        });
    }
}
