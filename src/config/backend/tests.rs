//! Trees as they are read: what stands where, and what holds where nothing is said.

use super::super::tests::{minimal, read_with, uncommented};
use super::*;
use crate::backend::upstream::settings::{AssertionGrant, Credential, Keep, SecretPlace};
use crate::finding::render;
use crate::outbound::{Protocols, Timeouts};

const LEAST: &str = "dialect = \"ory\"\nbase_url = \"https://iam.example.com\"\n";
const NOBODY: &str = "credential = { kind = \"none\" }\n";

fn root(text: &str) -> Node {
    let vars = Vars::from([
        ("SECRET", "hunter2"),
        ("PEM", "-----BEGIN PRIVATE KEY-----"),
    ]);
    let read = read_with(text, &vars, &[]);
    let (config, _) = read
        .map_err(|findings| findings.iter().map(render).collect::<String>())
        .unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    config.backend.root
}

fn only(more: &str) -> Upstream {
    match root(&minimal(&format!("[backend.upstream]\n{more}"))) {
        Node::Upstream(upstream) => *upstream,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_an_upstream_everything_is_in_the_store() {
    assert!(matches!(root(&minimal("")), Node::Store));
}

#[test]
fn what_is_not_said_holds_as_the_documents_have_it() {
    let upstream = only(&format!("{LEAST}{NOBODY}"));
    assert_eq!(
        (upstream.name.as_str(), upstream.dialect.as_str()),
        ("upstream", "ory")
    );
    let endpoint = &upstream.endpoint;
    assert!(matches!(endpoint.credential, Credential::None));
    assert_eq!(endpoint.http.timeouts, Timeouts::upstream());
    assert_eq!(endpoint.http.protocols, Protocols::Both);
    assert!(endpoint.http.policy.allowed.is_empty() && endpoint.http.identity.is_none());
    assert_eq!(endpoint.max_in_flight, 64);
    assert_eq!(endpoint.queue, Duration::from_millis(100));
    assert_eq!(endpoint.max_answer_bytes, 4 << 20);
    assert_eq!((endpoint.retry_percent, endpoint.breaker_failures), (10, 5));
    assert_eq!(endpoint.breaker_open, Duration::from_secs(10));
    let residual = upstream.residual;
    let kept = [residual.token, residual.display_name, residual.instants];
    assert_eq!(kept, [Keep::Keep; 3]);
    assert_eq!(upstream.index_max_age, Duration::from_secs(86_400));
    assert!(upstream.pending_origin.is_none());
}

/// Reading the example's keys that have a default, uncommented, changes nothing.
#[test]
fn the_example_tells_the_defaults_of_an_upstream() {
    let text = uncommented();
    let (_, rest) = text.split_once("\n[backend.upstream]\n").unwrap();
    let (block, _) = rest
        .split_once("\n[backend.upstream.pending_origin]")
        .unwrap();
    let particular = [
        "dialect",
        "base_url",
        "credential",
        "client_certificate",
        "ca_file",
        "allow_addresses",
    ];
    let has_default = |line: &&str| {
        let key = line.split_once(" = ").map(|(key, _)| key);
        key.is_some_and(|key| !particular.contains(&key))
    };
    let lines: Vec<&str> = block.lines().filter(has_default).collect();
    assert!(lines.len() > 15, "{lines:?}");
    let told = only(&format!("{LEAST}{NOBODY}{}\n", lines.join("\n")));
    let silent = only(&format!("{LEAST}{NOBODY}"));
    assert_eq!(format!("{told:?}"), format!("{silent:?}"));
}

#[test]
fn an_upstream_has_what_outbound_says_unless_it_says_something_else() {
    let outbound =
        "[outbound]\nallow_addresses = [\"10.0.0.0/8\"]\nconnect_seconds = 3\nidle_seconds = 2\n";
    let both = |more: &str| {
        let text = format!("{outbound}[backend.upstream]\n{LEAST}{NOBODY}{more}");
        match root(&minimal(&text)) {
            Node::Upstream(upstream) => upstream.endpoint.http,
            other => panic!("{other:?}"),
        }
    };
    let http = both("");
    assert_eq!(http.timeouts.connect, Duration::from_secs(3));
    assert_eq!(http.timeouts.idle, Duration::from_secs(2));
    assert_eq!(http.policy.allowed.len(), 1);
    let http = both("allow_addresses = []\nidle_seconds = 30\nprotocols = [\"http/1.1\"]\n");
    assert_eq!(http.timeouts.idle, Duration::from_secs(30));
    assert!(http.policy.allowed.is_empty());
    assert_eq!(http.protocols, Protocols::Http1);
}

#[test]
fn credentials_of_each_kind_are_read() {
    let credential = |text: &str| {
        only(&format!("{LEAST}credential = {{ {text} }}\n"))
            .endpoint
            .credential
    };
    match credential("kind = \"static\", token = \"env:SECRET\"") {
        Credential::Static { token } => assert_eq!(token.expose(), "hunter2"),
        other => panic!("{other:?}"),
    }
    let request = "token_url = \"https://iam.example.com/token\", client_id = \"me\"";
    let more = "client_secret = \"env:SECRET\", client_auth = \"post\", scope = \"a b\"";
    match credential(&format!("kind = \"client_credentials\", {request}, {more}")) {
        Credential::ClientCredentials(request, auth) => {
            assert_eq!(request.url.to_string(), "https://iam.example.com/token");
            assert_eq!(request.client_id, "me");
            assert_eq!(
                (request.scope.as_deref(), request.audience),
                (Some("a b"), None)
            );
            assert_eq!(
                (auth.secret.expose(), auth.place),
                ("hunter2", SecretPlace::Post)
            );
        }
        other => panic!("{other:?}"),
    }
    let more = "key = \"env:PEM\", key_id = \"7\", algorithm = \"EdDSA\", grant = \"jwt_bearer\"";
    match credential(&format!("kind = \"private_key_jwt\", {request}, {more}")) {
        Credential::PrivateKeyJwt(_, assertion) => {
            assert_eq!(assertion.key_id.as_deref(), Some("7"));
            assert_eq!(assertion.algorithm, "EdDSA");
            assert_eq!(
                (assertion.grant, assertion.audience),
                (AssertionGrant::JwtBearer, None)
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn routes_lead_to_the_store_and_to_upstreams() {
    let text = format!(
        "[[tenant]]\nkey = \"blue\"\n[[tenant]]\nkey = \"green\"\n[[tenant]]\nkey = \"red\"\n\
         [backend.upstream]\n{LEAST}{NOBODY}\
         [[backend.route]]\ntenants = [\"blue\", \"red\"]\nstore = true\n\
         [[backend.route]]\ntenants = \"green\"\n[backend.route.upstream]\nname = \"green\"\n{LEAST}{NOBODY}\
         [backend.route.upstream.pending_origin]\ndialect = \"fusionauth\"\nbase_url = \"https://old.example.com\"\n{NOBODY}"
    );
    let Node::Route { routes, otherwise } = root(&minimal(&text)) else {
        panic!("there are routes");
    };
    assert!(matches!(*otherwise, Node::Upstream(upstream) if upstream.name == "upstream"));
    let tenants = |index: usize| -> Vec<&str> {
        let (tenants, _): &(Vec<TenantId>, Node) = &routes[index];
        tenants.iter().map(TenantId::as_str).collect()
    };
    assert_eq!(
        (tenants(0), tenants(1)),
        (vec!["blue", "red"], vec!["green"])
    );
    let (Node::Store, Node::Upstream(green)) = (&routes[0].1, &routes[1].1) else {
        panic!("{routes:?}");
    };
    assert_eq!(green.name, "green");
    let origin = green.pending_origin.as_ref().unwrap();
    assert_eq!(origin.dialect, "fusionauth");
    assert_eq!(origin.endpoint.max_in_flight, 64);
}

/// What is said to whoever lets tenants share a credential: the reason, and both ways out.
#[test]
fn open_users_behind_a_shared_credential_are_refused_with_both_ways_out() {
    let text = format!(
        "[[tenant]]\nkey = \"blue\"\nusers = \"open\"\n[backend.upstream]\n{LEAST}{NOBODY}"
    );
    let findings = read_with(&minimal(&text), &Vars::default(), &[]).unwrap_err();
    let [finding] = &findings[..] else {
        panic!("{}", findings.iter().map(render).collect::<String>());
    };
    assert_eq!(finding.code, "LB565");
    let told = format!("{} {}", finding.message, finding.hint.as_deref().unwrap());
    for part in [
        "one credential serves `blue` and `acme`",
        "could link its own account to a user of another tenant",
        "`users = \"known\"` for the [[tenant]] `blue`",
        "[[backend.route]] to an upstream with a credential of its own",
    ] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn a_variable_for_a_table_is_told() {
    let vars = Vars::from([("LINKBRIDGE_BACKEND_UPSTREAM", "https://iam.example.com")]);
    let findings = read_with(&minimal(""), &vars, &[]).unwrap_err();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code, "LB521");
}
