//! Five times as much as can be done: what can be done is done, what matters goes first, the rest is told so
//! at once, and when it is over everything is as before.
//!
//! `LINKBRIDGE_OVERLOAD_SECONDS` makes the flood longer (default 3) and floods the binary over its store,
//! too.

mod load;
mod slow;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use linkbridge::backend::embedded::{Embedded, Settings};
use linkbridge::edge::overload::{Priority, Reason};
use tokio::sync::Semaphore;

use self::load::{End, Kind, Load, Mix, Sample, percentile};
use self::slow::Slow;
use crate::support::config::{self, Profile};
use crate::support::conflict;
use crate::support::random::number;
use crate::support::server::Server;

/// How many operations the slow backend does at once, and how long each takes: 100 a second.
const AT_ONCE: usize = 8;
const TAKES: Duration = Duration::from_millis(80);

/// Mostly what matters least, as a flood is.
const FLOOD: Mix = &[
    (Kind::Delete, 30),
    (Kind::Get, 40),
    (Kind::List, 40),
    (Kind::Health, 20),
    (Kind::Create, 870),
];
const CREATES: Mix = &[(Kind::Create, 1000)];
/// As much of each, so that it is known how long each takes.
const EACH: Mix = &[
    (Kind::Delete, 250),
    (Kind::Get, 250),
    (Kind::List, 250),
    (Kind::Create, 250),
];

/// From the begin of a flood until it is known what can be done.
const SETTLING: Duration = Duration::from_secs(1);

fn seconds() -> Option<u64> {
    number("LINKBRIDGE_OVERLOAD_SECONDS")
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}

/// The samples that were due in this part of a run.
fn late(samples: &[Sample], from: Duration) -> Vec<&Sample> {
    samples.iter().filter(|s| s.due >= from).collect()
}

fn took(samples: &[&Sample], end: End) -> Vec<Duration> {
    let such = samples.iter().filter(|s| s.end == end);
    such.map(|s| s.took).collect()
}

/// What part of the requests of a kind was served.
fn served(samples: &[&Sample], kind: Kind) -> f64 {
    let of_kind: Vec<_> = samples.iter().filter(|s| s.kind == kind).collect();
    let good = of_kind.iter().filter(|s| s.end == End::Served).count();
    good as f64 / of_kind.len().max(1) as f64
}

/// What a flood came to.
struct Flooded {
    /// What was served, against what can be.
    goodput: f64,
    /// How many times as long as a time without much to do the slow ones of those that were served took,
    /// each against its own kind.
    slowness: f64,
    /// From the end of the flood to the last refusal.
    recovery: Duration,
    samples: Vec<Sample>,
}

/// How many times as long as usual the slowest hundredth of those that were served took. A delete is two
/// turns of a backend, so that each is held against its own kind.
fn slowness(usual: &[Sample], samples: &[&Sample]) -> f64 {
    let middle = |kind| {
        let of_kind = usual.iter().filter(|s| s.kind == kind);
        percentile(of_kind.map(|s| s.took).collect(), 0.5).as_secs_f64()
    };
    let served = samples.iter().filter(|s| s.end == End::Served);
    let of_backend = served.filter(|s| s.kind != Kind::Health);
    let mut times: Vec<f64> = of_backend
        .map(|s| s.took.as_secs_f64() / middle(s.kind))
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    times[(times.len() * 99 / 100).min(times.len() - 1)]
}

async fn flood(load: &Arc<Load>, callers: u32, time: Duration) -> Flooded {
    let second = Duration::from_secs(1);
    load.closed(2, second / 4, CREATES).await;
    let usual = load.closed(2, 2 * second, EACH).await;
    let busy = load.closed(callers, 2 * second, FLOOD).await;
    let counted = |samples: &[&Sample]| {
        let such = samples.iter().filter(|s| s.kind != Kind::Health);
        such.filter(|s| s.end == End::Served).count() as f64
    };
    let capacity = counted(&busy.iter().collect::<Vec<_>>()) / 2.0;
    let samples = load.open(capacity * 5.0, time, FLOOD).await;
    // It takes a moment to find out what can be done; what counts is how it goes on.
    let settled = late(&samples, SETTLING);
    let goodput = counted(&settled) / (time - SETTLING).as_secs_f64() / capacity;
    let slowness = slowness(&usual, &settled);
    let refused = percentile(took(&settled, End::Shed), 0.99);
    let after = load
        .open(capacity / 2.0, Duration::from_millis(2500), CREATES)
        .await;
    let recovery = after.iter().filter(|s| s.end != End::Served);
    let recovery = recovery.map(|s| s.due).max().unwrap_or_default();
    eprintln!(
        "overload: capacity {capacity:.0}/s; at five times as much: goodput {:.0} %, p99 {slowness:.1} times the usual, \
         refusals p99 {refused:.1?}; served of deletes {:.0} %, gets {:.0} %, lists {:.0} %, creates \
         {:.0} %, health {:.0} %; recovered after {recovery:.1?}",
        goodput * 100.0,
        served(&settled, Kind::Delete) * 100.0,
        served(&settled, Kind::Get) * 100.0,
        served(&settled, Kind::List) * 100.0,
        served(&settled, Kind::Create) * 100.0,
        served(&settled, Kind::Health) * 100.0,
    );
    Flooded {
        goodput,
        slowness,
        recovery,
        samples,
    }
}

