//! Runs one case: a fresh server, what is given, then each step; every difference is told.

use std::net::SocketAddr;

use serde_json::Value;

use super::super::support::client::Client;
use super::super::support::config::Profile;
use super::super::support::conflict::{self, InProcess};
use super::super::support::fixtures::{A, B, K, LINK, create_body, placeholders};
use super::super::support::native;
use super::super::support::server::Server;
use super::case::{Case, Step, fill};
use super::compare::{Expected, House, differences};

/// What serves a case.
enum Served {
    Binary(Server),
    InProcess(InProcess),
}

impl Served {
    fn start(profile: &Profile) -> Result<Self, String> {
        if profile.conflict {
            conflict::start(profile).map(Served::InProcess)
        } else {
            Server::start(profile).map(Served::Binary)
        }
    }

    fn addr(&self) -> SocketAddr {
        match self {
            Served::Binary(server) => server.addr,
            Served::InProcess(server) => server.addr,
        }
    }
}

/// Everything that is wrong with a case; nothing if it passes.
pub(crate) fn run(text: &str, house: &House) -> Vec<String> {
    let case = match Case::parse(text) {
        Ok(case) => case,
        Err(error) => return vec![format!("the file: {error}")],
    };
    let served = match Served::start(&case.profile) {
        Ok(served) => served,
        Err(error) => return vec![error],
    };
    let mut client = Client::new(served.addr());
    let mut values = placeholders();
    if let Err(error) = prepare(&case, &mut client, &mut values) {
        return vec![error];
    }
    let mut out = Vec::new();
    for (index, step) in case.steps.iter().enumerate() {
        let found = take(step, &mut client, &values, house).unwrap_or_else(|error| vec![error]);
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
    out
}

fn prepare(
    case: &Case,
    client: &mut Client,
    values: &mut Vec<(String, String)>,
) -> Result<(), String> {
    if case.profile.conflict {
        // Such a backend holds nothing, so there is nothing to prepare.
        return if case.given.is_empty() {
            Ok(())
        } else {
            Err("nothing can be given here".to_owned())
        };
    }
    for user in [A, B] {
        native::put_user(client, "acme", user)?;
    }
    for (kind, text) in &case.given {
        let what: Value = serde_json::from_str(&fill(text, values)?)
            .map_err(|e| format!("given: {e}: {text}"))?;
        give(kind, what, client, values)
            .map_err(|error| format!("given: {kind} {text}: {error}"))?;
        // Links are listed by the millisecond in which they were made.
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    Ok(())
}

fn give(
    kind: &str,
    mut what: Value,
    client: &mut Client,
    values: &mut Vec<(String, String)>,
) -> Result<(), String> {
    let text = |name: &str| what[name].as_str().map(str::to_owned);
    match kind {
        "user" => {
            let tenant = text("tenant").unwrap_or_else(|| "acme".to_owned());
            native::put_user(client, &tenant, &text("user_id").ok_or("no user_id")?)
        }
        "pending" => {
            let name = text("as").unwrap_or_else(|| "pending".to_owned());
            what.as_object_mut().ok_or("no object")?.remove("as");
            values.push((name, native::create_pending(client, "acme", &what)?));
            Ok(())
        }
        "link" => {
            let (user, subject) = (
                text("user").ok_or("no user")?,
                text("subject").ok_or("no subject")?,
            );
            let mut body = create_body(&user, &subject, "", "");
            let link = &mut body["identityProviderLink"];
            link["identityProviderId"] = what["provider"].clone();
            // Absent members stay absent: null counts as absent, but a test must not lean on that.
            for (member, value) in [
                ("displayName", text("display_name")),
                ("token", text("token")),
            ] {
                match value {
                    Some(value) => link[member] = value.into(),
                    None => drop(link.as_object_mut().ok_or("no object")?.remove(member)),
                }
            }
            let tenant = text("tenant");
            let mut headers = vec![("Authorization", K), ("Content-Type", "application/json")];
            headers.extend(tenant.as_deref().map(|id| ("X-FusionAuth-TenantId", id)));
            let answer = client.send("POST", LINK, &headers, Some(body.to_string().as_bytes()));
            let answer = answer.map_err(|lost| format!("{lost}"))?;
            if answer.status == 200 {
                Ok(())
            } else {
                Err(format!("{} {}", answer.status, answer.text()))
            }
        }
        _ => Err("unknown kind".to_owned()),
    }
}

fn take(
    step: &Step,
    client: &mut Client,
    values: &[(String, String)],
    house: &House,
) -> Result<Vec<String>, String> {
    let fill_all = |list: &[(String, String)]| -> Result<Vec<(String, String)>, String> {
        list.iter()
            .map(|(name, value)| Ok((name.clone(), fill(value, values)?)))
            .collect()
    };
    let fill_opt =
        |text: &Option<String>| text.as_deref().map(|text| fill(text, values)).transpose();
    let headers = fill_all(&step.headers)?;
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let (target, body) = (fill(&step.target, values)?, fill_opt(&step.body)?);
    let answer = client.send(
        &step.method,
        &target,
        &headers,
        body.as_deref().map(str::as_bytes),
    );
    let answer = answer.map_err(|lost| format!("{lost}"))?;
    let expected = Expected {
        status: step.status,
        headers: fill_all(&step.expected_headers)?,
        body: fill_opt(&step.expected_body)?,
    };
    Ok(differences(house, &expected, &answer))
}
