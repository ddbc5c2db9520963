//! `explain`: what a dialect makes of one request. Nothing is executed.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, header};

use crate::dialect::{Candidates, Decoded, Dialect, Routed, Settings};
use crate::mapping::example::parse_request;
use crate::mapping::json::{Secrets, show};
use crate::model::{Failure, OwnedRequest, Record};

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
}

/// Explains the request. Exit codes: 0 it means an operation, 1 it is refused, 2 bad usage.
pub(super) fn run(arguments: &Arguments) -> Exit {
    let prepared =
        request(arguments).and_then(|request| Ok((chosen(arguments, &request)?, request)));
    match prepared {
        Ok((dialect, request)) => {
            let (text, exit) = explain(&dialect, &request);
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
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| format!("`{line}` is no header line"))?;
        let name: HeaderName = name
            .trim()
            .parse()
            .map_err(|_| format!("`{name}` is no header name"))?;
        let value: HeaderValue = value
            .trim()
            .parse()
            .map_err(|_| format!("`{value}` is no header value"))?;
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
        let loaded = check::load_file(path)?;
        let fault = || {
            format!(
                "{} has errors: run `linkbridge check` on it",
                path.display()
            )
        };
        return loaded
            .plan
            .map(|plan| Arc::new(Dialect::new(plan)))
            .ok_or_else(fault);
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
fn explain(dialect: &Dialect, request: &OwnedRequest) -> (String, Exit) {
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
                    return explain_decoded(dialect, request, decoded, &settings, out);
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

fn explain_decoded(
    dialect: &Dialect,
    request: &OwnedRequest,
    decoded: Decoded,
    settings: &Settings,
    mut out: String,
) -> (String, Exit) {
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
    let rules = dialect.rules();
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
            let _ = write!(
                out,
                "            (ids are the vendor's; the directory turns them into canonical ones)"
            );
            return (out, Exit::Fine);
        }
    };
    answer(dialect, &failure, Some(decoded.op), settings, &mut out);
    (out, Exit::Findings)
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
