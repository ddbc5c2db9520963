//! Settings of an upstream in front of an IdP that is a script: nobody is called, so that only the dialect counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use linkbridge::backend::upstream::Settings;
use linkbridge::backend::upstream::settings::{Credential, Endpoint, Keep, Residual};
use linkbridge::dialect::Dialect;
use linkbridge::outbound::{self, Url};

pub(super) fn endpoint() -> Endpoint {
    Endpoint {
        base_url: Url::parse("https://auth.example.com").unwrap(),
        credential: Credential::None,
        http: outbound::Settings::default(),
        max_in_flight: 1,
        queue: Duration::ZERO,
        max_answer_bytes: 1024,
        retry_percent: 0,
        breaker_failures: 1,
        breaker_open: Duration::ZERO,
    }
}

/// Settings by which everything is kept, and pending links where links are.
pub(super) fn settings(dialect: Arc<Dialect>) -> Settings {
    Settings {
        name: "main".to_owned(),
        dialect,
        options: BTreeMap::new(),
        endpoint: endpoint(),
        residual: Residual {
            token: Keep::Keep,
            display_name: Keep::Keep,
            instants: Keep::Keep,
        },
        index_max_age: Duration::from_secs(3600),
        pending_origin: None,
    }
}
