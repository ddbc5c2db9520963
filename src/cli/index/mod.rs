//! `index`: who may hold an account, where the IdP cannot look it up.
//!
//! A running server fills and renews its indexes by itself (`keeper`); `build` does it while it is stopped,
//! faster and in sight.

mod build;
mod keeper;
mod meter;
mod status;

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(super) use self::keeper::Keeper;
use super::load::{self, Loaded};
use super::{Exit, complain};
use crate::config::Vars;
use crate::finding::suggest;
use crate::model::TenantId;

/// What to do with indexes.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Fill indexes while the server is stopped; what was interrupted goes on.
    Build(build::Arguments),
    /// Show how far indexes are; the server may run.
    Status(status::Arguments),
}

/// Whose indexes, of which configuration.
#[derive(Debug, Args)]
struct Selection {
    /// The configuration, as for `serve`. Else LINKBRIDGE_CONFIG names it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The embedded store's data is in this directory.
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<String>,
    /// Only the upstream of this name.
    #[arg(long, value_name = "NAME")]
    upstream: Option<String>,
    /// Only the tenant of this key.
    #[arg(long, value_name = "KEY")]
    tenant: Option<String>,
}

pub(super) fn run(verb: &Verb, vars: &Vars) -> Exit {
    match verb {
        Verb::Build(arguments) => build::run(arguments, vars),
        Verb::Status(arguments) => status::run(arguments, vars),
    }
}

impl Selection {
    /// The configuration; what is wrong with it has been told.
    fn load(&self, vars: &Vars) -> Result<Loaded, Exit> {
        let data = self.data.iter().map(|data| ("server.data", data.clone()));
        let flags: Vec<_> = data.collect();
        load::once(self.config.as_deref(), &flags, vars).map_err(|text| {
            complain(text);
            Exit::BadUsage
        })
    }

    /// Those of the upstreams with their tenants that are meant, or why it is none.
    fn choose<T>(&self, all: Vec<Place<T>>) -> Result<Vec<Place<T>>, String> {
        let of_upstream = |place: &Place<T>| self.is_upstream(place);
        let of_tenant = |place: &Place<T>| self.is_tenant(place);
        if all.is_empty() {
            let text = "no upstream is configured: without one there is nothing to index";
            return Err(text.to_owned());
        }
        if !all.iter().any(of_upstream) {
            let known = all.iter().map(|place| place.upstream.as_str()).collect();
            return Err(unknown("upstream", self.upstream.as_deref(), known));
        }
        if !all.iter().any(of_tenant) {
            let known = all.iter().map(|place| place.tenant.as_str()).collect();
            return Err(unknown(
                "tenant of an upstream",
                self.tenant.as_deref(),
                known,
            ));
        }
        let is_meant = |place: &Place<T>| of_upstream(place) && of_tenant(place);
        let chosen: Vec<Place<T>> = all.into_iter().filter(is_meant).collect();
        if chosen.is_empty() {
            return Err("the links of this tenant are not kept by this upstream".to_owned());
        }
        Ok(chosen)
    }

    fn is_upstream<T>(&self, place: &Place<T>) -> bool {
        let name = self.upstream.as_ref();
        name.is_none_or(|name| place.upstream == *name)
    }

    fn is_tenant<T>(&self, place: &Place<T>) -> bool {
        let key = self.tenant.as_ref();
        key.is_none_or(|key| place.tenant.as_str() == key)
    }
}

/// One index, with what is known of its upstream.
struct Place<T> {
    upstream: String,
    tenant: TenantId,
    with: T,
}

fn unknown(what: &str, given: Option<&str>, mut known: Vec<&str>) -> String {
    known.sort_unstable();
    known.dedup();
    let given = given.unwrap_or_default();
    format!("there is no {what} `{given}`; {}", suggest(given, &known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Vec<Place<()>> {
        let place = |(upstream, tenant): (&str, &str)| Place {
            upstream: upstream.to_owned(),
            tenant: TenantId::new(tenant).unwrap(),
            with: (),
        };
        [("main", "acme"), ("main", "brown"), ("second", "cyan")]
            .map(place)
            .into()
    }

    fn chosen(upstream: Option<&str>, tenant: Option<&str>) -> Result<Vec<String>, String> {
        let selection = Selection {
            config: None,
            data: None,
            upstream: upstream.map(str::to_owned),
            tenant: tenant.map(str::to_owned),
        };
        let chosen = selection.choose(places())?.into_iter();
        Ok(chosen.map(|place| place.tenant.to_string()).collect())
    }

    #[test]
    fn what_is_named_is_chosen() {
        let want = |keys: &[&str]| Ok(keys.iter().map(|key| (*key).to_owned()).collect());
        assert_eq!(chosen(None, None), want(&["acme", "brown", "cyan"]));
        assert_eq!(chosen(Some("main"), None), want(&["acme", "brown"]));
        assert_eq!(chosen(None, Some("cyan")), want(&["cyan"]));
    }

    #[test]
    fn what_is_not_there_is_told() {
        let error = chosen(Some("mian"), None).unwrap_err();
        assert!(
            error.contains("`mian`") && error.contains("main"),
            "{error}"
        );
        let error = chosen(None, Some("acne")).unwrap_err();
        assert!(error.contains("acme"), "{error}");
        assert!(chosen(Some("main"), Some("cyan")).is_err());
    }
}
