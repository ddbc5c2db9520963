//! What an origin gets of a request, and a client of an answer.

use super::origin::{Origin, field, fields};
use super::world::{ELSEWHERE, OURS, SELDOM, THEIRS, World, front, request, status};
use crate::support::http2::Http2;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi";

/// A front of a vendor whose neighbors are not below `/api/user`, so that everything there may pass.
fn world(origin: &Origin) -> World {
    World::start(origin, "ory", "[\"* /x/**\"]", "")
}

/// As `request`, with the scheme word that the dialect has before its credential.
fn ask(world: &World, method: &str, target: &str, more: &str) -> String {
    world.raw(&request(method, target, &format!("Bearer {THEIRS}"), more))
}

#[test]
fn a_request_passes_with_its_target_as_it_is_spelled() {
    let origin = Origin::says(OK);
    let world = world(&origin);
    for target in ["/x", "/x/a%20b/c?d=e&f=%2F&g", "/x/~a:b@c?", "/x/y/"] {
        let answer = ask(&world, "GET", target, "");
        assert!(answer.ends_with("\r\n\r\nhi"), "{answer}");
        let head = origin.heads().pop().unwrap();
        assert_eq!(
            head.lines().next(),
            Some(format!("GET {target} HTTP/1.1").as_str())
        );
        assert_eq!(field(&head, "host"), Some(origin.addr.to_string().as_str()));
    }
    // Nothing that the front serves, or that is not allowed, is ever asked for.
    let n = origin.connections();
    for (method, target, expected) in [
        (
            "GET",
            "/admin/identities/00000000-0000-4000-8000-000000000000",
            404,
        ),
        (
            "POST",
            "/admin/identities/00000000-0000-4000-8000-000000000000",
            405,
        ),
        ("GET", "/other", 404),
        ("TRACE", "/x/a", 404),
    ] {
        let answer = ask(&world, method, target, "");
        assert_eq!(status(&answer), expected, "{method} {target}: {answer}");
    }
    assert_eq!(origin.connections(), n);
    assert!(
        world
            .server
            .log()
            .contains("front=\"ory\" op=\"passthrough\" client=\"super\"")
    );
}

