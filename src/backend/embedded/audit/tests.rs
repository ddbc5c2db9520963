use rusqlite::Connection;
use rusqlite::types::Value as Sql;

use super::record::{VALUES, Value, digest};
use super::*;
use crate::backend::embedded::schema;

const SECOND: i64 = 1000;

fn record<'a>(at: i64) -> Record<'a> {
    Record {
        at,
        phase: phase::DONE,
        action: "link.create",
        client: "tests",
        tenant: Some("acme"),
        user_id: Some("u1"),
        after: Some("{\"token\":true}"),
        ..Record::default()
    }
}

/// A chain of so many records, a second apart.
fn chain(records: i64) -> Connection {
    let conn = schema::in_memory();
    let ledger = Ledger::open(&conn).unwrap();
    for n in 1..=records {
        ledger.add(&conn, &record(n * SECOND)).unwrap();
    }
    ledger.close(&conn).unwrap();
    conn
}

fn verify(conn: &mut Connection, anchor: Option<Anchor>) -> Verdict {
    let log = Log::of(std::mem::replace(
        conn,
        Connection::open_in_memory().unwrap(),
    ));
    let verdict = log.verify(anchor).unwrap_or_else(|e| panic!("{e}"));
    *conn = log.conn;
    verdict
}

fn is_whole(conn: &mut Connection) -> bool {
    verify(conn, None).is_whole()
}

#[test]
fn the_hash_of_a_record_is_the_one_of_the_documented_bytes() {
    let values = record(5).values(1);
    let mut bytes = b"linkbridge audit\0".to_vec();
    bytes.extend([0; 32]);
    for value in &values {
        match value {
            Value::Null => bytes.push(0),
            Value::Int(n) => {
                bytes.push(1);
                bytes.extend(n.to_be_bytes());
            }
            Value::Text(text) => {
                bytes.push(2);
                bytes.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
                bytes.extend(text.as_bytes());
            }
            Value::Blob(blob) => {
                bytes.push(3);
                bytes.extend(u32::try_from(blob.len()).unwrap().to_be_bytes());
                bytes.extend(*blob);
            }
        }
    }
    let expected: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(&bytes).into();
    assert_eq!(digest(&[0; 32], &values), expected);
    assert_eq!(values.len(), VALUES);
}

#[test]
fn a_chain_as_it_was_written_is_whole() {
    for records in [0, 1, 2, 5000] {
        let verdict = verify(&mut chain(records), None);
        assert!(verdict.is_whole(), "{:?}", verdict.findings);
        assert_eq!(verdict.records, u64::try_from(records).unwrap());
        assert_eq!(verdict.head.seq, records);
    }
}

#[test]
fn every_column_of_every_record_is_held() {
    let columns = NAMES.iter().copied().chain(["hash"]);
    for column in columns {
        for seq in 1..=4 {
            let mut other = chain(4);
            let kind: String = other
                .query_row(
                    "SELECT type FROM pragma_table_info('audit') WHERE name = ?1",
                    [column],
                    |row| row.get(0),
                )
                .unwrap();
            let value = match kind.as_str() {
                "INTEGER" => Sql::Integer(77),
                "TEXT" => Sql::Text("other".to_owned()),
                _ => Sql::Blob(vec![7; 32]),
            };
            other
                .execute(
                    &format!("UPDATE audit SET {column} = ?2 WHERE seq = ?1"),
                    (seq, value),
                )
                .unwrap();
            assert!(!is_whole(&mut other), "{column} of {seq}");
        }
    }
}

#[test]
fn a_record_that_is_taken_out_put_in_moved_or_cut_off_is_found() {
    for damage in [
        "DELETE FROM audit WHERE seq = 1",
        "DELETE FROM audit WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 5",
        "DELETE FROM audit WHERE seq > 2",
        "DELETE FROM audit",
        "UPDATE audit SET seq = -seq WHERE seq IN (2, 3); UPDATE audit SET seq = 5 + seq WHERE seq < 0",
        "INSERT INTO audit (seq, version, at, phase, action, client, hash) SELECT 6, version, at, phase, action, client, hash FROM audit WHERE seq = 5",
        "INSERT INTO audit (seq, version, at, phase, action, client, hash) SELECT 0, version, at, phase, action, client, hash FROM audit WHERE seq = 5",
        "DELETE FROM audit WHERE seq = 1; UPDATE audit SET seq = seq - 1",
        "UPDATE meta SET value = zeroblob(40) WHERE name = 'audit_head'",
        "UPDATE meta SET value = x'00' WHERE name = 'audit_head'",
        "DELETE FROM meta WHERE name = 'audit_head'",
        "INSERT INTO audit_open VALUES (3)",
    ] {
        let mut other = chain(5);
        other.execute_batch(damage).unwrap();
        assert!(!is_whole(&mut other), "{damage}");
    }
    assert!(is_whole(&mut chain(5)));
}

#[test]
fn a_new_chain_in_the_place_of_the_old_one_is_found_by_an_anchor() {
    let head = verify(&mut chain(3), None).head;
    assert!(verify(&mut chain(9), Some(head)).is_whole());
    let mut forged = schema::in_memory();
    let ledger = Ledger::open(&forged).unwrap();
    for n in 1..=9 {
        let client = if n == 2 { "nobody" } else { "tests" };
        let record = Record {
            client,
            ..record(n * SECOND)
        };
        ledger.add(&forged, &record).unwrap();
    }
    ledger.close(&forged).unwrap();
    assert!(is_whole(&mut forged));
    assert!(!verify(&mut forged, Some(head)).is_whole());
    assert!(!verify(&mut chain(2), Some(head)).is_whole());
    assert_eq!(head.to_string().parse(), Ok(head));
    for text in ["", "@1", "ab@1", &format!("{}@-1", "0".repeat(64))] {
        assert!(text.parse::<Anchor>().is_err(), "{text}");
    }
}

