//! From a configuration file to what it says: its own mappings, its settings, and which version of them it is.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{check, complain, dialects};
use crate::config::{self, Catalog, Config, Fixed, Inputs, Node, OddMapping, Vars};
use crate::dialect::{Dialect, laws};
use crate::finding::{Finding, Severity, render};
use crate::mapping;

/// A configuration with the dialects that it may name.
pub(super) struct Loaded {
    /// What it says.
    pub(super) config: Config,
    /// The built-in dialects and its own.
    pub(super) dialects: Vec<Arc<Dialect>>,
    /// The names of its own.
    pub(super) own: Vec<String>,
    /// A digest of the file, the flags and the mapping files: the same everywhere where these are the same.
    /// What references lead to is no part of it.
    pub(super) version: String,
    /// What is worth knowing.
    pub(super) warnings: Vec<Finding>,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum Refused {
    /// It cannot be read at all.
    Text(String),
    /// Findings, of which one is an error.
    Findings(Vec<Finding>),
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refused::Text(text) => write!(f, "error: {text}"),
            Refused::Findings(findings) => f.write_str(&rendered(findings)),
        }
    }
}

/// Findings as they are shown.
pub(super) fn rendered(findings: &[Finding]) -> String {
    findings.iter().map(render).collect::<Vec<_>>().join("\n")
}

