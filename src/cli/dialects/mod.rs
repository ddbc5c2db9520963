//! `dialects`: what each mapping supports, from the mapping itself; what a move between two of them cannot
//! carry; and commands to try them with.

mod curl;
mod examples;
mod loss;
mod reference;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Exit, check, complain, load, say};
use crate::config::{Catalog, KnownDialect, Vars};
use crate::dialect::Dialect;
use crate::finding::suggest;
use crate::mapping::builtin;
use crate::mapping::plan::Plan;
use crate::mapping::route::Segment;
use crate::model::OperationKind;

pub(super) use self::examples::Guide;

/// What `dialects` can be told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only this dialect, with its switches.
    name: Option<String>,
    /// What a move from the first dialect to the second cannot carry.
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], conflicts_with = "name")]
    loss: Option<Vec<String>>,
    /// Write that as JSON.
    #[arg(long, requires = "loss")]
    json: bool,
    /// Write the dialect's reference, as Markdown.
    #[arg(long, conflicts_with = "loss")]
    reference: bool,
    /// A mapping file, whose dialect is known under the file's name besides the built-in ones.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// A configuration: the dialects that its fronts serve. Others that it may name are known, too.
    #[arg(long, value_name = "FILE", conflicts_with = "mapping")]
    config: Option<PathBuf>,
}

/// Every built-in dialect, in the order of `mapping::builtin`.
pub(super) fn built_in() -> Vec<Arc<Dialect>> {
    let loaded = builtin::SOURCES
        .iter()
        .filter_map(|(name, _)| builtin::load_builtin(name)?.plan);
    loaded.map(|plan| Arc::new(Dialect::new(plan))).collect()
}

/// What a configuration may name.
pub(super) fn catalog(dialects: &[Arc<Dialect>]) -> Catalog {
    let known = |dialect: &Arc<Dialect>| KnownDialect::from(&**dialect);
    Catalog {
        dialects: dialects.iter().map(known).collect(),
        odd: Vec::new(),
    }
}

/// Shows the dialects. Exit codes: 0 shown, 2 no such dialect, or a mapping file or a configuration that has errors.
pub(super) fn run(arguments: &Arguments, vars: &Vars) -> Exit {
    match shown(arguments, vars) {
        Ok(text) => {
            say(text);
            Exit::Fine
        }
        Err(fault) => {
            complain(fault);
            Exit::BadUsage
        }
    }
}

/// What there is to choose from.
struct Choice {
    /// Those that can be named.
    known: Vec<Arc<Dialect>>,
    /// Those that are shown if none is named.
    listed: Vec<Arc<Dialect>>,
    /// The one of a mapping file.
    own: Option<Arc<Dialect>>,
}

fn choice(arguments: &Arguments, vars: &Vars) -> Result<Choice, String> {
    if let Some(path) = &arguments.config {
        let loaded = load::once(Some(path), &[], vars)?;
        return Ok(Choice {
            listed: loaded.served(false),
            known: loaded.dialects,
            own: None,
        });
    }
    let mut known = built_in();
    let own = arguments.mapping.as_deref().map(check::load_sound);
    let own = own.transpose()?.map(Arc::new);
    if let Some(own) = &own {
        // A file that is named like a built-in dialect stands for it.
        known.retain(|dialect| dialect.name() != own.name());
        known.push(Arc::clone(own));
    }
    Ok(Choice {
        listed: known.clone(),
        known,
        own,
    })
}

fn shown(arguments: &Arguments, vars: &Vars) -> Result<String, String> {
    let Choice { known, listed, own } = choice(arguments, vars)?;
    if let Some([from, to]) = arguments.loss.as_deref() {
        let (from, to) = (named(&known, from)?, named(&known, to)?);
        return Ok(match arguments.json {
            true => format!("{:#}", loss::json(from, to)),
            false => loss::text(from, to),
        });
    }
    let one = match &arguments.name {
        Some(name) => Some(named(&known, name)?),
        None => own.as_deref(),
    };
    Ok(match one {
        Some(dialect) if arguments.reference => {
            reference::page(dialect.plan()).trim_end().to_owned()
        }
        None if arguments.reference => return Err(no_name(&known)),
        Some(dialect) => summary(dialect.plan()) + &switches(dialect.plan()),
        None => {
            let all = listed.iter().map(|dialect| summary(dialect.plan()));
            all.collect::<Vec<_>>().join("\n")
        }
    })
}

fn no_name(dialects: &[Arc<Dialect>]) -> String {
    let names: Vec<&str> = dialects.iter().map(|d| d.name()).collect();
    format!(
        "whose reference? Name a dialect ({}), or --mapping FILE",
        names.join(", ")
    )
}

/// The dialect of this name.
fn named<'d>(dialects: &'d [Arc<Dialect>], name: &str) -> Result<&'d Dialect, String> {
    let found = dialects.iter().find(|dialect| dialect.name() == name);
    found.map(Arc::as_ref).ok_or_else(|| {
        let names: Vec<&str> = dialects.iter().map(|d| d.name()).collect();
        format!("`{name}` is no dialect: {}", suggest(name, &names))
    })
}

/// A dialect's operations with the requests that mean them.
fn summary(plan: &Plan) -> String {
    let mut out = format!("{}: {} (ids of {})\n", plan.name, plan.title, plan.vendor);
    for kind in OperationKind::ALL {
        let mut ops = plan.ops.iter().filter(|op| op.does == *kind).peekable();
        if ops.peek().is_none() {
            let _ = writeln!(out, "  {:18} not in this API", kind.name());
        }
        for op in ops {
            let _ = writeln!(
                out,
                "  {:18} {} {}  ({})",
                kind.name(),
                op.method,
                template(&op.path),
                op.name
            );
        }
    }
    out
}

/// A path with its captures by name.
fn template(path: &[Segment]) -> String {
    let segments = path.iter().map(|segment| match segment {
        Segment::Literal(text) => format!("/{text}"),
        Segment::Capture(name) => format!("/{{{name}}}"),
    });
    segments.collect()
}

fn switches(plan: &Plan) -> String {
    let mut out = String::new();
    for option in &plan.options {
        let values = option.values.join(" | ");
        let _ = writeln!(
            out,
            "  option {} = {values} (default {})\n    {}",
            option.name, option.default, option.because
        );
    }
    out
}
