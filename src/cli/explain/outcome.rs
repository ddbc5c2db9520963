//! What becomes of the request with a configuration: it is played over the tree, and what came of it is told.

use std::fmt::Write as _;
use std::sync::Arc;

use super::play::{Play, Played, Wrong};
use super::{Explained, canonical, failures, redact, tell};
use crate::backend::upstream::settings::Credential;
use crate::cli::{Exit, backend};
use crate::config::{self, Config};
use crate::dialect::Dialect;
use crate::model::{OperationKind, Record};
use crate::server::clock;

impl Explained<'_> {
    /// Plays the request over the tree of the configuration, and tells what comes of it.
    pub(super) fn play(
        &self,
        config: &Config,
        kind: OperationKind,
        params: &Record,
        out: &mut String,
    ) -> Result<Exit, String> {
        let client = self.client(config)?;
        let url = self.arguments.against()?;
        let play = Play {
            root: &config.backend.root,
            directory: &self.directory,
            dialects: self.dialects,
            front: &self.front,
            client: &client,
            request: &self.request,
            kind,
            user: self.arguments.user.as_deref(),
            against: self.arguments.against.as_ref().map(|_| url.as_ref()),
            at: clock::now(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let played = runtime.block_on(play.run(&Wrong::Nothing))?;
        let secrets = redact::Secrets::of(params).and(&played.told);
        self.tell(config, &played, &secrets, out);
        if self.arguments.against.is_none() {
            let all = runtime.block_on(failures::try_all(&play, &played))?;
            tell::failures(out, &all, &secrets);
        }
        self.tell_lost(config, kind, self.dialects, &played, out);
        Ok(match played.failure {
            None => Exit::Fine,
            Some(_) => Exit::Findings,
        })
    }

    fn tell(&self, config: &Config, played: &Played, secrets: &redact::Secrets, out: &mut String) {
        let upstream = upstream(config, played);
        let vendor = played
            .said
            .first()
            .map(|said| said.vendor.dialect.vendor().clone());
        let user = self.arguments.user.as_deref();
        let vendors = (self.front.dialect.vendor(), vendor.as_ref());
        let operations = &played.operations;
        canonical::operations(out, operations, &self.directory, vendors, user);
        let place = match operations.first() {
            Some(first) => backend::place(&config.backend, &first.tenant),
            None => "none is asked".to_owned(),
        };
        let _ = writeln!(out, "backend     {place}");
        let has_credential = upstream
            .is_some_and(|upstream| !matches!(upstream.endpoint.credential, Credential::None));
        tell::requests(out, &played.said, has_credential);
        tell::answer(out, played, secrets);
    }

    fn tell_lost(
        &self,
        config: &Config,
        kind: OperationKind,
        dialects: &[Arc<Dialect>],
        played: &Played,
        out: &mut String,
    ) {
        let Some(upstream) = upstream(config, played) else {
            return;
        };
        let there = dialects.iter().find(|d| d.name() == upstream.dialect);
        if let Some(there) = there {
            tell::lost(out, &self.front.dialect, there, upstream, kind);
        }
    }
}

/// The upstream of the tenant that was acted for.
fn upstream<'c>(config: &'c Config, played: &Played) -> Option<&'c config::Upstream> {
    let first = played.operations.first()?;
    backend::upstream_of(&config.backend, &first.tenant)
}
