//! `mappings` of `[server]`: the deployment's own dialects, as files.
//!
//! They are read before the configuration is, because it names what they describe.

use std::path::{Path, PathBuf};

use super::section::{Overlay, Section};
use super::{Catalog, Vars};
use crate::finding::{Sink, Table, parse_toml};

/// What is wrong with a mapping file as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OddMapping {
    /// It cannot be read, for this reason.
    Unreadable(String),
    /// It has errors, which are told beside this one.
    Wrong,
    /// Another file that is named has this name, too.
    Twice(String),
}

/// The mapping files that a configuration names, as it names them. Whatever else is in it is not looked at.
#[must_use]
pub fn mapping_files(text: &str, vars: &Vars, flags: &[(&'static str, String)]) -> Vec<PathBuf> {
    let sink = Sink::new("", text);
    let flags = Overlay::of_flags(flags);
    let environment = Overlay::of_environment(vars);
    let Some(parsed) = parse_toml(text, &sink) else {
        return Vec::new();
    };
    let root = Table::root(&parsed, &sink);
    let section = Section::new("server", &root, &flags, &environment);
    let given = section.texts("mappings").into_iter();
    given.map(|given| PathBuf::from(given.value)).collect()
}

/// Says what is wrong with the files, where they are named.
pub(super) fn check(section: &Section<'_>, catalog: &Catalog) {
    for given in section.texts("mappings") {
        let mut odd = catalog.odd.iter();
        let odd = odd.find(|(path, _)| path == Path::new(&given.value));
        match odd.map(|(_, odd)| odd) {
            Some(OddMapping::Unreadable(why)) => given.at.error(
                "LB611",
                format!("{} cannot be read: {why}", given.value),
                "the path of a mapping file; it starts at the working directory",
            ),
            Some(OddMapping::Wrong) => given.at.error(
                "LB612",
                format!("{} has errors", given.value),
                "they are told beside this one, as `linkbridge check --strict` tells them",
            ),
            Some(OddMapping::Twice(name)) => given.at.error(
                "LB613",
                format!("a second mapping is named `{name}`"),
                "a dialect has the name of its file: rename one of them",
            ),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{catalog, codes, minimal};
    use crate::config::{Inputs, read};

    #[test]
    fn files_are_named_by_flag_variable_or_file_and_what_is_wrong_with_them_is_said_there() {
        let text = format!(
            "[server]\nmappings = [\"a.toml\", \"b.toml\", \"x/a.toml\", \"c.toml\"]\n{}[[front]]\ndialect = \"c\"\n",
            minimal("")
        );
        let files = |vars: &Vars| mapping_files(&text, vars, &[]);
        let expected = ["a.toml", "b.toml", "x/a.toml", "c.toml"].map(PathBuf::from);
        assert_eq!(files(&Vars::default()), expected);
        let vars = Vars::from([("LINKBRIDGE_SERVER_MAPPINGS", "d.toml, e.toml")]);
        assert_eq!(files(&vars), ["d.toml", "e.toml"].map(PathBuf::from));
        assert!(mapping_files("[server", &Vars::default(), &[]).is_empty());
        let odd = [
            ("b.toml", OddMapping::Unreadable("no such file".to_owned())),
            ("x/a.toml", OddMapping::Twice("a".to_owned())),
            ("c.toml", OddMapping::Wrong),
        ];
        let catalog = Catalog {
            odd: odd.map(|(path, odd)| (PathBuf::from(path), odd)).into(),
            ..catalog()
        };
        let inputs = Inputs {
            vars: &Vars::default(),
            flags: &[],
            catalog: &catalog,
        };
        let findings = read("config.toml", &text, &inputs).unwrap_err();
        // The front of the wrong one is not told of a second time.
        let expected = ["LB611", "LB613", "LB612"].map(|code| (code.to_owned(), 2));
        assert_eq!(codes(&findings), expected);
    }
}
