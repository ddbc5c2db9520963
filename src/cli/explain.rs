//! `explain`: what a dialect makes of one request. Nothing is executed.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use http::{HeaderValue, Method, header};

use crate::config::{self, Inputs, Vars};
use crate::dialect::{Candidates, Decoded, Dialect, Routed, Settings};
use crate::directory::{Directory, id_at};
use crate::finding::render;
use crate::mapping::example::{header_line, parse_request};
use crate::mapping::json::{Secrets, show};
use crate::model::{Failure, Field, OwnedRequest, Record};

use super::{Exit, check, complain, dialects, say};

/// What `explain` can be told. The request is a file in HTTP form, or flags as curl has them.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The path and query to ask for, as in `/api/identity-provider/link?userId=…`.
    target: Option<String>,
    /// A file that holds a request: `METHOD target`, header lines, an empty line, a body.
    #[arg(long, conflicts_with_all = ["target", "method", "header", "data"])]
    file: Option<PathBuf>,
    /// The method; POST if there is a body, else GET.
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    method: Option<String>,
    /// A header line; may be repeated.
    #[arg(short = 'H', long)]
    header: Vec<String>,
    /// The body.
    #[arg(short, long)]
    data: Option<String>,
    /// The dialect that reads it; by default the built-in one that knows the path best.
    #[arg(long)]
    dialect: Option<String>,
    /// A mapping file instead of a built-in dialect.
    #[arg(long, conflicts_with = "dialect")]
    mapping: Option<PathBuf>,
    /// A configuration, whose directory turns the vendor's ids into canonical ones.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Explains the request. Exit codes: 0 it means an operation, 1 it is refused, 2 bad usage.
pub(super) fn run(arguments: &Arguments, vars: &Vars) -> Exit {
    let prepared = request(arguments).and_then(|request| {
        let dialect = chosen(arguments, &request)?;
        Ok((dialect, request, directory(arguments, vars)?))
    });
    match prepared {
        Ok((dialect, request, directory)) => {
            let (text, exit) = explain(&dialect, &request, directory.as_ref());
            say(text);
            exit
        }
        Err(fault) => {
            complain(fault);
            Exit::BadUsage
        }
    }
}

fn request(arguments: &Arguments) -> Result<OwnedRequest, String> {
    if let Some(file) = &arguments.file {
        let shown = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("{shown} cannot be read: {error}"))?;
        return parse_request(&text).map_err(|fault| format!("{shown}: {fault}"));
    }
    let target = arguments
        .target
        .as_deref()
        .ok_or("name a target, or --file with a request")?;
    let default = if arguments.data.is_some() {
        "POST"
    } else {
        "GET"
    };
    let method = arguments.method.as_deref().unwrap_or(default);
    let mut request = parse_request(&format!("{method} {}", path_of(target)))?;
    request.method = method
        .parse::<Method>()
        .map_err(|_| format!("`{method}` is no method"))?;
    for line in &arguments.header {
        let (name, value) = header_line(line)?;
        request.headers.append(name, value);
    }
    if let Some(data) = &arguments.data {
        request.body = data.clone().into_bytes();
        request
            .headers
            .entry(header::CONTENT_TYPE)
            .or_insert(HeaderValue::from_static("application/json"));
    }
    Ok(request)
}

/// The path of a target that may be a whole URL, as one pastes it.
fn path_of(target: &str) -> &str {
    match target.split_once("://") {
        Some((_, rest)) => rest
            .find('/')
            .and_then(|slash| rest.get(slash..))
            .unwrap_or("/"),
        None => target,
    }
}

fn chosen(arguments: &Arguments, request: &OwnedRequest) -> Result<Arc<Dialect>, String> {
    if let Some(path) = &arguments.mapping {
        return check::load_sound(path).map(Arc::new);
    }
    let built_in = dialects::built_in();
    if let Some(name) = &arguments.dialect {
        let names: Vec<&str> = built_in.iter().map(|d| d.name()).collect();
        let fault = format!(
            "`{name}` is no built-in dialect: {}",
            crate::finding::suggest(name, &names)
        );
        return built_in
            .iter()
            .find(|d| d.name() == name)
            .cloned()
            .ok_or(fault);
    }
    let best = built_in
        .iter()
        .max_by_key(|dialect| dialect.affinity(&request.path));
    best.cloned()
        .ok_or_else(|| "there is no built-in dialect".to_owned())
}

/// The explanation of a request by a dialect.
fn explain(
    dialect: &Dialect,
    request: &OwnedRequest,
    directory: Option<&Directory>,
) -> (String, Exit) {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "dialect     {} (ids of {})",
        dialect.name(),
        dialect.vendor()
    );
    let _ = writeln!(out, "request     {} {}", request.method, request.path);
    let settings = Settings {
        origin: "http://127.0.0.1:8080".to_owned(),
        ..Settings::default()
    };
    let refused = match dialect.route(&request.method, &request.path) {
        Routed::Unknown => Some(Failure::RouteUnknown),
        Routed::WrongMethod { allow } => Some(Failure::MethodNotAllowed { allow }),
        Routed::Ops(candidates) => {
            match dialect.decode_request(&candidates, &request.view(), &settings) {
                Ok(decoded) => {
                    why(dialect, &candidates, &decoded, &mut out);
                    let told = Told {
                        dialect,
                        request,
                        directory,
                        settings: &settings,
                    };
                    return explain_decoded(&told, decoded, out);
                }
                Err(failure) => Some(failure),
            }
        }
    };
    if let Some(failure) = refused {
        answer(dialect, &failure, None, &settings, &mut out);
    }
    (out, Exit::Findings)
}

