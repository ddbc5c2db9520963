//! A judge that shares code with the accused is none.

use std::path::{Path, PathBuf};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn stubs_share_no_code_and_no_data_with_what_they_judge() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/stubs");
    // In two parts: this file is looked at too.
    let forbidden = [
        concat!("linkbridge", "::"),
        concat!("map", "pings/"),
        concat!("support::", "fixtures"),
        concat!("support::", "config"),
    ];
    let mut found = Vec::new();
    files(&here, &mut found);
    for path in &found {
        let code = std::fs::read_to_string(path).unwrap();
        for word in forbidden {
            assert!(!code.contains(word), "{}: {word}", path.display());
        }
    }
    assert!(found.len() >= 10, "the stubs are elsewhere");
}
