//! Changes of a user's document: along with a link, of some members, step by step.

use linkbridge::model::operation::{OnRepeat, Rules};
use linkbridge::model::{
    DocumentChange, Failure, Field, How, Instant, Operation, PatchStep, Place, Problem, Why,
};
use serde_json::{Value, json};

use super::world::*;

/// The most bytes of a document.
const MOST: usize = 64 * 1024;

fn problem(field: Field, why: Why, max: Option<u64>) -> Failure {
    Failure::Invalid(vec![Problem {
        place: Place::Body,
        at: String::new(),
        field: Some(field),
        why,
        max,
    }])
}

fn too_long() -> Failure {
    problem(Field::Document, Why::TooLong, Some(MOST as u64))
}

fn link_with(path: &str, value: Value, only_if_empty: bool) -> Operation {
    let attributes = [attribute(path, value, only_if_empty)];
    with_attributes(create("u1", "google", "s1"), &attributes)
}

fn members(of: &[&str], set: Value) -> Operation {
    let document = Some(DocumentChange::Members {
        of: of.iter().map(|name| (*name).to_owned()).collect(),
        set: set.as_object().unwrap().clone(),
    });
    Put {
        document,
        ..Put::default()
    }
    .user("u1")
}

fn patch(steps: &[(&str, Option<Value>)]) -> Operation {
    let steps = steps.iter().map(|(pointer, value)| PatchStep {
        pointer: (*pointer).to_owned(),
        value: value.clone(),
        inserts: false,
    });
    let document = Some(DocumentChange::Patch(steps.collect()));
    Put {
        document,
        ..Put::default()
    }
    .user("u1")
}

/// The text of the document of `u1` after an operation that must succeed.
fn text_after(world: &World, operation: Operation) -> String {
    assert!(world.apply(operation.clone()).is_ok(), "{operation:?}");
    world.user(get("u1")).0.document.unwrap()
}

