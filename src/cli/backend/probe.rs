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
mod tests {
    use std::collections::{BTreeMap, HashMap};
    use std::sync::Mutex;

    use super::*;
    use crate::backend::BoxFuture;
    use crate::backend::upstream;
    use crate::backend::upstream::settings::{Credential, Endpoint, Keep, Residual};
    use crate::cli::dialects::built_in;
    use crate::directory::{Tenant, Users};
    use crate::model::{Alias, Provider, ProviderId, ProviderKind, TenantId, VendorName};
    use crate::outbound::{self, Url};

    /// Notes what it is asked, and gives one answer, or none.
    struct Scripted {
        answer: Option<Result<Response, Unanswered>>,
        asked: Mutex<Vec<String>>,
    }

    impl Scripted {
        fn with(status: u16, body: &str) -> Self {
            let mut response = Response {
                status,
                body: body.as_bytes().to_vec(),
                ..Response::default()
            };
            let media = http::HeaderValue::from_static("application/json");
            response.headers.insert(http::header::CONTENT_TYPE, media);
            Self::answering(Some(Ok(response)))
        }

        fn answering(answer: Option<Result<Response, Unanswered>>) -> Self {
            Self {
                answer,
                asked: Mutex::default(),
            }
        }
    }

    impl Exchange for Scripted {
        fn exchange<'a>(
            &'a self,
            request: &'a OwnedRequest,
            effect: Effect,
        ) -> BoxFuture<'a, Result<Response, Unanswered>> {
            assert_eq!(effect, Effect::Reads);
            let query = match request.query.as_str() {
                "" => String::new(),
                query => format!("?{query}"),
            };
            let line = format!("{} {}{query}", request.method, request.path);
            self.asked.lock().unwrap().push(line);
            Box::pin(async move {
                match self.answer.clone() {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                }
            })
        }

        fn ready(&self) -> bool {
            true
        }
    }

    fn directory() -> Directory {
        let tenant = Tenant {
            tenant_id: TenantId::new("acme").unwrap(),
            ids: vec![Alias {
                vendor: VendorName::new("pingone").unwrap(),
                vendor_id: "b3a6a3a8-7f7e-4c08-9a35-6b8f3b6c9d21".to_owned(),
            }],
            users: Users::Open,
            link_limits: HashMap::new(),
            pending_seconds: 3600,
        };
        let provider = Provider {
            provider_id: ProviderId::new("google").unwrap(),
            name: "Google".to_owned(),
            kind: ProviderKind::Google,
            enabled: true,
            tenant: None,
            domains: Vec::new(),
            ids: Vec::new(),
        };
        Directory::new(vec![tenant], vec![provider]).unwrap()
    }

    fn leaf(dialect: &str) -> Leaf {
        let dialect = built_in().into_iter().find(|d| d.name() == dialect);
        let endpoint = Endpoint {
            base_url: Url::parse("https://auth.example.com").unwrap(),
            credential: Credential::None,
            http: outbound::Settings::default(),
            max_in_flight: 1,
            queue: Duration::ZERO,
            max_answer_bytes: 1024,
            retry_percent: 0,
            breaker_failures: 1,
            breaker_open: Duration::ZERO,
        };
        Leaf {
            settings: upstream::Settings {
                name: "main".to_owned(),
                dialect: dialect.unwrap(),
                options: BTreeMap::new(),
                endpoint,
                residual: Residual {
                    token: Keep::Keep,
                    display_name: Keep::Keep,
                    instants: Keep::Keep,
                },
                index_max_age: Duration::ZERO,
                pending_origin: None,
            },
            tenants: vec![TenantId::new("acme").unwrap()],
        }
    }

    async fn tested(dialect: &str, exchange: &Scripted) -> Found {
        test(&leaf(dialect), exchange, &directory(), PATIENCE).await
    }

    fn provider(id: &str) -> String {
        format!(r#"{{"provider_id":"{id}","name":"A","kind":"google","enabled":true}}"#)
    }

    #[tokio::test]
    async fn providers_that_are_seen_are_counted() {
        let listed = |ids: &[&str]| {
            let all: Vec<String> = ids.iter().map(|id| provider(id)).collect();
            let body = format!(
                r#"{{"providers":[{}],"total":{}}}"#,
                all.join(","),
                ids.len()
            );
            Scripted::with(200, &body)
        };
        for (ids, told) in [
            (
                &["google", "b", "c"][..],
                "3 providers; 2 of them are not configured",
            ),
            (&["google"], "1 provider"),
            (&[], "0 providers"),
        ] {
            let exchange = listed(ids);
            let told = format!("upstream main answers (provider.list: {told})");
            assert_eq!(tested("linkbridge", &exchange).await, Found::Fine(told));
            let asked = exchange.asked.lock().unwrap().clone();
            assert_eq!(asked, ["GET /linkbridge/v1/providers"]);
        }
    }

    #[tokio::test]
    async fn a_credential_that_is_refused_and_an_idp_that_is_away_are_warned_of() {
        let refused = Scripted::with(401, "{}");
        let away = Scripted::answering(Some(Err(Unanswered::NotSent(Failure::UpstreamDown))));
        for (exchange, why) in [
            (refused, "the credential is refused, 401"),
            (away, "it cannot be reached"),
        ] {
            let told = format!("upstream main cannot be used now (provider.list: {why})");
            assert_eq!(tested("linkbridge", &exchange).await, Found::Wrong(told));
        }
    }

    #[tokio::test]
    async fn nobody_waits_for_an_answer_for_ever() {
        let silent = Scripted::answering(None);
        let found = test(&leaf("linkbridge"), &silent, &directory(), Duration::ZERO).await;
        let told = "upstream main cannot be used now (provider.list: no answer within 0 seconds)";
        assert_eq!(found, Found::Wrong(told.to_owned()));
    }

    #[tokio::test]
    async fn a_tenant_stands_in_the_path_where_the_dialect_needs_it() {
        let exchange = Scripted::with(403, "{}");
        assert!(matches!(
            tested("pingone", &exchange).await,
            Found::Wrong(_)
        ));
        let path = "/v1/environments/b3a6a3a8-7f7e-4c08-9a35-6b8f3b6c9d21/identityProviders";
        assert_eq!(*exchange.asked.lock().unwrap(), [format!("GET {path}")]);
    }

    #[tokio::test]
    async fn every_dialect_is_asked_once_or_not_at_all() {
        for dialect in built_in() {
            // Whatever comes back, even nonsense, is told and no more.
            let exchange = Scripted::with(200, "[1, null]");
            let found = tested(dialect.name(), &exchange).await;
            let n_asked = exchange.asked.lock().unwrap().len();
            let can_be = matches!(&found, Found::Fine(told) if told.contains("is not asked"));
            assert_eq!(
                n_asked,
                usize::from(!can_be),
                "{}: {found:?}",
                dialect.name()
            );
        }
    }
}
