//! Calls that should not be sent, over Connect with JSON and over gRPC: each has the code that
//! `tests/fronts/bad_calls.toml` says, and where the vendor has a word for it, that word. Nothing is a fault of ours,
//! nothing is written, and the server goes on.

mod attempts;
mod told;

use super::super::support::client::{Answer, Client};
use super::super::support::config::Profile;
use super::super::support::fixtures::{A, B, PROVIDERS, Q, R, USERS};
use super::super::support::http2::Http2;
use super::super::support::native;
use super::super::support::rpc;
use super::super::support::server::Server;
use super::clients::{CLIENTS, table, tables, text};
use super::template::Values;
use attempts::{Attempt, Method, cases};
use told::{by_connect, by_grpc};

/// What fills the holes of the file, in the vendor's ids.
fn values() -> Values {
    let [a, b, c, z] = USERS.each_ref().map(|user| user.id_or_key("zitadel"));
    let [p, .., disabled] = PROVIDERS.each_ref().map(|one| one.id_or_key("zitadel"));
    let mut values = Values::default();
    let holes = [
        ("user", a),
        ("holder", b),
        ("stranger", c),
        ("nobody", z),
        ("provider", p),
        ("disabled", disabled),
        ("nowhere", "311900000000000099"),
        ("account", "bad-1"),
    ];
    for (name, value) in holes {
        values.set(name, value);
    }
    values
}

struct Asked {
    server: Server,
    http1: Client,
    http2: Http2,
    count: usize,
    wrong: Vec<String>,
}

impl Asked {
    fn send(&mut self, method: &Method, attempt: &Attempt, key: &str) -> Result<Answer, String> {
        self.count += 1;
        let bearer = ("Authorization".to_owned(), format!("Bearer {key}"));
        let credential = (!key.is_empty()).then_some(&bearer);
        let headers: Vec<_> = attempt.headers.iter().chain(credential).collect();
        let headers: Vec<_> = headers.iter().map(|(n, v)| (&**n, &**v)).collect();
        let target = format!("/{}", method.name);
        if attempt.grpc {
            let body = attempt.body.clone();
            return self.http2.send("POST", &target, &headers, body);
        }
        let body = Some(&attempt.body[..]);
        let sent = self.http1.send("POST", &target, &headers, body);
        sent.map_err(|lost| lost.to_string())
    }

    /// Sends a call, and notes what is wrong with the answer.
    fn try_one(&mut self, method: &Method, attempt: &Attempt, key: &str) {
        let answer = self.send(method, attempt, key);
        let told = answer.and_then(|answer| match attempt.grpc {
            true => by_grpc(&answer),
            false => by_connect(&answer),
        });
        let is_right = told.as_ref().is_ok_and(|told| {
            told.code == attempt.code
                && attempt.says.as_ref().is_none_or(|says| *says == told.says)
                && (attempt.says.is_none() || attempt.id == told.id)
        });
        if !is_right {
            let Attempt {
                what, grpc, code, ..
            } = attempt;
            let protocol = if *grpc { "gRPC" } else { "Connect" };
            let (says, id) = (&attempt.says, &attempt.id);
            self.wrong.push(format!(
                "{} over {protocol}, {what}: {told:?} in place of {code} {says:?} {id:?}",
                method.name
            ));
        }
    }
}

#[test]
fn calls_are_refused_in_the_words_of_their_vendor() {
    let server = Server::start(&Profile {
        two_tenants: true,
        ..Profile::default()
    })
    .unwrap();
    let mut client = super::settle(server.addr, true);
    let taken = serde_json::json!({ "user_id": B, "provider_id": "acme-oidc", "subject": "taken" });
    native::create_link(&mut client, "acme", &taken).unwrap();
    let (file, values) = (table("bad_calls.toml").unwrap(), values());
    let mut asked = Asked {
        http1: Client::new(server.addr),
        http2: Http2::new(server.http2),
        server,
        count: 0,
        wrong: Vec::new(),
    };
    for table in tables(&file, "method") {
        let method = Method::read(&table, &values).unwrap();
        for grpc in [false, true] {
            if !grpc && !method.connect {
                continue;
            }
            for attempt in method.of_fields(grpc) {
                asked.try_one(&method, &attempt, Q);
            }
            for case in cases(&file) {
                let key = text(&case, "key");
                let key = match key.as_deref() {
                    Ok("none") => "",
                    Ok("reader") => R,
                    Ok(nobody) => nobody,
                    Err(_) => Q,
                };
                if let Some(attempt) = method.of_case(&case, grpc).unwrap() {
                    asked.try_one(&method, &attempt, key);
                }
            }
        }
    }
    assert!(asked.server.lives());
    let bearer = format!("Bearer {Q}");
    let target = format!("/linkbridge/v1/users/{A}/links");
    let links = client.send("GET", &target, &[("Authorization", &bearer)], None);
    let links = links.unwrap().json().unwrap();
    assert_eq!(links["total"], 0, "{links}");
    let log = asked.server.log();
    let panics = log.lines().filter(|line| line.contains("panicked"));
    asked.wrong.extend(panics.map(str::to_owned));
    let wrong = &asked.wrong;
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        asked.count,
        wrong.join("\n")
    );
    eprintln!("bad calls: {} requests", asked.count);
}

#[test]
fn every_method_with_fields_is_called_wrongly() {
    let file = table("bad_calls.toml").unwrap();
    let names = |key| {
        tables(&file, key)
            .iter()
            .map(|method| text(method, "name").unwrap())
            .collect::<Vec<_>>()
    };
    let mut called: Vec<String> = names("method");
    called.extend(names("exempt"));
    let methods = CLIENTS
        .iter()
        .flat_map(|client| rpc::methods(&client.dialect));
    let mut wanted: Vec<String> = methods
        .map(|(name, _)| name)
        .filter(|name| rpc::method(name).unwrap().input().fields().len() > 0)
        .collect();
    called.sort();
    wanted.sort();
    assert_eq!(called, wanted);
}