#[test]
fn fields_of_one_hop_end_here_both_ways() {
    let origin = Origin::says(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\n\
         Keep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nProxy-Connection: close\r\nUpgrade: h2c\r\n\
         Trailer: X-End\r\nAlt-Svc: h3=\":443\"\r\nX-Stays: 1\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d; Path=/\r\n\
         Via: 1.1 before\r\nETag: \"x\"\r\n\r\nhi",
    );
    let world = world(&origin);
    let more = "Connection: X-Drop, Host, Content-Length, Authorization, Via, X-Forwarded-For\r\nX-Drop: 1\r\n\
        Keep-Alive: 1\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic eDp5\r\nTE: trailers\r\n\
        Trailer: X-End\r\nUpgrade: websocket\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\
        Via: 1.0 first, 1.1 second\r\nX-Stays: a\r\nX-Stays: b\r\nCookie: s=1\r\nAccept-Encoding: gzip\r\n\
        Forwarded: for=1.2.3.4\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Host: evil.example\r\n\
        X-Forwarded-Proto: gopher\r\nX-Forwarded-Prefix: /evil\r\nX-Real-IP: 1.2.3.4\r\nX_Stays: c\r\n";
    let answer = ask(&world, "GET", "/x/a", more);
    let head = origin.heads().pop().unwrap();
    for gone in [
        "connection",
        "x-drop",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "te",
        "trailer",
        "upgrade",
        "http2-settings",
        "transfer-encoding",
        "content-length",
        "expect",
        "x-forwarded-prefix",
        "x-real-ip",
        "x_stays",
    ] {
        assert_eq!(field(&head, gone), None, "{gone} in {head}");
    }
    let port = world.addr().port();
    assert_eq!(fields(&head, "x-stays"), ["a", "b"]);
    assert_eq!(fields(&head, "authorization"), [format!("Bearer {THEIRS}")]);
    assert_eq!(fields(&head, "cookie"), ["s=1"]);
    assert_eq!(fields(&head, "accept-encoding"), ["gzip"]);
    assert_eq!(fields(&head, "host"), [origin.addr.to_string()]);
    assert_eq!(fields(&head, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(fields(&head, "x-forwarded-host"), ["front.example:8443"]);
    assert_eq!(fields(&head, "x-forwarded-proto"), ["http"]);
    assert_eq!(
        fields(&head, "forwarded"),
        ["for=127.0.0.1;host=\"front.example:8443\";proto=http"]
    );
    let via = fields(&head, "via").join(", ");
    let own = via
        .strip_prefix("1.0 first, 1.1 second, 1.1 linkbridge-")
        .unwrap();
    assert!(
        own.len() == 10 && own.chars().all(|c| c.is_ascii_alphanumeric()),
        "{via} {port}"
    );

    assert_eq!(status(&answer), 200);
    for gone in [
        "x-hop",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "upgrade",
        "trailer",
        "alt-svc",
    ] {
        assert_eq!(field(&answer, gone), None, "{gone} in {answer}");
    }
    assert_eq!(fields(&answer, "connection"), ["close"]);
    assert_eq!(fields(&answer, "content-length"), ["2"]);
    assert_eq!(fields(&answer, "set-cookie"), ["a=b", "c=d; Path=/"]);
    assert_eq!(fields(&answer, "x-stays"), ["1"]);
    assert_eq!(fields(&answer, "etag"), ["\"x\""]);
    assert_eq!(
        fields(&answer, "via").join(", "),
        format!("1.1 before, 1.1 linkbridge-{own}")
    );
}

#[test]
fn framing_is_made_anew() {
    let origin = Origin::says(OK);
    let world = world(&origin);
    let chunked = "Transfer-Encoding: chunked\r\nTrailer: X-End\r\n";
    let body = "3\r\nabc\r\n02\r\nde\r\n0\r\nX-End: 1\r\n\r\n";
    let text = request("POST", "/x/a", &format!("Bearer {THEIRS}"), chunked);
    assert_eq!(status(&world.raw(&(text.clone() + body))), 200);
    let extended = text + &body.replace("3\r", "3;ext=1\r");
    let head = origin.heads().pop().unwrap();
    assert_eq!(fields(&head, "transfer-encoding"), ["chunked"]);
    assert_eq!(field(&head, "content-length"), None);
    let sent = String::from_utf8(origin.bodies().pop().unwrap()).unwrap();
    let data: String = sent.split("\r\n").collect::<Vec<_>>().join("");
    assert!(!sent.contains("X-End"), "{sent}");
    assert_eq!(data.replace(char::is_numeric, ""), "abcde");

    let known = "Content-Length: 5\r\nExpect: 100-continue\r\n";
    let text = request("POST", "/x/a", &format!("Bearer {THEIRS}"), known);
    let answer = world.raw(&(text + "hello"));
    assert!(
        answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 "),
        "{answer}"
    );
    let head = origin.heads().pop().unwrap();
    assert_eq!(fields(&head, "content-length"), ["5"]);
    assert_eq!(field(&head, "transfer-encoding"), None);
    assert_eq!(field(&head, "expect"), None);
    assert_eq!(origin.bodies().pop().unwrap(), b"hello");

    // An extension of a chunk is not read over but refused, and the origin gets no end of that body.
    assert_eq!(status(&world.raw(&extended)), 400);
}

#[test]
fn answers_without_a_body_have_none_and_early_ones_end_the_connection() {
    let origin = Origin::start(|head, peer| {
        let target = head.split(' ').nth(1).unwrap();
        peer.say(match target {
            "/x/204" => "HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n",
            "/x/304" => "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 10\r\n\r\n",
            "/x/head" => "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n",
            "/x/chunked" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-End: 1\r\n\r\n",
            "/x/close" => "HTTP/1.0 200 OK\r\n\r\nhi",
            "/x/1xx" => "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            "/x/101" => "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw",
            _ => "HTTP/1.1 418 Short And Stout\r\nContent-Length: 0\r\n\r\n",
        });
    });
    let world = world(&origin);
    let get = |target: &str| ask(&world, "GET", target, "");
    let answer = get("/x/204");
    assert!(
        status(&answer) == 204 && field(&answer, "content-length").is_none(),
        "{answer}"
    );
    let answer = get("/x/304");
    assert!(
        status(&answer) == 304 && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
    assert_eq!(
        (field(&answer, "content-length"), field(&answer, "etag")),
        (None, Some("\"a\""))
    );
    let answer = ask(&world, "HEAD", "/x/head", "");
    assert!(
        status(&answer) == 200 && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
    assert_eq!(fields(&answer, "content-length"), ["1234"]);
    let answer = get("/x/chunked");
    assert_eq!(fields(&answer, "transfer-encoding"), ["chunked"]);
    assert!(answer.ends_with("\r\n\r\n2\r\nhi\r\n0\r\n\r\n"), "{answer}");
    let answer = get("/x/close");
    assert!(answer.ends_with("\r\n\r\n2\r\nhi\r\n0\r\n\r\n"), "{answer}");
    assert_eq!(fields(&answer, "via").len(), 1);
    let answer = get("/x/1xx");
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nhi"),
        "{answer}"
    );
    assert_eq!(status(&get("/x/101")), 502);
    assert_eq!(status(&get("/x/other")), 418);
}

#[test]
fn a_redirect_is_an_answer_and_leads_back_to_the_front() {
    let origin = Origin::start(|head, peer| {
        let host = field(head, "host").unwrap();
        let to = match head.split(' ').nth(1).unwrap() {
            "/x/1" => format!("http://{host}/x/2?a=b#c"),
            "/x/3" => "https://elsewhere.example/x".to_owned(),
            "/x/4" => "/x/5".to_owned(),
            "/x/6" => "7".to_owned(),
            "/x/8" => format!("http://{host}.evil.example/"),
            _ => format!("//{host}/x"),
        };
        peer.say(&format!(
            "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
        ));
    });
    let fronts = front(&origin.url(), "ory", "", "[\"* /x/**\"]", "")
        + &front(
            &origin.url(),
            "flip",
            "prefix = \"/flip\"",
            "[\"* /x/**\"]",
            "",
        );
    let world = World::with_fronts(&fronts);
    let host = origin.addr;
    let own = format!("http://{}", world.addr());
    for (target, location) in [
        ("/x/1", format!("{own}/x/2?a=b#c")),
        ("/x/3", "https://elsewhere.example/x".to_owned()),
        ("/x/4", "/x/5".to_owned()),
        ("/x/6", "7".to_owned()),
        ("/x/8", format!("http://{host}.evil.example/")),
        ("/x/9", format!("{own}/x")),
        ("/flip/x/1", format!("{own}/flip/x/2?a=b#c")),
        ("/flip/x/4", "/flip/x/5".to_owned()),
        ("/flip/x/6", "7".to_owned()),
    ] {
        let answer = ask(&world, "GET", target, "");
        assert_eq!(
            (status(&answer), fields(&answer, "location")),
            (302, vec![location.as_str()])
        );
    }
    assert!(
        origin.heads().iter().all(|head| head.contains(" /x/")),
        "the prefix is the front's"
    );
    assert_eq!(origin.connections(), 9, "nothing was followed");
}

#[test]
fn a_credential_of_ours_never_leaves() {
    let origin = Origin::says(OK);
    let basic = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(text)
    };
    let world = World::start(&origin, "fusionauth", "[\"GET /api/user/**\"]", "");
    let anyone = World::start(
        &origin,
        "fusionauth",
        "[\"GET /api/user/**\"]",
        "access = \"anyone\"",
    );
    // Known by our own key, the client gets through, and its key does not.
    assert_eq!(
        status(&world.raw(&request("GET", "/api/user/1", OURS, ""))),
        200
    );
    assert_eq!(field(&origin.heads()[0], "authorization"), None);
    // Wherever it stands.
    for value in [
        format!("X-Copy: {OURS}"),
        format!("X-Copy: key={OURS}; x"),
        format!("X-Copy: \"{OURS}\""),
        format!("Cookie: a=b; k={OURS}"),
        format!("X-Copy: Basic {}", basic(&format!("made:{OURS}"))),
        format!("X-Copy: basic {}", basic(OURS).trim_end_matches('=')),
        format!(
            "Referer: https://a.example/?key={}",
            OURS.replace('_', "%5F")
        ),
    ] {
        for world in [&world, &anyone] {
            let answer = world.ask("GET", "/api/user/1", &format!("{value}\r\n"));
            assert_eq!(status(&answer), 200, "{value}");
        }
    }
    for key in [
        OURS.to_owned(),
        format!("Basic {}", basic(&format!("x:{OURS}"))),
    ] {
        assert_eq!(
            status(&anyone.raw(&request("GET", "/api/user/1", &key, ""))),
            200
        );
    }
    // In a target it cannot be left out: then nothing passes.
    let n = origin.connections();
    for target in [
        format!("/api/user/{OURS}"),
        format!("/api/user/1?k={OURS}"),
        format!("/api/user/1?k={}", OURS.replace("lb_", "%6cb_")),
    ] {
        assert_eq!(status(&anyone.ask("GET", &target, "")), 404, "{target}");
    }
    assert_eq!(origin.connections(), n);
    let secret = OURS.rsplit('_').next().unwrap();
    for head in origin.heads() {
        let left =
            head.contains(secret) || head.contains(&basic(OURS)[4..40]) || head.contains("Basic ");
        assert!(!left, "{head}");
    }
}

#[test]
fn a_token_of_ours_never_leaves() {
    let origin = Origin::says(OK);
    let world = World::start(&origin, "flip", "[\"GET /x/**\"]", "");
    let form = format!("grant_type=client_credentials&client_id=super&client_secret={THEIRS}");
    let answer = world.raw(&format!(
        "POST /auth/realms/acme/protocol/openid-connect/token HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    ));
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"));
    let token = json["access_token"].as_str().unwrap();
    let answer = world.raw(&request(
        "GET",
        "/x/1",
        &format!("Bearer {token}"),
        &format!("X-Copy: a={token}\r\n"),
    ));
    assert_eq!(status(&answer), 200, "{answer}");
    let head = origin.heads().remove(0);
    assert!(
        !head.contains(token) && field(&head, "authorization").is_none(),
        "{head}"
    );
}

#[test]
fn who_may_pass_is_known_or_anyone_and_none_is_no_credential() {
    let origin = Origin::says(OK);
    let known = World::start(&origin, "fusionauth", "[\"GET /api/user/**\"]", "");
    for key in ["unknown-key", ""] {
        let answer = known.raw(&request("GET", "/api/user/1", key, ""));
        assert_eq!(status(&answer), 401, "{answer}");
    }
    let answer = known.raw(&request("GET", "/api/user/1", ELSEWHERE, ""));
    assert_eq!(
        (status(&answer), origin.connections()),
        (401, 0),
        "{answer}"
    );
    let seldom = || status(&known.raw(&request("GET", "/api/user/1", SELDOM, "")));
    assert_eq!((seldom(), seldom(), origin.connections()), (200, 429, 1));
    assert_eq!(fields(&origin.heads()[0], "authorization"), [SELDOM]);
    let none = World::start(
        &origin,
        "fusionauth",
        "[\"GET /api/user/**\"]",
        "credential = \"none\"",
    );
    assert_eq!(
        status(&none.ask("GET", "/api/user/1", "Cookie: s=1\r\n")),
        200
    );
    let head = origin.heads().pop().unwrap();
    assert!(
        field(&head, "authorization").is_none() && field(&head, "cookie").is_none(),
        "{head}"
    );
    let anyone = World::start(
        &origin,
        "fusionauth",
        "[\"GET /api/user/**\"]",
        "access = \"anyone\"",
    );
    assert_eq!(
        status(&anyone.raw(&request("GET", "/api/user/1", "another-vendor-key", ""))),
        200
    );
    let head = origin.heads().pop().unwrap();
    assert_eq!(fields(&head, "authorization"), ["another-vendor-key"]);
    // Without passthrough, everything is as before.
    let without = World::with_fronts("[[front]]\ndialect = \"fusionauth\"\n");
    assert_eq!(status(&without.ask("GET", "/api/user/1", "")), 404);
}

#[test]
fn a_circle_is_broken() {
    // The origin sends it back once; the second time round it would go on for ever.
    let fronts = |origin: &str| front(origin, "ory", "", "[\"* /x/**\"]", "");
    let back = std::sync::Arc::new(std::sync::Mutex::new(None));
    let to = std::sync::Arc::clone(&back);
    let origin = Origin::start(move |head, peer| {
        let addr: std::net::SocketAddr = to.lock().unwrap().unwrap();
        let mut stream = super::world::connect(addr);
        let lines = head
            .lines()
            .filter(|l| !l.to_ascii_lowercase().starts_with("host:"));
        let lines: Vec<&str> = lines.filter(|l| !l.is_empty()).collect();
        let text = format!(
            "{}\r\nHost: a\r\nConnection: close\r\n\r\n",
            lines.join("\r\n")
        );
        std::io::Write::write_all(&mut stream, text.as_bytes()).unwrap();
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
        peer.say(&answer);
    });
    let world = World::with_fronts(&fronts(&origin.url()));
    *back.lock().unwrap() = Some(world.addr());
    let answer = ask(&world, "GET", "/x/1", "");
    assert_eq!(status(&answer), 508, "{answer}");
    assert_eq!(origin.connections(), 1);
}

#[test]
fn http2_at_the_front_is_http1_at_the_origin() {
    let origin = Origin::says(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: x\r\n\r\nhi",
    );
    let world = world(&origin);
    let mut client = Http2::new(world.server.http2);
    let key = format!("Bearer {THEIRS}");
    let headers = [
        ("authorization", key.as_str()),
        ("cookie", "a=b"),
        ("cookie", "c=d"),
        ("te", "trailers"),
    ];
    let answer = client
        .send("POST", "/x/a?b", &headers, b"hello".to_vec())
        .unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "hi"));
    assert!(answer.header("x-hop").is_none() && answer.header("connection").is_none());
    let head = origin.heads().remove(0);
    assert!(head.starts_with("POST /x/a?b HTTP/1.1\r\n"), "{head}");
    assert_eq!(fields(&head, "cookie"), ["a=b; c=d"]);
    assert_eq!(fields(&head, "host"), [origin.addr.to_string()]);
    assert_eq!(
        fields(&head, "x-forwarded-host"),
        [world.server.http2.to_string()]
    );
    assert!(
        fields(&head, "via")[0].starts_with("2 linkbridge-"),
        "{head}"
    );
    assert_eq!(field(&head, "te"), None);
    assert_eq!(origin.bodies()[0], b"hello");
}

#[test]
fn the_start_tells_what_passes() {
    let origin = Origin::says(OK);
    let world = World::start(&origin, "fusionauth", "[\"GET /api/user/**\"]", "");
    let log = world.server.log();
    let told = format!(
        "passes on to {}/ requests of known clients, with the client's own credential: GET /api/user/**",
        origin.url()
    );
    assert!(log.contains(&told), "{log}");
}
