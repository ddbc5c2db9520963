//! A request, played over the configured tree of backends: the walk is that of the server, and everything behind
//! it only pretends.

use std::sync::{Arc, Mutex, PoisonError};

use super::beside::{Beside, Ids};
use super::idp::{Fault, Idp, Said};
use super::pretend::Pretend;
use super::stage::{Recorder, Scene, Shared};
use crate::backend::Backend;
use crate::backend::upstream::{self, Upstream};
use crate::cli::backend::{self, Leaf};
use crate::config::Node;
use crate::dialect::{self, Decoded, Dialect, Routed};
use crate::directory::{Aliases, Directory, id_at};
use crate::edge::authn::Client;
use crate::model::{
    Failure, Instant, Operation, OperationKind, OwnedRequest, Provider, ProviderId, Record,
    Response, Subject, TenantId, UserId,
};
use crate::outbound::Url;
use crate::server::Front;
use crate::server::rehearsal::{Stage, rehearse};

/// Who a user is of whom the request says nothing.
const SOMEBODY: &str = "00000000-0000-4000-8000-00000000000a";
/// The account of a link of which the request says nothing.
const SOME_ACCOUNT: &str = "an-account";

/// A request and what it is played with.
pub(super) struct Play<'a> {
    pub(super) root: &'a Node,
    pub(super) directory: &'a Arc<Directory>,
    pub(super) dialects: &'a [Arc<Dialect>],
    pub(super) front: &'a Front,
    pub(super) client: &'a Client,
    pub(super) request: &'a OwnedRequest,
    pub(super) kind: OperationKind,
    /// By which id the upstream knows the user.
    pub(super) user: Option<&'a str>,
    /// Whether reads are carried out, and where if not where the configuration says.
    pub(super) against: Option<Option<&'a Url>>,
    pub(super) at: Instant,
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub(super) enum Wrong {
    /// Nothing.
    Nothing,
    /// This request of all that are sent.
    Request(usize, Fault),
    /// The store says this, whatever it is asked.
    Store(Failure),
    /// The index is not complete, and knows nothing.
    Index,
}

/// What came of it.
pub(super) struct Played {
    /// What the tree was asked for.
    pub(super) operations: Vec<Operation>,
    /// What upstreams were asked.
    pub(super) said: Vec<Said>,
    /// The failure, if it is one.
    pub(super) failure: Option<Failure>,
    /// What the client is told, else; its secrets are known by it.
    pub(super) told: Record,
    /// What the client is answered.
    pub(super) response: Response,
}

