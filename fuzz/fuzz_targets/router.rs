//! Any path leads to an op, to none, or is not looked at, by every built-in dialect; none has two readings.
//!
//! The input is a method, a space and a target. What is routed has passed the check of targets first, as it has
//! in the server.

#![no_main]

use std::sync::LazyLock;

use http::{HeaderMap, Method, Uri, Version};
use libfuzzer_sys::fuzz_target;
use linkbridge::dialect::{Dialect, Routed};
use linkbridge::edge::head;
use linkbridge::mapping::builtin;

static DIALECTS: LazyLock<Vec<Dialect>> = LazyLock::new(|| {
    let plans = builtin::SOURCES.iter().filter_map(|(name, _)| builtin::load_builtin(name)?.plan);
    plans.map(Dialect::new).collect()
});

const SETTINGS: head::Settings = head::Settings {
    fields: 64,
    target_bytes: 8192,
    field_bytes: 8192,
};

fuzz_target!(|text: &str| {
    let Some((method, target)) = text.split_once(' ') else { return };
    let (Ok(method), Ok(uri)) = (method.parse::<Method>(), target.parse::<Uri>()) else { return };
    let mut headers = HeaderMap::new();
    if let Some(host) = uri.authority().and_then(|authority| authority.as_str().parse().ok()) {
        headers.insert("host", host);
    }
    if let Ok(host) = head::check(&method, &uri, Version::HTTP_11, &headers, &SETTINGS) {
        assert!(!host.is_empty() && host.is_ascii() && host == host.to_ascii_lowercase());
    }
    let path = uri.path();
    for dialect in DIALECTS.iter() {
        let affinity = dialect.affinity(path);
        assert!(affinity <= path.len());
        match dialect.route(&method, path) {
            Routed::WrongMethod { allow } => assert!(!allow.is_empty()),
            _ => {}
        }
    }
    if head::has_one_reading(&uri) {
        assert!(path.starts_with('/') && path.is_ascii());
        assert!(!path.contains("//") && !path.contains('\\') && !path.contains("/../"));
        assert!(!path.ends_with("/..") && !path.ends_with("/."));
    }
});
