use std::time::Duration;

use super::super::{Catalog, Config, Inputs, Vars, read};
use crate::finding::render;

/// What is told of this configuration, rendered, or what it says.
fn told(clients: &str, vars: &Vars) -> Result<Config, String> {
    let text = format!(
        "[server]\npublic_url = \"https://a.test/x/\"\n[[tenant]]\nkey = \"acme\"\n{clients}"
    );
    let catalog = Catalog::default();
    let inputs = Inputs {
        vars,
        flags: &[],
        catalog: &catalog,
    };
    let read = read("config.toml", &text, &inputs).map(|(config, _)| config);
    read.map_err(|findings| findings.iter().map(render).collect())
}

fn client(name: &str, more: &str) -> String {
    format!("[[client]]\nname = \"{name}\"\nscopes = []\n{more}\n")
}

fn key(id: &str, subject: &str, file: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys");
    format!(
        "assertion_keys = [{{ id = \"{id}\", key = \"file:{folder}/{file}\", subject = \"{subject}\" }}]"
    )
}

fn fault(clients: &str) -> String {
    told(clients, &Vars::default()).unwrap_err()
}

#[test]
fn a_client_asks_by_its_name_or_by_its_id() {
    let text =
        client("a", "") + &client("b", "client_id = \"x\"") + &client("x", "client_id = \"y\"");
    let config = told(&text, &Vars::default()).unwrap();
    let ids: Vec<_> = config.clients.iter().map(|c| c.client_id()).collect();
    assert_eq!(ids, ["a", "x", "y"]);
    for second in [
        client("b", "client_id = \"a\""),
        client("c", "client_id = \"a\""),
    ] {
        let fault = fault(&(client("a", "") + &second));
        assert!(fault.contains("LB512") && fault.contains("`a`"), "{fault}");
    }
    for bad in ["", " a", "a\\n"] {
        let fault = fault(&client("a", &format!("client_id = \"{bad}\"")));
        assert!(fault.contains("LB518"), "{fault}");
    }
}

#[test]
fn a_public_key_of_each_kind_is_read() {
    let files = [
        "test-only-rsa.pub.pem",
        "test-only-p256.pub.pem",
        "test-only-ed25519.pub.pem",
    ];
    let kinds = files.map(|file| {
        let config = told(&client("a", &key("k", "s", file)), &Vars::default()).unwrap();
        let key = &config.clients[0].assertion_keys[0];
        assert_eq!((key.id.as_str(), key.subject.as_str()), ("k", "s"));
        key.key.algorithm_name()
    });
    assert_eq!(kinds, ["RS256", "ES256", "EdDSA"]);
}

#[test]
fn a_key_that_cannot_be_used_is_told_with_its_reason() {
    for (file, code, word) in [
        ("weak-rsa-1024.pub.pem", "LB540", "1024 bits"),
        ("other-p384.pub.pem", "LB540", "neither RSA"),
        ("test-only-rsa.pem", "LB540", "private key"),
        ("README.md", "LB540", "no public key"),
        ("nowhere.pem", "LB504", "cannot be read"),
    ] {
        let fault = fault(&client("a", &key("k", "s", file)));
        assert!(fault.contains(code) && fault.contains(word), "{fault}");
        assert!(!fault.contains("MII"), "{fault}");
    }
    let inline = "assertion_keys = [{ id = \"k\", key = \"c2VjcmV0\", subject = \"s\" }]";
    let text = fault(&client("a", inline));
    assert!(
        text.contains("LB540") && !text.contains("c2VjcmV0"),
        "{text}"
    );
    let twice = client("a", &key("k", "s", "test-only-rsa.pub.pem"))
        + &client("b", &key("k", "s", "test-only-p256.pub.pem"));
    assert!(fault(&twice).contains("LB512"));
    let missing = "assertion_keys = [{ id = \"k\" }]";
    assert_eq!(fault(&client("a", missing)).matches("LB003").count(), 2);
}

#[test]
fn tokens_are_of_this_deployment_and_their_key_is_changed_each_month() {
    let tokens = told("", &Vars::default()).unwrap().tokens;
    assert_eq!(tokens.issuer, "linkbridge:https://a.test/x");
    assert_eq!(tokens.rotate, Duration::from_secs(30 * 86_400));
    assert_eq!(tokens.leeway, Duration::from_secs(60));
    let vars = Vars::from([("LINKBRIDGE_TOKENS_ROTATE_DAYS", "7")]);
    let tokens = told("[tokens]\nleeway_seconds = 0\n", &vars)
        .unwrap()
        .tokens;
    assert_eq!(tokens.rotate, Duration::from_secs(7 * 86_400));
    assert_eq!(tokens.leeway, Duration::ZERO);
    for bad in ["rotate_days = 0", "leeway_seconds = 301", "leeway = 1"] {
        told(&format!("[tokens]\n{bad}\n"), &Vars::default()).unwrap_err();
    }
}
