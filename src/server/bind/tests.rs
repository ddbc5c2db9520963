//! Which action params mean, and what is wrong with those that mean none.

use super::super::testing::{directory, vendor};
use super::*;
use crate::model::{DocumentChange, PatchStep, Value};

fn bound(kind: OperationKind, fields: &[(Field, Value)]) -> Result<Action, Failure> {
    let params: Record = fields.iter().cloned().collect();
    let ids = Ids {
        user: UserId::new("u-1").ok(),
        provider: ProviderId::new("google").ok(),
        ..Ids::default()
    };
    Binder {
        params: &params,
        ids: &ids,
        directory: &directory(&["acme"]),
        members: &[],
        with_links: false,
        pending_ends: Instant(5),
    }
    .action(kind)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn why(answer: Result<Action, Failure>) -> (Option<Field>, Why) {
    match answer {
        Err(Failure::Invalid(problems)) => (problems[0].field, problems[0].why),
        other => panic!("not invalid: {other:?}"),
    }
}

#[test]
fn a_create_takes_its_fields_by_name() {
    let action = bound(
        OperationKind::LinkCreate,
        &[(Field::Subject, text("ext-1")), (Field::Token, text("t"))],
    );
    let Ok(Action::LinkCreate {
        user_id,
        subject,
        token,
        display_name,
        ..
    }) = action
    else {
        panic!("{action:?}")
    };
    assert_eq!((user_id.as_str(), subject.as_str()), ("u-1", "ext-1"));
    assert_eq!(
        (token.map(|t| t.expose().to_owned()), display_name),
        (Some("t".to_owned()), None)
    );
}

#[test]
fn a_subject_that_cannot_be_compared_is_a_problem() {
    let subject = |s: &str| {
        why(bound(
            OperationKind::LinkCreate,
            &[(Field::Subject, text(s))],
        ))
    };
    assert_eq!(subject(" "), (Some(Field::Subject), Why::Blank));
    assert_eq!(subject("a\0"), (Some(Field::Subject), Why::Malformed));
    assert_eq!(
        subject(&"x".repeat(2000)),
        (Some(Field::Subject), Why::TooLong)
    );
    assert_eq!(
        why(bound(OperationKind::LinkCreate, &[])),
        (Some(Field::Subject), Why::Missing)
    );
}

#[test]
fn what_is_kept_has_a_size_and_everything_over_it_is_told_at_once() {
    let problems = |kind, fields: &[(Field, Value)]| {
        let params: Record = fields.iter().cloned().collect();
        let binder = Binder {
            params: &params,
            ids: &Ids::default(),
            directory: &directory(&["acme"]),
            members: &[],
            with_links: false,
            pending_ends: Instant(5),
        };
        let told = binder.problems(kind).into_iter();
        told.map(|p| (p.field, p.why, p.max)).collect::<Vec<_>>()
    };
    let of = |extra: usize| {
        // Two bytes a character: texts for people are counted in characters.
        let name = || text(&"é".repeat(1024 + extra));
        vec![
            (Field::Subject, text("ext-1")),
            (Field::DisplayName, name()),
            (Field::Email, name()),
            (Field::Username, name()),
            (Field::Token, text(&"t".repeat(16_384 + extra))),
        ]
    };
    assert_eq!(problems(OperationKind::PendingCreate, &of(0)), []);
    let long = |field, max| (Some(field), Why::TooLong, Some(max));
    assert_eq!(
        problems(OperationKind::PendingCreate, &of(1)),
        [
            long(Field::DisplayName, 1024),
            long(Field::Email, 1024),
            long(Field::Username, 1024),
            long(Field::Token, 16_384)
        ]
    );
    // The quotes of the JSON text count.
    let document = |size: usize| {
        let json = serde_json::Value::String("d".repeat(size - 2));
        problems(
            OperationKind::UserPut,
            &[(Field::Document, Value::Json(json))],
        )
    };
    assert_eq!(document(65_536), []);
    assert_eq!(document(65_537), [long(Field::Document, 65_536)]);
}

#[test]
fn a_delete_means_the_most_particular_thing_it_names() {
    let delete = |fields: &[(Field, Value)]| match bound(OperationKind::LinkDelete, fields) {
        Ok(Action::LinkDelete(target)) => target,
        other => panic!("{other:?}"),
    };
    let id = "69e818f5-646c-5de2-bb50-1acdef60e91c";
    assert!(matches!(
        delete(&[(Field::LinkId, text(id))]),
        Target::Id { .. }
    ));
    assert!(matches!(
        delete(&[(Field::Subject, text("e"))]),
        Target::Exact { .. }
    ));
    assert!(matches!(delete(&[]), Target::AtProvider { all: false, .. }));
    assert!(matches!(
        delete(&[(Field::Many, text("all"))]),
        Target::AtProvider { all: true, .. }
    ));
    let nonsense = bound(
        OperationKind::LinkDelete,
        &[(Field::LinkId, text("no-uuid"))],
    );
    assert_eq!(nonsense, Err(Failure::LinkNotFound));
}

#[test]
fn moving_an_alias_needs_a_reason() {
    let mut fields = vec![
        (Field::Vendor, text(vendor().as_str())),
        (Field::VendorId, text("7")),
        (Field::Rebind, Value::Bool(true)),
    ];
    assert_eq!(
        why(bound(OperationKind::UserAlias, &fields)),
        (Some(Field::Reason), Why::Missing)
    );
    fields.push((Field::Reason, text("merged accounts")));
    assert!(matches!(
        bound(OperationKind::UserAlias, &fields),
        Ok(Action::UserAlias {
            rebind: Some(_),
            ..
        })
    ));
}

#[test]
fn a_vendor_that_nothing_has_an_id_at_is_unknown() {
    let fields = [
        (Field::Vendor, text("misspelled")),
        (Field::VendorId, text("7")),
    ];
    assert_eq!(
        why(bound(OperationKind::UserAlias, &fields)),
        (Some(Field::Vendor), Why::UnknownValue)
    );
}

#[test]
fn two_pending_links_never_share_an_id() {
    let id = || match bound(OperationKind::PendingCreate, &[(Field::Subject, text("e"))]) {
        Ok(Action::PendingCreate { pending_id, .. }) => pending_id,
        other => panic!("{other:?}"),
    };
    assert_ne!(id(), id());
    assert_eq!(id().expose().len(), 43);
}

#[test]
fn a_patch_is_read_step_by_step() {
    let patch = |json: serde_json::Value| {
        bound(
            OperationKind::UserUpdate,
            &[(Field::Patch, Value::Json(json))],
        )
    };
    let read = patch(serde_json::json!([
        {"op": "add", "path": "/a/b~1c", "value": null},
        {"op": "replace", "path": "", "value": {"x": 1}},
        {"op": "remove", "path": "/a"},
    ]));
    let Ok(Action::UserPut { mode, document, .. }) = read else {
        panic!("{read:?}")
    };
    let step = |pointer: &str, value, inserts| PatchStep {
        pointer: pointer.to_owned(),
        value,
        inserts,
    };
    let expected = vec![
        step("/a/b~1c", Some(serde_json::Value::Null), true),
        step("", Some(serde_json::json!({"x": 1})), false),
        step("/a", None, false),
    ];
    assert_eq!(
        (mode, document),
        (PutMode::Update, Some(DocumentChange::Patch(expected)))
    );
    for bad in [
        serde_json::json!({}),
        serde_json::json!([1]),
        serde_json::json!([{"op": "add", "path": "/a"}]),
        serde_json::json!([{"op": "test", "path": "/a", "value": 1}]),
        serde_json::json!([{"op": "remove", "path": "a"}]),
        serde_json::json!([{"op": "remove"}]),
    ] {
        assert_eq!(
            why(patch(bad.clone())),
            (Some(Field::Patch), Why::Malformed),
            "{bad}"
        );
    }
    let pointer = |steps: usize| serde_json::json!([{"op": "remove", "path": "/a".repeat(steps)}]);
    assert!(patch(pointer(32)).is_ok());
    assert_eq!(why(patch(pointer(33))), (Some(Field::Patch), Why::TooLong));
    let large = serde_json::json!([{"op": "add", "path": "/a", "value": "x".repeat(65_536)}]);
    assert_eq!(why(patch(large)), (Some(Field::Patch), Why::TooLong));
}
