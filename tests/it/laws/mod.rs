//! The built-in mappings and the fixtures go through the laws.

use linkbridge::dialect::{Dialect, laws};
use linkbridge::finding::{Finding, render};
use linkbridge::mapping::builtin;

fn rendered(findings: &[Finding]) -> String {
    findings.iter().map(render).collect()
}

#[test]
fn built_in_mappings_load_and_keep_every_law() {
    for (name, _) in builtin::SOURCES {
        let loaded = builtin::load_builtin(name).unwrap();
        assert!(loaded.findings.is_empty(), "{}", rendered(&loaded.findings));
        let findings = laws::replay(&Dialect::new(loaded.plan.unwrap()), true);
        assert!(findings.is_empty(), "{}", rendered(&findings));
    }
}
