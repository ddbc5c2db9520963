//! An IdP that is not there: it notes the requests that an upstream is sent, and answers them as the vendor would
//! if the scene were so. Its own mapping, read as a front, makes the answers.

use std::sync::{Arc, Mutex, PoisonError};

use crate::backend::BoxFuture;
use crate::backend::upstream::exchange::{Effect, Exchange, Unanswered};
use crate::dialect::{Decoded, Routed};
use crate::edge::authn::Client;
use crate::model::{Failure, Instant, OperationKind, OwnedRequest, Record, Response, TenantId};
use crate::server::Front;
use crate::server::rehearsal::{Stage, rehearse};

use super::stage::{Shared, seen};

/// A request that an upstream is sent.
#[derive(Clone, Debug)]
pub(super) struct Said {
    /// What it does there.
    pub(super) kind: OperationKind,
    /// Whether it changes something.
    pub(super) effect: Effect,
    /// Where it goes.
    pub(super) url: String,
    /// The request itself.
    pub(super) request: OwnedRequest,
    /// What it says; its secrets are known by it.
    pub(super) params: Record,
    /// The status that it was answered with, if it was sent or a fault was tried.
    pub(super) answered: Option<String>,
    /// How its vendor would word a failure of it.
    pub(super) vendor: Arc<Front>,
    /// The op, for wording.
    pub(super) op: crate::dialect::OpId,
}

/// What goes wrong at one of the requests.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// It is answered so.
    Answered(Response),
    /// It is not answered.
    Silent(Unanswered),
}

/// The IdP.
pub(super) struct Idp {
    pub(super) front: Arc<Front>,
    pub(super) stage: Stage,
    pub(super) client: Client,
    pub(super) scene: Shared,
    pub(super) at: Instant,
    /// What goes wrong, at which request of all.
    pub(super) fault: Option<(usize, Fault)>,
    /// Who carries reads out instead.
    pub(super) real: Option<Arc<dyn Exchange>>,
    pub(super) said: Arc<Mutex<Vec<Said>>>,
}

impl Idp {
    async fn answer(&self, request: &OwnedRequest, effect: Effect) -> Result<Response, Unanswered> {
        let Some(decoded) = self.decoded(request) else {
            return Err(Unanswered::NotSent(Failure::UpstreamRefused));
        };
        let tenant = seen(&self.scene).tenant;
        let place = self.note(request, effect, &decoded);
        match &self.fault {
            Some((at, Fault::Answered(response))) if *at == place => return Ok(response.clone()),
            Some((at, Fault::Silent(unanswered))) if *at == place => return Err(unanswered.clone()),
            _ => {}
        }
        if let (Some(real), Effect::Reads) = (&self.real, effect) {
            let answer = real.exchange(request, effect).await;
            self.tell(
                place,
                match &answer {
                    Ok(response) => response.status.to_string(),
                    Err(_) => "no answer".to_owned(),
                },
            );
            return answer;
        }
        if self.real.is_some() {
            self.tell(place, "not sent, since it changes something".to_owned());
        }
        let client = self.client_of(tenant);
        Ok(
            rehearse(&self.stage, &self.front, &client, decoded, self.at)
                .await
                .response,
        )
    }

    fn decoded(&self, request: &OwnedRequest) -> Option<Decoded> {
        let dialect = &self.front.dialect;
        let Routed::Ops(candidates) = dialect.route(&request.method, &request.path) else {
            return None;
        };
        let decoded = dialect.decode_request(&candidates, &request.view(), &self.front.settings);
        decoded.ok()
    }

    /// Notes a request, and answers its place among all.
    fn note(&self, request: &OwnedRequest, effect: Effect, decoded: &Decoded) -> usize {
        let base = self.front.settings.origin.trim_end_matches('/');
        let query = match request.query.as_str() {
            "" => String::new(),
            query => format!("?{query}"),
        };
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.push(Said {
            kind: self.front.dialect.operation(decoded.op),
            effect,
            url: format!("{base}{}{query}", request.path),
            request: request.clone(),
            params: decoded.params.clone(),
            answered: None,
            vendor: Arc::clone(&self.front),
            op: decoded.op,
        });
        said.len() - 1
    }

    fn tell(&self, place: usize, answered: String) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(said) = said.get_mut(place) {
            said.answered = Some(answered);
        }
    }

    /// The credential is good for the tenant of the scene.
    fn client_of(&self, tenant: TenantId) -> Client {
        Client {
            tenant: Some(tenant),
            ..self.client.clone()
        }
    }
}

impl Exchange for Idp {
    fn exchange<'a>(
        &'a self,
        request: &'a OwnedRequest,
        effect: Effect,
    ) -> BoxFuture<'a, Result<Response, Unanswered>> {
        Box::pin(self.answer(request, effect))
    }

    fn ready(&self) -> bool {
        true
    }
}
