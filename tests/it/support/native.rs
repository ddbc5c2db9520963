//! Preconditions through the native API: users of the directory and pending links.

use serde_json::{Value, json};

use super::client::{Answer, Client, Lost};
use super::fixtures::K;

/// Makes a user of a tenant known.
pub(crate) fn put_user(client: &mut Client, tenant: &str, user_id: &str) -> Result<(), String> {
    let answer = send(
        client,
        "PUT",
        &format!("/linkbridge/v1/users/{user_id}"),
        tenant,
        &json!({}),
    );
    match answer {
        Ok(answer) if matches!(answer.status, 200 | 201) => Ok(()),
        Ok(answer) => Err(format!(
            "user {user_id} was not made: {} {}",
            answer.status,
            answer.text()
        )),
        Err(lost) => Err(format!("user {user_id} was not made: {lost}")),
    }
}

/// Makes a pending link of a tenant and answers its id.
pub(crate) fn create_pending(
    client: &mut Client,
    tenant: &str,
    body: &Value,
) -> Result<String, String> {
    let answer = try_create_pending(client, tenant, body)
        .map_err(|lost| format!("no pending link: {lost}"))?;
    if answer.status != 201 {
        return Err(format!(
            "no pending link: {} {}",
            answer.status,
            answer.text()
        ));
    }
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

fn send(
    client: &mut Client,
    method: &str,
    target: &str,
    tenant: &str,
    body: &Value,
) -> Result<Answer, Lost> {
    let bearer = format!("Bearer {K}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Linkbridge-Tenant", tenant),
        ("Content-Type", "application/json"),
    ];
    client.send(method, target, &headers, Some(body.to_string().as_bytes()))
}