/// Loads one configuration, as often as it changes.
pub(super) struct Loader {
    path: PathBuf,
    flags: Vec<(&'static str, String)>,
    vars: Vars,
    built_in: Vec<Arc<Dialect>>,
    /// The own mappings that are in use.
    own: Vec<Own>,
}

/// A mapping file of the deployment. As long as its text is the same it stays the same dialect.
#[derive(Clone)]
struct Own {
    path: PathBuf,
    digest: [u8; 32],
    dialect: Arc<Dialect>,
}

/// The own mappings of a configuration, and what is wrong with others of them.
#[derive(Default)]
struct Read {
    own: Vec<Own>,
    odd: Vec<(PathBuf, OddMapping)>,
    findings: Vec<Finding>,
}

impl Loader {
    /// For the file at this path, or the one that the environment names.
    ///
    /// # Errors
    /// Nobody names one.
    pub(super) fn new(
        path: Option<&Path>,
        flags: &[(&'static str, String)],
        vars: &Vars,
    ) -> Result<Self, Refused> {
        let named = || vars.value("LINKBRIDGE_CONFIG").map(PathBuf::from);
        let path = path.map(Path::to_owned).or_else(named).ok_or_else(|| {
            let text = "which configuration? Give `--config FILE`, or set LINKBRIDGE_CONFIG";
            Refused::Text(text.to_owned())
        })?;
        Ok(Self {
            path,
            flags: flags.to_vec(),
            vars: vars.clone(),
            built_in: dialects::built_in(),
            own: Vec::new(),
        })
    }

    /// Reads everything anew. For a server that runs, what it cannot change is a finding.
    ///
    /// # Errors
    /// Everything that is wrong. Then what was loaded before is what there is.
    pub(super) fn load(&mut self, running: Option<&Fixed>) -> Result<Loaded, Refused> {
        let shown = self.path.display().to_string();
        let text = std::fs::read_to_string(&self.path)
            .map_err(|e| Refused::Text(format!("{shown} cannot be read: {e}")))?;
        let read = self.read_mappings(&text);
        let dialects = self.with_own(&read.own);
        let catalog = Catalog {
            odd: read.odd,
            ..dialects::catalog(&dialects)
        };
        let inputs = Inputs {
            vars: &self.vars,
            flags: &self.flags,
            catalog: &catalog,
        };
        let mut findings = read.findings;
        match config::read_beside(running, &shown, &text, &inputs) {
            Ok((config, warnings)) => {
                findings.extend(warnings);
                self.own = read.own;
                let own = self.own.iter().map(|own| own.dialect.name().to_owned());
                Ok(Loaded {
                    config,
                    dialects,
                    own: own.collect(),
                    version: self.version(&text),
                    warnings: findings,
                })
            }
            Err(more) => {
                findings.extend(more);
                Err(Refused::Findings(findings))
            }
        }
    }

    /// How many mapping files the configuration names, whether or not they are sound.
    pub(super) fn own_files(&self) -> usize {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        config::mapping_files(&text, &self.vars, &self.flags).len()
    }

    /// The built-in dialects, of which a mapping of the same name takes the place, and these.
    fn with_own(&self, own: &[Own]) -> Vec<Arc<Dialect>> {
        let is_replaced = |name: &str| own.iter().any(|own| own.dialect.name() == name);
        let built_in = self.built_in.iter().filter(|d| !is_replaced(d.name()));
        let own = own.iter().map(|own| &own.dialect);
        built_in.chain(own).map(Arc::clone).collect()
    }

    fn read_mappings(&self, text: &str) -> Read {
        let mut read = Read::default();
        for path in config::mapping_files(text, &self.vars, &self.flags) {
            match self.read_mapping(&path) {
                Ok((own, findings)) => {
                    read.findings.extend(findings);
                    let name = own.dialect.name();
                    if read.own.iter().any(|other| other.dialect.name() == name) {
                        let name = name.to_owned();
                        read.odd.push((path, OddMapping::Twice(name)));
                    } else {
                        read.own.push(own);
                    }
                }
                Err((odd, findings)) => {
                    read.findings.extend(findings);
                    read.odd.push((path, odd));
                }
            }
        }
        read
    }

    /// Reads a mapping file and checks it as strictly as a built-in one.
    fn read_mapping(&self, path: &Path) -> Result<(Own, Vec<Finding>), (OddMapping, Vec<Finding>)> {
        let texts = Texts::default();
        let loaded = check::load_noting(path, &|text| texts.note(text))
            .map_err(|why| (OddMapping::Unreadable(why), Vec::new()))?;
        let mapping::Loaded { plan, mut findings } = loaded;
        let digest = texts.digest();
        let known = self
            .own
            .iter()
            .find(|o| o.path == path && o.digest == digest);
        if let Some(known) = known {
            return Ok((known.clone(), findings));
        }
        let Some(plan) = plan else {
            return Err((OddMapping::Wrong, findings));
        };
        let dialect = Arc::new(Dialect::new(plan));
        findings.extend(laws::replay(&dialect, true));
        if findings.iter().any(|f| f.severity == Severity::Error) {
            return Err((OddMapping::Wrong, findings));
        }
        let path = path.to_owned();
        Ok((
            Own {
                path,
                digest,
                dialect,
            },
            findings,
        ))
    }

    fn version(&self, text: &str) -> String {
        let texts = Texts::default();
        texts.note(text);
        for (key, value) in &self.flags {
            texts.note(key);
            texts.note(value);
        }
        let mut hasher = texts.0.into_inner();
        for own in &self.own {
            hasher.update(own.dialect.name());
            hasher.update(own.digest);
        }
        let digest: [u8; 32] = hasher.finalize().into();
        digest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// A digest of texts: each with its length, so that their borders are part of it.
#[derive(Default)]
struct Texts(RefCell<Sha256>);

impl Texts {
    fn note(&self, text: &str) {
        let mut hasher = self.0.borrow_mut();
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text);
    }

    fn digest(self) -> [u8; 32] {
        self.0.into_inner().finalize().into()
    }
}

/// Loads a configuration once; warnings are told and stop nothing.
///
/// # Errors
/// What is wrong, as it is shown.
pub(super) fn once(
    path: Option<&Path>,
    flags: &[(&'static str, String)],
    vars: &Vars,
) -> Result<Loaded, String> {
    let loaded = Loader::new(path, flags, vars).and_then(|mut loader| loader.load(None));
    let loaded = loaded.map_err(|refused| refused.to_string())?;
    loaded.warn();
    Ok(loaded)
}

impl Loaded {
    /// The dialects that it makes use of, in the order of `dialects`: those of its fronts, and those of its
    /// upstreams if these are asked for.
    pub(super) fn served(&self, with_upstreams: bool) -> Vec<Arc<Dialect>> {
        let fronts = self.config.fronts.iter();
        let mut names: Vec<&str> = fronts.map(|front| front.dialect.as_str()).collect();
        if with_upstreams {
            named_by(&self.config.backend.root, &mut names);
        }
        let all = self.dialects.iter();
        all.filter(|dialect| names.contains(&dialect.name()))
            .map(Arc::clone)
            .collect()
    }

    /// Tells the warnings.
    pub(super) fn warn(&self) {
        if !self.warnings.is_empty() {
            complain(rendered(&self.warnings));
        }
    }
}

/// Adds the names of the dialects that the IdPs of a tree speak.
fn named_by<'n>(node: &'n Node, names: &mut Vec<&'n str>) {
    match node {
        Node::Store => {}
        Node::Upstream(upstream) => names.push(&upstream.dialect),
        Node::Route { routes, otherwise } => {
            routes.iter().for_each(|(_, node)| named_by(node, names));
            named_by(otherwise, names);
        }
    }
}
