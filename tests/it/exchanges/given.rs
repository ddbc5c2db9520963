//! What a case finds when it begins: users, links and pending links, made through the native API. A case speaks
//! its vendor's ids; here they become canonical ones.

use serde_json::{Map, Value};

use super::super::support::client::Client;
use super::super::support::fixtures::{DISABLED, PROVIDERS, TENANTS, USERS, canonical};
use super::super::support::native;
use super::case::{Case, fill};

/// One thing that is given.
#[derive(Debug)]
pub(crate) struct Given {
    kind: String,
    tenant: String,
    what: Map<String, Value>,
}

impl Given {
    /// Reads what a `# given:` line says in a vendor's words; placeholders are filled.
    pub(crate) fn read(kind: &str, text: &str, vendor: &str) -> Result<Self, String> {
        let (needed, more): (&[&str], &[&str]) = match kind {
            "user" => (&["user_id"], &["tenant", "document"]),
            "link" => (
                &["user", "provider", "subject"],
                &["tenant", "display_name", "token"],
            ),
            "pending" => (
                &["provider_id", "subject"],
                &["tenant", "as", "display_name", "email", "username", "token"],
            ),
            _ => return Err(format!("nobody can give a {kind}")),
        };
        let mut what: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        if let Some(name) = needed.iter().find(|name| !what.contains_key(**name)) {
            return Err(format!("`{name}` is missing"));
        }
        for (name, value) in &what {
            if !needed.contains(&name.as_str()) && !more.contains(&name.as_str()) {
                return Err(format!("a {kind} has no `{name}`"));
            }
            if name != "document" && !value.is_string() {
                return Err(format!("`{name}` is no text"));
            }
        }
        for (name, list) in [
            ("user_id", &USERS[..]),
            ("user", &USERS),
            ("provider_id", &PROVIDERS),
            ("provider", &PROVIDERS),
        ] {
            if let Some(Value::String(id)) = what.get_mut(name) {
                *id = canonical(list, vendor, id);
            }
        }
        let tenant = match what.remove("tenant") {
            Some(Value::String(id)) => canonical(&TENANTS, vendor, &id),
            _ => TENANTS[0].key.to_owned(),
        };
        Ok(Self {
            kind: kind.to_owned(),
            tenant,
            what,
        })
    }

    /// The placeholder that the id of a pending link gets.
    pub(crate) fn placeholder(&self) -> Option<String> {
        let name = self.what.get("as").and_then(Value::as_str);
        (self.kind == "pending").then(|| name.unwrap_or("pending").to_owned())
    }

    /// Whether it is a link at the provider that is not enabled, which must be so only afterwards.
    pub(crate) fn is_at_disabled(&self) -> bool {
        let names = ["provider", "provider_id"];
        let mut providers = names.iter().filter_map(|name| self.what.get(*name));
        providers.any(|id| id == DISABLED)
    }

    fn make(
        mut self,
        client: &mut Client,
        values: &mut Vec<(String, String)>,
    ) -> Result<(), String> {
        match self.kind.as_str() {
            "user" => {
                let id = self.what["user_id"].as_str().unwrap_or_default();
                native::put_fixture(client, &self.tenant, id, self.what.get("document"))
            }
            "link" => {
                for (ours, native) in [("user", "user_id"), ("provider", "provider_id")] {
                    let id = self.what.remove(ours);
                    self.what.extend(id.map(|id| (native.to_owned(), id)));
                }
                native::create_link(client, &self.tenant, &Value::Object(self.what))
            }
            _ => {
                let name = self.placeholder().ok_or("no pending link")?;
                self.what.remove("as");
                let body = Value::Object(self.what);
                values.push((name, native::create_pending(client, &self.tenant, &body)?));
                Ok(())
            }
        }
    }
}

/// Everything that is given to a case, in its order.
pub(crate) fn all(
    case: &Case,
    vendor: &str,
    values: &[(String, String)],
) -> Result<Vec<Given>, String> {
    let read = |(kind, text): &(String, String)| {
        Given::read(kind, &fill(text, values)?, vendor)
            .map_err(|error| format!("given: {kind} {text}: {error}"))
    };
    case.given.iter().map(read).collect()
}

/// Makes the users whom every case finds, then what is given to this one.
pub(crate) fn prepare(
    given: Vec<Given>,
    client: &mut Client,
    values: &mut Vec<(String, String)>,
) -> Result<(), String> {
    let [acme, _] = &TENANTS;
    let [a, b, ..] = &USERS;
    for known in [a, b] {
        native::put_fixture(client, acme.key, known.key, None)?;
    }
    for one in given {
        let said = format!("given: {one:?}");
        one.make(client, values)
            .map_err(|error| format!("{said}: {error}"))?;
        // Links are listed by the millisecond in which they were made.
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    Ok(())
}

#[test]
fn what_is_given_is_read_in_the_words_of_the_vendor() {
    let text = r#"{"user":"311800000000000002","provider":"311900000000000005","subject":"s","tenant":"311700000000000010"}"#;
    let given = Given::read("link", text, "zitadel").unwrap();
    assert_eq!(given.tenant, "other");
    assert_eq!(given.what["user"], USERS[1].key);
    assert_eq!(given.what["provider"], "old-adfs");
    assert!(given.is_at_disabled());
    // In the words of another vendor they mean nothing, and stand for themselves.
    let given = Given::read("link", text, "ory").unwrap();
    assert_eq!(given.what["provider"], "311900000000000005");
    assert_eq!(given.tenant, "311700000000000010");
    let pending = r#"{"as":"x","provider_id":"acme-oidc","subject":"s"}"#;
    let pending = Given::read("pending", pending, "fusionauth").unwrap();
    assert_eq!(pending.placeholder().as_deref(), Some("x"));
    assert_eq!(
        (pending.tenant.as_str(), pending.is_at_disabled()),
        ("acme", false)
    );
}

#[test]
fn what_cannot_be_given_is_refused() {
    for (kind, text) in [
        ("thing", "{}"),
        ("user", r#"{"tenant":"acme"}"#),
        ("user", r#"{"user_id":"a","ids":{}}"#),
        ("user", r#"{"user_id":1}"#),
        ("link", r#"{"user":"a","provider":"p"}"#),
        (
            "link",
            r#"{"user":"a","provider":"p","subject":"s","name":"n"}"#,
        ),
        ("pending", r#"{"provider_id":"p","subject":null}"#),
        ("user", "{"),
        ("user", "[]"),
    ] {
        assert!(Given::read(kind, text, "ory").is_err(), "{kind} {text}");
    }
}
