//! `index build`: scans until the indexes are complete, or somebody says stop.

use std::num::NonZeroU32;
use std::sync::Arc;

use clap::Args;
use tokio::sync::watch;

use super::meter::Meter;
use super::{Place, Selection};
use crate::backend::upstream::Upstream;
use crate::backend::upstream::scan::{Manner, Pace, Stopped};
use crate::backend::upstream::state::IndexStatus;
use crate::cli::load::Loaded;
use crate::cli::signals::Signals;
use crate::cli::users::grouped;
use crate::cli::{Exit, backend, complain, say};
use crate::config::Vars;
use crate::model::Failure;
use crate::server::clock;
use crate::telemetry;

/// What to fill.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Start over, where an earlier scan did not come to its end.
    #[arg(long)]
    restart: bool,
    /// The most requests in a second.
    #[arg(long, value_name = "REQUESTS", default_value = "100")]
    rate: NonZeroU32,
}

const AFTER: &str = "\
The links of every user are read, one request for each. An account that is in no complete index is
answered with 503: that nobody holds it is not known. What linkbridge links itself is in the index anyway.

The server must not run: while it does, it fills and renews its indexes by itself, slowly. A scan
that was interrupted goes on where it stopped, here or there.

Exit codes: 0 every index is complete, 1 some cannot become complete, 2 bad usage or nothing to
index, 3 it could not run, or not to its end.";

/// How the scans of a run ended.
enum Ended {
    /// All of them are done; whether each has made its index complete.
    Done(bool),
    /// By a signal.
    Interrupted,
    /// By what does not pass.
    Stopped(String),
}

pub(super) fn run(arguments: &Arguments, vars: &Vars) -> Exit {
    let loaded = match arguments.selection.load(vars) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    if let Err(text) = telemetry::start(&loaded.config.telemetry.events_only()) {
        complain(format_args!("error: {text}"));
        return Exit::CouldNotRun;
    }
    let (text, exit) = match build(arguments, loaded) {
        Ok(Ended::Done(true)) => return Exit::Fine,
        Ok(Ended::Done(false)) => return Exit::Findings,
        Ok(Ended::Interrupted) => {
            let text = "stopped; the same command goes on, and so does the server";
            (text.to_owned(), Exit::CouldNotRun)
        }
        Ok(Ended::Stopped(text)) => (text, Exit::CouldNotRun),
        Err(problem) => problem,
    };
    complain(format_args!("error: {text}"));
    exit
}

fn build(arguments: &Arguments, loaded: Loaded) -> Result<Ended, (String, Exit)> {
    let cannot = |text: String| (text, Exit::CouldNotRun);
    let Loaded {
        config, dialects, ..
    } = loaded;
    let directory = Arc::new(config.directory);
    let open = backend::open(config.backend, &dialects, &directory);
    let open = open.map_err(|fault| cannot(fault.to_string()))?;
    let mut places = Vec::new();
    for leaf in &open.leaves {
        let upstream = backend::upstream(leaf, &open.store, &directory).map_err(cannot)?;
        let upstream = Arc::new(upstream);
        places.extend(leaf.tenants.iter().map(|tenant| Place {
            upstream: leaf.settings.name.clone(),
            tenant: tenant.clone(),
            with: Arc::clone(&upstream),
        }));
    }
    let chosen = arguments.selection.choose(places);
    let chosen = chosen.map_err(|text| (text, Exit::BadUsage))?;
    let stop = stop_at_a_signal().map_err(|e| cannot(format!("signals cannot be handled: {e}")))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|e| cannot(e.to_string()))?;
    Ok(runtime.block_on(scan_all(arguments, &chosen, stop)))
}

/// Turns true at the first signal.
fn stop_at_a_signal() -> std::io::Result<watch::Receiver<bool>> {
    let (tell, stop) = watch::channel(false);
    let first = move || {
        let _ = tell.send(true);
    };
    Signals::catch()?.watch(first, || {})?;
    Ok(stop)
}

async fn scan_all(
    arguments: &Arguments,
    places: &[Place<Arc<Upstream>>],
    mut stop: watch::Receiver<bool>,
) -> Ended {
    let mut is_complete = true;
    for place in places {
        let name = format!("{} / {}", place.upstream, place.tenant);
        if !place.with.needs_index() {
            say(format!(
                "{name}: needs no index, the IdP looks accounts up itself"
            ));
            continue;
        }
        let mut meter = Meter::new(name.clone());
        let scanned = tokio::select! {
            scanned = scan(arguments, place, &mut meter) => Some(scanned),
            _ = stop.wait_for(|stop| *stop) => None,
        };
        meter.end();
        match scanned {
            None => return Ended::Interrupted,
            Some(Err(stopped)) => return Ended::Stopped(format!("{name}: {}", why(&stopped))),
            Some(Ok(status)) => is_complete &= tell(&name, &status),
        }
    }
    Ended::Done(is_complete)
}

async fn scan(
    arguments: &Arguments,
    place: &Place<Arc<Upstream>>,
    meter: &mut Meter,
) -> Result<IndexStatus, Stopped> {
    let manner = Manner {
        pace: Pace::new(arguments.rate),
        restart: arguments.restart,
        clock: &clock::now,
    };
    let hears = &mut |status: &IndexStatus| meter.advance(status);
    place.with.scan(&place.tenant, manner, hears).await
}

/// Tells what a scan came to, and whether the index is complete.
fn tell(name: &str, status: &IndexStatus) -> bool {
    let (users, links) = (grouped(status.users), grouped(status.links));
    let is_complete = status.complete_since.is_some();
    if is_complete {
        say(format!("{name}: complete, {users} users, {links} links"));
    } else {
        complain(format!(
            "{name}: {users} users, {links} links, and not complete: the IdP cannot list its users, and the tenant's \
             are open. Import the users and set `users = \"known\"` for the tenant, or accounts that are \
             in no index stay unanswered (503)"
        ));
    }
    is_complete
}

/// Why a scan stopped, in words.
pub(super) fn why(stopped: &Stopped) -> String {
    let reason = match &stopped.failure {
        Failure::UpstreamDown => "the IdP cannot be reached".to_owned(),
        Failure::UpstreamTimeout => "the IdP takes too long".to_owned(),
        Failure::UpstreamRefused => {
            "the IdP refuses, or answers what cannot be read; the log says more".to_owned()
        }
        Failure::Conflict => "the IdP's list of users changes faster than it is read".to_owned(),
        Failure::Overloaded { .. } => "the IdP or the store is overloaded".to_owned(),
        Failure::RateLimited { .. } => "the IdP limits the rate; try a lower `--rate`".to_owned(),
        failure => format!("the IdP answers {}", failure.kind().name()),
    };
    let whose = stopped.user.as_ref();
    let whose = whose.map_or(String::new(), |user| {
        format!(", asked for the links of user {user}")
    });
    format!("{reason}{whose}; what was done is kept, and the next scan goes on there")
}
