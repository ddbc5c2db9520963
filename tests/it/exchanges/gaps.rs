//! The list of what the exchanges do not hold: each entry has a reason, and a stale one fails.

use std::path::Path;

use toml::Table;

/// One entry of `tests/exchanges/gaps.toml`.
#[derive(Debug)]
pub(crate) struct Gap {
    /// The folder of exchanges it belongs to.
    pub(crate) dialect: String,
    /// A golden case that is no exchange.
    pub(crate) case: Option<u32>,
    /// An exchange that fails today.
    pub(crate) file: Option<String>,
}

/// Reads the list; `root` is the repository, where the tests that hold a gap must stand.
pub(crate) fn read(text: &str, root: &Path) -> Result<Vec<Gap>, String> {
    let table: Table = text.parse().map_err(|e| format!("gaps.toml: {e}"))?;
    let entries = table
        .get("gap")
        .and_then(toml::Value::as_array)
        .cloned()
        .unwrap_or_default();
    entries.iter().map(|entry| gap(entry, root)).collect()
}

fn gap(entry: &toml::Value, root: &Path) -> Result<Gap, String> {
    let text = |name: &str| {
        entry
            .get(name)
            .and_then(toml::Value::as_str)
            .map(str::to_owned)
    };
    let case = entry
        .get("case")
        .and_then(toml::Value::as_integer)
        .and_then(|n| u32::try_from(n).ok());
    let gap = Gap {
        dialect: text("dialect").ok_or("gaps.toml: an entry without a dialect")?,
        case,
        file: text("file"),
    };
    if gap.case.is_some() == gap.file.is_some() {
        return Err(format!("gaps.toml: {gap:?} needs either a case or a file"));
    }
    if text("reason").is_none_or(|reason| reason.trim().is_empty()) {
        return Err(format!("gaps.toml: {gap:?} has no reason"));
    }
    let held_by = entry
        .get("held_by")
        .and_then(toml::Value::as_array)
        .cloned()
        .unwrap_or_default();
    // What is neither held elsewhere nor planned is left out on purpose, and its reason must bear that.
    let planned = entry.get("planned").map(toml::Value::as_bool);
    match planned {
        None => {}
        Some(Some(true)) if held_by.is_empty() && gap.case.is_some() => {}
        Some(_) => return Err(format!("gaps.toml: {gap:?} is not planned in this way")),
    }
    for path in held_by {
        let path = path.as_str().unwrap_or_default().to_owned();
        if !root.join(&path).is_file() {
            return Err(format!(
                "gaps.toml: {gap:?} is held by {path}, which does not exist"
            ));
        }
    }
    Ok(gap)
}

/// What is wrong with the cover of cases `1..=golden`: each must be one exchange or one gap.
pub(crate) fn cover(golden: u32, exchanges: &[u32], gaps: &[u32]) -> Vec<String> {
    let mut out = Vec::new();
    for number in 1..=golden {
        let count = |list: &[u32]| list.iter().filter(|n| **n == number).count();
        match (count(exchanges), count(gaps)) {
            (1, 0) | (0, 1) => {}
            (0, 0) => out.push(format!("case {number} is neither an exchange nor a gap")),
            (e, g) => out.push(format!("case {number} is {e} exchanges and {g} gaps")),
        }
    }
    let beyond = exchanges
        .iter()
        .chain(gaps)
        .filter(|n| !(1..=golden).contains(*n));
    out.extend(beyond.map(|n| format!("case {n} does not exist")));
    out
}

#[test]
fn a_case_is_covered_exactly_once() {
    assert!(cover(3, &[1, 3], &[2]).is_empty());
    assert_eq!(
        cover(3, &[1], &[2]),
        ["case 3 is neither an exchange nor a gap"]
    );
    assert_eq!(
        cover(2, &[1, 2], &[2]),
        ["case 2 is 1 exchanges and 1 gaps"]
    );
    assert_eq!(cover(1, &[1, 1], &[]), ["case 1 is 2 exchanges and 0 gaps"]);
    assert_eq!(cover(1, &[1, 58], &[]), ["case 58 does not exist"]);
}

#[test]
fn a_gap_needs_a_reason_and_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let good = "[[gap]]\ndialect = \"d\"\ncase = 1\nreason = \"r\"\nheld_by = [\"Cargo.toml\"]\n";
    assert_eq!(read(good, root).map(|gaps| gaps.len()), Ok(1));
    for (from, to) in [
        ("\"r\"", "\" \""),
        ("Cargo.toml", "nowhere"),
        ("case = 1\n", ""),
        ("dialect = \"d\"\n", ""),
    ] {
        assert!(
            read(&good.replace(from, to), root).is_err(),
            "accepted with {from} as {to}"
        );
    }
    let holder = "held_by = [\"Cargo.toml\"]";
    assert!(read(&good.replace(holder, "planned = true"), root).is_ok());
    assert!(read(&good.replace(holder, ""), root).is_ok());
    for bad in [
        "planned = false",
        "planned = 1",
        "planned = true\nheld_by = [\"Cargo.toml\"]",
    ] {
        assert!(
            read(&good.replace(holder, bad), root).is_err(),
            "accepted {bad}"
        );
    }
    let of_file = "[[gap]]\ndialect = \"d\"\nfile = \"f\"\nreason = \"r\"\nplanned = true\n";
    assert!(read(of_file, root).is_err(), "accepted a planned file");
}
