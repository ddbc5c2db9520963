//! What a client gets tokens for: its id, and the public keys of its assertions.

use std::collections::HashMap;

use super::section::At;
use crate::edge::authn::Client;
use crate::edge::tokens::assertion::{AssertionKey, PublicKey};
use crate::finding::{Table, Text};

/// What earlier clients are known by.
#[derive(Default)]
pub(super) struct Taken {
    ids: HashMap<String, String>,
    keys: HashMap<(String, String), String>,
}

impl Taken {
    /// Notes what a client is known by, and tells what an earlier one has already.
    pub(super) fn take(&mut self, table: &Table<'_>, client: &Client) {
        let name = client.name.as_str();
        let earlier = self
            .ids
            .insert(client.client_id().to_owned(), name.to_owned());
        if let Some(other) = earlier.filter(|other| other != name) {
            let message = format!(
                "`{other}` asks for tokens as `{}` already",
                client.client_id()
            );
            let key = if table.has("client_id") {
                "client_id"
            } else {
                "name"
            };
            let hint = "a client id means one client only";
            let sink = table.sink();
            sink.error_hint("LB512", table.value_span(key), message, hint);
        }
        for key in &client.assertion_keys {
            let id = (key.subject.clone(), key.id.clone());
            if let Some(other) = self.keys.insert(id, name.to_owned()) {
                let message = format!("`{other}` has a key `{}` of this subject already", key.id);
                let hint = "subject and id together mean one key only";
                let span = table.value_span("assertion_keys");
                table.sink().error_hint("LB512", span, message, hint);
            }
        }
    }
}

/// The id that the client asks for tokens with.
pub(super) fn client_id(table: &Table<'_>) -> Option<String> {
    let text = table.text("client_id")?;
    fitting(table, &text).then(|| text.value.into_owned())
}

/// `[{ id = "…", key = "file:…", subject = "…" }]`.
pub(super) fn assertion_keys(table: &Table<'_>) -> Vec<AssertionKey> {
    let keys = table.tables("assertion_keys");
    keys.into_iter().filter_map(assertion_key).collect()
}

fn assertion_key(table: Table<'_>) -> Option<AssertionKey> {
    let named = |key| {
        let text = table.need_text(key)?;
        fitting(&table, &text).then(|| text.value.into_owned())
    };
    let (id, subject) = (named("id"), named("subject"));
    let key = table.need_text("key").and_then(|text| {
        let at = At::new(table.sink(), text.span);
        public_key(&text.value, &at)
    });
    table.finish();
    Some(AssertionKey {
        id: id?,
        subject: subject?,
        key: key?,
    })
}

/// Reads a public key; who else can read the file does not matter.
fn public_key(reference: &str, at: &At<'_>) -> Option<PublicKey> {
    let Some(path) = reference.strip_prefix("file:") else {
        // It may well be a key itself, and the wrong half of it.
        at.mask();
        at.error(
            "LB540",
            "a public key stands in a file of its own",
            "refer to it: `file:PATH`",
        );
        return None;
    };
    let text = std::fs::read_to_string(path).map_err(|error| {
        at.error(
            "LB504",
            format!("{path} cannot be read: {error}"),
            "relative paths start at the working directory",
        );
    });
    PublicKey::from_pem(&text.ok()?)
        .map_err(|fault| {
            let hint = "write the public half in PEM, as `openssl pkey -in KEY -pubout` does: RSA of at least 2048 bits, \
                        P-256 or Ed25519";
            at.error("LB540", format!("{path}: {fault}"), hint);
        })
        .ok()
}

/// Whether a text can be an id in a request: not empty, not endless, without control characters.
fn fitting(table: &Table<'_>, text: &Text<'_>) -> bool {
    let value = &text.value;
    let is_fitting = !value.is_empty()
        && value.len() <= 255
        && value.trim() == value
        && !value.chars().any(char::is_control);
    if !is_fitting {
        table.sink().error_hint(
            "LB518",
            text.span.clone(),
            "this cannot be an id",
            "1 to 255 bytes, without blanks at its ends",
        );
    }
    is_fitting
}

#[cfg(test)]
#[path = "assertions_tests.rs"]
mod tests;
