//! Everything that every front has, asked for in good ways and in bad ones.

use linkbridge::mapping::builtin;
use linkbridge::mapping::plan::Plan;
use linkbridge::model::{Field, OwnedRequest, Record, Value};

use super::super::fronts::facts::Fact;
use super::super::fronts::speaker::Speaker;
use super::super::support::client::Client;
use super::super::support::fixtures::{K, L, Q, TENANTS};
use super::super::support::http2::Http2;
use super::super::support::{native, rpc};
use super::places::SEALED;
use super::worlds::{
    FIELD, NAME, OPAQUE, PASSWORD, PATH, QUERY, SUBJECT, TOKEN, USERNAME, WRONG_JWT, WRONG_KEY,
    World,
};

pub(super) fn all(world: &mut World) {
    pending(world);
    clients(world);
    examples(world);
    calls(world);
    strange(world);
}

/// Pending links: their ids are as good as credentials.
fn pending(world: &mut World) {
    let mut client = Client::new(world.server.addr);
    let body =
        serde_json::json!({ "provider_id": "acme-oidc", "subject": SUBJECT, "display_name": NAME });
    for _ in 0..3 {
        let made = native::try_create_pending(&mut client, TENANTS[0].key, &body).unwrap();
        let id = made
            .json()
            .ok()
            .and_then(|json| json["pending_id"].as_str().map(str::to_owned));
        world.asked += 1;
        if let Some(id) = id {
            world.canaries.add("the id of a pending link", &id, SEALED);
            let target = format!("/linkbridge/v1/pending-links/{id}");
            ask(
                world,
                &mut client,
                "GET",
                &target,
                &[("Authorization", &format!("Bearer {K}"))],
                None,
            );
            ask(
                world,
                &mut client,
                "GET",
                &target,
                &[("Authorization", WRONG_KEY)],
                None,
            );
        }
    }
}

/// What the vendors' clients do, with accounts that are canaries.
fn clients(world: &mut World) {
    for key in [Q, L, WRONG_KEY] {
        for mut speaker in Speaker::all(world.server.addr, key) {
            let client = speaker.client;
            for (n, create) in client.creates.iter().enumerate() {
                let mut fact = Fact::new("A", "P", &format!("{SUBJECT}-{n}"));
                fact.name = Some(NAME.to_owned());
                fact.token = Some(TOKEN.to_owned());
                if create.pending {
                    continue;
                }
                let answer = speaker.create(create, &fact);
                note(world, speaker.name(), &answer.body);
                for read in client
                    .reads
                    .iter()
                    .filter(|read| !read.request.names("link"))
                {
                    let answer = speaker.ask(&read.request, &fact);
                    note(world, speaker.name(), &answer.body);
                }
                for delete in client
                    .deletes
                    .iter()
                    .filter(|delete| !delete.request.names("link"))
                {
                    let answer = speaker.delete(delete, &fact);
                    note(world, speaker.name(), &answer.body);
                }
            }
        }
    }
}

/// The examples of the mappings: each op of each front has one.
fn examples(world: &mut World) {
    let mut client = Client::new(world.server.addr);
    for (name, _) in builtin::SOURCES {
        let plan = builtin::load_builtin(name)
            .and_then(|loaded| loaded.plan)
            .unwrap();
        let requests: Vec<OwnedRequest> = plan
            .ops
            .iter()
            .flat_map(|op| &op.examples)
            .filter_map(|example| {
                let mut request = example.request.clone()?;
                if let Some(params) = &example.params {
                    mark(&mut request, params);
                }
                Some(request)
            })
            .collect();
        assert!(!requests.is_empty(), "{name}");
        for request in requests {
            for credential in [K, WRONG_KEY, WRONG_JWT] {
                send(world, &mut client, &plan, &request, credential);
            }
            // A body that is none.
            let mut broken = request.clone();
            broken.body = format!("{{\"token\":\"{TOKEN}\",\"user\":\"{USERNAME}\"").into_bytes();
            send(world, &mut client, &plan, &broken, K);
        }
    }
}

/// Puts canaries in the place of what an example says of accounts.
fn mark(request: &mut OwnedRequest, params: &Record) {
    for (field, value) in params.iter() {
        let canary = match field {
            Field::Subject => SUBJECT,
            Field::DisplayName => NAME,
            Field::Token => TOKEN,
            _ => continue,
        };
        if let Value::Text(text) = value
            && text.len() > 3
        {
            let body = String::from_utf8_lossy(&request.body).replace(text.as_str(), canary);
            request.body = body.into_bytes();
        }
    }
}

