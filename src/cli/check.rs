//! `check`: everything that is wrong with mapping files, at once; and every example, both ways.

use std::path::{Path, PathBuf};

use crate::dialect::{Dialect, laws};
use crate::finding::{Finding, Severity, render};
use crate::mapping::{self, builtin};

use super::{Exit, complain, say};

/// What `check` can be told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Mapping files; none = the built-in ones.
    files: Vec<PathBuf>,
    /// Treat missing examples as errors, as for built-in mappings.
    #[arg(long)]
    strict: bool,
}

/// What was found in one file.
struct Checked {
    findings: Vec<Finding>,
    examples: usize,
}

/// Checks the files. Exit codes: 0 nothing wrong, 1 errors found, 3 a file cannot be read.
pub(super) fn run(arguments: &Arguments) -> Exit {
    let mut all = Vec::new();
    let mut examples = 0;
    let mut unreadable = false;
    let files = if arguments.files.is_empty() {
        built_in()
    } else {
        from_disk(arguments)
    };
    let count = files.len();
    for file in files {
        match file {
            Ok(checked) => {
                examples += checked.examples;
                all.extend(checked.findings);
            }
            Err(fault) => {
                complain(fault);
                unreadable = true;
            }
        }
    }
    for finding in &all {
        say(render(finding));
    }
    let errors = all.iter().filter(|f| f.severity == Severity::Error).count();
    let warnings = all.len() - errors;
    say(format_args!(
        "{count} files, {examples} examples replayed both ways: {errors} errors, {warnings} warnings"
    ));
    match (unreadable, errors) {
        (true, _) => Exit::CouldNotRun,
        (false, 0) => Exit::Fine,
        (false, _) => Exit::Findings,
    }
}

fn built_in() -> Vec<Result<Checked, String>> {
    let loaded = builtin::SOURCES
        .iter()
        .filter_map(|(name, _)| builtin::load_builtin(name));
    loaded.map(|loaded| Ok(replayed(loaded, true))).collect()
}

fn from_disk(arguments: &Arguments) -> Vec<Result<Checked, String>> {
    arguments
        .files
        .iter()
        .map(|path| Ok(replayed(load_file(path)?, arguments.strict)))
        .collect()
}

/// Loads a mapping file with what it includes from its own folder.
pub(super) fn load_file(path: &Path) -> Result<mapping::Loaded, String> {
    let unreadable = |why| format!("{} cannot be read: {why}", path.display());
    load_noting(path, &|_| ()).map_err(unreadable)
}

/// The same; `note` gets every text that was read. The error is the system's own.
pub(super) fn load_noting(path: &Path, note: &dyn Fn(&str)) -> Result<mapping::Loaded, String> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    note(&text);
    let name = path
        .file_stem()
        .and_then(|name| name.to_str())
        .unwrap_or("mapping");
    let folder = path.parent().unwrap_or(Path::new("."));
    let includes = |file: &str| {
        // An include is a file beside this one: no path leads elsewhere.
        let plain = Path::new(file).file_name().is_some_and(|name| name == file);
        let text = plain.then(|| std::fs::read_to_string(folder.join(file)).ok())?;
        text.inspect(|text| note(text))
    };
    Ok(mapping::load(name, &shown, &text, &includes))
}

/// Loads a mapping file that has no errors, as a dialect.
pub(super) fn load_sound(path: &Path) -> Result<Dialect, String> {
    let fault = || {
        format!(
            "{} has errors: run `linkbridge check` on it",
            path.display()
        )
    };
    load_file(path)?.plan.map(Dialect::new).ok_or_else(fault)
}

fn replayed(loaded: mapping::Loaded, strict: bool) -> Checked {
    let mut findings = loaded.findings;
    let mut examples = 0;
    if let Some(plan) = loaded.plan {
        let of_ops = plan.ops.iter().map(|op| op.examples.len()).sum::<usize>();
        examples = of_ops
            + plan
                .errors
                .iter()
                .map(|row| row.examples.len())
                .sum::<usize>();
        findings.extend(laws::replay(&Dialect::new(plan), strict));
    }
    Checked { findings, examples }
}
