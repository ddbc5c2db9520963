//! `check`: everything that is wrong with mapping files, or with a configuration and its own, at once; and every
//! example, both ways.

use std::path::{Path, PathBuf};

use crate::config::Vars;
use crate::dialect::{Dialect, laws};
use crate::finding::{Finding, Severity, render};
use crate::mapping::{self, builtin};

use super::load::{Loader, Refused};
use super::{Exit, complain, say};

/// What `check` can be told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Mapping files; none = the built-in ones.
    files: Vec<PathBuf>,
    /// A configuration instead: everything that would stop a start with it, the mappings that it serves and its
    /// own ones included.
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    config: Option<PathBuf>,
    /// Treat missing examples as errors, as for built-in mappings.
    #[arg(long)]
    strict: bool,
}

/// What was found in one file, or in some.
#[derive(Default)]
struct Checked {
    findings: Vec<Finding>,
    files: usize,
    examples: usize,
}

/// Checks the files. Exit codes: 0 nothing wrong, 1 errors found, 3 a file cannot be read.
pub(super) fn run(arguments: &Arguments, vars: &Vars) -> Exit {
    let mut all = Checked::default();
    let mut unreadable = false;
    let files = match &arguments.config {
        Some(path) => vec![configured(path, vars)],
        None if arguments.files.is_empty() => built_in(),
        None => from_disk(arguments),
    };
    for file in files {
        match file {
            Ok(checked) => all.add(checked),
            Err(fault) => {
                complain(fault);
                all.files += 1;
                unreadable = true;
            }
        }
    }
    for finding in &all.findings {
        say(render(finding));
    }
    let errors = all.findings.iter();
    let errors = errors.filter(|f| f.severity == Severity::Error).count();
    let warnings = all.findings.len() - errors;
    let Checked {
        files, examples, ..
    } = all;
    say(format_args!(
        "{files} files, {examples} examples replayed both ways: {errors} errors, {warnings} warnings"
    ));
    match (unreadable, errors) {
        (true, _) => Exit::CouldNotRun,
        (false, 0) => Exit::Fine,
        (false, _) => Exit::Findings,
    }
}

impl Checked {
    fn add(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.files += other.files;
        self.examples += other.examples;
    }
}

/// What `serve` would say of a configuration and its own mappings before it starts, with the built-in ones that it
/// would serve or speak upstream. Its own ones are always checked strictly, as they are there.
fn configured(path: &Path, vars: &Vars) -> Result<Checked, String> {
    // The configuration is a file, too.
    let mut all = Checked {
        files: 1,
        ..Checked::default()
    };
    let mut loader = Loader::new(Some(path), &[], vars).map_err(|refused| refused.to_string())?;
    match loader.load(None) {
        Ok(loaded) => {
            all.findings.extend(loaded.warnings.iter().cloned());
            let is_own = |dialect: &Dialect| loaded.own.iter().any(|own| own == dialect.name());
            let (own, others) = (loaded.dialects.iter(), loaded.served(true));
            for dialect in own.filter(|dialect| is_own(dialect)) {
                // What the replay of its examples says is among the findings.
                all.files += 1;
                all.examples += examples(dialect);
            }
            for dialect in others.iter().filter(|dialect| !is_own(dialect)) {
                all.files += 1;
                all.examples += examples(dialect);
                all.findings.extend(laws::replay(dialect, true));
            }
        }
        Err(Refused::Findings(findings)) => {
            all.files += loader.own_files();
            all.findings.extend(findings);
        }
        Err(Refused::Text(text)) => return Err(text),
    }
    Ok(all)
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
    let mut checked = Checked {
        findings: loaded.findings,
        files: 1,
        examples: 0,
    };
    if let Some(plan) = loaded.plan {
        let dialect = Dialect::new(plan);
        checked.examples = examples(&dialect);
        checked.findings.extend(laws::replay(&dialect, strict));
    }
    checked
}

/// How many examples a dialect has.
fn examples(dialect: &Dialect) -> usize {
    let plan = dialect.plan();
    let of_ops = plan.ops.iter().map(|op| op.examples.len());
    let of_errors = plan.errors.iter().map(|row| row.examples.len());
    of_ops.chain(of_errors).sum()
}
