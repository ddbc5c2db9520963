//! `explain`: what a dialect makes of one request, and with a configuration what becomes of it: the canonical
//! operation, what is asked of an upstream, and everything that the client may be answered. Nothing is touched;
//! `--against` carries reads out.

mod arguments;
mod beside;
mod canonical;
mod failures;
mod idp;
mod outcome;
mod parties;
mod play;
mod pretend;
mod redact;
mod stage;
mod tell;

use std::fmt::Write as _;
use std::sync::Arc;

pub(super) use self::arguments::Arguments;
use self::arguments::request;
use self::parties::chosen;
use crate::config::{Config, Vars};
use crate::dialect::{Candidates, Decoded, Dialect, Routed, Settings};
use crate::directory::Directory;
use crate::model::{Failure, OwnedRequest, Record};
use crate::server::Front;

use super::load::{Loaded, Loader, Refused, rendered};
use super::{Exit, complain, dialects, say};

/// What is said where no configuration is named.
const WITHOUT_CONFIGURATION: &str = "            (ids are the vendor's; --config names the directory that knows the canonical ones)";

/// Explains the request. Exit codes: 0 it means an operation, 1 it is refused, 2 bad usage.
pub(super) fn run(arguments: &Arguments, vars: &Vars) -> Exit {
    let explained = request(arguments).and_then(|request| {
        let (mut config, dialects) = match configured(arguments, vars)? {
            Some(loaded) => (Some(loaded.config), loaded.dialects),
            None => (None, dialects::built_in()),
        };
        let (front, request) = chosen(arguments, request, config.as_ref(), &dialects)?;
        let directory = config
            .as_mut()
            .map(|config| std::mem::take(&mut config.directory));
        let explained = Explained {
            front,
            request,
            config: config.as_ref(),
            dialects: &dialects,
            directory: Arc::new(directory.unwrap_or_default()),
            arguments,
        };
        explained.text()
    });
    match explained {
        Ok((text, exit)) => {
            say(text);
            exit
        }
        Err(fault) => {
            complain(fault);
            Exit::BadUsage
        }
    }
}

/// A request, and what it is explained with.
struct Explained<'a> {
    front: Front,
    request: OwnedRequest,
    config: Option<&'a Config>,
    /// Those that it may name.
    dialects: &'a [Arc<Dialect>],
    /// Its tenants and providers.
    directory: Arc<Directory>,
    arguments: &'a Arguments,
}

impl Explained<'_> {
    /// The explanation.
    fn text(&self) -> Result<(String, Exit), String> {
        let (dialect, request) = (&*self.front.dialect, &self.request);
        let settings = &self.front.settings;
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "dialect     {} (ids of {})",
            dialect.name(),
            dialect.vendor()
        );
        let refused = match dialect.route(&request.method, &request.path) {
            Routed::Unknown => Failure::RouteUnknown,
            Routed::WrongMethod { allow } => Failure::MethodNotAllowed { allow },
            Routed::Ops(candidates) => {
                match dialect.decode_request(&candidates, &request.view(), settings) {
                    Ok(decoded) => {
                        let secrets = redact::Secrets::of(&decoded.params);
                        let path = secrets.hide_in_target(&request.path);
                        let _ = writeln!(out, "request     {} {path}", request.method);
                        why(dialect, &candidates, &decoded, &mut out);
                        return self.decoded(decoded, out);
                    }
                    Err(failure) => failure,
                }
            }
        };
        let path = redact::known_path(dialect, &request.path);
        let _ = writeln!(out, "request     {} {path}", request.method);
        if let (Failure::RouteUnknown, Some(passthrough)) = (&refused, &self.front.passthrough)
            && self.passes()
        {
            let _ = write!(out, "passed on   {passthrough}");
            return Ok((out, Exit::Fine));
        }
        answer(dialect, &refused, None, settings, &mut out);
        Ok((out, Exit::Findings))
    }
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

impl Explained<'_> {
    /// Whether the front passes the request on to its vendor.
    fn passes(&self) -> bool {
        let request = &self.request;
        let query = match request.query.as_str() {
            "" => String::new(),
            query => format!("?{query}"),
        };
        let head = http::Request::builder()
            .method(request.method.clone())
            .uri(format!("{}{query}", request.path))
            .body(());
        let (Ok(head), Some(passthrough)) = (head, &self.front.passthrough) else {
            return false;
        };
        let (mut parts, ()) = head.into_parts();
        parts.headers.clone_from(&request.headers);
        passthrough.passes(&parts, &request.path)
    }

    fn decoded(&self, decoded: Decoded, mut out: String) -> Result<(String, Exit), String> {
        let (dialect, settings) = (&*self.front.dialect, &self.front.settings);
        let credential = if dialect.credential(&self.request.view()).is_some() {
            "given"
        } else {
            "not given"
        };
        let _ = writeln!(out, "credential  {credential}");
        let _ = writeln!(out, "parameters  {}", redact::shown(&decoded.params));
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
                    redact::shown(&decoded.params)
                );
                if kind.is_about_tokens() {
                    out.push_str("backend     none is asked: linkbridge issues tokens itself");
                    return Ok((out, Exit::Fine));
                }
                let Some(config) = self.config else {
                    out.push_str(WITHOUT_CONFIGURATION);
                    return Ok((out, Exit::Fine));
                };
                let exit = self.play(config, kind, &decoded.params, &mut out)?;
                return Ok((out.trim_end().to_owned(), exit));
            }
        };
        answer(dialect, &failure, Some(decoded.op), settings, &mut out);
        Ok((out, Exit::Findings))
    }
}

/// The configuration, if one is named.
fn configured(arguments: &Arguments, vars: &Vars) -> Result<Option<Loaded>, String> {
    let Some(path) = &arguments.config else {
        return Ok(None);
    };
    let loaded = Loader::new(Some(path), &[], vars).and_then(|mut loader| loader.load(None));
    loaded.map(Some).map_err(|refused| match refused {
        Refused::Text(text) => text,
        Refused::Findings(findings) => rendered(&findings),
    })
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
