//! What of a configuration may be shown: a list of keys that are known to be harmless. The value of every
//! other key is `***`, so that a key that comes to be added is hidden until somebody thinks of it.

use serde_json::{Map, Value, json};

use super::section::Overlay;
use crate::server::{Protocol, Settings};

const HIDDEN: &str = "***";

/// The keys whose values are shown. `*` stands for any one key; tables in lists have no place in a path.
const SHOWN: &[&str] = &[
    "server.listen",
    "server.public_url",
    "server.admin_listen",
    "server.workers",
    "server.log",
    "server.log_format",
    "listener.address",
    "listener.http2",
    "limits.*",
    "tokens.rotate_days",
    "tokens.leeway_seconds",
    "outbound.allow_addresses",
    "outbound.resolve_seconds",
    "outbound.connect_seconds",
    "outbound.tls_seconds",
    "outbound.first_byte_seconds",
    "outbound.total_seconds",
    "outbound.idle_seconds",
    "backend.route.store",
    "backend.upstream.name",
    "backend.upstream.dialect",
    "backend.upstream.options.*",
    "backend.upstream.base_url",
    "backend.upstream.allow_http",
    "backend.upstream.protocols",
    "backend.upstream.resolve_seconds",
    "backend.upstream.connect_seconds",
    "backend.upstream.tls_seconds",
    "backend.upstream.first_byte_seconds",
    "backend.upstream.total_seconds",
    "backend.upstream.idle_seconds",
    "backend.upstream.max_in_flight",
    "backend.upstream.queue_milliseconds",
    "backend.upstream.max_answer_bytes",
    "backend.upstream.retry_percent",
    "backend.upstream.breaker.*",
    "backend.upstream.residual.*",
    "backend.upstream.index_max_age_hours",
    "backend.upstream.credential.kind",
    "front.dialect",
    "front.host",
    "front.prefix",
    "front.anonymous",
    "front.options.*",
    "front.passthrough.origin",
    "front.passthrough.allow_http",
    "front.passthrough.credential",
    "front.passthrough.access",
    "front.passthrough.allow",
    "front.passthrough.first_byte_seconds",
    "front.passthrough.stall_seconds",
    "front.passthrough.max_in_flight",
    "tenant.users",
    "provider.kind",
    "provider.enabled",
    "client.name",
    "client.fronts",
    "client.scopes",
    "client.rate",
    "issuer.name",
    "issuer.issuer",
    "issuer.algorithms",
    "issuer.fronts",
];

/// What may be shown of a configuration: as it is given, and the server's settings as they are in effect.
pub(super) fn shown(text: &str, overlays: [&Overlay; 2], settings: &Settings) -> Value {
    let mut given = text.parse::<toml::Table>().unwrap_or_default();
    for (key, value) in overlays.into_iter().flat_map(Overlay::entries) {
        if let Some((section, key)) = key.split_once('.') {
            let section = section.to_owned();
            let empty = toml::Value::Table(toml::Table::new());
            if let Some(table) = given.entry(section).or_insert(empty).as_table_mut() {
                table.insert(key.to_owned(), toml::Value::String(value.to_owned()));
            }
        }
    }
    let mut path = Vec::new();
    json!({ "given": table(&given, &mut path), "effective": effective(settings) })
}

fn table<'t>(table: &'t toml::Table, path: &mut Vec<&'t str>) -> Value {
    let mut out = Map::new();
    for (key, value) in table {
        path.push(key);
        out.insert(key.clone(), self::value(value, path));
        path.pop();
    }
    Value::Object(out)
}

fn value<'t>(value: &'t toml::Value, path: &mut Vec<&'t str>) -> Value {
    match value {
        toml::Value::Table(inner) => table(inner, path),
        toml::Value::Array(list) if list.iter().any(toml::Value::is_table) => {
            list.iter().map(|inner| self::value(inner, path)).collect()
        }
        plain if is_shown(path) => serde_json::to_value(plain).unwrap_or_else(|_| HIDDEN.into()),
        _ => HIDDEN.into(),
    }
}

/// A route's upstream is as the one of the whole backend.
fn is_shown(path: &[&str]) -> bool {
    let plain: Vec<&str> = match path {
        ["backend", "route", "upstream", rest @ ..] => ["backend", "upstream"]
            .iter()
            .chain(rest)
            .copied()
            .collect(),
        path => path.to_vec(),
    };
    SHOWN.iter().any(|pattern| {
        let wanted = pattern.split('.');
        let count = wanted.clone().count();
        count == plain.len()
            && wanted
                .zip(&plain)
                .all(|(want, is)| want == "*" || want == *is)
    })
}

