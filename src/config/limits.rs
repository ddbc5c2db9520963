//! `[limits]`: how much, how often and how long.

use std::num::NonZeroU32;
use std::time::Duration;

use super::overload;
use super::section::{self, Section};
use super::server::General;
use crate::edge::rate_limit::{self, Rate};
use crate::edge::{body, head, http2};
use crate::server::{Settings, Timeouts};

/// The server's settings: `[limits]`, completed by what `[server]` says.
pub(super) fn settings(limits: Section<'_>, general: &General) -> Settings {
    let settings = Settings {
        listeners: general.listeners.clone(),
        admin: general.admin,
        workers: general.workers,
        connections: limits.size("connections", 1..=1_000_000, 10_000),
        connections_per_listener: limits.size("connections_per_listener", 1..=1_000_000, 10_000),
        connections_per_source: limits.size("connections_per_source", 1..=1_000_000, 100),
        connection_requests: limits.size("connection_requests", 1..=1_000_000_000, 10_000) as u64,
        // hyper needs 8 KiB at the least.
        head_bytes: limits.size("head_bytes", 8192..=1_048_576, 16_384),
        http2_streams: limits
            .int("http2_streams", 1..=10_000)
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(100),
        http2_frames: http2_frames(&limits),
        trusted_peers: general.trusted_peers.clone(),
        hsts: general.hsts,
        head: head::Settings {
            fields: limits.size("head_fields", 16..=1024, 64),
            target_bytes: limits.size("target_bytes", 256..=65_536, 8192),
            field_bytes: limits.size("field_bytes", 256..=1_048_576, 8192),
        },
        body: body_settings(&limits),
        rates: rates(&limits),
        overload: overload::settings(&limits),
        timeouts: timeouts(&limits),
    };
    limits.finish();
    settings
}

fn body_settings(limits: &Section<'_>) -> body::Settings {
    body::Settings {
        bytes: limits.size("body_bytes", 1024..=67_108_864, 262_144),
        chunk: limits.seconds("body_chunk_seconds", 1, 5),
        total: limits.seconds("body_seconds", 1, 15),
        bytes_per_second: limits.size("body_bytes_per_second", 1..=1_048_576, 1024) as u64,
    }
}

/// The fewest frames that are no request with which an HTTP/2 client gets anywhere: it begins with some.
const LEAST_HTTP2_FRAMES: u32 = 100;

fn http2_frames(limits: &Section<'_>) -> http2::Allowance {
    let given = limits.text("http2_frame_rate");
    let rate = given.as_ref().and_then(section::rate);
    if let (Some(given), Some(rate)) = (&given, rate)
        && rate.burst.get() < LEAST_HTTP2_FRAMES
    {
        let message = format!("`{}` leaves HTTP/2 clients too few frames", given.value);
        let hint =
            format!("a burst of {LEAST_HTTP2_FRAMES} at the least, such as `100/s burst 2000`");
        given.at.error("LB585", message, hint);
    }
    let number = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
    let rate = rate.unwrap_or(Rate {
        count: number(100),
        per: Duration::from_secs(1),
        burst: number(2000),
    });
    http2::Allowance {
        burst: rate.burst.get(),
        each: rate.per / rate.count.get(),
    }
}

fn rates(limits: &Section<'_>) -> rate_limit::Settings {
    let rate = |key, default| limits.rate(key, section::known_rate(default));
    let may = |key, default| limits.rate_or_off(key, Rate::parse(default));
    rate_limit::Settings {
        global: may("global_rate", "100000/s burst 200000"),
        source: rate("source_rate", "5000/s burst 10000"),
        failed_auth: rate("failed_auth_rate", "10/m burst 20"),
        failed_token: rate("failed_token_rate", "10/m burst 20"),
        client: rate("client_rate", "200/s burst 400"),
        tenant: may("tenant_rate", "20000/s burst 40000"),
        front: rate_limit::ClassRates {
            read: may("front_read_rate", "50000/s burst 100000"),
            create: may("front_create_rate", "20000/s burst 40000"),
            delete: may("front_delete_rate", "20000/s burst 40000"),
            other: may("front_other_rate", "20000/s burst 40000"),
        },
        user: may("user_changes_rate", "20/s burst 2000"),
        deletes: may("delete_budget", "off"),
    }
}

fn timeouts(limits: &Section<'_>) -> Timeouts {
    Timeouts {
        tls_handshake: limits.seconds("tls_handshake_seconds", 1, 5),
        first_byte: limits.seconds("first_byte_seconds", 1, 5),
        head: limits.seconds("head_seconds", 1, 10),
        idle: limits.seconds("idle_seconds", 1, 60),
        write_stall: limits.seconds("write_stall_seconds", 1, 15),
        request: limits.seconds("request_seconds", 1, 10),
        connection_age: limits.seconds("connection_seconds", 1, 3600),
        drain_delay: limits.seconds("drain_delay_seconds", 0, 5),
        drain: limits.seconds("drain_seconds", 1, 30),
    }
}