/// Which op, and what told it from the others.
fn why(dialect: &Dialect, candidates: &Candidates<'_>, decoded: &Decoded, out: &mut String) {
    let name = dialect.op_name(decoded.op);
    let kind = dialect.operation(decoded.op).name();
    let _ = writeln!(out, "op          {name} ({kind})");
    for candidate in candidates.reasons() {
        let mark = if candidate.name == name {
            "because"
        } else {
            "not"
        };
        let _ = writeln!(
            out,
            "  {mark:8} {}: {}",
            candidate.name, candidate.conditions
        );
    }
}

/// What an explanation is made from.
struct Told<'a> {
    dialect: &'a Dialect,
    request: &'a OwnedRequest,
    directory: Option<&'a Directory>,
    settings: &'a Settings,
}

fn explain_decoded(told: &Told<'_>, decoded: Decoded, mut out: String) -> (String, Exit) {
    let Told {
        dialect,
        request,
        directory,
        settings,
    } = *told;
    let credential = if dialect.credential(&request.view()).is_some() {
        "given"
    } else {
        "not given"
    };
    let _ = writeln!(out, "credential  {credential}");
    let _ = writeln!(
        out,
        "parameters  {}",
        show(&decoded.params, Secrets::Hidden)
    );
    let rules = dialect.rules(settings);
    let _ = writeln!(
        out,
        "rules       repeat: {:?}, delete of nothing: {:?}",
        rules.on_repeat, rules.on_missing_delete
    );
    for problem in &decoded.problems {
        let _ = writeln!(
            out,
            "problem     {} at {} {:?}: {}",
            problem.why.name(),
            problem.place.name(),
            problem.at,
            problem.message()
        );
    }
    let failure = match (decoded.problems.is_empty(), decoded.refusal) {
        (false, _) => Failure::Invalid(decoded.problems),
        (true, Some(refusal)) => refusal,
        (true, None) => {
            let kind = dialect.operation(decoded.op);
            let _ = writeln!(
                out,
                "operation   {} {}",
                kind.name(),
                show(&decoded.params, Secrets::Hidden)
            );
            out.push_str(&canonical(dialect, &decoded.params, directory));
            return (out, Exit::Fine);
        }
    };
    answer(dialect, &failure, Some(decoded.op), settings, &mut out);
    (out, Exit::Findings)
}

/// The configuration's tenants and providers, if one is named.
fn directory(arguments: &Arguments, vars: &Vars) -> Result<Option<Directory>, String> {
    let Some(path) = &arguments.config else {
        return Ok(None);
    };
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let catalog = dialects::catalog(&dialects::built_in());
    let inputs = Inputs {
        vars,
        flags: &[],
        catalog: &catalog,
    };
    match config::read(&shown, &text, &inputs) {
        Ok((config, _)) => Ok(Some(config.directory)),
        Err(findings) => Err(findings.iter().map(render).collect()),
    }
}

/// The canonical ids of the parameters, as far as the configuration knows them. Users' ids are in the
/// store, which is not opened.
fn canonical(dialect: &Dialect, params: &Record, directory: Option<&Directory>) -> String {
    let Some(directory) = directory else {
        return "            (ids are the vendor's; --config names the directory that knows the canonical ones)".to_owned();
    };
    let vendor = dialect.vendor();
    let mut out = String::new();
    let tenant = match params.text(Field::Tenant) {
        Some(id) => directory.tenant_of(vendor, id),
        None => directory
            .tenants()
            .first()
            .filter(|_| directory.tenants().len() == 1),
    };
    let named = tenant.map_or("not known", |tenant| tenant.tenant_id.as_str());
    let _ = write!(out, "canonical   tenant {named}");
    if let Some(id) = params.text(Field::ProviderId) {
        let providers = directory.all_providers().iter();
        let named = providers
            .into_iter()
            .find(|p| id_at(p.provider_id.as_str(), &p.ids, vendor) == Some(id));
        let named = named.map_or("not known", |provider| provider.provider_id.as_str());
        let _ = write!(out, ", provider {named}");
    }
    if let Some(id) = params.text(Field::UserId) {
        let _ = write!(out, ", user {id} (unless the store has an alias)");
    }
    out
}

/// The answer that the client would get.
fn answer(
    dialect: &Dialect,
    failure: &Failure,
    op: Option<crate::dialect::OpId>,
    settings: &Settings,
    out: &mut String,
) {
    let response = dialect.encode_failure(failure, op, &Record::new(), settings);
    let _ = writeln!(
        out,
        "refused     {}: {}",
        failure.kind().name(),
        failure.message()
    );
    let _ = write!(
        out,
        "answer      {} {}",
        response.status,
        String::from_utf8_lossy(&response.body)
    );
}
