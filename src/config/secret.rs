//! Secrets by reference: `env:NAME` or `file:PATH`. A secret itself never stands in the file. What is not
//! secret and too long for the file is referred to in the same way.

use super::section::Given;
use super::vars::Vars;
use crate::finding::Table;
use crate::model::Secret;

/// The secret that a key refers to, which must be there.
pub(super) fn needed(table: &Table<'_>, key: &'static str, vars: &Vars) -> Option<Secret> {
    let text = table.need_text(key)?;
    resolve(&Given::in_table(table, text), vars)
}

/// The secret that a reference leads to. What is not a reference is taken for the secret itself, and hidden.
pub(super) fn resolve(given: &Given<'_, String>, vars: &Vars) -> Option<Secret> {
    let secret = look_up(given, vars)?;
    if let Some(("file", path)) = given.value.split_once(':') {
        check_mode(given, path);
    }
    Some(secret)
}

/// What a reference leads to, be it a secret or not: nobody minds that others can read it.
pub(super) fn look_up(given: &Given<'_, String>, vars: &Vars) -> Option<Secret> {
    match given.value.split_once(':') {
        Some(("env", name)) => from_environment(given, name, vars),
        Some(("file", path)) => from_file(given, path),
        _ => {
            given.at.mask();
            given.at.error(
                "LB503",
                "a secret must not stand in the configuration",
                "refer to it: `env:NAME` or `file:PATH`",
            );
            None
        }
    }
}

fn from_environment(given: &Given<'_, String>, name: &str, vars: &Vars) -> Option<Secret> {
    let secret = vars
        .value(name)
        .filter(|value| !value.is_empty())
        .map(Secret::new);
    if secret.is_none() {
        given.at.error(
            "LB504",
            format!("the environment variable {name} is not set"),
            "set it before the start",
        );
    }
    secret
}

fn from_file(given: &Given<'_, String>, path: &str) -> Option<Secret> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let text = Secret::new(text);
            let trimmed = text.expose().trim();
            if trimmed.is_empty() {
                let message = format!("{path} is empty");
                given.at.error("LB504", message, "put the secret into it");
                return None;
            }
            Some(Secret::new(trimmed))
        }
        Err(error) => {
            given.at.error(
                "LB504",
                format!("{path} cannot be read: {error}"),
                "relative paths start at the working directory",
            );
            None
        }
    }
}

#[cfg(unix)]
fn check_mode(given: &Given<'_, String>, path: &str) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).map_or(0, |file| file.permissions().mode());
    // Whoever can write there decides what we take for our secret. Reading is only warned of: secrets are
    // mounted so by some orchestrators.
    if mode & 0o022 != 0 {
        given.at.error(
            "LB635",
            format!("{path} can be changed by other users"),
            format!("chmod 600 {path}"),
        );
    } else if mode & 0o077 != 0 {
        given.at.warning(
            "LB505",
            format!("{path} can be read by other users"),
            format!("chmod 600 {path}"),
        );
    }
}

#[cfg(not(unix))]
fn check_mode(_: &Given<'_, String>, _: &str) {}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::tests::{minimal, read_with};
    use super::Vars;

    /// A configuration with a secret in a file of this mode; what it is told.
    fn told(mode: u32) -> Vec<&'static str> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "63".repeat(32)).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let store = format!("[backend]\ntoken_keys = [\"file:{}\"]\n", path.display());
        let read = read_with(&minimal(&store), &Vars::default(), &[]);
        let findings = read.map_or_else(|findings| findings, |(_, warnings)| warnings);
        let codes = findings.iter().map(|finding| finding.code);
        codes.filter(|code| *code != "LB522").collect()
    }

    #[test]
    fn who_can_read_a_secret_is_warned_of_and_who_can_change_it_is_refused() {
        for (mode, codes) in [
            (0o600, &[][..]),
            (0o400, &[]),
            (0o440, &["LB505"]),
            (0o644, &["LB505"]),
            (0o620, &["LB635"]),
            (0o602, &["LB635"]),
            (0o666, &["LB635"]),
        ] {
            assert_eq!(told(mode), codes, "{mode:o}");
        }
    }
}
