//! What a running server cannot change: a reload that wants to is refused, and says where.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use super::Config;
use crate::edge::overload;
use crate::finding::Table;
use crate::model::Secret;
use crate::server::{Listener, Protocol};
use crate::telemetry;

/// What a server was started with that holds until it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    listeners: Vec<(SocketAddr, Kind)>,
    admin: Option<SocketAddr>,
    workers: NonZeroUsize,
    connections: usize,
    connections_per_listener: usize,
    connections_per_source: usize,
    overload: overload::Settings,
    directory: PathBuf,
    token_keys: Vec<Secret>,
    audit_age: Option<Duration>,
    telemetry: telemetry::Settings,
}

/// What is spoken at a listener; certificates are no part of it, they can be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Http1,
    Http2,
    Tls,
}

impl From<&Listener> for Kind {
    fn from(listener: &Listener) -> Self {
        match listener.protocol {
            Protocol::Http1 => Kind::Http1,
            Protocol::Http2 => Kind::Http2,
            Protocol::Tls(_) => Kind::Tls,
        }
    }
}

/// Whether each of these differs between two, by the section and key that say it.
macro_rules! differs {
    ($one:expr, $other:expr, $($section:literal $key:literal => $($field:ident).+,)+) => {
        [$(($one.$($field).+ != $other.$($field).+, $section, $key)),+]
    };
}

impl Fixed {
    /// What of this configuration a server keeps for as long as it runs.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let server = &config.server;
        let listeners = server.listeners.iter();
        Self {
            listeners: listeners.map(|l| (l.address, Kind::from(l))).collect(),
            admin: server.admin,
            workers: server.workers,
            connections: server.connections,
            connections_per_listener: server.connections_per_listener,
            connections_per_source: server.connections_per_source,
            overload: server.overload,
            directory: config.backend.directory().to_owned(),
            token_keys: config.backend.store.token_keys.clone(),
            audit_age: config.backend.store.audit_age,
            telemetry: config.telemetry.clone(),
        }
    }

    /// Notes everything that differs.
    pub(super) fn check(&self, next: &Self, root: &Table<'_>) {
        let differs = differs!(self, next,
            "server" "listen" => listeners,
            "server" "admin_listen" => admin,
            "server" "workers" => workers,
            "server" "log" => telemetry.filter,
            "server" "log_format" => telemetry.format,
            "log" "access" => telemetry.access,
            "log" "source" => telemetry.source,
            "traces" "endpoint" => telemetry.traces,
            "server" "data" => directory,
            "backend" "token_keys" => token_keys,
            "audit" "keep_days" => audit_age,
            "limits" "connections" => connections,
            "limits" "connections_per_listener" => connections_per_listener,
            "limits" "concurrency_min" => overload.concurrency.floor,
            "limits" "concurrency_max" => overload.concurrency.ceiling,
            "limits" "queue_milliseconds" => overload.queue,
            "limits" "memory_bytes" => overload.memory,
            "limits" "connections_per_source" => connections_per_source,
        );
        for (_, section, key) in differs.into_iter().filter(|(differs, ..)| *differs) {
            let message = format!("`{key}` cannot change while the server runs");
            let hint =
                "restart the server for this, or put the key back as it was and reload the rest";
            let place = place(root, section, key);
            root.sink().error_hint("LB610", place, message, hint);
        }
    }
}

/// The key, if the file has it, or what it is about instead.
fn place(root: &Table<'_>, section: &'static str, key: &str) -> Range<usize> {
    if key == "listen" && root.has("listener") {
        return root.key_span("listener");
    }
    let start = root.span().start;
    match root.has(section).then(|| root.table(section)).flatten() {
        Some(table) if table.has(key) => table.key_span(key),
        Some(_) => root.key_span(section),
        None => start..start,
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{codes, inputs, minimal};
    use crate::config::{Fixed, read_beside};

    const SECTIONS: &str = "[server]\nworkers = 2\n[limits]\nconnections = 100\nidle_seconds = 9\n";

    /// What a server that runs with [`SECTIONS`] says of these.
    fn refused(sections: &str) -> Vec<(String, usize)> {
        let read = |sections: &str, running: Option<&Fixed>| {
            let text = format!("{sections}{}", minimal(""));
            inputs(|inputs| read_beside(running, "config.toml", &text, inputs))
        };
        let (running, _) = read(SECTIONS, None).unwrap();
        match read(sections, Some(&Fixed::of(&running))) {
            Ok((_, warnings)) => codes(&warnings),
            Err(findings) => codes(&findings),
        }
    }

    #[test]
    fn what_needs_a_restart_is_found_where_it_stands() {
        assert_eq!(refused(SECTIONS), []);
        assert_eq!(refused(&SECTIONS.replace("= 9", "= 10")), []);
        let found = |line| vec![("LB610".to_owned(), line)];
        let workers = SECTIONS.replace("workers = 2", "workers = 3");
        assert_eq!(refused(&workers), found(2));
        let connections = SECTIONS.replace("connections = 100", "connections = 99");
        assert_eq!(refused(&connections), found(4));
        // A key that is gone is missed at its section.
        assert_eq!(
            refused(&SECTIONS.replace("connections = 100\n", "")),
            found(3)
        );
        let admin = SECTIONS.replace("[server]", "[server]\nadmin_listen = \"off\"");
        assert_eq!(refused(&admin), found(2));
        let listener = "[[listener]]\naddress = \"127.0.0.1:8080\"\n";
        assert_eq!(refused(&format!("{SECTIONS}{listener}")), []);
        let http2 = format!("{SECTIONS}{listener}http2 = true\n");
        assert_eq!(refused(&http2), found(6));
        let other = format!("{SECTIONS}{}", listener.replace("8080", "8081"));
        assert_eq!(refused(&other), found(6));
    }
}