/// Nothing that was acknowledged is lost, and nothing that was refused has happened.
async fn check_links(load: &Arc<Load>) {
    let odd = std::mem::take(&mut *load.odd.lock().unwrap());
    assert!(
        odd.is_empty(),
        "{} odd answers, such as {:?}",
        odd.len(),
        &odd[0]
    );
    let journal = std::mem::take(&mut *load.journal.lock().unwrap());
    let there = journal.there.iter().map(|(user, id)| (user, Some(id)));
    let gone = journal.gone.iter().map(|(user, _)| (user, None));
    let never = journal.never.iter().map(|user| (user, None));
    for (user, id) in there.chain(gone).chain(never) {
        let target = format!("/linkbridge/v1/users/{user}/links");
        let (status, _, body) = load.send("GET", &target, None).await.unwrap();
        let links = body["links"].as_array().cloned().unwrap_or_default();
        let ids: Vec<_> = links.iter().filter_map(|l| l["link_id"].as_str()).collect();
        let wanted: Vec<&str> = id.into_iter().map(String::as_str).collect();
        assert!(status == 200 || status == 404, "{status} {body}");
        assert_eq!(ids, wanted, "the links of {user}");
    }
}

#[test]
fn five_times_as_much_as_a_backend_can_do() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(Embedded::open(Settings::new(directory.path())).unwrap());
    let slow = Slow {
        store: Arc::clone(&store),
        door: Semaphore::new(AT_ONCE),
        takes: TAKES,
    };
    let profile = Profile {
        open_users: true,
        ..Profile::default()
    };
    let limits = "concurrency_min = 8\nconcurrency_max = 512\nconnections_per_source = 5000\n";
    let server = conflict::start_on(&profile, limits, Arc::new(slow)).unwrap();
    let load = Load::new(server.addr);
    let time = Duration::from_secs(seconds().unwrap_or(3));
    let flooded = block_on(flood(&load, AT_ONCE as u32, time));

    let counts = server.overload();
    let shed = |priority| {
        Reason::ALL
            .map(|r| counts.shed(r, priority))
            .iter()
            .sum::<u64>()
    };
    eprintln!(
        "overload: limit {}, shed {:?}, {} waited for {} ms in all",
        counts.limit.load(Ordering::Relaxed),
        Priority::ALL.map(shed),
        counts.queued.load(Ordering::Relaxed),
        counts.queued_micros.load(Ordering::Relaxed) / 1000,
    );
    let settled = late(&flooded.samples, SETTLING);
    // On an idle machine 95 % and more; the floor is what tells a collapse from a busy machine.
    assert!(flooded.goodput >= 0.5, "goodput {:.2}", flooded.goodput);
    // Without a limit it is the whole backlog: 30 times as long after three seconds, and growing.
    assert!(flooded.slowness <= 8.0, "{:.1} times", flooded.slowness);
    assert!(
        flooded.recovery <= Duration::from_secs(2),
        "{:?}",
        flooded.recovery
    );
    assert_eq!(served(&settled, Kind::Health), 1.0);
    let (deletes, creates) = (
        served(&settled, Kind::Delete),
        served(&settled, Kind::Create),
    );
    assert!(deletes >= creates + 0.4, "{deletes} {creates}");
    assert!(served(&settled, Kind::Get) > creates);
    assert!(shed(Priority::Create) > 0 && shed(Priority::Health) == 0);
    block_on(async {
        // The links are looked up one after the other, at the pace of the store.
        let direct = conflict::start_on(&profile, limits, store).unwrap();
        check_links(&load.moved_to(direct.addr)).await;
    });
}

/// The most memory that the flooded binary may have resident.
const MEMORY: u64 = 256 << 20;

/// How many bytes a process has had resident at the most.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap() * 1024
}

/// What the machine can do is what limits here, and the generator needs half of it: so this is about what must
/// not happen, at length, and the numbers are told.
#[test]
fn a_flood_of_the_binary_over_its_store() {
    let Some(seconds) = seconds() else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let (tenants, providers) = (names(&["acme"]), names(&["google"]));
    let limits = format!("[limits]\nconnections_per_source = 5000\nmemory_bytes = {MEMORY}\n");
    let mut server = Server::start_with(directory.path(), &|ports| {
        let text = config::open(&tenants, &providers, ports, &directory.path().join("data"));
        text.replace("[limits]\n", &limits)
    })
    .unwrap();
    let load = Load::new(server.addr);
    let flooded = block_on(flood(&load, 32, Duration::from_secs(seconds)));
    let peak = peak(server.pid());
    eprintln!("overload: at most {} MiB resident", peak >> 20);
    assert!(server.lives());
    assert!(peak <= MEMORY, "{peak} bytes");
    // Seen: 28 to 62 % where nothing else goes on; less than this would be a server that does nothing but refuse.
    assert!(flooded.goodput >= 0.1, "goodput {:.2}", flooded.goodput);
    assert!(
        flooded.recovery <= Duration::from_secs(2),
        "{:?}",
        flooded.recovery
    );
    let health = served(&flooded.samples.iter().collect::<Vec<_>>(), Kind::Health);
    assert_eq!(health, 1.0, "health was not told");
    block_on(check_links(&load));
}
