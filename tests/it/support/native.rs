//! Preconditions through the native API: users of the directory, links and pending links, in canonical ids.

use serde_json::{Value, json};

use super::client::{Answer, Client, Lost};
use super::fixtures::{HARNESS, ROSA, USERS, VENDORS};

/// Makes a user of a tenant known.
pub(crate) fn put_user(client: &mut Client, tenant: &str, user_id: &str) -> Result<(), String> {
    put_user_with(client, tenant, user_id, &json!({}))
}

/// Makes a user known, with the members `ids` and `document` of the native API.
pub(crate) fn put_user_with(
    client: &mut Client,
    tenant: &str,
    user_id: &str,
    body: &Value,
) -> Result<(), String> {
    let target = format!("/linkbridge/v1/users/{user_id}");
    let what = format!("user {user_id}");
    made(send(client, "PUT", &target, tenant, body), &what).map(drop)
}

/// Makes a user known; one of the fixtures under the ids that the vendors have for it.
pub(crate) fn put_fixture(
    client: &mut Client,
    tenant: &str,
    id: &str,
    document: Option<&Value>,
) -> Result<(), String> {
    let mut body = json!({});
    if let Some(fixture) = USERS.iter().chain([&ROSA]).find(|user| user.key == id) {
        let ids = VENDORS
            .iter()
            .filter_map(|vendor| Some((*vendor, fixture.id_at(vendor)?)));
        // Where a vendor's id is the canonical one, it stands for itself.
        let aliases = ids.filter(|(_, alias)| *alias != fixture.key);
        body["ids"] = aliases
            .map(|(v, alias)| (v.to_owned(), Value::from(alias)))
            .collect();
    }
    if let Some(document) = document {
        body["document"] = document.clone();
    }
    put_user_with(client, tenant, id, &body)
}

/// Makes a link of a tenant.
pub(crate) fn create_link(client: &mut Client, tenant: &str, body: &Value) -> Result<(), String> {
    let answer = send(client, "POST", "/linkbridge/v1/links", tenant, body);
    let answer = made(answer, "link")?;
    // A link that is there already is answered 200: a case that gives it twice means something else.
    if answer.status == 201 {
        Ok(())
    } else {
        Err("the link was there already".to_owned())
    }
}

/// Makes a pending link of a tenant and answers its id.
pub(crate) fn create_pending(
    client: &mut Client,
    tenant: &str,
    body: &Value,
) -> Result<String, String> {
    let answer = made(try_create_pending(client, tenant, body), "pending link")?;
    match answer.json()?["pending_id"].as_str() {
        Some(id) => Ok(id.to_owned()),
        None => Err(format!("no pending_id in {}", answer.text())),
    }
}

/// Makes a pending link, where the caller expects that the server may go away.
pub(crate) fn try_create_pending(
    client: &mut Client,
    tenant: &str,
    body: &Value,
) -> Result<Answer, Lost> {
    send(client, "POST", "/linkbridge/v1/pending-links", tenant, body)
}

fn made(answer: Result<Answer, Lost>, what: &str) -> Result<Answer, String> {
    match answer {
        Ok(answer) if matches!(answer.status, 200 | 201) => Ok(answer),
        Ok(answer) => Err(format!(
            "{what} was not made: {} {}",
            answer.status,
            answer.text()
        )),
        Err(lost) => Err(format!("{what} was not made: {lost}")),
    }
}

fn send(
    client: &mut Client,
    method: &str,
    target: &str,
    tenant: &str,
    body: &Value,
) -> Result<Answer, Lost> {
    let bearer = format!("Bearer {HARNESS}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Linkbridge-Tenant", tenant),
        ("Content-Type", "application/json"),
    ];
    client.send(method, target, &headers, Some(body.to_string().as_bytes()))
}