#[test]
fn what_is_pruned_leaves_a_chain_that_is_whole_from_there() {
    let mut conn = chain(2000);
    let early = verify(&mut conn, None).head;
    let mut gone = 0;
    loop {
        let ledger = Ledger::open(&conn).unwrap();
        let (pruned, more) = prune(&conn, &ledger, 1500 * SECOND, 9999 * SECOND).unwrap();
        ledger.close(&conn).unwrap();
        gone += pruned;
        if !more {
            break;
        }
    }
    assert_eq!(gone, 1499);
    let verdict = verify(&mut conn, Some(early));
    assert!(verdict.is_whole(), "{:?}", verdict.findings);
    assert_eq!(verdict.first, Some(1500));
    assert_eq!(verdict.pruned.map(|head| head.seq), Some(1499));
    // What is pruned cannot be vouched for any more, nor what was taken away without a word.
    let old = verify(&mut chain(3), None).head;
    assert!(!verify(&mut conn, Some(old)).is_whole());
    conn.execute_batch("DELETE FROM audit WHERE seq = 1500")
        .unwrap();
    assert!(!is_whole(&mut conn));
    let mut before = chain(2000);
    before
        .execute_batch("DELETE FROM audit WHERE seq < 1500")
        .unwrap();
    assert!(!is_whole(&mut before));
}

#[test]
fn a_request_without_an_outcome_is_never_pruned() {
    let mut conn = schema::in_memory();
    let ledger = Ledger::open(&conn).unwrap();
    for n in 1..=9 {
        let phase = if n == 4 { phase::INTENT } else { phase::DONE };
        let seq = ledger.add(&conn, &Record { phase, ..record(n) }).unwrap();
        if n == 4 {
            conn.execute("INSERT INTO audit_open VALUES (?1)", [seq])
                .unwrap();
        }
    }
    assert_eq!(prune(&conn, &ledger, i64::MAX, 10).unwrap(), (3, false));
    assert_eq!(prune(&conn, &ledger, i64::MAX, 10).unwrap(), (0, false));
    ledger.close(&conn).unwrap();
    let verdict = verify(&mut conn, None);
    assert!(verdict.is_whole(), "{:?}", verdict.findings);
    assert_eq!(verdict.open.len(), 1);
    assert_eq!(verdict.open[0].seq, 4);
}

#[test]
fn a_line_of_json_is_read_as_it_was_written() {
    let conn = schema::in_memory();
    let ledger = Ledger::open(&conn).unwrap();
    let hostile = "a \"quoted\", \n line \u{2028} ü";
    let full = Record {
        source: Some("::1"),
        credential: Some("key:1a2b3c4d"),
        mapping: Some(&[1; 32]),
        user_id: Some(hostile),
        link_id: Some(&[2; 16]),
        subject: Some(&[3; 32]),
        key_id: Some(&[4; 8]),
        before: Some("{\"b\":1,\"a\":\"ü\"}"),
        after: Some("no object, \"though\""),
        intent: Some(i64::MIN),
        ..record(-1)
    };
    for record in [record(1), full] {
        ledger.add(&conn, &record).unwrap();
    }
    ledger.close(&conn).unwrap();
    let log = Log::of(conn);
    let mut verifier = Verifier::new(None, None);
    log.each(0, |line| {
        let json = line.to_json();
        assert!(!json.contains('\n'));
        let same = parse(&json, |read| {
            verifier.next(read);
            read.values == line.values && read.hash == line.hash
        });
        assert_eq!(same, Some(true), "{json}");
        // Readers differ in which of two they take.
        let twice = json.replacen('{', "{\"client\":\"somebody else\",", 1);
        assert_eq!(parse(&twice, |_| ()), None, "{twice}");
        Ok(())
    })
    .unwrap_or_else(|e| panic!("{e}"));
    let verdict = verifier.end(None);
    assert!(verdict.is_whole(), "{:?}", verdict.findings);
    for text in ["", "{}", "[]", "{\"seq\":\"1\"}", "{\"seq\":1,\"more\":2}"] {
        assert_eq!(parse(text, |_| ()), None, "{text}");
    }
}

#[test]
fn what_stands_for_an_account_needs_the_key() {
    use zeroize::Zeroizing;
    let keys = [1, 2].map(|byte| AuditKey::new(&Zeroizing::new([byte; 32])));
    let [one, two] = &keys;
    assert_ne!(one.subject("s1"), two.subject("s1"));
    assert_ne!(one.subject("s1"), one.keyed("name", "s1"));
    assert_ne!(one.id(), two.id());
    let plain: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(b"s1").into();
    assert_eq!(one.keyed_digest("subject", &plain), one.subject("s1"));
    assert_ne!(one.subject("s1"), plain);
}

#[test]
fn rows_that_nobody_chained_do_not_keep_the_store_from_writing() {
    let mut conn = chain(3);
    conn.execute_batch(
        "INSERT INTO audit (seq, version, at, phase, action, client, hash) VALUES (9, 1, 0, 'done', 'x', 'x', x'00')",
    )
    .unwrap();
    let ledger = Ledger::open(&conn).unwrap();
    assert_eq!(ledger.add(&conn, &record(4)).unwrap(), 10);
    ledger.close(&conn).unwrap();
    assert!(!is_whole(&mut conn));
}
