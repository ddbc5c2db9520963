//! The exchanges of `tests/exchanges/` over HTTP against the real server; its README says what is compared.

mod case;
mod case_tests;
mod check;
pub(crate) mod compare;
mod compare_tests;
mod free;
mod free_tests;
mod gaps;
mod given;
mod payload;
mod run;
mod run_tests;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use linkbridge::mapping::builtin;

use super::support::fixtures::VENDORS;
use case::Case;
use compare::House;
pub(crate) use free::{accepts, is_errors};

/// Servers at a time; a case waits for its process and its disk more than it computes.
const PARALLEL: usize = 4;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exchanges")
}

/// The vendors that have exchanges. Each has a folder, which may come before its dialects.
fn folders() -> Vec<&'static str> {
    let there = |vendor: &&str| root().join(vendor).is_dir();
    VENDORS.into_iter().filter(there).collect()
}

/// Whether some dialect that is built in speaks this vendor's ids.
fn is_built_in(vendor: &str) -> bool {
    let mut plans = builtin::SOURCES
        .iter()
        .filter_map(|(name, _)| builtin::load_builtin(name)?.plan);
    plans.any(|plan| plan.vendor.as_str() == vendor)
}

/// Every case file of a vendor: its path below the vendor's folder, and its text.
fn files(vendor: &str) -> Vec<(String, String)> {
    let folder = root().join(vendor);
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

/// What holds for a whole folder: the number of golden cases, and the headers of every answer.
pub(crate) fn house(name: &str) -> (u32, House) {
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
fn run_all(files: &[(String, String)], vendor: &str, house: &House) -> Vec<(String, Vec<String>)> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..PARALLEL {
            scope.spawn(|| {
                while let Some((name, text)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = run::run(text, vendor, house);
                    results.lock().unwrap().push((name.clone(), found));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort();
    results
}

/// Runs the exchanges of one vendor, if there is something to run.
fn answers_as_its_exchanges_say(vendor: &str) {
    if !folders().contains(&vendor) {
        eprintln!("skipped: there are no exchanges of {vendor} yet");
        return;
    }
    if !is_built_in(vendor) {
        eprintln!("skipped: no dialect of {vendor} is built in yet; its files are only read");
        return;
    }
    let only = std::env::var_os("LINKBRIDGE_EXCHANGE");
    let only = only.map(|text| text.to_string_lossy().into_owned());
    let mut files = files(vendor);
    let meant = |name: &str| {
        only.as_ref()
            .is_none_or(|only| format!("{vendor}/{name}").contains(only))
    };
    files.retain(|(name, _)| meant(name));
    assert!(!files.is_empty() || only.is_some(), "no exchange was found");
    let (_, house) = house(vendor);
    let results = run_all(&files, vendor, &house);
    assert_eq!(results.len(), files.len(), "an exchange was not run");
    judge(vendor, &results);
}

/// An exchange passes, or it is a gap that is known.
fn judge(vendor: &str, results: &[(String, Vec<String>)]) {
    let gaps = gaps();
    let mut wrong = Vec::new();
    let mut failed = 0;
    for (name, found) in results {
        let gap = gaps
            .iter()
            .any(|gap| gap.dialect == vendor && gap.file.as_ref() == Some(name));
        match (gap, found.is_empty()) {
            (false, true) | (true, false) => continue,
            (true, true) => {
                wrong.push(format!("{vendor}/{name}: passes, so it is no gap any more"))
            }
            (false, false) => wrong.extend(found.iter().map(|d| format!("{vendor}/{name}: {d}"))),
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
fn fusionauth_answers_as_its_exchanges_say() {
    answers_as_its_exchanges_say("fusionauth");
}

#[test]
fn flip_answers_as_its_exchanges_say() {
    answers_as_its_exchanges_say("flip");
}

#[test]
fn ory_answers_as_its_exchanges_say() {
    answers_as_its_exchanges_say("ory");
}

#[test]
fn pingone_answers_as_its_exchanges_say() {
    answers_as_its_exchanges_say("pingone");
}

#[test]
fn keycloak_answers_as_its_exchanges_say() {
    answers_as_its_exchanges_say("keycloak");
}

#[test]
fn zitadel_answers_as_its_exchanges_say() {
    answers_as_its_exchanges_say("zitadel");
}

#[test]
fn every_golden_case_is_an_exchange_or_a_gap() {
    let gaps = gaps();
    let mut wrong = Vec::new();
    for vendor in folders() {
        let mut numbers = Vec::new();
        for (name, text) in files(vendor) {
            let case =
                Case::parse(&text).and_then(|case| check::check(&case, vendor).map(|()| case));
            match case {
                Ok(case) => numbers.extend(case.number),
                Err(error) => wrong.push(format!("{vendor}/{name}: {error}")),
            }
        }
        let listed = gaps.iter().filter(|gap| gap.dialect == vendor);
        let listed: Vec<_> = listed.filter_map(|gap| gap.case).collect();
        let uncovered = gaps::cover(house(vendor).0, &numbers, &listed);
        wrong.extend(uncovered.into_iter().map(|d| format!("{vendor}: {d}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_folder_is_a_vendors_and_a_gap_is_in_one() {
    for entry in std::fs::read_dir(root()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_run = !entry.path().is_dir() || VENDORS.contains(&name.as_str());
        assert!(is_run, "nothing runs the exchanges in {name}");
    }
    for gap in &gaps() {
        assert!(
            VENDORS.contains(&gap.dialect.as_str()),
            "{gap:?} is nowhere"
        );
        let exists = gap
            .file
            .as_ref()
            .is_none_or(|file| root().join(&gap.dialect).join(file).is_file());
        assert!(exists, "gaps.toml names {gap:?}, which does not exist");
    }
}
