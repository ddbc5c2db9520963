//! Cases as they stand in `tests/http2`.

use std::path::{Path, PathBuf};

use super::wire::Opening;

/// A case.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) name: String,
    /// Where it is written.
    pub(super) section: String,
    /// Its number among those of h2spec, if it is one of them.
    pub(super) h2spec: Option<String>,
    pub(super) script: String,
    pub(super) opening: Opening,
    /// Whether it waits for a deadline of the server; such cases are played side by side.
    pub(super) waits: bool,
    /// The body that an origin gets, if it gets the request at all.
    pub(super) arrives: Option<String>,
}

pub(super) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http2")
}

/// All cases of the files in this directory.
pub(super) fn read(name: &str) -> Vec<Case> {
    let files = std::fs::read_dir(directory().join(name)).unwrap();
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let cases: Vec<Case> = files.iter().flat_map(|file| read_file(file)).collect();
    let mut names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    names.sort_unstable();
    for pair in names.windows(2) {
        assert_ne!(pair[0], pair[1], "two cases have one name");
    }
    cases
}

fn read_file(file: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(file).unwrap();
    let table: toml::Table = text
        .parse()
        .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let cases = table["case"].as_array().unwrap();
    cases
        .iter()
        .map(|case| {
            let case = case.as_table().unwrap();
            for key in case.keys() {
                const KNOWN: [&str; 7] = [
                    "name", "section", "h2spec", "script", "opening", "waits", "arrives",
                ];
                assert!(KNOWN.contains(&key.as_str()), "{}: {key}", file.display());
            }
            let text = |key: &str| {
                case.get(key)
                    .map(|value| value.as_str().unwrap().to_owned())
            };
            let name = text("name").unwrap();
            Case {
                section: text("section").unwrap_or_else(|| panic!("{name}: no section")),
                h2spec: text("h2spec"),
                arrives: text("arrives"),
                script: text("script").unwrap_or_else(|| panic!("{name}: no script")),
                opening: match text("opening").as_deref() {
                    None => Opening::Whole,
                    Some("none") => Opening::Nothing,
                    Some(other) => panic!("{name}: opening {other}"),
                },
                waits: case
                    .get("waits")
                    .is_some_and(|waits| waits.as_bool().unwrap()),
                name,
            }
        })
        .collect()
}
