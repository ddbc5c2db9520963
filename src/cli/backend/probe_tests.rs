//! Upstreams that answer, refuse or stay silent, and what is told of each.

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
