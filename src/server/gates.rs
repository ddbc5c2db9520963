//! Metrics of what stands before a request: the filters of both versions of HTTP, limits, shedding; and of what the
//! process does beside: reloads, logs, traces. All of it outlives a reload.

use std::sync::{Arc, Weak};

use super::Process;
use super::meters::read;
use crate::edge::http2;
use crate::edge::overload::{Priority, Reason};
use crate::edge::rate_limit::Policy;
use crate::telemetry;
use crate::telemetry::metrics::{Group, Kind, Registry, Samples};

/// Puts all of it into the registry.
pub(super) fn register(registry: &Registry, process: &Arc<Process>) {
    let mut group = Group::new();
    filters(&mut group, process);
    connections(&mut group, process);
    overload(&mut group, process);
    limits(&mut group, process);
    reloads(&mut group, process);
    telling(&mut group);
    registry.set("gates", group);
}

/// A family that has samples for as long as the server lives.
fn family(
    group: &mut Group,
    process: &Arc<Process>,
    (name, kind, help): (&'static str, Kind, &'static str),
    tell: impl Fn(&Process, &mut Samples) + Send + Sync + 'static,
) {
    let weak: Weak<Process> = Arc::downgrade(process);
    group.family(name, kind, help, move |samples| {
        if let Some(process) = weak.upgrade() {
            tell(&process, samples);
        }
    });
}

fn filters(group: &mut Group, process: &Arc<Process>) {
    let help = "Requests of HTTP/1 that were refused by their bytes, and their connections ended.";
    let name = ("linkbridge_http1_refused_total", Kind::Counter, help);
    family(group, process, name, |process, samples| {
        let counts = &process.http1;
        for (reason, count) in [
            ("malformed", &counts.malformed),
            ("too_large", &counts.too_large),
            ("too_slow", &counts.too_slow),
            ("unsupported", &counts.unsupported),
            ("body", &counts.bodies),
        ] {
            samples.count(&[("reason", reason)], read(count));
        }
    });
    let help =
        "Connections of HTTP/2 that were ended for the frames that they sent or left unread.";
    let name = "linkbridge_http2_ended_total";
    group.family(name, Kind::Counter, help, |samples| {
        let counts = http2::counts();
        for (reason, count) in [
            ("ping", &counts.ping),
            ("settings", &counts.settings),
            ("priority", &counts.priority),
            ("window_update", &counts.window_update),
            ("reset", &counts.reset),
            ("data", &counts.data),
            ("continuation", &counts.continuation),
            ("other", &counts.other),
            ("stalled", &counts.stalled),
            ("head", &counts.head),
            ("malformed", &counts.malformed),
        ] {
            samples.count(&[("reason", reason)], read(count));
        }
    });
}

fn connections(group: &mut Group, process: &Arc<Process>) {
    let help = "Connections that were not taken, by what there was too much of.";
    let name = ("linkbridge_connections_over_total", Kind::Counter, help);
    family(group, process, name, |process, samples| {
        let counts = process.connections.counts();
        let memory = &process.overload.counts().connections_refused;
        for (limit, count) in [
            ("all", &counts.refused_total),
            ("listener", &counts.refused_listener),
            ("source", &counts.refused_source),
            ("memory", memory),
        ] {
            samples.count(&[("limit", limit)], read(count));
        }
    });
    let help = "Idle connections that were ended early, because there was too little room.";
    let name = (
        "linkbridge_connections_ended_early_total",
        Kind::Counter,
        help,
    );
    family(group, process, name, |process, samples| {
        samples.count(&[], read(&process.overload.counts().connections_ended));
    });
}

