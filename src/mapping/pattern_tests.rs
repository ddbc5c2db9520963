//! What permits is read strictly, what denies as leniently as any server might.

use super::*;

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

#[test]
fn patterns_are_read_and_shown() {
    for (text, shown) in [
        ("/a/{b}/c", "/a/*/c"),
        ("/a/*", "/a/*"),
        ("/a/**", "/a/**"),
        ("/**", "/**"),
    ] {
        assert_eq!(pattern(text).to_string(), shown);
    }
    for bad in [
        "", "a", "/", "//a", "/a//b", "/a/", "/a**", "/**/a", "/a*", "/{}", "/a%20", "/a?b",
        "/a;b", "/../a", "/a/{b}c",
    ] {
        assert!(Pattern::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn what_permits_is_matched_as_it_is_spelled() {
    let fits = |text: &str, path: &str| pattern(text).fits(path);
    assert!(fits("/a/*/c", "/a/x%2Fy/c") && fits("/a/**", "/a/b/c") && fits("/a/**", "/a"));
    assert!(fits("/**", "/") && fits("/**", "/x/") && fits("/a/**", "/a/"));
    for other in ["/A/b", "/%61/b", "/a", "/a/", "/a/b/", "/a/b/c", "/ab/c"] {
        assert!(!fits("/a/*", other), "{other}");
    }
    assert!(!fits("/a/**", "/ab"));
}

#[test]
fn patterns_meet_where_one_path_fits_both() {
    let meet = |a: &str, b: &str| {
        let (a, b) = (pattern(a), pattern(b));
        assert_eq!(a.meets(&b), b.meets(&a));
        a.meets(&b)
    };
    assert!(meet("/a/*", "/A/b") && meet("/a/**", "/a") && meet("/**", "/a/b"));
    assert!(meet("/a/b/**", "/a/**") && meet("/*/x", "/y/*"));
    assert!(!meet("/a/*", "/a") && !meet("/a/b", "/a/c/**") && !meet("/a/b/c/**", "/a/b"));
}

#[test]
fn what_denies_is_matched_against_what_a_path_may_mean() {
    let denied = |path: &str| {
        Reading::of(path).is_none_or(|reading| pattern("/v2/users/human").may_mean(&reading))
    };
    for path in [
        "/v2/users/human",
        "/v2/users/human/",
        "/V2/Users/HUMAN",
        "/v2/users/%68uman",
        "/v2/users/h%75man",
        "/v2/users/human.",
        "/v2/users/human%20",
        "/v2/users/human+",
        "/v2/users/human:",
        "/v2/users/human:x",
        "/v2/users/human.json",
        "/v2/users/human;a=b",
        "/v2;x/users/human",
        "/v2/users%2Fhuman",
        "/v2/users%5chuman",
        "/v2/users/%2568uman",
        "/v2/users/human%3Fx",
        "/v2/users/human%23x",
        "/v2/users/human%3B",
        "/v2/users/human%00",
        "/v2/users/human%0a",
        "/v2//users/human",
        "/v2/users/human//",
        "/v2/./users/human",
        "/v2/%2e/users/human",
        "/v2/u%C5%BFers/human",
        "/v2/users/human%zz",
    ] {
        assert!(denied(path), "{path}");
    }
    for path in [
        "/v2/users",
        "/v2/users/humans",
        "/v2/users/human-x",
        "/v2/users/1/human",
    ] {
        assert!(!denied(path), "{path}");
    }
}

/// What a server makes of a path that decodes as long as it can, forgives everything and folds case.
fn most_lenient(path: &str) -> Vec<String> {
    let mut text = path.to_owned();
    for _ in 0..4 {
        let decoded = percent_encoding::percent_decode_str(&text);
        text = decoded.decode_utf8_lossy().into_owned();
    }
    let text = text.to_lowercase().replace('\\', "/");
    let text = text.split(['?', '#', '\0']).next().unwrap_or_default();
    let mut segments: Vec<String> = Vec::new();
    for segment in text.split('/') {
        let segment = segment.split(';').next().unwrap_or_default();
        match segment.trim() {
            "" | "." => {}
            ".." => drop(segments.pop()),
            other => {
                let other = other.trim_end_matches(['.', ':', '+', ' ']);
                let other = other.strip_suffix(".json").unwrap_or(other);
                segments.push(other.trim_matches([' ', '+']).to_owned());
            }
        }
    }
    segments
}

#[test]
fn the_most_lenient_server_finds_no_way_around_a_denial() {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;
    let denied = pattern("/v2/users/human");
    let noise = proptest::sample::select(vec![
        "/",
        "//",
        "/.",
        "/%2e",
        "/..",
        "/x/..",
        "/x/%2E%2e",
        "\\",
        "%5c",
        "%2F",
        "%252f",
        ";",
        ";a=b",
        "%3b",
        "%00",
        "%20",
        "+",
        ".",
        ":",
        ".json",
        "%2ejson",
        "%09",
        "?a",
        "%3f",
        "%23",
        "",
    ]);
    let spell = |word: &'static str| {
        let letters = word.chars().map(|c| {
            let byte = u32::from(c);
            let upper = c.to_ascii_uppercase();
            proptest::sample::select(vec![
                c.to_string(),
                c.to_string(),
                c.to_string(),
                upper.to_string(),
                format!("%{byte:02x}"),
                format!("%{:02X}", u32::from(upper)),
                format!("%25{byte:02x}"),
            ])
        });
        letters.collect::<Vec<_>>().prop_map(|parts| parts.concat())
    };
    let path = (
        (noise.clone(), spell("v2"), noise.clone()),
        (noise.clone(), spell("users"), noise.clone()),
        (noise.clone(), spell("human"), noise),
    )
        .prop_map(|((a, v2, b), (c, users, d), (e, human, f))| {
            format!("/{a}{v2}{b}/{c}{users}{d}/{e}{human}{f}")
        });
    let mut found = 0;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..20_000 {
        let path = path.new_tree(&mut runner).unwrap().current();
        if most_lenient(&path) == ["v2", "users", "human"] {
            found += 1;
            let raw = path.split('?').next().unwrap_or_default();
            let passes = Reading::of(raw).is_some_and(|reading| !denied.may_mean(&reading));
            assert!(!passes, "{path}");
        }
    }
    assert!(found > 500, "{found}");
}
