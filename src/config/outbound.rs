//! `[outbound]`: how linkbridge itself calls others; and what calls a place of its own may say anew.

use std::time::Duration;

use super::section::At;
use crate::finding::{Table, Text};
use crate::outbound::{Net, Policy, Roots, Settings, Timeouts, Url};

pub(super) fn settings(root: &Table<'_>) -> Settings {
    let Some(table) = root.table("outbound") else {
        return Settings::default();
    };
    let settings = over(&table, &Settings::default());
    table.finish();
    settings
}

/// What a table says; where it says nothing, what holds otherwise.
pub(super) fn over(table: &Table<'_>, default: &Settings) -> Settings {
    Settings {
        policy: nets(table).map_or_else(|| default.policy.clone(), |allowed| Policy { allowed }),
        roots: roots(table).unwrap_or_else(|| default.roots.clone()),
        timeouts: timeouts(table, &default.timeouts),
        ..default.clone()
    }
}

/// A URL that can be called; without encryption only where that is said. `danger` is what who is in between
/// could do, `example` what would be right.
pub(super) fn url(
    table: &Table<'_>,
    text: &Text<'_>,
    allow_http: bool,
    danger: &str,
    example: &str,
) -> Option<Url> {
    let at = At::new(table.sink(), text.span.clone());
    match Url::parse(&text.value) {
        Ok(url) if url.is_https() || allow_http => Some(url),
        Ok(_) => {
            at.error(
                "LB533",
                format!("this URL is not encrypted: who is in between could {danger}"),
                "use https, or say `allow_http = true` where nobody is",
            );
            None
        }
        Err(fault) => {
            // There may be a password in it.
            at.mask();
            at.error("LB532", fault.message(), format!("such as `{example}`"));
            None
        }
    }
}

fn nets(table: &Table<'_>) -> Option<Vec<Net>> {
    let texts = table.texts("allow_addresses")?;
    let nets = texts.into_iter().filter_map(|text| {
        let net = Net::parse(&text.value);
        if net.is_none() {
            let message = format!("`{}` is not a range of addresses", text.value);
            let hint = "such as `10.1.0.0/16`, `fd00::/8`, or one address";
            table.sink().error_hint("LB536", text.span, message, hint);
        }
        net
    });
    Some(nets.collect())
}

fn roots(table: &Table<'_>) -> Option<Roots> {
    let text = table.text("ca_file")?;
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
            Some(Roots::Pem(pem))
        }
        Err(error) => {
            let message = format!("{} cannot be read: {error}", text.value);
            table.sink().error_hint(
                "LB537",
                text.span,
                message,
                "relative paths start at the working directory",
            );
            None
        }
    }
}

fn timeouts(table: &Table<'_>, default: &Timeouts) -> Timeouts {
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
