//! What `explain` is told: its flags, and the request out of a file or out of them.

use std::path::PathBuf;

use http::{HeaderValue, Method, header};

use crate::mapping::example::{header_line, parse_request};
use crate::model::OwnedRequest;
use crate::outbound::Url;

/// What `explain` can be told. The request is a file in HTTP form, or flags as curl has them.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
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
    pub(super) dialect: Option<String>,
    /// A mapping file instead of a built-in dialect.
    #[arg(long, conflicts_with = "dialect")]
    pub(super) mapping: Option<PathBuf>,
    /// A configuration: what the request comes to there, the requests to an upstream and all answers included.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The client whose request it is; without it, one that may do everything.
    #[arg(long, value_name = "NAME", requires = "config")]
    pub(super) client: Option<String>,
    /// The tenant that the client acts for, where the request does not say.
    #[arg(long, value_name = "KEY", requires = "config")]
    pub(super) tenant: Option<String>,
    /// The id by which the upstream knows the user: aliases are in the store, which is not opened.
    #[arg(long, value_name = "ID", requires = "config")]
    pub(super) user: Option<String>,
    /// Carry reads out, at the configured upstream or at this URL. Writes are never sent.
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "", requires = "config")]
    pub(super) against: Option<String>,
}

impl Arguments {
    /// Where reads are carried out, if not where the configuration says.
    pub(super) fn against(&self) -> Result<Option<Url>, String> {
        match self.against.as_deref() {
            None | Some("") => Ok(None),
            Some(text) => {
                let url = Url::parse(text);
                url.map(Some)
                    .map_err(|fault| format!("--against: {}", fault.message()))
            }
        }
    }
}

/// The request that is to be explained.
pub(super) fn request(arguments: &Arguments) -> Result<OwnedRequest, String> {
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
