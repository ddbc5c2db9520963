//! Any text is a mapping, or has findings that can be shown; a mapping's examples can be replayed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use linkbridge::dialect::{Dialect, laws};
use linkbridge::{finding, mapping};

fuzz_target!(|text: &str| {
    let loaded = mapping::load("fuzzed", "fuzzed.toml", text, &|file| {
        mapping::builtin::text(file).map(str::to_owned)
    });
    assert!(loaded.plan.is_some() || !loaded.findings.is_empty());
    let mut findings = loaded.findings;
    if let Some(plan) = loaded.plan {
        findings.extend(laws::replay(&Dialect::new(plan), true));
    }
    for finding in &findings {
        assert!(!finding::render(finding).is_empty());
    }
});
