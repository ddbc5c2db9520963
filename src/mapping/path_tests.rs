//! Paths and queries: what is singular, what is found, what is written.

use serde_json::json;

use super::*;

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

#[test]
fn singular_paths_lower_to_steps() {
    assert_eq!(path("$").steps(), []);
    let steps = [
        Step::Key("a".into()),
        Step::Key("b.c".into()),
        Step::Index(0),
    ];
    assert_eq!(path(r#"$.a["b.c"][0]"#).steps(), steps);
    assert_eq!(path("$['a'].b[2]").dotted(), "a.b[2]");
}

#[test]
fn paths_that_may_select_several_nodes_are_not_singular() {
    for text in [
        "$.*",
        "$..a",
        "$.a[1:2]",
        "$[?@.a]",
        "$['a','b']",
        "$[-1]",
        "$[100]",
    ] {
        assert_eq!(Path::parse(text), Err(PathFault::NotSingular), "{text}");
    }
    assert!(matches!(Path::parse("a.b"), Err(PathFault::Syntax(_))));
}

#[test]
fn what_is_put_is_found() {
    for text in ["$", "$.a", "$.a.b", "$.a[1].b", r#"$["x.y"][0]"#] {
        let mut root = Json::Null;
        path(text).put(&mut root, json!("v"));
        assert_eq!(path(text).find(&root), Found::Value(&json!("v")), "{text}");
    }
}

#[test]
fn a_scalar_above_the_path_blocks_it_and_null_is_absent() {
    assert_eq!(path("$.a.b").find(&json!({"a": 1})), Found::Blocked(1));
    assert_eq!(path("$.a.b").find(&json!({"a": null})), Found::Absent);
    assert_eq!(path("$.a").find(&json!({"a": null})), Found::Absent);
    assert_eq!(path("$.a").find(&json!([])), Found::Blocked(0));
}

#[test]
fn positions_follow_the_document() {
    let root = json!({"b": 1, "a": {"c": 2}});
    assert!(path("$.b").position(&root) < path("$.a.c").position(&root));
}

#[test]
fn queries_select_by_filter() {
    let query = Query::parse(r#"$.e[*][?match(@.code, "\\[x\\].*")]"#).unwrap();
    assert!(query.matches(&json!({"e": {"f": [{"code": "[x]f"}]}})));
    assert!(!query.matches(&json!({"e": {"f": [{"code": "[y]f"}]}})));
}