impl Play<'_> {
    /// Plays it.
    ///
    /// # Errors
    /// If it cannot be played at all.
    pub(super) async fn run(&self, wrong: &Wrong) -> Result<Played, String> {
        let decoded = decoded(self.front, self.request).ok_or("the request means no operation")?;
        let scene: Shared = Arc::new(Mutex::new(self.scene()?));
        let said: Arc<Mutex<Vec<Said>>> = Arc::default();
        let holds = !makes_links(self.kind);
        let mut open_leaf = |leaf: Leaf| self.leaf(leaf, &scene, holds, wrong, &said);
        let store: Arc<dyn Backend> = match wrong {
            Wrong::Store(failure) => Arc::new(Pretend::failing(&scene, Some(failure.clone()))),
            _ => Arc::new(Pretend::new(&scene, holds)),
        };
        let root = self.root.clone();
        let (dialects, directory) = (self.dialects, self.directory);
        let tree = backend::tree(root, dialects, directory, &store, &mut open_leaf)?;
        let recorder = Arc::new(Recorder {
            inner: tree,
            scene: Arc::clone(&scene),
            seen: Mutex::default(),
        });
        let stage = Stage {
            directory: Arc::clone(self.directory),
            aliases: Arc::new(Ids { scene, known: None }),
            backend: Arc::clone(&recorder) as Arc<dyn Backend>,
        };
        let rehearsed = rehearse(&stage, self.front, self.client, decoded, self.at).await;
        let operations = recorder.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let said = said.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Played {
            operations: operations.clone(),
            said: said.clone(),
            failure: rehearsed.failure,
            told: rehearsed.told,
            response: rehearsed.response,
        })
    }

    fn leaf(
        &self,
        mut leaf: Leaf,
        scene: &Shared,
        holds: bool,
        wrong: &Wrong,
        said: &Arc<Mutex<Vec<Said>>>,
    ) -> Result<Arc<dyn Backend>, String> {
        if let Some(Some(url)) = self.against {
            let configured = &leaf.settings.endpoint.base_url;
            if configured.is_https() && !url.is_https() {
                return Err("--against: the credential is not sent without encryption".to_owned());
            }
            leaf.settings.endpoint.base_url = url.clone();
        }
        let vendor = leaf.settings.dialect.vendor().clone();
        // Vendors that are one have one id.
        let differs = vendor != *self.front.dialect.vendor();
        let known = self
            .user
            .filter(|_| differs)
            .map(|id| (vendor, id.to_owned()));
        let aliases: Arc<dyn Aliases> = Arc::new(Ids {
            scene: Arc::clone(scene),
            known,
        });
        let idp = Idp {
            front: Arc::new(Front {
                dialect: Arc::clone(&leaf.settings.dialect),
                settings: dialect::Settings {
                    origin: leaf.settings.endpoint.base_url.to_string(),
                    options: leaf.settings.options.clone(),
                },
                host: None,
                prefix: String::new(),
                anonymous: None,
                passthrough: None,
            }),
            stage: Stage {
                directory: Arc::clone(self.directory),
                aliases: Arc::clone(&aliases),
                backend: Arc::new(Pretend::new(scene, holds)),
            },
            client: super::parties::anybody(None)?,
            scene: Arc::clone(scene),
            at: self.at,
            fault: match wrong {
                Wrong::Request(place, fault) => Some((*place, fault.clone())),
                _ => None,
            },
            real: self.against.map(|_| leaf.exchange()).transpose()?,
            said: Arc::clone(said),
        };
        let is_complete = !matches!(wrong, Wrong::Index);
        let fault = match wrong {
            Wrong::Store(failure) => Some(failure.clone()),
            _ => None,
        };
        let parts = upstream::Parts {
            directory: Arc::clone(self.directory),
            aliases,
            local: Arc::new(Pretend::failing(scene, fault)),
            state: Arc::new(Beside {
                scene: Arc::clone(scene),
                holds: holds && is_complete,
                is_complete,
            }),
            pending_origin: None,
        };
        Ok(Arc::new(Upstream::open(
            leaf.settings,
            Arc::new(idp),
            parts,
        )))
    }

    /// What is so as long as the request says nothing else.
    fn scene(&self) -> Result<Scene, String> {
        let tenant = self.client.tenant.clone();
        let first = || self.directory.tenants().first();
        let tenant: Option<TenantId> = tenant.or_else(|| first().map(|t| t.tenant_id.clone()));
        let tenant = tenant.ok_or("there is no tenant")?;
        let vendor = self.front.dialect.vendor();
        let is_told =
            |p: &&Provider| p.enabled && id_at(p.provider_id.as_str(), &p.ids, vendor).is_some();
        let told = self.directory.providers(&tenant).find(is_told);
        let provider = told.map(|provider| provider.provider_id.clone());
        let fault = |fault| format!("{fault:?}");
        Ok(Scene {
            tenant,
            user: UserId::new(SOMEBODY).map_err(fault)?,
            provider: provider
                .map_or_else(|| ProviderId::new("a-provider"), Ok)
                .map_err(fault)?,
            subject: Subject::new(SOME_ACCOUNT).map_err(fault)?,
            at: self.at,
        })
    }
}

/// Whether the operation makes links: then there is none before.
fn makes_links(kind: OperationKind) -> bool {
    use OperationKind as K;
    matches!(
        kind,
        K::LinkCreate | K::PendingComplete | K::UserPut | K::UserCreate | K::UserUpdate
    )
}

/// What a front reads of a request.
pub(super) fn decoded(front: &Front, request: &OwnedRequest) -> Option<Decoded> {
    let dialect = &front.dialect;
    match dialect.route(&request.method, &request.path) {
        Routed::Ops(candidates) => {
            let read = dialect.decode_request(&candidates, &request.view(), &front.settings);
            read.ok()
        }
        Routed::WrongMethod { .. } | Routed::Unknown => None,
    }
}
