//! Mappings of a deployment on the command line: `check` and `dialects` with `--config` read those that a
//! configuration names, as `serve` does, and tell what is wrong at its place.

use std::path::Path;
use std::process::Command;

use super::lifecycle::mapping;
use super::support::server::binary;

const CONFIG: &str = r#"[server]
mappings = ["own.toml"]

[[tenant]]
key = "acme"
users = "known"

[[front]]
dialect = "own"

[[front]]
dialect = "fusionauth"
"#;

/// What the binary says to these arguments there, and its exit code.
fn run(folder: &Path, arguments: &[&str]) -> (String, Option<i32>) {
    let output = Command::new(binary())
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    (text, output.status.code())
}

fn folder(config: &str, own: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.toml"), config).unwrap();
    std::fs::write(folder.path().join("own.toml"), own).unwrap();
    folder
}

/// The dialects that are listed: their titles begin a line.
fn listed(text: &str) -> Vec<&str> {
    let titles = text.lines().filter(|line| line.contains(" (ids of "));
    titles
        .filter_map(|line| Some(line.split_once(": ")?.0))
        .collect()
}

#[test]
fn the_mappings_of_a_configuration_are_checked_and_listed() {
    let folder = folder(CONFIG, &mapping(1));
    let (text, code) = run(folder.path(), &["check", "--config", "config.toml"]);
    assert_eq!(code, Some(0), "{text}");
    // The configuration, its own mapping, and the built-in one that it serves.
    assert!(text.contains("\n3 files, "), "{text}");
    assert!(text.contains(": 0 errors, "), "{text}");

    let (text, code) = run(folder.path(), &["dialects", "--config", "config.toml"]);
    assert_eq!(
        (listed(&text), code),
        (vec!["fusionauth", "own"], Some(0)),
        "{text}"
    );
    assert!(text.contains("GET /version  (version)"), "{text}");
    // One that it does not serve can be named all the same: an upstream may speak it, a move may lead to it.
    for name in ["own", "pingone"] {
        let (text, code) = run(
            folder.path(),
            &["dialects", name, "--config", "config.toml"],
        );
        assert_eq!((listed(&text), code), (vec![name], Some(0)), "{text}");
    }
    let loss = [
        "dialects",
        "--loss",
        "pingone",
        "own",
        "--config",
        "config.toml",
    ];
    let (text, code) = run(folder.path(), &loss);
    assert!(text.starts_with("From pingone to own: "), "{text}");
    assert_eq!(code, Some(0));
}

/// Without fronts everything is served, and what has the name of a built-in dialect takes its place.
#[test]
fn a_mapping_of_a_configuration_takes_the_place_of_a_built_in_one() {
    let config =
        "[server]\nmappings = [\"flip.toml\"]\n[[tenant]]\nkey = \"acme\"\nusers = \"known\"\n";
    let folder = folder(config, "");
    std::fs::write(folder.path().join("flip.toml"), mapping(2)).unwrap();
    let (text, code) = run(
        folder.path(),
        &["dialects", "flip", "--config", "config.toml"],
    );
    assert!(
        text.starts_with("flip: A version (ids of linkbridge)"),
        "{text}"
    );
    assert_eq!(code, Some(0));
    let (text, _) = run(folder.path(), &["dialects", "--config", "config.toml"]);
    let flips = listed(&text).into_iter().filter(|name| *name == "flip");
    assert_eq!(
        (flips.count(), listed(&text).contains(&"ory")),
        (1, true),
        "{text}"
    );
}

#[test]
fn what_is_wrong_with_them_is_told_at_its_place() {
    let sound = mapping(1);
    let broken = sound.replacen("\nemit = true\n", "\nemit = ture\n", 1);
    let unknown = sound.replacen("\nemit = true\n", "\nemitt = true\n", 1);
    let line = 1 + sound
        .lines()
        .position(|line| line == "emit = true")
        .unwrap();
    for (own, column, verb, expected) in [(broken, 8, "check", 1), (unknown, 1, "dialects", 2)] {
        let folder = folder(CONFIG, &own);
        let (text, code) = run(folder.path(), &[verb, "--config", "config.toml"]);
        let places = [
            format!("--> own.toml:{line}:{column}\n"),
            "--> config.toml:2:13\n".to_owned(),
        ];
        for place in places {
            assert!(text.contains(&place), "{verb} has no {place}:\n{text}");
        }
        assert!(text.contains("error[LB612]: own.toml has errors"), "{text}");
        assert_eq!(code, Some(expected), "{text}");
    }
    // As strict as a start: an op without an example is an error.
    let bare = sound.split_once("[[op.example]]").unwrap();
    let bare = bare.0.to_owned() + bare.1.split_once("{\"version\":1}'''").unwrap().1;
    let folder = folder(CONFIG, &bare);
    let (text, code) = run(folder.path(), &["check", "--config", "config.toml"]);
    assert!(text.contains("error[LB403]"), "{text}");
    assert_eq!(code, Some(1));
}

#[test]
fn what_cannot_be_read_is_told_apart() {
    let folder = folder(&CONFIG.replace("own.toml", "gone.toml"), "");
    let (text, code) = run(folder.path(), &["check", "--config", "config.toml"]);
    assert!(
        text.contains("error[LB611]: gone.toml cannot be read"),
        "{text}"
    );
    assert!(text.contains("--> config.toml:2:13\n"), "{text}");
    assert_eq!(code, Some(1));
    let (text, code) = run(folder.path(), &["check", "--config", "gone.toml"]);
    assert!(text.contains("gone.toml cannot be read"), "{text}");
    assert_eq!(code, Some(3));
}