facts! {
    fn an_attribute_is_written_along_with_a_link(world) {
        world.user(put("u1", Some(r#"{"b": 1, "name": {"given": "Ann"}, "a": 2}"#), &[]));
        let made = link_with("name.family", json!("Lee"), false).at(Instant(NOW.0 + 7));
        world.link(made);
        let (user, _) = world.user(get("u1"));
        assert_eq!(user.document.as_deref(), Some(r#"{"b":1,"name":{"given":"Ann","family":"Lee"},"a":2}"#));
        assert_eq!(user.updated_at, Some(Instant(NOW.0 + 7)));
    }

    fn an_attribute_and_its_link_are_one_write(world) {
        world.user(put("u1", None, &[]));
        let made = world.link(link_with("a", json!(1), false).at(Instant(NOW.0 + 7)));
        assert_eq!(made.revision, world.user(get("u1")).0.revision);
        let other = [attribute("a", json!(1), false)];
        let made = world.link(with_attributes(create("u2", "google", "s2"), &other).at(Instant(NOW.0 + 7)));
        let (user, _) = world.user(get("u2"));
        assert_eq!((user.created_at, user.revision), (made.created_at, made.revision));
    }

    fn an_attribute_makes_its_document_and_its_user(world) {
        world.link(link_with("name.family", json!("Lee"), true));
        let (user, _) = world.user(get("u1").rules(known()));
        assert_eq!(user.document.as_deref(), Some(r#"{"name":{"family":"Lee"}}"#));
        world.user(put("u2", None, &[]));
        world.link(with_attributes(create("u2", "google", "s2"), &[attribute("a", json!(1), true)]).rules(known()));
        assert_eq!(world.document("u2"), json!({"a": 1}));
        // No attributes, no entry in the directory.
        world.link(create("u3", "google", "s3"));
        assert_eq!(world.apply(get("u3").rules(known())), Err(Failure::UserNotFound));
    }

    fn only_what_is_empty_is_filled_where_that_is_asked(world) {
        for (there, only_if_empty, want) in [
            (json!({}), true, json!({"a": "new"})),
            (json!({"a": null}), true, json!({"a": "new"})),
            (json!({"a": ""}), true, json!({"a": "new"})),
            (json!({"a": "old"}), true, json!({"a": "old"})),
            (json!({"a": " "}), true, json!({"a": " "})),
            (json!({"a": false}), true, json!({"a": false})),
            (json!({"a": 0}), true, json!({"a": 0})),
            (json!({"a": {}}), true, json!({"a": {}})),
            (json!({"a": []}), true, json!({"a": []})),
            (json!({"a": "old"}), false, json!({"a": "new"})),
            (json!({"a": {"b": 1}}), false, json!({"a": "new"})),
        ] {
            world.user(put("u1", Some(&there.to_string()), &[]));
            world.link(link_with("a", json!("new"), only_if_empty));
            assert_eq!(world.document("u1"), want, "{there}");
            world.user(remove("u1"));
        }
    }

    fn null_on_the_way_becomes_an_object(world) {
        world.user(put("u1", Some(r#"{"name": null}"#), &[]));
        world.link(link_with("name.family", json!("Lee"), true));
        assert_eq!(world.document("u1"), json!({"name": {"family": "Lee"}}));
        world.user(put("u2", Some("null"), &[]));
        world.link(with_attributes(create("u2", "google", "s2"), &[attribute("a.b", json!(1), true)]));
        assert_eq!(world.document("u2"), json!({"a": {"b": 1}}));
    }

    fn a_path_through_what_is_no_object_writes_nothing(world) {
        let through = problem(Field::Attribute, Why::Unresolved, None);
        for there in [r#"{"name":"Ann"}"#, r#"{"name":["Ann"]}"#, r#"{"name":1}"#, "[]", "\"text\""] {
            let before = world.user(put("u1", Some(there), &[])).0;
            let attributes = [attribute("a", json!(1), false), attribute("name.family", json!("Lee"), true)];
            let made = with_attributes(create("u1", "google", "s1"), &attributes);
            assert_eq!(world.apply(made), Err(through.clone()), "{there}");
            assert_eq!(world.user(get("u1")).0, before);
            assert_eq!(world.apply(find("google", "s1", None)), Err(Failure::LinkNotFound));
        }
        let deep = vec!["a"; 100_000].join(".");
        assert_eq!(world.apply(link_with(&deep, json!(1), false)), Err(problem(Field::Attribute, Why::TooLong, None)));
    }

    fn a_link_that_is_there_writes_no_attribute(world) {
        let same = Rules { on_repeat: OnRepeat::Same, ..PLAIN };
        let made = world.link(create("u1", "google", "s1"));
        let again = world.link_and_how(link_with("a", json!(1), false).rules(same));
        assert_eq!(again, (made.clone(), How::Existed));
        assert_eq!(world.apply(get("u1").rules(known())), Err(Failure::UserNotFound));
        assert_eq!(world.apply(link_with("a", json!(1), false)), Err(Failure::LinkExists));
        assert_eq!(world.user(get("u1")).0.revision, made.revision);
    }

    fn members_that_are_spoken_of_are_replaced_or_taken_away(world) {
        world.user(put("u1", Some(r#"{"z":1,"gone":2,"kept":{"a":1},"new":3}"#), &[]));
        let put = members(&["gone", "new", "more"], json!({"new": {"b": 2}, "more": null}));
        assert_eq!(text_after(world, put), r#"{"z":1,"kept":{"a":1},"new":{"b":2},"more":null}"#);
        assert_eq!(text_after(world, members(&["z", "new"], json!({}))), r#"{"kept":{"a":1},"more":null}"#);
        world.user(remove("u1"));
        assert_eq!(text_after(world, members(&["a", "b"], json!({"a": 1}))), r#"{"a":1}"#);
        world.user(put_whole("[1]"));
        assert_eq!(world.apply(members(&["a"], json!({}))), Err(problem(Field::Document, Why::WrongType, None)));
    }

    fn a_patch_changes_step_by_step(world) {
        world.user(put_whole(r#"{"a":1,"l":[1,2,3],"m":{"x/y":0}}"#));
        let steps = [
            ("/b", Some(json!({"c": []}))),
            ("/b/c/-", Some(json!("first"))),
            ("/b/c/0", Some(json!("other"))),
            ("/b/c/1", Some(json!("second"))),
            ("/l/1", None),
            ("/m/x~1y", Some(json!(9))),
            ("/a", None),
        ];
        assert_eq!(
            text_after(world, patch(&steps)),
            r#"{"l":[1,3],"m":{"x/y":9},"b":{"c":["other","second"]}}"#
        );
        world.user(remove("u1"));
        assert_eq!(text_after(world, patch(&[("/a", Some(json!(1)))])), r#"{"a":1}"#);
        assert_eq!(text_after(world, patch(&[("", Some(json!({"all": 1}))), ("/b", Some(json!(2)))])), r#"{"all":1,"b":2}"#);
    }

    fn a_patch_is_taken_whole_or_not_at_all(world) {
        let before = world.user(put_whole(r#"{"a":1,"l":[1]}"#)).0;
        for (pointer, value, why) in [
            ("/a/y", Some(json!(1)), Why::Unresolved),
            ("/l/2", Some(json!(1)), Why::Unresolved),
            ("/x", None, Why::Unresolved),
            ("/l/1", None, Why::Unresolved),
            ("", None, Why::NotAllowed),
            ("a", Some(json!(1)), Why::Malformed),
            ("/a~", Some(json!(1)), Why::Malformed),
        ] {
            let steps = [("/new", Some(json!(1))), (pointer, value)];
            assert_eq!(world.apply(patch(&steps)), Err(problem(Field::Patch, why, None)), "{pointer}");
        }
        assert_eq!(world.user(get("u1")).0, before);
        assert_eq!(world.apply(patch(&[("/x", None)]).of("other")), Err(problem(Field::Patch, Why::Unresolved, None)));
        assert_eq!(world.apply(get("u1").of("other")), Err(Failure::UserNotFound));
    }

    fn a_document_does_not_grow_too_long(world) {
        let longest = format!("\"{}\"", "x".repeat(MOST - 2));
        world.user(put_whole(&longest));
        assert_eq!(world.apply(put_whole(&format!("{longest} "))), Err(too_long()));
        assert_eq!(world.user(get("u1")).0.document, Some(longest));
        // {"a":"…"} has eight bytes besides the text.
        let text = |n: usize| json!("x".repeat(MOST - 8 + n));
        world.user(put_whole("{}"));
        world.user(patch(&[("/a", Some(text(0)))]));
        for change in [
            patch(&[("/a", Some(text(1)))]),
            patch(&[("/b", Some(json!(1)))]),
            members(&["b"], json!({"b": 1})),
            link_with("b", json!(1), false),
        ] {
            assert_eq!(world.apply(change), Err(too_long()));
        }
        world.user(members(&["a"], json!({})));
        assert_eq!(world.apply(members(&["a"], json!({"a": text(1)}))), Err(too_long()));
        assert_eq!(world.apply(find("google", "s1", None)), Err(Failure::LinkNotFound));
    }

    /// What could be written and not be read back would make a user nobody can change.
    fn a_document_does_not_grow_too_deep(world) {
        let deep = |n: usize| (0..n).fold(json!(0), |inner, _| json!([inner]));
        let no_json = problem(Field::Document, Why::Malformed, None);
        world.user(put_whole(&deep(127).to_string()));
        assert_eq!(world.apply(put_whole(&deep(128).to_string())), Err(no_json.clone()));
        world.user(put_whole("{}"));
        world.user(patch(&[("/a", Some(deep(126)))]));
        assert_eq!(world.apply(patch(&[("/b", Some(deep(100))), (&format!("/b{}", "/0".repeat(99)), Some(deep(100)))])), Err(no_json));
        let far = "/a".repeat(100_000);
        assert_eq!(world.apply(patch(&[(&far, Some(json!(1)))])), Err(problem(Field::Patch, Why::TooLong, None)));
        world.user(patch(&[("/a", None)]));
        assert_eq!(world.document("u1"), json!({}));
    }

    fn what_is_no_json_is_no_document(world) {
        for text in ["", "{", "no json", "{\"a\":1}}", "{'a':1}", "\u{0}"] {
            assert_eq!(world.apply(put_whole(text)), Err(problem(Field::Document, Why::Malformed, None)), "{text}");
        }
        assert_eq!(world.apply(get("u1")), Err(Failure::UserNotFound));
        assert_eq!(world.user(put_whole(" {\"a\" : 1e2}")).0.document.as_deref(), Some(" {\"a\" : 1e2}"), "kept as it was put");
    }
}

fn put_whole(document: &str) -> Operation {
    put("u1", Some(document), &[])
}
