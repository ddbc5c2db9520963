//! Who goes first, who gives way and who is let go in a line, over simulated time.

use super::*;

const WAIT: Duration = Duration::from_millis(100);

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn anybody(_: Priority) -> bool {
    true
}

#[test]
fn what_matters_more_goes_first_and_else_who_came_first() {
    let (mut line, now) = (Line::new(WAIT), Instant::now());
    let come = [
        (Priority::Create, "c1"),
        (Priority::Get, "g1"),
        (Priority::Create, "c2"),
        (Priority::Delete, "d1"),
        (Priority::List, "l1"),
        (Priority::Get, "g2"),
    ];
    for (priority, who) in come {
        assert_eq!(line.push(priority, who, 10, now), Came::In);
    }
    let mut order = Vec::new();
    while let Some((_, who)) = line.pop(now, anybody) {
        order.push(who);
    }
    assert_eq!(order, ["d1", "g1", "g2", "l1", "c1", "c2"]);
    assert_eq!(line.len(), 0);
}

#[test]
fn who_may_not_go_on_keeps_nobody_else() {
    let (mut line, now) = (Line::new(WAIT), Instant::now());
    line.push(Priority::List, "l", 10, now);
    line.push(Priority::Create, "c", 10, now);
    let next = line.pop(now, |priority| priority == Priority::Create);
    assert_eq!(next.map(|(_, who)| who), Some("c"));
    assert!(line.pop(now, |_| false).is_none());
    assert_eq!(line.len(), 1);
}

#[test]
fn a_full_line_lets_the_oldest_of_the_least_go_for_what_matters_more() {
    let (mut line, now) = (Line::new(WAIT), Instant::now());
    line.push(Priority::Create, "c1", 2, now);
    line.push(Priority::Create, "c2", 2, now);
    assert_eq!(line.push(Priority::Create, "c3", 2, now), Came::Not);
    assert_eq!(line.push(Priority::Delete, "d", 2, now), Came::For("c1"));
    assert_eq!(line.push(Priority::Get, "g", 2, now), Came::For("c2"));
    assert_eq!(line.push(Priority::List, "l", 2, now), Came::Not);
    assert_eq!(line.len(), 2);
}

#[test]
fn nobody_waits_for_longer_than_they_may() {
    let (mut line, now) = (Line::new(WAIT), Instant::now());
    line.push(Priority::Get, "early", 10, now);
    assert!(line.pop(now + millis(99), |_| false).is_none());
    assert_eq!(line.len(), 1);
    assert!(line.pop(now + millis(101), anybody).is_none());
    assert_eq!(line.len(), 0);
}

#[test]
fn a_standing_line_serves_the_newest_and_is_short_of_patience() {
    let (mut line, start) = (Line::new(WAIT), Instant::now());
    // Somebody comes every millisecond, and one of two goes on.
    let mut waits = Vec::new();
    for n in 0..400_u64 {
        let now = start + millis(n);
        line.push(Priority::Create, n, 1000, now);
        if n % 2 == 0
            && let Some((_, came)) = line.pop(now, anybody)
        {
            waits.push((n, millis(n - came)));
        }
    }
    assert!(line.stands(Priority::Create, start + millis(399)));
    assert!(line.len() <= 7, "{}", line.len());
    let early = waits
        .iter()
        .filter(|(n, _)| *n < 100)
        .map(|(_, w)| *w)
        .max();
    assert!(early > Some(millis(20)), "in order before: {early:?}");
    let late = waits
        .iter()
        .filter(|(n, _)| *n > 110)
        .map(|(_, w)| *w)
        .max();
    assert_eq!(late, Some(Duration::ZERO), "the newest after");
    // That nobody is left, because all have lost patience, does not make it better. Room does.
    let later = start + millis(900);
    assert!(line.pop(later, anybody).is_none());
    assert!(line.stands(Priority::Create, later));
    line.flows(Priority::Create, later);
    line.flows(Priority::Create, later + INTERVAL);
    assert!(!line.stands(Priority::Create, later + INTERVAL));
    assert_eq!(line.patience(Priority::Create, later + INTERVAL), WAIT);
}

#[test]
fn a_moment_of_room_does_not_end_what_stands() {
    let (mut line, start) = (Line::new(WAIT), Instant::now());
    line.push(Priority::Create, 0, 10, start);
    // Each time, all have lost patience when there is room, and nobody else has come.
    for n in (100..600).step_by(20) {
        let now = start + millis(n);
        assert!(line.stands(Priority::Create, now), "{n}");
        assert!(line.pop(now, anybody).is_none());
        line.flows(Priority::Create, now);
        line.push(Priority::Create, n, 10, now + millis(10));
        assert!(line.patience(Priority::Create, now + millis(10)) < WAIT);
    }
}

#[test]
fn a_line_that_is_quick_does_not_stand() {
    let (mut line, start) = (Line::new(WAIT), Instant::now());
    line.push(Priority::Get, 0, 10, start);
    for n in 1..400_u64 {
        let now = start + millis(n);
        line.push(Priority::Get, n, 10, now);
        assert_eq!(line.pop(now, anybody), Some((Priority::Get, n - 1)));
        assert!(!line.stands(Priority::Get, now));
    }
}

#[test]
fn what_matters_more_keeps_its_patience_while_the_rest_stands() {
    let (mut line, start) = (Line::new(WAIT), Instant::now());
    for n in 0..200 {
        line.push(Priority::Create, n, 1000, start + millis(n));
    }
    let now = start + millis(200);
    assert!(line.stands(Priority::Create, now));
    line.push(Priority::Delete, 1000, 1000, now);
    assert_eq!(line.patience(Priority::Delete, now), WAIT);
    let next = line.pop(now + millis(80), anybody);
    assert_eq!(next, Some((Priority::Delete, 1000)));
}

#[test]
fn a_full_standing_line_takes_the_newest_of_equals() {
    let (mut line, start) = (Line::new(WAIT), Instant::now());
    for n in 0..=100 {
        line.push(Priority::Create, n, 1000, start + millis(n));
    }
    let now = start + millis(100);
    assert!(line.stands(Priority::Create, now));
    // Those of the last five milliseconds are left.
    let came = line.push(Priority::Create, 1000, 6, now);
    assert_eq!(came, Came::For(95));
}
