//! What a vendor's API makes impossible: the list in `tests/fronts/impossible.toml`, which must be neither too
//! short nor too long.

use std::sync::LazyLock;

use super::super::support::config::Profile;
use super::super::support::fixtures::Q;
use super::super::support::server::Server;
use super::clients::{CLIENTS, Create, client, table, tables, text};
use super::facts::Fact;
use super::speaker::Speaker;
use super::template::Request;

/// One thing that is impossible.
#[derive(Debug)]
pub(super) struct Cell {
    dialect: String,
    provider: Option<String>,
    cannot: String,
    proof: Option<(Request, u16)>,
}

static CELLS: LazyLock<Vec<Cell>> = LazyLock::new(|| {
    let table = table("impossible.toml").unwrap();
    let cells = tables(&table, "cell");
    cells.iter().map(|cell| read(cell).unwrap()).collect()
});

fn read(cell: &toml::Table) -> Result<Cell, String> {
    if text(cell, "reason")?.trim().is_empty() {
        return Err(format!("no reason in {cell}"));
    }
    let status = cell.get("status").and_then(toml::Value::as_integer);
    let proof = match text(cell, "proof") {
        Ok(request) => Some((
            Request::parse(&request)?,
            status
                .and_then(|n| u16::try_from(n).ok())
                .ok_or_else(|| format!("no status in {cell}"))?,
        )),
        Err(_) => None,
    };
    Ok(Cell {
        dialect: text(cell, "dialect")?,
        provider: text(cell, "provider").ok(),
        cannot: text(cell, "cannot")?,
        proof,
    })
}

/// Whether a client of this dialect is known to be unable to do this, with links at this provider.
pub(super) fn is_impossible(dialect: &str, cannot: &str, provider: &str) -> bool {
    CELLS.iter().any(|cell| {
        cell.dialect == dialect
            && cell.cannot == cannot
            && cell.provider.as_ref().is_none_or(|at| at == provider)
    })
}

/// The ways of all fronts to make a link at a provider, each with the index of its front.
pub(super) fn creates(provider: &str) -> Vec<(usize, &'static Create)> {
    let all = CLIENTS.iter().enumerate();
    let able = all.filter(|(_, client)| !is_impossible(&client.dialect, "create", provider));
    able.flat_map(|(index, client)| client.creates.iter().map(move |create| (index, create)))
        .collect()
}

/// Whether a client can do this, for all that its file and the directory say.
fn can(dialect: &str, what: &str, provider: Option<&str>) -> bool {
    let client = client(dialect);
    let has_id = provider.is_none_or(|key| Fact::new("A", key, "s").is_known_to(&client.vendor));
    has_id
        && match what {
            "create" => !client.creates.is_empty(),
            "read" => !client.reads.is_empty(),
            "delete" => !client.deletes.is_empty(),
            rule => client.rule(rule).is_some(),
        }
}

#[test]
fn what_a_client_cannot_do_is_listed_and_nothing_else() {
    for client in CLIENTS.iter() {
        for what in ["create", "read", "delete"] {
            for provider in [None, Some("acme-oidc"), Some("google"), Some("corp-saml")] {
                let listed = CELLS.iter().any(|cell| {
                    let at = cell.provider.as_deref();
                    cell.dialect == client.dialect
                        && cell.cannot == what
                        && (at.is_none() || at == provider)
                });
                assert_ne!(
                    can(&client.dialect, what, provider),
                    listed,
                    "{} and {what} at {provider:?}",
                    client.dialect
                );
            }
        }
    }
    for cell in CELLS.iter() {
        let provider = cell.provider.as_deref();
        assert!(
            !can(&cell.dialect, &cell.cannot, provider),
            "stale: {cell:?}"
        );
    }
}

/// A proof is a request that would do it: it is refused for as long as it cannot be done.
#[test]
fn what_is_impossible_is_refused() {
    let profile = Profile {
        two_tenants: true,
        ..Profile::default()
    };
    let server = Server::start(&profile).unwrap();
    super::settle(server.addr, true);
    for cell in CELLS.iter() {
        let Some((request, status)) = &cell.proof else {
            continue;
        };
        let provider = cell.provider.as_deref().unwrap_or("acme-oidc");
        let fact = Fact::new("A", provider, "impossible");
        let mut speaker = Speaker::new(client(&cell.dialect), server.addr, Q);
        let answer = speaker.ask(request, &fact);
        assert_eq!(answer.status, *status, "stale: {cell:?}: {}", answer.text());
        assert!(answer.status >= 400, "no refusal: {cell:?}");
    }
}
