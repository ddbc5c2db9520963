//! Rate limits of the real binary, seen from the client's side: what is told is what happens, whoever obeys is not
//! refused again, and who does not gets the quota and no more.
//!
//! `LINKBRIDGE_LIMIT_REQUESTS` is how many requests each obeying client makes, `LINKBRIDGE_LIMIT_SECONDS` how long
//! clients saturate, `LINKBRIDGE_FAKETIME` the path of `libfaketime.so.1`, without which the clock is left alone.

mod accuracy;
mod changes;
mod clock;
mod obedience;
mod source;
mod told;

use std::path::Path;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use self::told::Told;
use super::support::client::{Answer, Client};
use super::support::config::{self, Profile};
use super::support::fixtures::{TENANTS, USERS};
use super::support::native::put_fixture;
use super::support::server::Server;

const SCOPES: &str = "scopes = [\"links.read\", \"links.create\", \"links.delete\", \"providers.read\", \
                      \"users.read\", \"users.write\", \"directory.write\"]";

/// Keys of clients that each have the rate under test.
const KEYS: [&str; 12] = [
    "limits-0",
    "limits-1",
    "limits-2",
    "limits-3",
    "limits-4",
    "limits-5",
    "limits-6",
    "limits-7",
    "limits-8",
    "limits-9",
    "limits-10",
    "limits-11",
];

/// A server with a client for each of the keys, `more` lines of `[limits]`, and `own` lines of each client.
fn serve(dir: &Path, more: &str, own: &str, vars: &[(&'static str, String)]) -> Server {
    let text = |ports| {
        let mut text = config::text(&Profile::default(), ports, &dir.join("data"));
        if let Some((key, _)) = more.split_once(' ') {
            // The tests' own, which is out of the way.
            let lines = text.lines().filter(|line| !line.starts_with(key));
            text = lines.collect::<Vec<_>>().join("\n") + "\n";
        }
        text.push_str(more);
        for key in KEYS {
            let hash = Sha256::digest(key.as_bytes());
            let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            text.push_str(&format!(
                "\n[[client]]\nname = \"{key}\"\nkey_sha256 = \"{hash}\"\n{SCOPES}\n{own}\n"
            ));
        }
        text
    };
    let server = Server::start_under(dir, &text, vars).unwrap();
    let mut client = Client::new(server.addr);
    for user in &USERS[..2] {
        put_fixture(&mut client, TENANTS[0].key, user.key, None).unwrap();
    }
    server
}

/// Asks for something cheap.
fn ask(client: &mut Client, key: &str) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [("Authorization", &*bearer)];
    client
        .send("GET", "/linkbridge/v1/providers", &headers, None)
        .unwrap()
}

/// How many requests an obeying client makes.
fn requests() -> u32 {
    let number = super::support::random::number("LINKBRIDGE_LIMIT_REQUESTS");
    number.and_then(|n| u32::try_from(n).ok()).unwrap_or(40)
}

/// How long clients saturate.
fn seconds() -> Duration {
    let number = super::support::random::number("LINKBRIDGE_LIMIT_SECONDS");
    Duration::from_secs(number.unwrap_or(2))
}
