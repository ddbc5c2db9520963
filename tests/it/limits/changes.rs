//! Limits that are met only once a request is decoded: tenant, front and class, user, and what is taken away. What
//! they refuse has done nothing.

use serde_json::json;

use super::super::support::client::{Answer, Client};
use super::super::support::fixtures::{K, PROVIDERS, TENANTS, USERS};
use super::{KEYS, Told, serve};

fn send(client: &mut Client, key: &str, method: &str, target: &str, body: Option<&str>) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [
        ("Authorization", &*bearer),
        ("Content-Type", "application/json"),
    ];
    let body = body.map(str::as_bytes);
    client.send(method, target, &headers, body).unwrap()
}

fn link(client: &mut Client, key: &str, user: usize, subject: &str) -> Answer {
    let body =
        json!({ "user_id": USERS[user].key, "provider_id": PROVIDERS[0].key, "subject": subject });
    let target = format!("/linkbridge/v1/links?tenant={}", TENANTS[0].key);
    send(client, key, "POST", &target, Some(&body.to_string()))
}

fn links(client: &mut Client, user: usize) -> usize {
    let target = format!("/linkbridge/v1/users/{}/links", USERS[user].key);
    let answer = send(client, K, "GET", &target, None);
    let json = answer.json().unwrap();
    json["links"]
        .as_array()
        .unwrap_or_else(|| panic!("{json}"))
        .len()
}

#[test]
fn a_user_changes_so_often_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    // The settling of the user is its first change.
    let server = serve(dir.path(), "user_changes_rate = \"1/h burst 4\"\n", "", &[]);
    let mut client = Client::new(server.addr);
    for (n, key) in KEYS[..3].iter().enumerate() {
        let answer = link(&mut client, key, 0, &format!("s{n}"));
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    let refused = link(&mut client, KEYS[3], 0, "s3");
    let told = Told::of(&refused);
    assert_eq!((refused.status, &*told.policy), (429, "user-changes"));
    assert_eq!(links(&mut client, 0), 3);
    // Another user is not concerned, and what was refused is no use of the client's own limit.
    assert_eq!(link(&mut client, KEYS[3], 1, "t0").status, 201);
}

#[test]
fn a_stolen_key_cannot_take_everything_away() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(dir.path(), "delete_budget = \"100/d burst 2\"\n", "", &[]);
    let mut client = Client::new(server.addr);
    for n in 0..4 {
        assert_eq!(link(&mut client, KEYS[0], 0, &format!("s{n}")).status, 201);
    }
    let target = format!("/linkbridge/v1/users/{}/links", USERS[0].key);
    let listed = send(&mut client, K, "GET", &target, None).json().unwrap();
    let ids: Vec<String> = listed["links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| link["link_id"].as_str().unwrap().to_owned())
        .collect();
    let mut statuses = Vec::new();
    for id in &ids {
        let target = format!("/linkbridge/v1/links/{id}");
        let answer = send(&mut client, KEYS[0], "DELETE", &target, None);
        if answer.status == 429 {
            assert_eq!(Told::of(&answer).policy, "delete-budget");
        }
        statuses.push(answer.status == 429);
    }
    assert_eq!(statuses, [false, false, true, true]);
    assert_eq!(links(&mut client, 0), 2);
}

#[test]
fn classes_and_tenants_have_limits_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let more = "front_read_rate = \"1/h burst 3\"\ntenant_rate = \"1/h burst 9\"\n";
    let own = "rates = { create = \"1/h burst 1\" }";
    let server = serve(dir.path(), more, own, &[]);
    let mut client = Client::new(server.addr);
    let mut policies = Vec::new();
    let mut note = |answer: Answer| {
        let told = Told::of(&answer);
        policies.push((answer.status == 429, told.policy));
    };
    let target = format!("/linkbridge/v1/users/{}/links", USERS[0].key);
    for key in &KEYS[..4] {
        note(send(&mut client, key, "GET", &target, None));
    }
    // The class is that of another front there.
    let elsewhere = format!(
        "/api/identity-provider/link?userId={}",
        USERS[0].id_at("fusionauth").unwrap()
    );
    let headers = [("Authorization", KEYS[0])];
    note(client.send("GET", &elsewhere, &headers, None).unwrap());
    note(link(&mut client, KEYS[0], 0, "a"));
    note(link(&mut client, KEYS[0], 0, "b"));
    let refused: Vec<bool> = policies.iter().map(|(is, _)| *is).collect();
    assert_eq!(
        refused,
        [false, false, false, true, false, false, true],
        "{policies:?}"
    );
    let names: Vec<&str> = policies
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, name)| &**name)
        .collect();
    assert_eq!(names, ["front-read", "client-create"]);
    // Of the tenant's nine, the two users took two, and five requests; what was refused took none.
    for n in 0..2 {
        assert_eq!(
            link(&mut client, KEYS[1 + n], 1, &format!("c{n}")).status,
            201
        );
    }
    let last = link(&mut client, KEYS[4], 1, "d");
    assert_eq!((last.status, &*Told::of(&last).policy), (429, "tenant"));
}

#[test]
fn items_count_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(dir.path(), "", "rate = \"1/h burst 3\"", &[]);
    let mut client = Client::new(server.addr);
    let create = |n: usize| json!({ "create": { "schema_id": "default", "traits": { "n": n } }, "patch_id": format!("00000000-0000-4000-8000-00000000000{n}") });
    let items: Vec<_> = (0..5).map(create).collect();
    let body = json!({ "identities": items }).to_string();
    let answer = send(
        &mut client,
        KEYS[0],
        "PATCH",
        "/admin/identities",
        Some(&body),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    let json = answer.json().unwrap();
    let actions = json["identities"].as_array().unwrap();
    let made = actions
        .iter()
        .filter(|item| item["action"] == "create")
        .count();
    assert_eq!((actions.len(), made), (5, 3), "{json}");
    assert_eq!(Told::of(&answer).remaining, 0);
}
