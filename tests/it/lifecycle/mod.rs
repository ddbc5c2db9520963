//! The life of a process: reload, restart, drain, readiness, and what it ends with.
//!
//! `LINKBRIDGE_RESTARTS` and `LINKBRIDGE_RELOADS` set how many of each (default 3 and 10).

mod drain;
mod load;
mod reload;
mod restart;
mod revoke;
mod supervisor;

use std::path::Path;

use super::support::config::{self, Ports};

/// A mapping whose one answer says its version twice: in its head and in its body.
pub(crate) fn mapping(version: u32) -> String {
    let errors = include_str!("../../mappings/errors.toml");
    format!(
        r#"format = 1
vendor = "linkbridge"
title = "A version"

[auth.front]
take = [{{ header = "Authorization", scheme = "Bearer" }}]

[headers]
'Linkbridge-Tenant' = "tenant"

[query]
blank = "value"
repeated = "refuse"

[[op]]
name = "version"
does = "status"
method = "GET"
path = "/version"
emit = true
[op.response]
status = 200
'$.version' = {{ const = {version} }}
[op.response.headers]
'X-Version' = {{ const = "{version}" }}
[[op.example]]
request = '''
GET /version'''
params = '{{}}'
response = '''
200
X-Version: {version}

{{"version":{version}}}'''

{errors}"#
    )
}

/// A configuration with that mapping in `versioned.toml` of this directory, and links of open users.
fn configuration(dir: &Path, ports: Ports, more: &str) -> String {
    let text = config::open(
        &["acme".to_owned()],
        &["corp".to_owned()],
        ports,
        &dir.join("data"),
    );
    let own = format!(
        "[server]\nmappings = [\"{}\"]\nworkers = 2\n",
        dir.join("versioned.toml").display()
    );
    text.replacen("[server]\n", &own, 1).replacen(
        "[limits]\n",
        "[limits]\ndrain_delay_seconds = 0\nconnections_per_source = 1000\n",
        1,
    ) + more
}