/// The settings of the server, defaults included: there is nothing secret among them but keys of TLS, which are
/// not told.
fn effective(settings: &Settings) -> Value {
    let listeners: Vec<Value> = settings
        .listeners
        .iter()
        .map(|listener| {
            let protocol = match &listener.protocol {
                Protocol::Http1 => "http/1",
                Protocol::Http2 => "http/2",
                Protocol::Tls(_) => "tls",
            };
            json!({ "address": listener.address.to_string(), "protocol": protocol })
        })
        .collect();
    let (times, body) = (&settings.timeouts, &settings.body);
    let seconds = |time: std::time::Duration| time.as_secs_f64();
    json!({
        "listeners": listeners,
        "admin": settings.admin.map(|address| address.to_string()),
        "workers": settings.workers,
        "connections": settings.connections,
        "connections_per_source": settings.connections_per_source,
        "connection_requests": settings.connection_requests,
        "head_bytes": settings.head_bytes,
        "head_fields": settings.head.fields,
        "target_bytes": settings.head.target_bytes,
        "field_bytes": settings.head.field_bytes,
        "http2_streams": settings.http2_streams,
        "body_bytes": body.bytes,
        "body_chunk_seconds": seconds(body.chunk),
        "body_seconds": seconds(body.total),
        "body_bytes_per_second": body.bytes_per_second,
        "tls_handshake_seconds": seconds(times.tls_handshake),
        "first_byte_seconds": seconds(times.first_byte),
        "head_seconds": seconds(times.head),
        "idle_seconds": seconds(times.idle),
        "write_stall_seconds": seconds(times.write_stall),
        "request_seconds": seconds(times.request),
        "connection_seconds": seconds(times.connection_age),
        "drain_delay_seconds": seconds(times.drain_delay),
        "drain_seconds": seconds(times.drain),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths of all plain values.
    fn paths(value: &toml::Value, path: &str, found: &mut Vec<String>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    paths(
                        value,
                        format!("{path}.{key}").trim_start_matches('.'),
                        found,
                    );
                }
            }
            toml::Value::Array(list) if list.iter().any(toml::Value::is_table) => {
                list.iter().for_each(|value| paths(value, path, found));
            }
            _ => found.push(path.replace("backend.route.upstream", "backend.upstream")),
        }
    }

    #[test]
    fn every_key_that_is_shown_is_one_of_the_example() {
        let example: toml::Table = crate::config::tests::uncommented().parse().unwrap();
        let mut known = Vec::new();
        paths(&toml::Value::Table(example), "", &mut known);
        for key in SHOWN.iter().filter(|key| !key.contains("options")) {
            let start = key.trim_end_matches('*');
            let fits =
                |path: &String| path == key || (key.ends_with('*') && path.starts_with(start));
            assert!(known.iter().any(fits), "{key} is no key");
        }
    }

    fn given(text: &str) -> Value {
        let parsed: toml::Table = text.parse().unwrap();
        table(&parsed, &mut Vec::new())
    }

    #[test]
    fn what_is_not_known_to_be_harmless_is_hidden() {
        let shown = given(
            "[server]\nlisten = \"a\"\nnew_key = \"MARK\"\n[limits]\nidle_seconds = 5\n\
             [limits.deep]\nx = \"MARK\"\n[[client]]\nname = \"n\"\nkey_sha256 = \"MARK\"\n\
             [[tenant]]\nkey = \"MARK\"\nids = { v = \"MARK\" }\n\
             [[backend.route]]\ntenants = [\"MARK\"]\n[backend.route.upstream]\nname = \"up\"\n\
             credential = { kind = \"static\", token = \"MARK\" }\n[unknown]\nlist = [\"MARK\"]\n",
        );
        assert!(!shown.to_string().contains("MARK"), "{shown}");
        assert_eq!(shown["server"]["listen"], "a");
        assert_eq!(shown["server"]["new_key"], "***");
        assert_eq!(shown["limits"]["idle_seconds"], 5);
        assert_eq!(shown["client"][0]["name"], "n");
        assert_eq!(shown["backend"]["route"][0]["upstream"]["name"], "up");
        let credential = &shown["backend"]["route"][0]["upstream"]["credential"];
        assert_eq!(
            (&credential["kind"], &credential["token"]),
            (&json!("static"), &json!("***"))
        );
    }
}
