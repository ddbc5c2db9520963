//! A million users, and how long they take, which is printed and not judged: half a minute is the target.
//! Run with the binary that `LINKBRIDGE_BIN` names:
//!
//!     cargo build --release
//!     LINKBRIDGE_BIN=target/release/linkbridge cargo test --test it -- --ignored --nocapture a_million

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use super::place::Place;
use crate::support::random::Random;

const ROWS: u64 = 1_000_000;

fn uuid(random: &mut Random) -> String {
    let bytes = (u128::from(random.next()) << 64) | u128::from(random.next());
    uuid::Builder::from_u128(bytes).into_uuid().to_string()
}

/// Users with an id at two vendors: random UUIDs at one, ascending numbers at the other.
fn generate(path: &Path, random_users: bool) {
    let mut random = Random::new(1);
    let mut file = BufWriter::new(File::create(path).unwrap());
    writeln!(file, "user_id,fusionauth,zitadel").unwrap();
    for row in 0..ROWS {
        let user = if random_users {
            uuid(&mut random)
        } else {
            format!("user-{row:07}")
        };
        let number = 163_840_776_835_432_705 + row * 65_537;
        writeln!(file, "{user},{},{number}", uuid(&mut random)).unwrap();
    }
    file.flush().unwrap();
}

#[test]
#[ignore = "takes a minute with a release build, and much longer without"]
fn a_million_users_are_imported_and_imported_again() {
    for (what, random_users) in [("users in order", false), ("users in random order", true)] {
        let place = Place::new(&["acme"]);
        generate(&place.path("users.csv"), random_users);
        for run in ["first", "second"] {
            let began = std::time::Instant::now();
            let ran = place.import("users.csv", &[]);
            let seconds = began.elapsed().as_secs_f64();
            assert_eq!((ran.code, ran.rows()), (0, (ROWS, 0)), "{ran:?}");
            eprintln!(
                "{what}, {run} import: {seconds:.1} s, {} rows/s",
                ran.count("rows/s")
            );
        }
        assert_eq!(place.number("SELECT count(*) FROM user_aliases"), 2 * ROWS);
    }
}
