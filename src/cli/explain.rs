//! `explain`: what a dialect makes of one request, and with a configuration what becomes of it: the canonical
//! operation, what is asked of an upstream, and everything that the client may be answered. Nothing is touched;
//! `--against` carries reads out.

mod beside;
mod failures;
mod idp;
mod play;
mod pretend;
mod redact;
mod stage;
mod tell;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use http::{HeaderValue, Method, header};

use self::play::{Play, Played, Wrong};
use crate::backend::upstream::settings::Credential;
use crate::config::{self, Config, Vars};
use crate::dialect::{Candidates, Decoded, Dialect, Routed, Settings};
use crate::directory::Directory;
use crate::edge::authn::Client;
use crate::edge::scope::Scope;
use crate::finding::suggest;
use crate::mapping::example::{header_line, parse_request};
use crate::model::{ClientName, Failure, OperationKind, OwnedRequest, Record, TenantId};
use crate::outbound::Url;
use crate::server::{Front, clock};

use super::load::{Loaded, Loader, Refused, rendered};
use super::{Exit, backend, check, complain, dialects, live, say};

/// What is said where no configuration is named.
const WITHOUT_CONFIGURATION: &str = "            (ids are the vendor's; --config names the directory that knows the canonical ones)";

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
    /// A configuration: what the request comes to there, the requests to an upstream and all answers included.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The client whose request it is; without it, one that may do everything.
    #[arg(long, value_name = "NAME", requires = "config")]
    client: Option<String>,
    /// The tenant that the client acts for, where the request does not say.
    #[arg(long, value_name = "KEY", requires = "config")]
    tenant: Option<String>,
    /// The id by which the upstream knows the user: aliases are in the store, which is not opened.
    #[arg(long, value_name = "ID", requires = "config")]
    user: Option<String>,
    /// Carry reads out, at the configured upstream or at this URL. Writes are never sent.
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "", requires = "config")]
    against: Option<String>,
}

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
        .map_err(|_| "--request: this is no method")?;
    for line in &arguments.header {
        let (name, value) = header_line(line).map_err(|fault| format!("--header: {fault}"))?;
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

/// The front that reads a request, and the request as it stands below that front's prefix.
fn chosen(
    arguments: &Arguments,
    request: OwnedRequest,
    config: Option<&Config>,
    dialects: &[Arc<Dialect>],
) -> Result<(Front, OwnedRequest), String> {
    if let Some(path) = &arguments.mapping {
        let dialect = check::load_sound(path)?;
        return Ok((alone(Arc::new(dialect)), request));
    }
    let mut fronts: Vec<Front> = match config {
        Some(config) => {
            let mounted = config.fronts.iter().cloned();
            mounted
                .filter_map(|front| live::mount(front, dialects, &config.outbound, &[]).transpose())
                .collect::<Result<_, String>>()?
        }
        None => dialects.iter().map(Arc::clone).map(alone).collect(),
    };
    if let Some(name) = &arguments.dialect {
        let names: Vec<&str> = fronts.iter().map(|front| front.dialect.name()).collect();
        let fault = format!("`{name}` is no dialect here: {}", suggest(name, &names));
        fronts.retain(|front| front.dialect.name() == name);
        if fronts.is_empty() {
            return Err(fault);
        }
    }
    let below = |front: &Front| -> Option<String> {
        let rest = request.path.strip_prefix(front.prefix.as_str())?;
        rest.starts_with('/').then(|| rest.to_owned())
    };
    let best = fronts
        .into_iter()
        .filter_map(|front| Some((below(&front)?, front)))
        .max_by_key(|(path, front)| (front.prefix.len(), front.dialect.affinity(path)));
    let (path, front) = best.ok_or("no front has this path")?;
    Ok((front, OwnedRequest { path, ..request }))
}

/// A dialect that is mounted nowhere.
fn alone(dialect: Arc<Dialect>) -> Front {
    Front {
        dialect,
        settings: Settings {
            origin: "http://127.0.0.1:8080".to_owned(),
            ..Settings::default()
        },
        host: None,
        prefix: String::new(),
        anonymous: None,
        passthrough: None,
    }
}

/// A client without a key that may do everything, for one tenant or for all.
fn anybody(tenant: Option<TenantId>) -> Result<Client, String> {
    Ok(Client {
        name: ClientName::new("explain").map_err(|fault| format!("{fault:?}"))?,
        tenant,
        fronts: None,
        scopes: Scope::ALL.iter().copied().collect(),
        providers: None,
        rate: None,
        rates: crate::edge::rate_limit::ClassRates::default(),
        delete_budget: None,
        keys: Vec::new(),
        identities: Vec::new(),
        client_id: None,
        assertion_keys: Vec::new(),
        certificates: Vec::new(),
        certificate_required: false,
    })
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

    /// Plays the request over the tree of the configuration, and tells what comes of it.
    fn play(
        &self,
        config: &Config,
        kind: OperationKind,
        params: &Record,
        out: &mut String,
    ) -> Result<Exit, String> {
        let client = self.client(config)?;
        let url = self.against()?;
        let play = Play {
            root: &config.backend.root,
            directory: &self.directory,
            dialects: self.dialects,
            front: &self.front,
            client: &client,
            request: &self.request,
            kind,
            user: self.arguments.user.as_deref(),
            against: self.arguments.against.as_ref().map(|_| url.as_ref()),
            at: clock::now(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let played = runtime.block_on(play.run(&Wrong::Nothing))?;
        let secrets = redact::Secrets::of(params).and(&played.told);
        self.tell(config, &played, &secrets, out);
        if self.arguments.against.is_none() {
            let all = runtime.block_on(failures::try_all(&play, &played))?;
            tell::failures(out, &all, &secrets);
        }
        self.tell_lost(config, kind, self.dialects, &played, out);
        Ok(match played.failure {
            None => Exit::Fine,
            Some(_) => Exit::Findings,
        })
    }

    fn tell(&self, config: &Config, played: &Played, secrets: &redact::Secrets, out: &mut String) {
        let upstream = upstream(config, played);
        let vendor = played
            .said
            .first()
            .map(|said| said.vendor.dialect.vendor().clone());
        let user = self.arguments.user.as_deref();
        let vendors = (self.front.dialect.vendor(), vendor.as_ref());
        let operations = &played.operations;
        tell::operations(out, operations, &self.directory, vendors, user);
        let place = match operations.first() {
            Some(first) => backend::place(&config.backend, &first.tenant),
            None => "none is asked".to_owned(),
        };
        let _ = writeln!(out, "backend     {place}");
        let has_credential = upstream
            .is_some_and(|upstream| !matches!(upstream.endpoint.credential, Credential::None));
        tell::requests(out, &played.said, has_credential);
        tell::answer(out, played, secrets);
    }

    fn tell_lost(
        &self,
        config: &Config,
        kind: OperationKind,
        dialects: &[Arc<Dialect>],
        played: &Played,
        out: &mut String,
    ) {
        let Some(upstream) = upstream(config, played) else {
            return;
        };
        let there = dialects.iter().find(|d| d.name() == upstream.dialect);
        if let Some(there) = there {
            tell::lost(out, &self.front.dialect, there, upstream, kind);
        }
    }

    /// Whose request it is.
    fn client(&self, config: &Config) -> Result<Client, String> {
        let tenant = match &self.arguments.tenant {
            Some(key) => {
                let all = self.directory.tenants().iter();
                let names: Vec<&str> = all.map(|t| t.tenant_id.as_str()).collect();
                let fault = || format!("there is no tenant `{key}`: {}", suggest(key, &names));
                let known = names.contains(&key.as_str());
                let id = TenantId::new(key).ok().filter(|_| known);
                Some(id.ok_or_else(fault)?)
            }
            None => None,
        };
        let Some(name) = &self.arguments.client else {
            return anybody(tenant);
        };
        let names: Vec<&str> = config.clients.iter().map(|c| c.name.as_str()).collect();
        let fault = format!("there is no client `{name}`: {}", suggest(name, &names));
        let mut clients = config.clients.iter();
        let client = clients.find(|client| client.name.as_str() == name);
        let client = client.cloned().ok_or(fault)?;
        Ok(Client {
            tenant: client.tenant.clone().or(tenant),
            ..client
        })
    }

    /// Where reads are carried out, if not where the configuration says.
    fn against(&self) -> Result<Option<Url>, String> {
        match self.arguments.against.as_deref() {
            None | Some("") => Ok(None),
            Some(text) => {
                let url = Url::parse(text);
                url.map(Some)
                    .map_err(|fault| format!("--against: {}", fault.message()))
            }
        }
    }
}

/// The upstream of the tenant that was acted for.
fn upstream<'c>(config: &'c Config, played: &Played) -> Option<&'c config::Upstream> {
    let first = played.operations.first()?;
    backend::upstream_of(&config.backend, &first.tenant)
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
