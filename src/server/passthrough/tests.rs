//! What carries links never passes, even where everything is allowed.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::fields::{holds_ours, overrides};
use super::{Access, Allowed, Credential, Passthrough, PassthroughSettings};
use crate::dialect::{self, Dialect, Pattern};
use crate::edge::keys::EXAMPLE_KEY;
use crate::mapping::builtin;
use crate::outbound::{self, Net, Policy, Url};
use crate::server::testing::{FakeBackend, KEY, exchange, settings, start_with};
use crate::server::{Front, Running};

/// An origin that answers everything, and counts.
fn origin() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::SeqCst);
            let mut stream = stream;
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer);
            let _ = stream.write_all(b"HTTP/1.1 299 Passed\r\nContent-Length: 0\r\n\r\n");
        }
    });
    (addr, asked)
}

fn dialects() -> Vec<Arc<Dialect>> {
    let loaded = builtin::SOURCES.iter();
    let loaded = loaded.filter_map(|(name, _)| builtin::load_builtin(name)?.plan);
    loaded.map(|plan| Arc::new(Dialect::new(plan))).collect()
}

/// A server whose front of this dialect passes everything on.
fn serve(name: &str, addr: SocketAddr) -> Running {
    let all = dialects();
    let dialect = all.iter().find(|dialect| dialect.name() == name).unwrap();
    let kin = all
        .iter()
        .filter(|other| other.vendor() == dialect.vendor());
    let everything = PassthroughSettings {
        origin: Url::parse(&format!("http://{addr}")).unwrap(),
        credential: Credential::Client,
        access: Access::Clients,
        allow: vec![Allowed {
            method: None,
            path: Pattern::parse("/**").unwrap(),
        }],
        first_byte: Duration::from_secs(2),
        stall: Duration::from_secs(2),
        max_in_flight: 10,
    };
    let outbound = outbound::Settings {
        policy: Policy {
            allowed: vec![Net::parse("127.0.0.1").unwrap()],
        },
        ..outbound::Settings::default()
    };
    let passthrough = Passthrough::new(everything, kin.cloned().collect(), &outbound).unwrap();
    let front = Front {
        dialect: Arc::clone(dialect),
        settings: dialect::Settings::default(),
        host: None,
        prefix: String::new(),
        anonymous: None,
        passthrough: Some(Arc::new(passthrough)),
    };
    start_with(settings(), vec![front], Arc::new(FakeBackend::default()))
}

fn ask(running: &Running, request_line: &str, more: &str) -> u16 {
    let text = format!(
        "{request_line} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n{more}Connection: close\r\n\r\n"
    );
    let answer = exchange(running.addresses()[0], &text);
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
    status.unwrap_or_else(|| panic!("{request_line}: {answer:?}"))
}

/// Spellings of a path that a lenient server may take for the path itself.
fn spellings(path: &str) -> Vec<String> {
    let (above, last) = path.rsplit_once('/').unwrap();
    let letter = last.chars().next().unwrap();
    let rest = last.get(1..).unwrap();
    let encoded = format!("%{:02X}", u32::from(letter));
    let twice = format!("%25{:02X}", u32::from(letter));
    let mut found: Vec<String> = [
        "",
        "/",
        "//",
        "/.",
        "/./",
        "/x/..",
        "/x/%2e%2e",
        ";",
        ";a=b",
        "%3B",
        "%3Ba=b",
        "%00",
        "%00.json",
        "%20",
        "%09",
        "%0d%0a",
        "%0A",
        "%7F",
        "+",
        ".",
        "..",
        ".json",
        ".html",
        ":",
        ":create",
        ",",
        "!",
        "~",
        "$",
        "%3F",
        "%3Fx",
        "%23",
        "%2F",
        "%2f",
        "%5C",
        "%5c",
        "\\",
        "?x=y",
        "?",
        "%zz",
        "%C2%AD",
        "%E2%80%8B",
        "*",
        "|",
        "=",
    ]
    .iter()
    .map(|end| format!("{path}{end}"))
    .collect();
    found.extend([
        path.to_uppercase(),
        path.replacen('/', "//", 1),
        format!("/.{path}"),
        format!("/%2e{path}"),
        format!("/x/..{path}"),
        format!("/x/%2E%2E{path}"),
        format!("/x/.%2e{path}"),
        format!("/;a=b{path}"),
        format!("{above}//{last}"),
        format!("{above}/./{last}"),
        format!("{above}/%2e/{last}"),
        format!("{above}/x/../{last}"),
        format!("{above};a=b/{last}"),
        format!("{above}%2F{last}"),
        format!("{above}%2f{last}"),
        format!("{above}%5c{last}"),
        format!("{above}\\{last}"),
        format!("{above}/{encoded}{rest}"),
        format!("{above}/{}{rest}", encoded.to_lowercase()),
        format!("{above}/{twice}{rest}"),
        format!("{above}/%20{last}"),
        format!("{above}/+{last}"),
        format!("{above}/%EF%BD%81{rest}"),
        path.replacen("s", "%C5%BF", 1),
        path.replacen("s/", "%73/", 1),
    ]);
    found
}

