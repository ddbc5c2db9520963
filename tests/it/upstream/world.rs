//! linkbridge with every front, over one IdP.

use linkbridge::backend::embedded::{self, Embedded};
use linkbridge::backend::upstream::state::{IndexStatus, State as _};
use linkbridge::model::TenantId;
use linkbridge::server::clock;
use serde_json::json;

use super::super::fronts::speaker::Speaker;
use super::super::support::client::Client;
use super::super::support::config::{self, Profile};
use super::super::support::fixtures::{Fixture, Q, ROSA, TENANTS, USERS, VENDORS};
use super::super::support::keycloak::secret;
use super::super::support::native;
use super::super::support::server::Server;
use super::idps::{self, Idp, SECRET, TOKEN};

/// Who is linkbridge at the IdP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// A token that does not change.
    Static,
    /// Tokens that are fetched.
    Fetched,
}

/// A server over an IdP.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) idp: Box<dyn Idp>,
    /// Whose ids the IdP knows.
    pub(crate) vendor: &'static str,
    // The server's data, and its token.
    _dir: tempfile::TempDir,
}

/// Whose ids a dialect speaks.
pub(crate) fn vendor_of(dialect: &str) -> &'static str {
    let found = VENDORS.iter().find(|vendor| {
        let rest = dialect.strip_prefix(**vendor);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    });
    found.unwrap_or_else(|| panic!("{dialect} is nobody's"))
}

impl World {
    /// A server over a fresh IdP that is spoken to in this dialect. `indexed`: there is an index, made when the
    /// IdP had no links.
    pub(crate) fn start(dialect: &str, indexed: bool) -> Self {
        Self::start_over(idps::start(dialect), dialect, indexed)
    }

    /// The same over an IdP that was started for it. Without an index any user may be there, so that it is not
    /// complete before the IdP has told all of its users.
    pub(crate) fn start_over(idp: Box<dyn Idp>, dialect: &str, indexed: bool) -> Self {
        let credential = match dialect {
            "flip" => Credential::Fetched,
            _ => Credential::Static,
        };
        let upstream = |url: &str| upstream(dialect, url, credential);
        Self::over(dialect, idp, &upstream, indexed)
    }

    /// A server over this IdP, which the configuration names as `upstream` says.
    pub(crate) fn over(
        dialect: &str,
        idp: Box<dyn Idp>,
        upstream: &dyn Fn(&str) -> String,
        indexed: bool,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("token"), TOKEN).unwrap();
        std::fs::write(dir.path().join("secret"), SECRET).unwrap();
        std::fs::write(dir.path().join("real-secret"), secret("linkbridge")).unwrap();
        if indexed {
            mark_indexed(dir.path());
        }
        let url = idp.url();
        let server = Server::start_with(dir.path(), &|ports| {
            let text = config::text(&profile(!indexed), ports, &dir.path().join("data"));
            text + &upstream(&url)
        });
        let world = Self {
            server: server.unwrap(),
            idp,
            vendor: vendor_of(dialect),
            _dir: dir,
        };
        world.settle();
        world
    }

    /// The data of the server.
    pub(crate) fn data(&self) -> std::path::PathBuf {
        self._dir.path().join("data")
    }

    /// The clients of all fronts.
    pub(crate) fn speakers(&self) -> Vec<Speaker> {
        Speaker::all(self.server.addr, Q)
    }

    /// Makes the fixtures known, and a user whom the IdP does not know. They have documents here, so that what
    /// is told of them does not depend on the IdP; but where the IdP keeps documents, it does so alone.
    fn settle(&self) {
        let mut client = Client::new(self.server.addr);
        let [a, b, ..] = &USERS;
        for user in [a, b, &ROSA, &GHOST] {
            let ids = VENDORS.iter().filter_map(|vendor| {
                let id = user.id_at(vendor).filter(|id| *id != user.key)?;
                Some(((*vendor).to_owned(), json!(id)))
            });
            let ids: serde_json::Map<_, _> = ids.collect();
            let mut body = json!({ "ids": ids });
            if self.vendor != "ory" {
                body["document"] = json!({});
            }
            native::put_user_with(&mut client, TENANTS[0].key, user.key, &body).unwrap_or_else(
                |e| {
                    let log: Vec<String> = self.idp.take_log().iter().map(|r| r.line()).collect();
                    panic!("{e}\n{}\n{}", log.join("\n"), self.server.log())
                },
            );
        }
    }
}

fn profile(open_users: bool) -> Profile {
    Profile {
        open_users,
        // A provider that the IdP does not have.
        provider_of: Some(TENANTS[0].key),
        ..Profile::default()
    }
}

/// The part of the configuration that names the IdP.
fn upstream(dialect: &str, url: &str, credential: Credential) -> String {
    let credential = match credential {
        Credential::Static => r#"{ kind = "static", token = "file:token" }"#.to_owned(),
        Credential::Fetched => format!(
            r#"{{ kind = "client_credentials", token_url = "{url}/auth/realms/{}/protocol/openid-connect/token", client_id = "linkbridge", client_secret = "file:secret", client_auth = "post" }}"#,
            TENANTS[0].id_or_key(vendor_of(dialect))
        ),
    };
    format!(
        "\n[backend.upstream]\ndialect = \"{dialect}\"\nbase_url = \"{url}\"\nallow_http = true\n\
         allow_addresses = [\"127.0.0.1\"]\ncredential = {credential}\n"
    )
}

/// Notes that the links of every user were looked at when there were none.
pub(crate) fn mark_indexed(dir: &std::path::Path) {
    let store = Embedded::open(embedded::Settings::new(dir.join("data"))).unwrap();
    let now = clock::now();
    let status = IndexStatus {
        complete_since: Some(now),
        ..IndexStatus::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let tenant = TenantId::new(TENANTS[0].key).unwrap();
    let noted = store.set_index_status("upstream", &tenant, status);
    runtime.block_on(noted).unwrap();
}

/// A user who is known here and not to the IdP.
pub(crate) static GHOST: Fixture = Fixture {
    name: "H",
    key: "67686f73-7400-4000-8000-000000000001",
    ids: [
        Some("67686f73-7400-4000-8000-000000000001"),
        Some("67686f73-7400-4000-8000-000000000001"),
        Some("67686f73-7400-4000-8000-000000000001"),
        Some("67686f73-7400-4000-8000-000000000001"),
        Some("311800000000000666"),
        Some("67686f73-7400-4000-8000-000000000001"),
    ],
};

/// A provider that nobody knows.
pub(crate) static NOWHERE: Fixture = Fixture {
    name: "X",
    key: "nowhere",
    ids: [
        Some("6e6f7768-6572-4000-8000-000000000001"),
        Some("nowhere"),
        Some("nowhere"),
        Some("6e6f7768-6572-4000-8000-000000000001"),
        Some("311900000000000666"),
        Some("nowhere"),
    ],
};
