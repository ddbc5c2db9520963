//! What the credential of an upstream can reach: asked once at the start, by a read that changes nothing.
//! Nobody waits for the answer, and none is a reason not to start: an IdP may be away for a while.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Leaf;
use crate::backend::upstream::exchange::{Effect, Exchange, Unanswered};
use crate::cli::{complain, say};
use crate::dialect::{OpId, Settings};
use crate::directory::{Directory, id_at};
use crate::model::{Failure, Field, OperationKind, OwnedRequest, Record, Response, Value};

/// How long an upstream may take for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The reads that tell something, the most telling first.
const READS: &[OperationKind] = &[
    OperationKind::ProviderList,
    OperationKind::UserList,
    OperationKind::Status,
];

/// What asking an upstream came to.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// It answers, and this is what the credential can see.
    Fine(String),
    /// This is wrong.
    Wrong(String),
}

/// Asks every upstream what its credential can reach, in a thread of its own, and tells it when it is known.
pub(in crate::cli) fn ask_all(leaves: Vec<Leaf>, directory: Arc<Directory>) {
    if leaves.is_empty() {
        return;
    }
    let ask = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        match runtime {
            Ok(runtime) => runtime.block_on(tell_all(leaves, directory)),
            Err(error) => complain(format!("warning: upstreams are not tested: {error}")),
        }
    };
    let thread = std::thread::Builder::new().name("upstream test".to_owned());
    if let Err(error) = thread.spawn(ask) {
        complain(format!("warning: upstreams are not tested: {error}"));
    }
}

async fn tell_all(leaves: Vec<Leaf>, directory: Arc<Directory>) {
    let mut asked = JoinSet::new();
    for leaf in leaves {
        let directory = Arc::clone(&directory);
        asked.spawn(async move {
            // Connections belong to the threads that serve: these calls have their own.
            match leaf.exchange() {
                Ok(exchange) => test(&leaf, &*exchange, &directory, PATIENCE).await,
                Err(error) => Found::Wrong(error),
            }
        });
    }
    while let Some(found) = asked.join_next().await {
        match found {
            Ok(Found::Fine(text)) => say(format!("backend: {text}")),
            Ok(Found::Wrong(text)) => complain(format!("warning: {text}")),
            Err(error) => complain(format!("warning: an upstream is not tested: {error}")),
        }
    }
}

/// Asks an upstream what its credential can reach.
async fn test(
    leaf: &Leaf,
    exchange: &dyn Exchange,
    directory: &Directory,
    within: Duration,
) -> Found {
    let name = &leaf.settings.name;
    let Some((kind, op, request)) = question(leaf, directory) else {
        let dialect = leaf.settings.dialect.name();
        return Found::Fine(format!(
            "upstream {name} is not asked: {dialect} has no read that would tell what the credential can reach"
        ));
    };
    let asked = exchange.exchange(&request, Effect::Reads);
    let told = match tokio::time::timeout(within, asked).await {
        Ok(Ok(response)) => answered(leaf, directory, kind, op, &response),
        Ok(Err(unanswered)) => Err(why(&unanswered)),
        Err(_) => Err(format!("no answer within {} seconds", within.as_secs())),
    };
    let word = kind.name();
    match told {
        Ok(told) => Found::Fine(format!("upstream {name} answers ({word}: {told})")),
        Err(why) => Found::Wrong(format!(
            "upstream {name} cannot be used now ({word}: {why})"
        )),
    }
}

/// The request that tells most of those that the dialect can send.
fn question(leaf: &Leaf, directory: &Directory) -> Option<(OperationKind, OpId, OwnedRequest)> {
    let dialect = &leaf.settings.dialect;
    let settings = Settings {
        origin: leaf.settings.endpoint.base_url.to_string(),
        options: leaf.settings.options.clone(),
    };
    let tenants = leaf.tenants.iter().filter_map(|id| directory.tenant(id));
    let mut ids = tenants.filter_map(|t| id_at(t.tenant_id.as_str(), &t.ids, dialect.vendor()));
    let tenant = ids.next();
    READS.iter().find_map(|kind| {
        let mut params = Record::new();
        if *kind == OperationKind::UserList {
            params.set(Field::PageLimit, Value::Int(1));
        }
        let without = dialect.encode_request(*kind, &params, &settings);
        let sent = without.or_else(|| {
            params.set_text(Field::Tenant, tenant?);
            dialect.encode_request(*kind, &params, &settings)
        });
        sent.map(|(op, request)| (*kind, op, request))
    })
}

/// What an answer tells, or what is wrong with it.
fn answered(
    leaf: &Leaf,
    directory: &Directory,
    kind: OperationKind,
    op: OpId,
    response: &Response,
) -> Result<String, String> {
    let dialect = &leaf.settings.dialect;
    let status = response.status;
    let reply = dialect.decode_response(op, response);
    let reply = reply.map_err(|failure| match status {
        401 => format!("the credential is refused, {status}"),
        403 => format!("the credential does not allow this, {status}"),
        _ => format!("status {status}, which is {}", failure.kind().name()),
    })?;
    let count = |field| reply.list(field).map_or(0, <[Record]>::len);
    Ok(match kind {
        OperationKind::ProviderList => {
            let providers = reply.list(Field::Providers).unwrap_or_default();
            let ids = providers.iter().filter_map(|p| p.text(Field::ProviderId));
            let is_known = |id: &str| {
                let mut all = directory.all_providers().iter();
                all.any(|p| id_at(p.provider_id.as_str(), &p.ids, dialect.vendor()) == Some(id))
            };
            let unknown = ids.filter(|id| !is_known(id)).count();
            let found = counted(providers.len(), "provider");
            match unknown {
                0 => found,
                1 => format!("{found}; 1 of them is not configured"),
                n => format!("{found}; {n} of them are not configured"),
            }
        }
        OperationKind::UserList => match count(Field::Users) {
            0 => "no user is seen".to_owned(),
            _ => "users are seen".to_owned(),
        },
        _ => "whether the credential is good is not known".to_owned(),
    })
}

fn counted(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

fn why(unanswered: &Unanswered) -> String {
    let (Unanswered::NotSent(failure) | Unanswered::Lost(failure)) = unanswered;
    match failure {
        Failure::UpstreamDown => "it cannot be reached",
        Failure::UpstreamTimeout => "it takes too long",
        Failure::UpstreamRefused => "it refuses, or is not who it should be",
        Failure::Overloaded { .. } => "too many calls are under way",
        _ => "it does not answer",
    }
    .to_owned()
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
