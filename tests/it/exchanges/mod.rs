//! The exchanges of `tests/exchanges/` over HTTP against the real server; its README says what is compared.

mod case;
mod compare;
mod compare_tests;
mod gaps;
mod run;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use compare::House;
pub(crate) use compare::is_errors;

/// Servers at a time; a case waits for its process and its disk more than it computes.
const PARALLEL: usize = 4;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exchanges")
}

/// Every case file of a dialect: its path below the dialect's folder, and its text.
fn files(dialect: &str) -> Vec<(String, String)> {
    let folder = root().join(dialect);
    let mut found = Vec::new();
    let mut folders = vec![folder.clone()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "http") {
                let name = path.strip_prefix(&folder).unwrap().display().to_string();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// What holds for a whole dialect: the number of golden cases, and the headers of every answer.
fn dialect(name: &str) -> (u32, House) {
    let text = std::fs::read_to_string(root().join(name).join("dialect.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let headers = |kind: &str| -> Vec<(String, String)> {
        let list = table["headers"][kind].as_table().unwrap();
        list.iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect()
    };
    let golden = u32::try_from(table["golden"].as_integer().unwrap()).unwrap();
    (
        golden,
        House {
            json: headers("json"),
            empty: headers("empty"),
        },
    )
}

fn gaps() -> Vec<gaps::Gap> {
    let text = std::fs::read_to_string(root().join("gaps.toml")).unwrap();
    gaps::read(&text, Path::new(env!("CARGO_MANIFEST_DIR")))
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Runs every file, several at a time, and answers what is wrong with each.
fn run_all(files: &[(String, String)], house: &House) -> Vec<(String, Vec<String>)> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..PARALLEL {
            scope.spawn(|| {
                while let Some((name, text)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = run::run(text, house);
                    results.lock().unwrap().push((name.clone(), found));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort();
    results
}

#[test]
fn fusionauth_answers_as_its_exchanges_say() {
    let only =
        std::env::var_os("LINKBRIDGE_EXCHANGE").map(|text| text.to_string_lossy().into_owned());
    let mut files = files("fusionauth");
    files.retain(|(name, _)| only.as_ref().is_none_or(|only| name.contains(only)));
    assert!(!files.is_empty(), "no exchange was found");
    let (_, house) = dialect("fusionauth");
    let results = run_all(&files, &house);
    assert_eq!(results.len(), files.len(), "an exchange was not run");

    let gaps = gaps();
    let mut wrong = Vec::new();
    let mut failed = 0;
    for (name, found) in &results {
        let gap = gaps
            .iter()
            .any(|gap| gap.dialect == "fusionauth" && gap.file.as_ref() == Some(name));
        match (gap, found.is_empty()) {
            (false, true) | (true, false) => continue,
            (true, true) => wrong.push(format!(
                "fusionauth/{name}: passes, so it is no gap any more"
            )),
            (false, false) => wrong.extend(found.iter().map(|d| format!("fusionauth/{name}: {d}"))),
        }
        failed += 1;
    }
    assert!(
        wrong.is_empty(),
        "{failed} of {} exchanges failed:\n{}",
        results.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_golden_case_is_an_exchange_or_a_gap() {
    let (golden, _) = dialect("fusionauth");
    let files = files("fusionauth");
    let cases: Vec<_> = files
        .iter()
        .map(|(name, text)| (name, case::Case::parse(text)))
        .collect();
    let broken: Vec<_> = cases
        .iter()
        .filter_map(|(name, case)| Some(format!("{name}: {}", case.as_ref().err()?)))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let numbers: Vec<_> = cases
        .iter()
        .filter_map(|(_, case)| case.as_ref().ok()?.number)
        .collect();
    let gaps = gaps();
    let listed: Vec<_> = gaps
        .iter()
        .filter(|gap| gap.dialect == "fusionauth")
        .filter_map(|gap| gap.case)
        .collect();
    let wrong = gaps::cover(golden, &numbers, &listed);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for gap in &gaps {
        let exists = gap
            .file
            .as_ref()
            .is_none_or(|file| root().join(&gap.dialect).join(file).is_file());
        assert!(exists, "gaps.toml names {gap:?}, which does not exist");
    }
}