fn overload(group: &mut Group, process: &Arc<Process>) {
    let help = "Requests that were refused because there was too much to do, by reason and by what they were for.";
    let name = ("linkbridge_shed_total", Kind::Counter, help);
    family(group, process, name, |process, samples| {
        let counts = process.overload.counts();
        for reason in Reason::ALL {
            for priority in Priority::ALL {
                let labels = [("reason", reason.name()), ("priority", priority.name())];
                samples.count(&labels, counts.shed(reason, priority));
            }
        }
    });
    type Read = fn(&crate::edge::overload::Counts) -> f64;
    let numbers: [(&'static str, Kind, &'static str, Read); 8] = [
        (
            "linkbridge_queue_waits_total",
            Kind::Counter,
            "Operations that waited for their turn.",
            |c| read(&c.queued) as f64,
        ),
        (
            "linkbridge_queue_wait_seconds_total",
            Kind::Counter,
            "How long operations waited for their turn, in all.",
            |c| read(&c.queued_micros) as f64 / 1e6,
        ),
        (
            "linkbridge_queue_length",
            Kind::Gauge,
            "Operations that wait for their turn.",
            |c| read(&c.queue_length) as f64,
        ),
        (
            "linkbridge_concurrency_limit",
            Kind::Gauge,
            "Operations that may be carried out at once, as of now.",
            |c| read(&c.limit) as f64,
        ),
        (
            "linkbridge_concurrency",
            Kind::Gauge,
            "Operations that are being carried out.",
            |c| read(&c.in_flight) as f64,
        ),
        (
            "linkbridge_memory_stage",
            Kind::Gauge,
            "How far up the stages of memory pressure the process is: 0 to 3, at which requests are refused.",
            |c| read(&c.stage) as f64,
        ),
        (
            "linkbridge_memory_limit_bytes",
            Kind::Gauge,
            "How much memory the process may have; 0 if no limit is known.",
            |c| read(&c.memory_limit_bytes) as f64,
        ),
        (
            "linkbridge_worker_lag_seconds",
            Kind::Gauge,
            "How late the latest worker is.",
            |c| read(&c.lag_micros) as f64 / 1e6,
        ),
    ];
    for (name, kind, help, number) in numbers {
        family(
            group,
            process,
            (name, kind, help),
            move |process, samples| {
                samples.number(&[], number(process.overload.counts()));
            },
        );
    }
}

fn limits(group: &mut Group, process: &Arc<Process>) {
    let help = "Requests and items that a limit of rate has refused.";
    let name = ("linkbridge_rate_limited_total", Kind::Counter, help);
    family(group, process, name, |process, samples| {
        let shared = process.current();
        for policy in Policy::ALL {
            let count = read(shared.limits.counts().of(*policy));
            samples.count(&[("limit", policy.name())], count);
        }
    });
    let help = "Addresses, names, users and tenants whose budget is not whole.";
    let name = ("linkbridge_rate_limit_keys", Kind::Gauge, help);
    family(group, process, name, |process, samples| {
        samples.number(&[], process.current().limits.keys_kept() as f64);
    });
}

fn reloads(group: &mut Group, process: &Arc<Process>) {
    let help = "Reloads of the configuration, by how they ended.";
    let name = ("linkbridge_reloads_total", Kind::Counter, help);
    family(group, process, name, |process, samples| {
        let counts = &process.reloads;
        for (result, count) in [("ok", &counts.replaced), ("refused", &counts.refused)] {
            samples.count(&[("result", result)], read(count));
        }
    });
}

fn telling(group: &mut Group) {
    let name = "linkbridge_log_lines_total";
    let help = "Lines of the log, by what came of them.";
    group.family(name, Kind::Counter, help, |samples| {
        let Some((log, access)) = telemetry::log_counts() else {
            return;
        };
        let logs = [("events", Some(log)), ("access", access)];
        for (log, counts) in logs.iter().filter_map(|(log, c)| Some((*log, c.as_ref()?))) {
            for (result, count) in [
                ("written", &counts.written),
                ("dropped", &counts.dropped),
                ("failed", &counts.failed),
            ] {
                samples.count(&[("log", log), ("result", result)], read(count));
            }
        }
    });
    let name = "linkbridge_trace_spans_total";
    let help = "Spans of traces, by what came of them.";
    group.family(name, Kind::Counter, help, |samples| {
        let counts = telemetry::trace_counts().unwrap_or_default();
        for (result, count) in [
            ("sent", &counts.sent),
            ("dropped", &counts.dropped),
            ("failed", &counts.failed),
        ] {
            samples.count(&[("result", result)], read(count));
        }
    });
}
