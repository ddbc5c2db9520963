//! What curl and OpenSSL say of the listener: versions, suites, ALPN, and which certificate is for which name.

use std::process::{Command, Stdio};

use super::{FIRST, SECOND, Served};

/// Whether a judge is there. Where one is not, its verdict is missing, and it is said.
fn present(program: &str) -> bool {
    let version = if program == "curl" {
        "--version"
    } else {
        "version"
    };
    let found = Command::new(program).arg(version).output().is_ok();
    if !found {
        eprintln!("{program} is not here: nothing is judged by it");
    }
    found
}

/// What a program says, on both of its outputs; and its exit code.
fn say(program: &str, arguments: &[&str]) -> (String, Option<i32>) {
    let done = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = [done.stdout, done.stderr].concat();
    (
        String::from_utf8_lossy(&text).into_owned(),
        done.status.code(),
    )
}

impl Served {
    fn curl(&self, name: &str, more: &[&str]) -> (String, Option<i32>) {
        let port = self.addr.port();
        let url = format!("https://{name}:{port}/linkbridge/v1/status");
        let resolve = format!("{name}:{port}:127.0.0.1");
        let fixed = [
            "--silent",
            "--show-error",
            "--max-time",
            "20",
            "--resolve",
            &resolve,
        ];
        let told = ["--write-out", " HTTP/%{http_version} %{http_code}", &url];
        say("curl", &[&fixed[..], more, &told].concat())
    }

    fn openssl(&self, more: &[&str]) -> String {
        let addr = self.addr.to_string();
        let authority = self.authority.to_str().unwrap();
        let fixed = ["s_client", "-connect", &addr, "-CAfile", authority];
        say("openssl", &[&fixed[..], more].concat()).0
    }
}

#[test]
fn curl_is_served_over_both_protocols() {
    if !present("curl") {
        return;
    }
    let served = Served::start();
    let authority = served.authority.to_str().unwrap();
    for (more, version) in [
        (&["--http1.1"][..], "HTTP/1.1"),
        (&["--http2"], "HTTP/2"),
        (&["--no-alpn"], "HTTP/1.1"),
    ] {
        for name in [FIRST, SECOND, "127.0.0.1"] {
            let (text, code) = served.curl(name, &[&["--cacert", authority][..], more].concat());
            assert_eq!(code, Some(0), "{name} {more:?}: {text}");
            let expected = format!("{{\"ready\":true}} {version} 200");
            assert_eq!(text, expected, "{name} {more:?}");
        }
    }
    // curl's own words for what it cannot verify: 60.
    assert_eq!(served.curl(FIRST, &[]).1, Some(60), "an unknown authority");
    let (text, code) = served.curl("nobody.example", &["--cacert", authority]);
    assert_eq!(code, Some(60), "a name that no certificate has: {text}");
}

#[test]
fn openssl_gets_the_versions_of_today_and_none_of_the_past() {
    if !present("openssl") {
        return;
    }
    let served = Served::start();
    for (version, told) in [("-tls1_2", "New, TLSv1.2,"), ("-tls1_3", "New, TLSv1.3,")] {
        let text = served.openssl(&[version]);
        assert!(text.contains(told), "{text}");
        assert!(text.contains("Verify return code: 0 (ok)"), "{text}");
        assert!(text.contains("Compression: NONE"), "{text}");
    }
    for version in ["-tls1", "-tls1_1"] {
        // Else it is this client that refuses to speak so old a version.
        let text = served.openssl(&[version, "-cipher", "ALL:@SECLEVEL=0"]);
        let refused = ["alert protocol version", "alert handshake failure"];
        assert!(refused.iter().any(|alert| text.contains(alert)), "{text}");
    }
}

#[test]
fn openssl_gets_the_suites_of_the_intermediate_profile_and_no_weaker_ones() {
    if !present("openssl") {
        return;
    }
    let served = Served::start();
    let ask = |suite: &str, name: &str| {
        let cipher = format!("{suite}:@SECLEVEL=0");
        served.openssl(&["-tls1_2", "-cipher", &cipher, "-servername", name])
    };
    for (kind, name) in [("ECDSA", FIRST), ("RSA", SECOND)] {
        for suite in [
            "AES128-GCM-SHA256",
            "AES256-GCM-SHA384",
            "CHACHA20-POLY1305",
        ] {
            let suite = format!("ECDHE-{kind}-{suite}");
            let text = ask(&suite, name);
            assert!(
                text.contains(&format!("Cipher is {suite}")),
                "{suite}: {text}"
            );
        }
        for weak in ["AES128-SHA", "AES128-SHA256", "AES256-SHA384"] {
            let text = ask(&format!("ECDHE-{kind}-{weak}"), name);
            assert!(text.contains("alert handshake failure"), "{weak}: {text}");
        }
    }
    for weak in [
        "AES128-GCM-SHA256",
        "AES256-SHA",
        "DHE-RSA-AES128-SHA",
        "NULL-SHA256",
    ] {
        let text = ask(weak, SECOND);
        assert!(text.contains("alert handshake failure"), "{weak}: {text}");
    }
    for suite in [
        "AES_128_GCM_SHA256",
        "AES_256_GCM_SHA384",
        "CHACHA20_POLY1305_SHA256",
    ] {
        let suite = format!("TLS_{suite}");
        let text = served.openssl(&["-tls1_3", "-ciphersuites", &suite]);
        assert!(
            text.contains(&format!("Cipher is {suite}")),
            "{suite}: {text}"
        );
    }
    for group in ["X25519", "P-256", "P-384"] {
        let text = served.openssl(&["-groups", group]);
        assert!(
            text.contains("Verify return code: 0 (ok)"),
            "{group}: {text}"
        );
    }
    let text = served.openssl(&["-groups", "P-521"]);
    assert!(text.contains("alert handshake failure"), "{text}");
}

#[test]
fn openssl_gets_the_certificate_for_its_name_and_the_protocol_it_asks_for() {
    if !present("openssl") {
        return;
    }
    let served = Served::start();
    for (asked, verified, good) in [
        (FIRST, FIRST, true),
        (SECOND, SECOND, true),
        ("nobody.example", FIRST, true),
        ("a.b.tenants.example.com", FIRST, true),
        (FIRST, SECOND, false),
    ] {
        let text = served.openssl(&["-servername", asked, "-verify_hostname", verified]);
        let told = text.contains("Verify return code: 0 (ok)");
        assert_eq!(told, good, "{asked} as {verified}: {text}");
    }
    let text = served.openssl(&["-noservername", "-verify_hostname", FIRST]);
    assert!(text.contains("Verify return code: 0 (ok)"), "{text}");
    for (offered, told) in [
        (&["-alpn", "http/1.1"][..], "ALPN protocol: http/1.1"),
        (&["-alpn", "http/1.1,h2"], "ALPN protocol: h2"),
        (&["-alpn", "acme,http/1.1"], "ALPN protocol: http/1.1"),
        (&[], "No ALPN negotiated"),
        (&["-alpn", "acme"], "alert no application protocol"),
    ] {
        let text = served.openssl(offered);
        assert!(text.contains(told), "{offered:?}: {text}");
    }
}

#[test]
fn a_session_is_resumed_whichever_worker_has_the_connection() {
    if !present("openssl") {
        return;
    }
    let served = Served::start();
    let text = served.openssl(&["-tls1_2", "-reconnect"]);
    // OpenSSL's `-reconnect` connects five times more.
    assert_eq!(text.matches("Reused, TLSv1.2").count(), 5, "{text}");
}
