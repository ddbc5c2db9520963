//! A judge that shares code with the accused is none.

use std::path::Path;

#[test]
fn stubs_share_no_code_and_no_data_with_what_they_judge() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/stubs");
    // In two parts: this file is looked at too.
    let forbidden = [
        concat!("linkbridge", "::"),
        concat!("map", "pings/"),
        concat!("support::", "fixtures"),
        concat!("support::", "config"),
    ];
    let mut n_files = 0;
    for entry in std::fs::read_dir(here).unwrap() {
        let path = entry.unwrap().path();
        let code = std::fs::read_to_string(&path).unwrap();
        for word in forbidden {
            assert!(!code.contains(word), "{}: {word}", path.display());
        }
        n_files += 1;
    }
    assert!(n_files >= 4, "the stubs are elsewhere");
}
