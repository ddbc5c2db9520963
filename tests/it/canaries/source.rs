//! No secret has a plain type in the source, and none is printed by its own type.

use std::fs;
use std::path::{Path, PathBuf};

/// Words that a field of a secret has in its name.
const WORDS: [&str; 7] = [
    "secret",
    "password",
    "token",
    "credential",
    "seed",
    "private",
    "pem",
];
/// Types that print what they hold and do not wipe it.
const PLAIN: [&str; 5] = [
    "String",
    "Vec<u8>",
    "Option<String>",
    "Option<Vec<u8>>",
    "Bytes",
];
/// Fields that are none, or that are wiped by the type that they are in.
const KNOWN: [(&str, &str); 4] = [
    // Wiped when it is dropped; the type cannot be printed.
    ("edge/tokens/keys.rs", "seed: Option<String>"),
    // What an issuer calls a token (`jti`), which opens nothing.
    ("edge/issuer/claims.rs", "token_id: Option<String>"),
    ("edge/issuer/mod.rs", "token_id: Option<String>"),
    // As it stands in the database: sealed.
    ("backend/embedded/reseal.rs", "token: Option<Vec<u8>>"),
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// A field of a type, without what stands before and behind it.
fn field(line: &str) -> Option<(&str, &str)> {
    let line = line.trim().strip_suffix(',')?;
    let line = line
        .strip_prefix("pub")
        .map_or(line, |rest| match rest.split_once(") ") {
            Some((_, rest)) => rest,
            None => rest.trim_start(),
        });
    let (name, kind) = line.split_once(": ")?;
    let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    (is_name && PLAIN.contains(&kind)).then_some((name, kind))
}

#[test]
fn fields_of_secrets_have_types_that_keep_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&root, &mut found);
    let mut wrong = Vec::new();
    let mut known = 0;
    for path in found {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        if name.contains("tests") || name.ends_with("testing.rs") {
            continue;
        }
        for line in fs::read_to_string(&path).unwrap().lines() {
            let Some((field, kind)) = field(line) else {
                continue;
            };
            if !WORDS
                .iter()
                .any(|word| field.split('_').any(|part| part == *word))
            {
                continue;
            }
            match KNOWN.contains(&(name.as_str(), format!("{field}: {kind}").as_str())) {
                true => known += 1,
                false => wrong.push(format!("{name}: {field}: {kind}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        known,
        KNOWN.len(),
        "what is not there any more need not be known"
    );
}
