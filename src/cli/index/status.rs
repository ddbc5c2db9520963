//! `index status`: how far each index is.

use clap::Args;
use jiff::Timestamp;

use super::{Place, Selection};
use crate::backend::embedded::Embedded;
use crate::backend::upstream::scan;
use crate::backend::upstream::state::IndexStatus;
use crate::cli::load::Loaded;
use crate::cli::users::grouped;
use crate::cli::{Exit, backend, complain, say};
use crate::config::Vars;
use crate::model::{Instant, OperationKind};
use crate::server::clock;

/// Which indexes to show.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    selection: Selection,
}

const AFTER: &str = "\
Exit codes: 0 every index is complete and young enough, 1 some are not, 2 bad usage or nothing to
show, 3 the store could not be read.";

pub(super) fn run(arguments: &Arguments, vars: &Vars) -> Exit {
    let loaded = match arguments.selection.load(vars) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    match status(arguments, loaded) {
        Ok(true) => Exit::Fine,
        Ok(false) => Exit::Findings,
        Err((text, exit)) => {
            complain(format_args!("error: {text}"));
            exit
        }
    }
}

/// Tells each index; answers whether all of them are current.
fn status(arguments: &Arguments, loaded: Loaded) -> Result<bool, (String, Exit)> {
    let cannot = |text: String| (text, Exit::CouldNotRun);
    let Loaded {
        config, dialects, ..
    } = loaded;
    let leaves = backend::leaves(&config.backend, &dialects, &config.directory).map_err(cannot)?;
    let places = leaves.iter().flat_map(|leaf| {
        leaf.tenants.iter().map(move |tenant| Place {
            upstream: leaf.settings.name.clone(),
            tenant: tenant.clone(),
            with: &leaf.settings,
        })
    });
    let chosen = arguments.selection.choose(places.collect());
    let chosen = chosen.map_err(|text| (text, Exit::BadUsage))?;
    let of = chosen
        .iter()
        .map(|place| (place.upstream.clone(), place.tenant.clone()));
    let of: Vec<_> = of.collect();
    let store = backend::settings(config.backend.store);
    let found = Embedded::index_statuses(&store, &of).map_err(|e| cannot(e.to_string()))?;
    let now = clock::now();
    let mut are_current = true;
    for (place, status) in chosen.iter().zip(found) {
        let name = format!("{} / {}", place.upstream, place.tenant);
        if place.with.dialect.is_done_upstream(OperationKind::LinkFind) {
            say(format!(
                "{name}: needs no index, the IdP looks accounts up itself"
            ));
            continue;
        }
        let max_age = place.with.index_max_age;
        are_current &= scan::is_current(&status, max_age, now);
        for line in lines(&status, max_age, now) {
            say(format!("{name}: {line}"));
        }
    }
    Ok(are_current)
}

/// An index in words.
fn lines(status: &IndexStatus, max_age: std::time::Duration, now: Instant) -> Vec<String> {
    let mut lines = Vec::new();
    match status.complete_since {
        None => lines.push("not complete: accounts that are not in it are answered 503".to_owned()),
        Some(since) => {
            let end = since.plus_seconds(max_age.as_secs());
            let state = match scan::is_current(status, max_age, now) {
                true => format!("good until {}", told(end)),
                false => format!(
                    "too old since {}: accounts that are not in it are answered 503",
                    told(end)
                ),
            };
            lines.push(format!("complete as of {}, {state}", told(since)));
        }
    }
    let (users, links) = (grouped(status.users), grouped(status.links));
    match status.started_at {
        Some(at) => lines.push(format!(
            "a scan is under way or was interrupted, begun {}: {users} users, {links} links so far",
            told(at)
        )),
        None if status.users > 0 => lines.push(format!("{users} users, {links} links")),
        None => {}
    }
    lines
}

fn told(at: Instant) -> String {
    Timestamp::from_millisecond(at.0).map_or_else(|_| "?".to_owned(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn shown(status: &IndexStatus, now: i64) -> String {
        lines(status, HOUR, Instant(now)).join("\n")
    }

    #[test]
    fn an_index_is_told_with_its_age() {
        let since = 1_763_812_800_000;
        let mut status = IndexStatus {
            complete_since: Some(Instant(since)),
            users: 12_000,
            links: 3,
            ..IndexStatus::default()
        };
        assert_eq!(
            shown(&status, since),
            "complete as of 2025-11-22T12:00:00Z, good until 2025-11-22T13:00:00Z\n12,000 users, 3 links"
        );
        let old = shown(&status, since + 3_600_000);
        assert!(old.contains("too old since 2025-11-22T13:00:00Z"), "{old}");
        status.started_at = Some(Instant(since));
        assert!(shown(&status, since).contains("begun 2025-11-22T12:00:00Z"));
        let none = shown(&IndexStatus::default(), since);
        assert!(
            none.starts_with("not complete") && !none.contains('\n'),
            "{none}"
        );
    }
}
