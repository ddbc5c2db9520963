//! `keys`: make a client's key, or adopt one that its client has already.

use std::io::Read;

use clap::Subcommand;

use super::{Exit, complain, say};
use crate::edge::keys;
use crate::model::Secret;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Make a key. It is shown once, and never stored.
    New {
        /// The client's name: letters, digits and hyphens.
        name: String,
    },
    /// Read a key from standard input, check its strength, and print the line for the configuration.
    Hash,
}

pub(super) fn run(verb: &Verb) -> Exit {
    match verb {
        Verb::New { name } => new(name),
        Verb::Hash => hash(),
    }
}

fn new(name: &str) -> Exit {
    match keys::generate(name) {
        Ok(Some(key)) => {
            say(key.expose());
            say(line(&key));
            complain(
                "The key is shown this once. Give it to the client; the second line belongs into its [[client]].",
            );
            Exit::Fine
        }
        Ok(None) => {
            complain("error: a name is made of letters, digits and hyphens, at most 64 of them");
            Exit::BadUsage
        }
        Err(error) => {
            complain(format!(
                "error: the operating system gives no random numbers: {error}"
            ));
            Exit::CouldNotRun
        }
    }
}

fn hash() -> Exit {
    let mut text = String::new();
    // A key has no megabyte, and whoever pipes one in is told so instead of waited for.
    let read = std::io::stdin()
        .lock()
        .take(64 * 1024)
        .read_to_string(&mut text);
    let key = Secret::new(text.trim());
    drop(Secret::new(text));
    match read
        .map_err(|error| error.to_string())
        .and_then(|_| strong(&key))
    {
        Ok(()) => {
            say(line(&key));
            Exit::Fine
        }
        Err(why) => {
            complain(format!("error: {why}"));
            Exit::BadUsage
        }
    }
}

/// Whether a key may be adopted. SHA-256 is fast to try: only a random key may be kept as one.
fn strong(key: &Secret) -> Result<(), String> {
    if key.expose().is_empty() {
        return Err("there is no key on standard input".to_owned());
    }
    if key.expose().contains(char::is_whitespace) {
        return Err("a key is one word".to_owned());
    }
    let bits = keys::estimated_bits(key.expose());
    if bits < keys::MIN_BITS {
        let needed = keys::MIN_BITS;
        return Err(format!(
            "the key has an estimated {bits} bits, and needs {needed}: make a new one with `linkbridge keys new`"
        ));
    }
    Ok(())
}

fn line(key: &Secret) -> String {
    format!(
        "key_sha256 = \"{}\"",
        keys::to_hex(&keys::hash(key.expose()))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_strong_single_word_is_adopted() {
        assert_eq!(strong(&Secret::new(keys::EXAMPLE_KEY)), Ok(()));
        for weak in [
            "",
            "changeme",
            "two words 5EU_q-5Rr9p2O0hrl2SPpXVuZQ3rz7Gh0GBpO9Qe",
        ] {
            let why = strong(&Secret::new(weak)).unwrap_err();
            assert!(
                weak.is_empty() || !why.contains(weak),
                "the key is shown: {why}"
            );
        }
    }
}
