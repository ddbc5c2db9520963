//! Configuration: file, environment and flags, read into each module's own settings.
//!
//! Precedence: flag > environment > file > default. A scalar key of `[server]`, `[log]`, `[backend]`, `[limits]`,
//! `[tokens]` or `[audit]` has the variable `LINKBRIDGE_<SECTION>_<KEY>`. Every problem is reported at once, with
//! its place. Relative paths start at the working directory. `config.example.toml` documents every key.
//!
//! Findings, beside those of every file (`LB001` not TOML, `LB002` unknown key, `LB003` key missing,
//! `LB004` wrong type or value):
//!
//! | code | meaning |
//! |---|---|
//! | LB501 | an address, URL or other value of `[server]` is not one |
//! | LB502 | the store is not one that can be served |
//! | LB503 | a secret stands where a reference to it belongs |
//! | LB504 | a reference to a secret leads nowhere |
//! | LB505 | the file of a secret can be read by others (warning) |
//! | LB506 | unknown dialect |
//! | LB507 | the dialect has no such option, or the option no such value |
//! | LB508 | unknown tenant |
//! | LB509 | unknown provider |
//! | LB510 | unknown scope |
//! | LB511 | two entries claim one id of a vendor |
//! | LB512 | two entries have one key or name |
//! | LB513 | the hash of a key is not a SHA-256 |
//! | LB514 | two clients have one key |
//! | LB515 | the example key on a listener that is not on loopback |
//! | LB516 | not a rate |
//! | LB517 | unknown client |
//! | LB518 | a text that cannot be an id, a key or a name |
//! | LB519 | a front cannot be mounted there |
//! | LB520 | the value of a variable or flag cannot be used |
//! | LB521 | a variable for a key that does not exist |
//! | LB522 | nobody can call: no client (warning) |
//! | LB523 | ids of a vendor that no dialect speaks (warning) |
//! | LB524 | `listen` together with `[[listener]]` |
//! | LB525 | no tenant |
//! | LB526 | a request could be for two fronts |
//! | LB530 | unknown issuer |
//! | LB531 | two clients have one identity at an issuer |
//! | LB532 | not a URL that can be called |
//! | LB533 | a URL to call that is not encrypted |
//! | LB534 | unknown signature algorithm |
//! | LB535 | an issuer with both or none of `keys` and `introspection`, or with what goes with the other |
//! | LB536 | not a range of addresses |
//! | LB537 | certificates to trust that cannot be read |
//! | LB538 | the tenants of tokens are of an unknown vendor |
//! | LB540 | a certificate or its key cannot be used |
//! | LB541 | a certificate is out of date (warning) |
//! | LB542 | `http2` together with `tls` |
//! | LB543 | the public key of an assertion cannot be used |
//! | LB544 | how clients are asked for certificates cannot be used |
//! | LB545 | what a client's certificate is known by is nothing of a certificate |
//! | LB546 | two clients have one certificate |
//! | LB547 | no listener asks for the certificates of a client (warning) |
//! | LB550 | an origin that requests are passed on to, with a path |
//! | LB551 | not a method with a path that may pass |
//! | LB552 | what may pass covers what never passes |
//! | LB560 | two upstreams have one name |
//! | LB561 | a tenant has two routes |
//! | LB562 | a route that leads to an upstream and to the store, or to neither |
//! | LB563 | a base URL behind which no path can be put |
//! | LB564 | the private key of a credential cannot be used |
//! | LB565 | tenants share a credential, and the users of one are open |
//! | LB566 | a tenant has no id at the vendor of its upstream, whose requests need one |
//! | LB567 | a tenant has no id at the vendor of an upstream that it shares (warning) |
//! | LB568 | a provider has no id at the vendor of an upstream (warning) |
//! | LB569 | no tenant has links at an upstream (warning) |
//! | LB570 | a call to an upstream may take longer than a request (warning) |
//! | LB571 | the dialect of an upstream cannot keep links, or that of a pending origin not tell pending ones |
//! | LB610 | a reload cannot change this: it needs a restart |
//! | LB611 | a mapping file that cannot be read |
//! | LB612 | a mapping file that has errors |
//! | LB613 | two mapping files of one name |
//! | LB600 | the least concurrency is over the most |
//! | LB601 | a limit of memory that is too little to serve with |
//! | LB630 | health, metrics and settings are told at an address that is not an inner one (warning) |
//! | LB585 | too few frames for a client of HTTP/2 |
//! | LB635 | the file of a secret can be changed by others |
//! | LB636 | everybody is believed about where a request has come from (warning) |
//! | LB637 | no place for the lines of requests, or no form of a source address |
//! | LB638 | no header field that can be sent to a collector of traces |

mod assertions;
mod audit;
mod backend;
mod catalog;
mod certificates;
mod clients;
mod directory;
mod fixed;
mod fronts;
mod issuers;
mod limits;
mod logs;
mod mappings;
mod outbound;
mod overload;
mod passthrough;
mod secret;
mod section;
mod server;
mod shown;
mod tls;
mod tokens;
mod vars;

pub use self::backend::{Backend, Node, PendingOrigin, Store, Upstream};
pub use self::catalog::{Catalog, KnownDialect};
pub use self::fixed::Fixed;
pub use self::fronts::Front;
pub use self::mappings::{OddMapping, mapping_files};
use self::section::{Overlay, Section};
pub use self::vars::Vars;
use crate::directory::Directory;
use crate::edge::authn::Client;
use crate::edge::issuer;
use crate::finding::{Finding, Severity, Sink, Table, parse_toml};
use crate::server::Listener;
use crate::telemetry;

