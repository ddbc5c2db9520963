//! Runs one case: a fresh server, what is given, then each step; every difference is told.

use std::net::SocketAddr;
use std::path::Path;

use super::super::support::client::Client;
use super::super::support::config::Profile;
use super::super::support::conflict::{self, InProcess};
use super::super::support::fixtures::placeholders;
use super::super::support::http2::Http2;
use super::super::support::server::Server;
use super::case::{Case, Step, fill};
use super::compare::{Captures, Expected, House, compare};
use super::given::{self, Given};
use super::payload;

/// What serves a case.
enum Served {
    Binary(Server),
    InProcess(InProcess),
}

impl Served {
    fn start(dir: &Path, profile: &Profile) -> Result<Self, String> {
        if profile.conflict {
            conflict::start(profile).map(Served::InProcess)
        } else {
            Server::start_in(dir, profile).map(Served::Binary)
        }
    }

    fn addr(&self) -> SocketAddr {
        match self {
            Served::Binary(server) => server.addr,
            Served::InProcess(server) => server.addr,
        }
    }

    fn clients(&self) -> Clients {
        let http2 = match self {
            Served::Binary(server) => server.http2,
            Served::InProcess(server) => server.http2,
        };
        Clients {
            http1: Client::new(self.addr()),
            http2: Http2::new(http2),
        }
    }
}

/// A client for each version of HTTP.
struct Clients {
    http1: Client,
    http2: Http2,
}

/// Everything that is wrong with a case of a vendor; nothing if it passes.
pub(crate) fn run(text: &str, vendor: &str, house: &House) -> Vec<String> {
    let case = match Case::parse(text) {
        Ok(case) => case,
        Err(error) => return vec![format!("the file: {error}")],
    };
    walk(&case, vendor, house).unwrap_or_else(|error| vec![error])
}

fn walk(case: &Case, vendor: &str, house: &House) -> Result<Vec<String>, String> {
    // Declared before the server, so that it is there as long as the server is.
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (served, mut values) = prepared(case, vendor, dir.path())?;
    let mut clients = served.clients();
    let mut out = Vec::new();
    for (index, step) in case.steps.iter().enumerate() {
        let found =
            take(step, &mut clients, &mut values, house).unwrap_or_else(|error| vec![error]);
        out.extend(
            found
                .into_iter()
                .map(|d| format!("step {} ({}): {d}", index + 1, step.title)),
        );
    }
    if let Served::Binary(server) = served {
        let log = server.log();
        if let Some(line) = log.lines().find(|line| line.contains("panicked")) {
            out.push(format!("the server panicked: {line}"));
        }
    }
    Ok(out)
}

type Values = Vec<(String, String)>;

/// A server that has everything that is given, and the placeholders.
fn prepared(case: &Case, vendor: &str, dir: &Path) -> Result<(Served, Values), String> {
    // A value for every placeholder that a given thing may have; none of them depends on the address.
    let fixed = placeholders(vendor, SocketAddr::from(([127, 0, 0, 1], 0)));
    let given = given::all(case, vendor, &fixed)?;
    if case.profile.conflict {
        // Such a backend holds nothing, so there is nothing to prepare.
        return match given.is_empty() {
            true => start(dir, &case.profile, vendor),
            false => Err("nothing can be given here".to_owned()),
        };
    }
    if !given.iter().any(Given::is_at_disabled) {
        let (served, mut values) = start(dir, &case.profile, vendor)?;
        given::prepare(given, &mut Client::new(served.addr()), &mut values)?;
        return Ok((served, values));
    }
    let enabled = Profile {
        all_enabled: true,
        ..case.profile.clone()
    };
    let mut made = Values::new();
    let before = Served::start(dir, &enabled)?;
    given::prepare(given, &mut Client::new(before.addr()), &mut made)?;
    drop(before);
    let (served, mut values) = start(dir, &case.profile, vendor)?;
    values.extend(made);
    Ok((served, values))
}

fn start(dir: &Path, profile: &Profile, vendor: &str) -> Result<(Served, Values), String> {
    let served = Served::start(dir, profile)?;
    let values = placeholders(vendor, served.addr());
    Ok((served, values))
}

fn take(
    step: &Step,
    clients: &mut Clients,
    values: &mut Values,
    house: &House,
) -> Result<Vec<String>, String> {
    let headers = fill_all(&step.headers, values)?;
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let (target, body) = (fill(&step.target, values)?, fill_opt(&step.body, values)?);
    let body = body.as_deref().map(payload::bytes).transpose()?;
    let answer = if step.http2 {
        let body = body.unwrap_or_default();
        clients.http2.send(&step.method, &target, &headers, body)?
    } else {
        let sent = clients
            .http1
            .send(&step.method, &target, &headers, body.as_deref());
        sent.map_err(|lost| lost.to_string())?
    };
    let names = step.names()?;
    if names.is_empty() {
        return Ok(compare(house, &expected(step, values)?, &answer).0);
    }
    // What the answer names may stand elsewhere in the same answer: it is read first, then all is compared.
    let mut open = values.clone();
    open.extend(
        names
            .iter()
            .map(|name| (name.clone(), format!("{{{name}}}"))),
    );
    let (differences, captures) = compare(house, &expected(step, &open)?, &answer);
    if !has_all(&captures, &names) {
        return Ok(differences);
    }
    values.extend(captures);
    Ok(compare(house, &expected(step, values)?, &answer).0)
}

fn has_all(captures: &Captures, names: &[String]) -> bool {
    names
        .iter()
        .all(|name| captures.iter().any(|(captured, _)| captured == name))
}

fn expected(step: &Step, values: &Values) -> Result<Expected, String> {
    Ok(Expected {
        status: step.status,
        headers: fill_all(&step.expected_headers, values)?,
        body: fill_opt(&step.expected_body, values)?,
    })
}

fn fill_all(list: &[(String, String)], values: &Values) -> Result<Values, String> {
    list.iter()
        .map(|(name, value)| Ok((name.clone(), fill(value, values)?)))
        .collect()
}

fn fill_opt(text: &Option<String>, values: &Values) -> Result<Option<String>, String> {
    text.as_deref()
        .map(|text| payload::fill_body(text, values))
        .transpose()
}
