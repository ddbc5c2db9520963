//! The quota and no more, and no less, for who does not obey: judged by a model of the limit that knows only when
//! each request was sent and when its answer had come.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::super::support::client::Client;
use super::super::support::random::{Random, seed};
use super::{KEYS, ask, seconds, serve};

/// So many per second and at once: few enough for a busy machine to saturate them, and more where there is time to
/// measure a percent.
fn quota() -> (u32, u32) {
    match seconds().as_secs() {
        0..10 => (10, 10),
        _ => (100, 50),
    }
}

fn rate() -> String {
    let (count, burst) = quota();
    format!("rate = \"{count}/s burst {burst}\"")
}

/// Per second, and at once.
fn numbers() -> (f64, f64) {
    let (count, burst) = quota();
    (f64::from(count), f64::from(burst))
}

/// When a request was sent and answered, in seconds, and whether it was let in.
type Seen = (f64, f64, bool);

/// Asks as fast as it can over several connections.
fn saturate(addr: SocketAddr, key: &str, connections: usize, span: Duration) -> Vec<Seen> {
    let (seen, begin) = (Mutex::new(Vec::new()), Instant::now());
    std::thread::scope(|threads| {
        for _ in 0..connections {
            threads.spawn(|| {
                let mut client = Client::new(addr);
                let mut own = Vec::new();
                while begin.elapsed() < span {
                    let sent = begin.elapsed().as_secs_f64();
                    let status = ask(&mut client, key).status;
                    assert!(matches!(status, 200 | 429), "{status}");
                    own.push((sent, begin.elapsed().as_secs_f64(), status == 200));
                }
                seen.lock().unwrap().extend(own);
            });
        }
    });
    seen.into_inner().unwrap()
}

/// When the model lets requests in that come at these times.
fn model(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    let (per_second, burst) = numbers();
    let (each, tolerance, mut whole_at) = (1.0 / per_second, (burst - 1.0) / per_second, 0.0_f64);
    times.retain(|now| {
        let is_in = whole_at - tolerance <= *now;
        if is_in {
            whole_at = whole_at.max(*now) + each;
        }
        is_in
    });
    times
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// What must hold of every window: never more than quota and burst surely inside it, and as many as the model lets
/// in, within 1 % and what lies between sending and receiving.
fn judge(seen: &[Seen], name: &str) {
    let (per_second, burst) = numbers();
    let mut admitted = seen.to_vec();
    admitted.retain(|(.., is_in)| *is_in);
    let of_model = model(seen.iter().map(|(sent, ..)| *sent).collect());
    let (count, expected) = (number(admitted.len()), number(of_model.len()));
    // What the limit gives while the slowest request is under way: when it came is not known better than that.
    let blur = per_second * seen.iter().map(|(s, g, _)| g - s).fold(0.0, f64::max);
    eprintln!(
        "limits: {name}: {count} let in, the model {expected}, of {} asked",
        seen.len()
    );
    assert!(
        (count - expected).abs() <= expected * 0.01 + 2.0 + blur,
        "{name}: {count} of {expected}"
    );
    for window in [0.1, 0.5, 1.0, 2.0] {
        for (start, ..) in &admitted {
            let end = start + window;
            let surely = admitted.iter().filter(|(s, g, _)| s >= start && *g <= end);
            let surely = number(surely.count());
            let most = burst + per_second * window;
            assert!(
                surely <= most * 1.01 + 1.0,
                "{name}: {surely} in {window} s, {most} at most"
            );
            let maybe = admitted.iter().filter(|(s, g, _)| g >= start && *s <= end);
            let maybe = number(maybe.count());
            let modelled = of_model.iter().filter(|at| *at >= start && **at <= end);
            let least = number(modelled.count()) * 0.99 - 5.0 - blur;
            assert!(
                maybe >= least,
                "{name}: {maybe} in {window} s, {least} at least"
            );
        }
    }
}

#[test]
fn a_saturating_client_gets_its_quota_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(dir.path(), "", &rate(), &[]);
    let seen = saturate(server.addr, KEYS[0], 2, seconds());
    judge(&seen, "one client");
    // Several at once: none takes from another.
    std::thread::scope(|threads| {
        for key in &KEYS[1..5] {
            let addr = server.addr;
            threads.spawn(move || judge(&saturate(addr, key, 1, seconds()), key));
        }
    });
}

/// One request after another at random times: each answer is what the model says, up to what lies between sending
/// and receiving.
#[test]
fn every_single_decision_is_that_of_the_model() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(dir.path(), "", &rate(), &[]);
    let seed = seed("LINKBRIDGE_LIMIT_SEED");
    eprintln!("limits: seed {seed}");
    let mut random = Random::new(seed);
    let mut client = Client::new(server.addr);
    client.connect().unwrap();
    let (per_second, burst) = numbers();
    let (each, tolerance) = (1.0 / per_second, (burst - 1.0) / per_second);
    let (mut earliest, mut latest) = (0.0_f64, 0.0_f64);
    let (begin, mut decisions) = (Instant::now(), [0, 0]);
    while begin.elapsed() < seconds() {
        if random.between(0, 50) == 0 {
            std::thread::sleep(Duration::from_millis(random.between(0, 60)));
        }
        let sent = begin.elapsed().as_secs_f64();
        let is_in = ask(&mut client, KEYS[0]).status == 200;
        let got = begin.elapsed().as_secs_f64();
        decisions[usize::from(is_in)] += 1;
        if is_in {
            assert!(
                earliest - tolerance <= got + 1e-6,
                "let in too early by {}",
                earliest - got
            );
            earliest = earliest.max(sent) + each;
            latest = latest.max(got) + each;
        } else {
            assert!(
                latest - tolerance > sent - 1e-6,
                "refused too late by {}",
                sent - latest
            );
        }
    }
    assert!(decisions.iter().all(|n| *n > 3), "{decisions:?}");
}