/// Everything that is configured, ready to start with.
#[derive(Debug)]
pub struct Config {
    /// The server's settings.
    pub server: crate::server::Settings,
    /// What is mounted where.
    pub fronts: Vec<Front>,
    /// Who may call.
    pub clients: Vec<Client>,
    /// Whose tokens are taken.
    pub issuers: Vec<issuer::Settings>,
    /// How others are called.
    pub outbound: crate::outbound::Settings,
    /// What clients get at token endpoints.
    pub tokens: crate::edge::tokens::Settings,
    /// Tenants and providers.
    pub directory: Directory,
    /// Where links are kept.
    pub backend: Backend,
    /// Base of every link in an answer.
    pub public_url: String,
    /// What may be shown of all this.
    pub shown: serde_json::Value,
    /// What is told of requests, and where.
    pub telemetry: telemetry::Settings,
}

/// What a configuration is read from, besides its file.
pub struct Inputs<'a> {
    /// The environment.
    pub vars: &'a Vars,
    /// Flags, by the key that each stands for: `("server.listen", "…")`.
    pub flags: &'a [(&'static str, String)],
    /// The dialects there are.
    pub catalog: &'a Catalog,
}

/// Reads a configuration whose file is `text`, shown as `name`.
///
/// # Errors
/// Every finding, warnings too, if one of them is an error. Else the warnings come with the result.
pub fn read(
    name: &str,
    text: &str,
    inputs: &Inputs<'_>,
) -> Result<(Config, Vec<Finding>), Vec<Finding>> {
    read_beside(None, name, text, inputs)
}

/// Reads a configuration for a server that runs already, if one does: what it cannot change is a finding.
///
/// # Errors
/// Those of [`read`].
pub fn read_beside(
    running: Option<&Fixed>,
    name: &str,
    text: &str,
    inputs: &Inputs<'_>,
) -> Result<(Config, Vec<Finding>), Vec<Finding>> {
    let sink = Sink::new(name, text);
    let flags = Overlay::of_flags(inputs.flags);
    let environment = Overlay::of_environment(inputs.vars);
    let config = parse_toml(text, &sink).map(|parsed| {
        let root = Table::root(&parsed, &sink);
        let mut config = resolve(&root, inputs, &flags, &environment);
        if let Some(running) = running {
            running.check(&Fixed::of(&config), &root);
        }
        root.finish();
        let overlays = [&environment, &flags];
        config.shown = shown::shown(text, overlays, &config.server);
        config
    });
    let mut findings = flags.into_sink().into_findings();
    findings.extend(environment.into_sink().into_findings());
    findings.extend(sink.into_findings());
    match config {
        Some(config) if findings.iter().all(|f| f.severity == Severity::Warning) => {
            Ok((config, findings))
        }
        _ => Err(findings),
    }
}

fn resolve<'a>(
    root: &Table<'a>,
    inputs: &Inputs<'_>,
    flags: &'a Overlay,
    environment: &'a Overlay,
) -> Config {
    let general = server::general(
        Section::new("server", root, flags, environment),
        root,
        inputs,
    );
    let server = limits::settings(Section::new("limits", root, flags, environment), &general);
    let tokens = tokens::settings(
        Section::new("tokens", root, flags, environment),
        &general.public_url,
    );
    let described = directory::directory(root, inputs.catalog);
    let outbound = outbound::settings(root);
    let (access, source) = logs::log(Section::new("log", root, flags, environment));
    let traces = logs::traces(root, inputs.vars, &outbound);
    let of_backend = backend::Known {
        catalog: inputs.catalog,
        vars: inputs.vars,
        described: &described,
        outbound: &outbound,
        request: server.timeouts.request,
    };
    let backend = backend::backend(
        Section::new("backend", root, flags, environment),
        &of_backend,
        &general.data,
        audit::age(Section::new("audit", root, flags, environment)),
    );
    let loopback_only = general
        .listeners
        .iter()
        .all(|listener| listener.address.ip().is_loopback());
    let of_issuers = issuers::Known {
        catalog: inputs.catalog,
        vars: inputs.vars,
    };
    let (issuers, names) = issuers::issuers(root, &of_issuers);
    let known = clients::Known {
        described: &described,
        issuers: &names,
        catalog: inputs.catalog,
        loopback_only,
        asks_for_certificates: general.listeners.iter().any(Listener::asks_clients),
    };
    let clients = clients::clients(root, &known);
    if clients.is_empty() && !root.has("client") {
        let start = root.span().start;
        let hint = Some("add a [[client]]; its key is made by `linkbridge keys new`".to_owned());
        root.sink().warning(
            "LB522",
            start..start,
            "nobody can call: there is no client",
            hint,
        );
    }
    let fronts = fronts::fronts(root, inputs.catalog, &clients, &general.public_url);
    Config {
        server,
        fronts,
        clients,
        issuers,
        outbound,
        tokens,
        directory: described.directory,
        backend,
        public_url: general.public_url,
        shown: serde_json::Value::Null,
        telemetry: telemetry::Settings {
            format: general.log_format,
            filter: general.log,
            access,
            source,
            traces,
        },
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
