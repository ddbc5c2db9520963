//! Broken mappings are told what is wrong with them, and where.
//!
//! Each file of `tests/findings` marks in its first comments the code, line and column that it must be
//! told; the marks were set by hand and are compared apart from the text of the messages, which stands
//! in the `.txt` beside the file (`UPDATE_GOLDEN=1 cargo test` writes it anew, to be reviewed as a diff).

use std::fs;
use std::path::{Path, PathBuf};

use linkbridge::dialect::{Dialect, laws};
use linkbridge::finding::{Finding, Severity, render};
use linkbridge::mapping;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/findings")
}

fn broken_files() -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension().is_some_and(|e| e == "toml") && !path.ends_with("errors.toml")
        })
        .collect();
    files.sort();
    files
}

/// What `check` has to say about a file: errors, and the warnings of the loader.
fn findings(path: &Path) -> Vec<Finding> {
    let text = fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let includes = |file: &str| fs::read_to_string(folder().join(file)).ok();
    let loaded = mapping::load("acme", name, &text, &includes);
    let mut findings = loaded.findings;
    if let Some(plan) = loaded.plan {
        let replayed = laws::replay(&Dialect::new(plan), false);
        findings.extend(
            replayed
                .into_iter()
                .filter(|f| f.severity == Severity::Error),
        );
    }
    // The shared table has no examples and words more than each file needs.
    findings.retain(|f| f.source.name == name);
    findings
}

/// The marks of a file: `# expect: LB102 at 12:8`.
fn marks(text: &str) -> Vec<String> {
    let marks = text
        .lines()
        .filter_map(|line| line.strip_prefix("# expect: "));
    let mut marks: Vec<_> = marks.map(str::to_owned).collect();
    marks.sort();
    marks
}

#[test]
fn every_broken_mapping_is_told_its_fault_at_its_place() {
    let files = broken_files();
    assert!(files.len() >= 25, "only {} broken mappings", files.len());
    let mut wrong = String::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let mut told: Vec<_> = findings(&path)
            .iter()
            .map(|f| format!("{} at {}:{}", f.code, f.position().0, f.position().1))
            .collect();
        told.sort();
        let marked = marks(&text);
        assert!(!marked.is_empty(), "{} has no mark", path.display());
        if told != marked {
            wrong += &format!(
                "{}:\n  marked {marked:?}\n  told   {told:?}\n",
                path.display()
            );
            wrong += &findings(&path).iter().map(render).collect::<String>();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_messages_are_those_that_were_reviewed() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = String::new();
    for path in broken_files() {
        let told: String = findings(&path).iter().map(render).collect();
        let golden = path.with_extension("txt");
        if update {
            fs::write(&golden, &told).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if told != expected {
            wrong += &format!("{}:\n{told}instead of\n{expected}", golden.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