#[test]
fn no_spelling_leads_around_a_denial() {
    let (addr, asked) = origin();
    let running = serve("zitadel-v2", addr);
    for (method, path) in [
        // Neighbors, and calls among them.
        ("POST", "/admin/v1/import"),
        ("POST", "/management/v1/users/human/_import"),
        ("POST", "/v2/users/human"),
        ("POST", "/v2beta/users/human"),
        ("DELETE", "/management/v1/users/1"),
        ("POST", "/zitadel.user.v2.UserService/AddHumanUser"),
        ("POST", "/zitadel.admin.v1.AdminService/ImportData"),
        // What another dialect of the vendor has, and an op of the front's own.
        ("POST", "/management/v1/users/1/idps/_search"),
        ("POST", "/v2/users/1/links"),
    ] {
        let mut spellings = spellings(path);
        if path.ends_with("/1") {
            // There any other text is another user.
            spellings.retain(|spelling| !spelling.contains("/%"));
        }
        assert!(spellings.len() > 50);
        for target in spellings {
            let line = format!("{method} {target}");
            let status = ask(&running, &line, "Content-Length: 0\r\n");
            assert!((400..500).contains(&status), "{line}: {status}");
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    // Nor does a request that says it is another one.
    for (target, more) in [
        ("/v2/other", "X-HTTP-Method-Override: DELETE\r\n"),
        ("/v2/other", "X-HTTP-Method: DELETE\r\n"),
        ("/v2/other", "X-Method-Override: DELETE\r\n"),
        ("/v2/other", "X-Original-URL: /v2/users/human\r\n"),
        ("/v2/other", "X-Rewrite-URL: /v2/users/human\r\n"),
        ("/v2/other?_method=DELETE", ""),
        ("/v2/other?a=b&_Method=DELETE", ""),
        ("/v2/other?%5Fmethod=DELETE", ""),
        ("/v2/other?x;_method=DELETE", ""),
    ] {
        let status = ask(&running, &format!("GET {target}"), more);
        assert_eq!(status, 404, "{target} {more}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    // The neighbors' neighbors do pass.
    for line in [
        "POST /admin/v1/imports",
        "POST /admin/v1/import/x",
        "GET /admin/v1/import",
        "POST /v2/users/1/password",
        "GET /v2/users/human/x",
        "GET /v2/other?method=DELETE",
        "POST /zitadel.user.v2.UserService/SetPassword",
        "POST /zitadel.org.v2.OrganizationService/ListOrganizations",
    ] {
        let json = "Content-Type: application/json\r\nContent-Length: 0\r\n";
        assert_eq!(ask(&running, line, json), 299, "{line}");
    }
    // Calls that end in trailers cannot.
    let grpc = "Content-Type: application/grpc+proto\r\nContent-Length: 0\r\n";
    let line = "POST /zitadel.user.v2.UserService/SetPassword";
    assert_ne!(ask(&running, line, grpc), 299);
}

#[test]
fn every_neighbor_of_every_dialect_is_denied() {
    let (addr, asked) = origin();
    for dialect in dialects() {
        let running = serve(dialect.name(), addr);
        for neighbor in dialect.neighbors() {
            let path = neighbor
                .path
                .to_string()
                .replace("**", "x")
                .replace('*', "x");
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
                if neighbor.has_method(&method.parse().unwrap()) {
                    let status = ask(
                        &running,
                        &format!("{method} {path}"),
                        "Content-Length: 0\r\n",
                    );
                    assert!((400..500).contains(&status), "{method} {path}: {status}");
                }
            }
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[test]
fn our_credentials_are_known_wherever_they_stand() {
    for text in [
        EXAMPLE_KEY.to_owned(),
        format!("a={EXAMPLE_KEY};b"),
        format!("lb_lb_x {EXAMPLE_KEY}"),
    ] {
        assert!(holds_ours(&text), "{text}");
    }
    let cut = EXAMPLE_KEY.get(..EXAMPLE_KEY.len() - 1).unwrap();
    for text in ["", "lb_", "lb_a_b", "Bearer abc", cut] {
        assert!(!holds_ours(text), "{text}");
    }
    assert!(!overrides(&http::HeaderMap::new(), "method=a&x_method=b"));
}
