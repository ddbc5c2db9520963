//! Codecs one by one: what each reads, refuses and writes.

use serde_json::json;

use super::*;

const UUID: &str = "206a5101-bf29-487c-af8f-7485ca48d6d5";

fn text(t: &str) -> Read {
    Ok(Some(Value::Text(t.to_owned())))
}

#[test]
fn uuids_read_in_any_case_and_write_in_lower_case() {
    assert_eq!(Codec::Uuid.read_text(&UUID.to_uppercase()), text(UUID));
    assert_eq!(Codec::Uuid.read_text("1-2-3-4-5"), Err(Why::Malformed));
    assert_eq!(
        Codec::Uuid.read_text(&UUID.replace('-', "")),
        Err(Why::Malformed)
    );
    assert_eq!(Codec::Uuid.read_json(&json!(7)), Err(Why::WrongType));
    let written = |text: &str| Codec::Uuid.write_json(&Value::Text(text.to_owned()));
    assert_eq!(written(&UUID.to_uppercase()), Some(json!(UUID)));
    assert_eq!(written("bob"), None);
}

/// The expected values are those of `java.util.UUID.fromString`, as its documentation computes them.
#[test]
fn java_uuids_read_short_groups_and_whole_numbers() {
    assert_eq!(
        Codec::JavaUuid.read_text("1-2-3-4-5"),
        text("00000001-0002-0003-0004-000000000005")
    );
    assert_eq!(
        Codec::JavaUuid.read_text("7"),
        text("00000000-0000-0000-0000-000000000007")
    );
    assert_eq!(Codec::JavaUuid.read_text("undefined"), Err(Why::Malformed));
    assert_eq!(Codec::JavaUuid.read_text("1-2-3-4"), Err(Why::Malformed));
    assert_eq!(Codec::JavaUuid.read_text("1--3-4-5"), Err(Why::Malformed));
}

#[test]
fn instants_read_and_write_in_both_forms() {
    let value = Value::Int(1_714_557_600_123);
    assert_eq!(
        Codec::Rfc3339.write_json(&value),
        Some(json!("2024-05-01T10:00:00.123Z"))
    );
    assert_eq!(
        Codec::Rfc3339.read_text("2024-05-01T12:00:00.123+02:00"),
        Ok(Some(value.clone()))
    );
    assert_eq!(
        Codec::EpochMs.write_json(&value),
        Some(json!(1_714_557_600_123_i64))
    );
    assert_eq!(
        Codec::EpochMs.read_json(&json!("1714557600123")),
        Ok(Some(value))
    );
    assert_eq!(Codec::EpochMs.read_json(&json!("")), Ok(None));
    assert_eq!(Codec::EpochMs.read_json(&json!(1.5)), Err(Why::WrongType));
}

#[test]
fn lengths_are_counted_in_characters() {
    let codec = Codec::Text { min: 0, max: 3 };
    assert_eq!(codec.read_text("äöü"), text("äöü"));
    assert_eq!(codec.read_text("äöüx"), Err(Why::TooLong));
}

#[test]
fn numbers_have_bounds() {
    let codec = Codec::Int {
        min: 1,
        max: 500,
        cap: false,
    };
    assert_eq!(codec.read_json(&json!(500)), Ok(Some(Value::Int(500))));
    assert_eq!(codec.read_json(&json!(0)), Err(Why::TooShort));
    assert_eq!(codec.read_text("501"), Err(Why::TooLong));
    assert_eq!(codec.read_text("5x"), Err(Why::Malformed));
}

#[test]
fn numbers_of_protobuf_are_numbers_or_texts_and_zero_is_absent() {
    let codec = |text| Codec::Proto {
        min: 0,
        max: 1000,
        text,
    };
    for ten in [
        json!(10),
        json!("10"),
        json!(1e1),
        json!("1e1"),
        json!(10.0),
    ] {
        assert_eq!(
            codec(true).read_json(&ten),
            Ok(Some(Value::Int(10))),
            "{ten}"
        );
    }
    for zero in [json!(0), json!("0"), json!(0.0)] {
        assert_eq!(codec(false).read_json(&zero), Ok(None), "{zero}");
    }
    for odd in [
        json!(1.5),
        json!("x"),
        json!(""),
        json!("+1"),
        json!("0x1"),
        json!("inf"),
    ] {
        assert_eq!(codec(false).read_json(&odd), Err(Why::Malformed), "{odd}");
    }
    assert_eq!(codec(false).read_json(&json!(-1)), Err(Why::TooShort));
    assert_eq!(codec(false).read_json(&json!(1001)), Err(Why::TooLong));
    assert_eq!(codec(false).read_json(&json!(true)), Err(Why::WrongType));
    assert_eq!(codec(true).write_json(&Value::Int(7)), Some(json!("7")));
    assert_eq!(codec(false).write_json(&Value::Int(7)), Some(json!(7)));
    let above_32_bits = json!(4_294_967_296_i64);
    assert_eq!(codec(false).read_json(&above_32_bits), Err(Why::Malformed));
    assert_eq!(codec(true).read_json(&above_32_bits), Err(Why::TooLong));
    for text in [true, false] {
        assert_eq!(codec(text).write_json(&Value::Int(0)), None);
        assert_eq!(codec(text).write_text(&Value::Int(0)), None);
    }
}

#[test]
fn what_may_not_stand_in_a_text_is_read_as_an_underscore() {
    let codec = Codec::Sanitized {
        keep: "._-".into(),
        max: 8,
    };
    assert_eq!(codec.read_text("mig 7/ä.b-c"), text("mig_7_ä."));
}

#[test]
fn a_number_over_the_most_can_be_read_as_the_most() {
    let codec = Codec::Int {
        min: 1,
        max: 500,
        cap: true,
    };
    assert_eq!(codec.read_text("1000"), Ok(Some(Value::Int(500))));
    assert_eq!(codec.read_text("0"), Err(Why::TooShort));
}