fn send(
    world: &mut World,
    client: &mut Client,
    plan: &Plan,
    request: &OwnedRequest,
    credential: &str,
) {
    let target = match request.query.is_empty() {
        true => request.path.clone(),
        false => format!("{}?{}", request.path, request.query),
    };
    let mut fields: Vec<(String, String)> = request
        .headers
        .iter()
        .filter(|(name, _)| !["host", "content-length"].contains(&name.as_str()))
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    if let Some(take) = plan.take.first() {
        fields.retain(|(name, _)| *name != take.header.as_str());
        let value = take
            .scheme
            .as_ref()
            .map_or(credential.to_owned(), |scheme| {
                format!("{scheme} {credential}")
            });
        fields.push((take.header.to_string(), value));
    }
    let has_type = fields.iter().any(|(name, _)| name == "content-type");
    if !request.body.is_empty() && !has_type {
        fields.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    ask(
        world,
        client,
        request.method.as_str(),
        &target,
        &fields,
        Some(&request.body),
    );
}

/// Remote procedure calls, with messages that are none and with empty ones.
fn calls(world: &mut World) {
    let mut client = Http2::new(world.server.http2);
    for (name, _) in builtin::SOURCES {
        for (method, _) in rpc::methods(name) {
            for credential in [K, WRONG_KEY, OPAQUE] {
                let bearer = format!("Bearer {credential}");
                let fields = [
                    ("content-type", "application/grpc"),
                    ("te", "trailers"),
                    ("authorization", bearer.as_str()),
                    ("x-canary", FIELD),
                ];
                for message in [rpc::framed(b""), TOKEN.as_bytes().to_vec()] {
                    let answer = client.send("POST", &format!("/{method}"), &fields, message);
                    world.asked += 1;
                    if let Ok(answer) = answer {
                        let trailers: String = answer
                            .trailers
                            .iter()
                            .map(|(n, v)| format!("{n}: {v}\n"))
                            .collect();
                        note_only(world, &method, &answer.body);
                        note_only(world, &method, trailers.as_bytes());
                    }
                }
            }
        }
    }
}

/// What belongs to no front, or comes in strange forms.
fn strange(world: &mut World) {
    use base64::Engine as _;
    let mut client = Client::new(world.server.addr);
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("somebody:{PASSWORD}"));
    let credentials = [
        format!("Bearer {OPAQUE}"),
        format!("Bearer {WRONG_JWT}"),
        format!("Basic {basic}"),
        WRONG_KEY.to_owned(),
        "Bearer".to_owned(),
    ];
    let targets = [
        format!("/{PATH}?{QUERY}=1"),
        format!("/api/identity-provider/link?userId={PATH}&{QUERY}={QUERY}"),
        format!("/api/identity-provider/link/{PATH}%2f.."),
        format!("/linkbridge/v1/links?{QUERY}"),
        format!("/v1/environments/{PATH}/users/{PATH}/linkedAccounts"),
        format!("/admin/identities/{PATH}"),
        format!("/v2/users/{PATH}/links/_search"),
        format!("/oauth/v2/token?{QUERY}"),
    ];
    for target in &targets {
        for credential in &credentials {
            let fields = [
                ("Authorization", credential.as_str()),
                ("X-Canary", FIELD),
                ("Cookie", FIELD),
                ("X-Request-Id", FIELD),
                ("Content-Type", "application/x-www-form-urlencoded"),
            ];
            let form = format!(
                "grant_type=client_credentials&client_id={USERNAME}&client_secret={PASSWORD}&assertion={WRONG_JWT}"
            );
            for method in ["GET", "POST", "DELETE"] {
                let body = Some(form.as_bytes()).filter(|_| method == "POST");
                ask(world, &mut client, method, target, &fields, body);
            }
        }
    }
}

fn ask(
    world: &mut World,
    client: &mut Client,
    method: &str,
    target: &str,
    fields: &[(&str, &str)],
    body: Option<&[u8]>,
) {
    let answer = client.send(method, target, fields, body);
    let answer = answer.unwrap_or_else(|lost| panic!("{method} {target}: {lost}"));
    note(world, &format!("{method} {target}"), &answer.body);
}

fn note(world: &mut World, what: &str, body: &[u8]) {
    world.asked += 1;
    note_only(world, what, body);
}

fn note_only(world: &mut World, what: &str, body: &[u8]) {
    world.answers.push((what.to_owned(), body.to_vec()));
}
