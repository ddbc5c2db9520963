//! Slots of the gate: found, waited for, and never lost.

use super::*;

const LONG: Duration = Duration::from_secs(10);
const ONE: Range = Range {
    floor: 1,
    ceiling: 1,
};

fn gate(range: Range, wait: Duration) -> Arc<Gate> {
    Gate::new(range, wait, Arc::default())
}

#[tokio::test]
async fn who_finds_no_slot_waits_for_one_and_no_longer_than_the_line_does() {
    let gate = gate(ONE, Duration::from_millis(100));
    let first = gate.enter(Priority::Create, LONG).await.unwrap();
    let refused = gate.enter(Priority::Create, LONG).await.unwrap_err();
    assert_eq!(refused, Reason::Waited);
    let impatient = gate.enter(Priority::Create, Duration::ZERO).await;
    assert_eq!(impatient.unwrap_err(), Reason::Waited);
    let waiting = tokio::spawn({
        let gate = Arc::clone(&gate);
        async move { gate.enter(Priority::Create, LONG).await.is_ok() }
    });
    tokio::task::yield_now().await;
    first.finish(End::Done);
    assert!(waiting.await.unwrap());
}

#[tokio::test]
async fn slots_never_get_lost() {
    let range = Range {
        floor: 4,
        ceiling: 4,
    };
    let gate = gate(range, Duration::from_millis(1));
    let mut tasks = Vec::new();
    for n in 0..400_u64 {
        let gate = Arc::clone(&gate);
        let priority = Priority::ALL[n as usize % 5];
        tasks.push(tokio::spawn(async move {
            tokio::time::sleep(Duration::from_micros(n * 37 % 5000)).await;
            let entered = gate.enter(priority, LONG);
            // Some go away while they wait.
            let patience = Duration::from_micros(n * 101 % 3000);
            if let Ok(Ok(permit)) = tokio::time::timeout(patience, entered).await {
                tokio::time::sleep(Duration::from_micros(n * 53 % 2000)).await;
                assert!(gate.lock().in_flight <= 4);
                match n % 3 {
                    0 => drop(permit),
                    1 => permit.finish(End::Done),
                    _ => permit.finish(End::PushedBack),
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(gate.lock().in_flight, 0);
    // Whoever comes now finds all of them.
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(gate.enter(Priority::Get, LONG).await.unwrap());
    }
}

#[tokio::test]
async fn a_flood_of_creates_leaves_room_for_deletes() {
    let range = Range {
        floor: 8,
        ceiling: 8,
    };
    let gate = gate(range, Duration::from_millis(1));
    let mut held = Vec::new();
    while let Ok(permit) = gate.enter(Priority::Create, LONG).await {
        held.push(permit);
    }
    assert_eq!(held.len(), 6);
    assert!(gate.enter(Priority::Delete, LONG).await.is_ok());
}
