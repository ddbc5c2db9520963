//! `[outbound]`: how linkbridge itself calls others.

use std::time::Duration;

use crate::finding::Table;
use crate::outbound::{Net, Policy, Roots, Settings, Timeouts};

pub(super) fn settings(root: &Table<'_>) -> Settings {
    let Some(table) = root.table("outbound") else {
        return Settings::default();
    };
    let settings = Settings {
        policy: Policy {
            allowed: nets(&table),
        },
        roots: roots(&table),
        timeouts: timeouts(&table),
        ..Settings::default()
    };
    table.finish();
    settings
}

fn nets(table: &Table<'_>) -> Vec<Net> {
    let texts = table.texts("allow_addresses").unwrap_or_default();
    let nets = texts.into_iter().filter_map(|text| {
        let net = Net::parse(&text.value);
        if net.is_none() {
            let message = format!("`{}` is not a range of addresses", text.value);
            let hint = "such as `10.1.0.0/16`, `fd00::/8`, or one address";
            table.sink().error_hint("LB536", text.span, message, hint);
        }
        net
    });
    nets.collect()
}

fn roots(table: &Table<'_>) -> Roots {
    let Some(text) = table.text("ca_file") else {
        return Roots::System;
    };
    match std::fs::read(&*text.value) {
        Ok(pem) => {
            if let Err(fault) = Roots::check(&pem) {
                let message = format!("{}: {fault}", text.value);
                table.sink().error_hint(
                    "LB537",
                    text.span,
                    message,
                    "a file of certificates in PEM",
                );
            }
            Roots::Pem(pem)
        }
        Err(error) => {
            let message = format!("{} cannot be read: {error}", text.value);
            table.sink().error_hint(
                "LB537",
                text.span,
                message,
                "relative paths start at the working directory",
            );
            Roots::System
        }
    }
}

fn timeouts(table: &Table<'_>) -> Timeouts {
    let default = Timeouts::default();
    let seconds = |key, default| {
        let given = table.int_in(key, 1..=60);
        let seconds = given.and_then(|n| u64::try_from(n).ok());
        seconds.map_or(default, Duration::from_secs)
    };
    Timeouts {
        resolve: seconds("resolve_seconds", default.resolve),
        connect: seconds("connect_seconds", default.connect),
        tls: seconds("tls_seconds", default.tls),
        first_byte: seconds("first_byte_seconds", default.first_byte),
        total: seconds("total_seconds", default.total),
        idle: seconds("idle_seconds", default.idle),
    }
}
