//! Any text is a configuration, or has findings that can be shown, each of them in the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use linkbridge::config::{Catalog, Inputs, Vars, read};
use linkbridge::finding;

fuzz_target!(|text: &str| {
    // Files of this machine are none of its business, least of all those that have no end.
    let text = text.replace("file:", "env:").replace("ca_file", "ca_flie");
    let vars = Vars::from([("A", "a secret that is not empty")]);
    let inputs = Inputs {
        vars: &vars,
        flags: &[],
        catalog: &Catalog::default(),
    };
    let findings = match read("config.toml", &text, &inputs) {
        Ok((_, warnings)) => warnings,
        Err(findings) => {
            assert!(!findings.is_empty());
            findings
        }
    };
    for finding in &findings {
        assert!(!finding::render(finding).is_empty());
    }
});
