use rusqlite::Connection;

use super::*;
use crate::backend::embedded::audit::{Head, Log, Verdict, Verifier, prune};
use crate::backend::embedded::schema;

/// A chain of intents and outcomes, each an intent or the outcome of the one of that number.
fn chain(records: impl IntoIterator<Item = Option<(i64, &'static str)>>) -> Connection {
    let conn = schema::in_memory();
    let ledger = Ledger::open(&conn).unwrap();
    for (at, ended) in (1..).zip(records) {
        let record = Record {
            at,
            phase: ended.map_or(phase::INTENT, |_| phase::OUTCOME),
            action: "link.create",
            client: "tests",
            front: Some("front"),
            tenant: Some("acme"),
            user_id: Some("u1"),
            upstream: Some("idp"),
            intent: ended.map(|(intent, _)| intent),
            outcome: ended.map(|(_, outcome)| outcome),
            ..Record::default()
        };
        let seq = ledger.add(&conn, &record).unwrap();
        let (sql, seq) = match ended {
            None => ("INSERT INTO audit_open VALUES (?1)", seq),
            Some((intent, _)) => ("DELETE FROM audit_open WHERE seq = ?1", intent),
        };
        conn.execute(sql, [seq]).unwrap();
    }
    ledger.close(&conn).unwrap();
    conn
}

fn verify(conn: &mut Connection) -> Verdict {
    let passing = Connection::open_in_memory().unwrap();
    let log = Log::of(std::mem::replace(conn, passing));
    let verdict = log.verify(None).unwrap_or_else(|e| panic!("{e}"));
    *conn = log.conn;
    verdict
}

fn pruned(conn: &Connection, before: i64) -> u64 {
    let ledger = Ledger::open(conn).unwrap();
    let (gone, _) = prune(conn, &ledger, before, before).unwrap();
    ledger.close(conn).unwrap();
    gone
}

#[test]
fn what_an_earlier_process_left_open_is_unknown_from_then_on() {
    // More than go in one transaction, and one whose outcome is there.
    let mut conn = chain([None, Some((1, "ok"))].into_iter().chain([None; 600]));
    assert_eq!(verify(&mut conn).open.len(), 600);
    assert_eq!(pruned(&conn, i64::MAX), 2);
    assert_eq!(conclude_open(&conn).unwrap(), 600);
    let verdict = verify(&mut conn);
    assert!(verdict.is_whole(), "{:?}", verdict.findings);
    assert!(verdict.open.is_empty());
    assert_eq!(verdict.unknown.len(), 600);
    let first = &verdict.unknown[0];
    assert_eq!((first.seq, first.user_id.as_str()), (3, "u1"));
    let said: (String, String, String, String) = conn
        .query_row(
            "SELECT client, tenant, outcome, reason FROM audit WHERE intent = 3",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .unwrap();
    assert_eq!(
        (said.0.as_str(), said.1.as_str(), said.2.as_str()),
        ("linkbridge", "acme", "unknown")
    );
    assert_eq!(said.3, ENDED);
    assert_eq!(conclude_open(&conn).unwrap(), 0);
    // Nothing is in the way of those who come later any more.
    assert!(pruned(&conn, i64::MAX) > 500);
    assert!(verify(&mut conn).is_whole());
}

#[test]
fn what_is_listed_as_open_and_is_no_intent_stays_a_finding() {
    let mut conn = chain([None, Some((1, "ok"))]);
    conn.execute_batch("INSERT INTO audit_open VALUES (2), (7)")
        .unwrap();
    assert_eq!(conclude_open(&conn).unwrap(), 0);
    assert!(!verify(&mut conn).is_whole());
}

#[test]
fn an_outcome_whose_intent_was_old_enough_to_go_is_whole() {
    for outcome in ["ok", "unknown"] {
        let mut conn = chain([None, None, Some((2, "ok")), Some((1, outcome))]);
        assert_eq!(pruned(&conn, 3), 2);
        let verdict = verify(&mut conn);
        assert!(verdict.is_whole(), "{:?}", verdict.findings);
    }
    // One that never was is not.
    for intent in [0, -1, 3] {
        let mut conn = chain([None, Some((1, "ok")), Some((intent, "ok"))]);
        assert!(!verify(&mut conn).is_whole(), "{intent}");
    }
}

#[test]
fn only_an_unknown_outcome_is_settled_and_only_once() {
    let settled = |records: &[(i64, &'static str)]| {
        let intents = [None, None, Some((1, "ok")), Some((2, "unknown"))];
        let mut conn = chain(intents);
        let ledger = Ledger::open(&conn).unwrap();
        for (intent, outcome) in records {
            let said = Record {
                phase: phase::SETTLED,
                intent: Some(*intent),
                outcome: Some(outcome),
                ..Record::default()
            };
            ledger.add(&conn, &said).unwrap();
        }
        ledger.close(&conn).unwrap();
        let verdict = verify(&mut conn);
        verdict.is_whole().then_some(verdict.unknown.len())
    };
    assert_eq!(settled(&[]), Some(1));
    assert_eq!(settled(&[(2, "ok")]), Some(0));
    assert_eq!(settled(&[(2, "unknown")]), Some(0));
    assert_eq!(settled(&[(2, "ok"), (2, "ok")]), None);
    assert_eq!(settled(&[(1, "failed")]), None);
    assert_eq!(settled(&[(9, "ok")]), None);
}

#[test]
fn what_there_is_to_settle() {
    let conn = chain([
        None,
        None,
        None,
        Some((1, "ok")),
        Some((2, "unknown")),
        None,
    ]);
    let standing = |seq| standing(&conn, seq).unwrap();
    assert_eq!(standing(2), Ok(false));
    assert_eq!(standing(3), Ok(true));
    for (seq, why) in [
        (1, "record 4 says `ok`"),
        (5, "its phase is `outcome`"),
        (9, "there is no record 9"),
    ] {
        let told = standing(seq).unwrap_err();
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn an_outcome_that_goes_while_the_chain_is_gone_over_leaves_nothing_open() {
    let log = Log::of(chain([None, Some((1, "unknown")), None]));
    let mut verifier = Verifier::new(None, None);
    log.each(0, |line| {
        match line.seq() {
            2 => verifier.skip_to(Head {
                seq: 2,
                hash: line.hash,
            }),
            _ => verifier.next(line),
        }
        Ok(())
    })
    .unwrap_or_else(|e| panic!("{e}"));
    let verdict = verifier.end(None);
    assert!(verdict.is_whole(), "{:?}", verdict.findings);
    let open: Vec<i64> = verdict.open.iter().map(|one| one.seq).collect();
    assert_eq!((open, verdict.unknown.len()), (vec![3], 0));
}

#[test]
fn a_lost_outcome_that_was_kept_after_all_stays_what_it_is() {
    let mut conn = chain([None, None, Some((1, "ok"))]);
    let ledger = Ledger::open(&conn).unwrap();
    for seq in [1, 2, 2] {
        conclude_lost(&conn, &ledger, seq, 9).unwrap();
    }
    assert_eq!(ledger.close(&conn).unwrap(), 1);
    let verdict = verify(&mut conn);
    assert!(verdict.is_whole(), "{:?}", verdict.findings);
    assert_eq!((verdict.open.len(), verdict.unknown.len()), (0, 1));
}
