//! Codecs at the edges of what they read: numbers of protobuf, numbers over the most, texts that are cleaned.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn proto(text: bool) -> Codec {
    Codec::Proto {
        min: i64::MIN,
        max: i64::MAX,
        text,
    }
}

fn int(number: i64) -> Read {
    Ok(Some(Value::Int(number)))
}

#[test]
fn numbers_of_protobuf_are_exact_up_to_the_edges_of_64_bits() {
    let codec = proto(true);
    for number in [i64::MAX, i64::MIN, i64::MAX - 1, 1 << 53, (1 << 53) + 1, -1] {
        assert_eq!(codec.read_json(&json!(number)), int(number));
        assert_eq!(codec.read_json(&json!(number.to_string())), int(number));
        assert_eq!(
            codec.write_json(&Value::Int(number)),
            Some(json!(number.to_string()))
        );
    }
    // In exponent form, what a float holds exactly.
    assert_eq!(
        codec.read_json(&json!("9007199254740991.0")),
        int((1 << 53) - 1)
    );
    assert_eq!(
        codec.read_json(&json!("-9.007199254740991E15")),
        int(1 - (1 << 53))
    );
    assert_eq!(codec.read_json(&json!("1.5e1")), int(15));
    assert_eq!(codec.read_json(&json!("150E-1")), int(15));
    for beyond in [
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "9007199254740992.0",
        "9.3e18",
        "1e19",
        "-1e300",
        "1e309",
        "1e-1",
        "1.0000001",
        "5e-324",
    ] {
        assert_eq!(
            codec.read_json(&json!(beyond)),
            Err(Why::Malformed),
            "{beyond}"
        );
        let number: Result<Json, _> = serde_json::from_str(beyond);
        if let Ok(number) = number {
            assert_eq!(codec.read_json(&number), Err(Why::Malformed), "{beyond}");
        }
    }
}

#[test]
fn what_json_does_not_take_for_a_number_is_none_of_protobuf() {
    for odd in [
        "",
        " ",
        " 1",
        "1 ",
        "1\n",
        "+1",
        "--1",
        "-",
        "01",
        "-01",
        "1.",
        ".5",
        "1.e1",
        "1e",
        "1e+",
        "0x10",
        "1_000",
        "1,0",
        "NaN",
        "nan",
        "inf",
        "Infinity",
        "-Infinity",
        "1f",
        "١",
        "1e1e1",
        "true",
        "null",
        "[1]",
        "\"1\"",
    ] {
        assert_eq!(proto(true).read_text(odd), Err(Why::Malformed), "{odd:?}");
    }
    for none in [json!(true), json!([1]), json!({})] {
        assert_eq!(proto(false).read_json(&none), Err(Why::WrongType), "{none}");
    }
}

#[test]
fn a_zero_of_protobuf_is_nothing_however_it_is_spelled() {
    for zero in ["0", "-0", "0.0", "-0.0", "0e9", "0E-9", "0.000e+300"] {
        assert_eq!(proto(true).read_text(zero), Ok(None), "{zero}");
        // The bounds are those of what is there.
        let above = Codec::Proto {
            min: 1,
            max: 9,
            text: false,
        };
        assert_eq!(above.read_text(zero), Ok(None), "{zero}");
    }
    assert_eq!(proto(true).write_json(&Value::Int(0)), None);
    assert_eq!(proto(false).write_json(&Value::Int(0)), None);
}

#[test]
fn a_number_that_is_larger_than_any_is_over_the_most_too() {
    let codec = |cap| Codec::Int {
        min: 1,
        max: 500,
        cap,
    };
    let huge = "9".repeat(400);
    for text in ["501", "9223372036854775807", "9223372036854775808", &huge] {
        assert_eq!(codec(true).read_text(text), int(500), "{text}");
        assert!(codec(false).read_text(text).is_err(), "{text}");
    }
    assert_eq!(codec(true).read_json(&json!(u64::MAX)), int(500));
    assert_eq!(
        codec(false).read_json(&json!(u64::MAX)),
        Err(Why::WrongType)
    );
    assert_eq!(codec(true).read_json(&json!(1e30)), Err(Why::WrongType));
    for text in [
        "",
        "-9223372036854775809",
        "1e9",
        "1.0",
        "٥٠١",
        "501 ",
        "0x1ff",
    ] {
        assert_eq!(codec(true).read_text(text), Err(Why::Malformed), "{text:?}");
    }
    for text in ["0", "-1", "-9223372036854775808"] {
        assert_eq!(codec(true).read_text(text), Err(Why::TooShort), "{text}");
    }
}

#[test]
fn a_text_is_cleaned_character_by_character_and_cut() {
    let codec = |keep: &str, max| Codec::Sanitized {
        keep: keep.to_owned(),
        max,
    };
    let read = |codec: Codec, text: &str| match codec.read_text(text) {
        Ok(Some(Value::Text(text))) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(read(codec("", 9), "a-b_c\r\n\0\u{202e}é"), "a_b_c____");
    assert_eq!(read(codec("-é🦀", 9), "-🦀 🦀é"), "-🦀_🦀é");
    assert_eq!(read(codec("", 3), "äöü!"), "äöü");
    assert_eq!(read(codec("", 0), "abc"), "");
    assert_eq!(read(codec("", usize::MAX), ""), "");
    assert_eq!(read(codec("", 4), &"\u{301}".repeat(100_000)), "____");
    assert_eq!(codec("", 9).read_json(&json!(7)), Err(Why::WrongType));
}

proptest! {
    #[test]
    fn what_is_clean_stays_as_it_is(text in "\\PC{0,30}", keep in "\\PC{0,5}", max in 0_usize..40) {
        let codec = Codec::Sanitized { keep, max };
        let once = codec.read_text(&text).unwrap().unwrap();
        let written = codec.write_text(&once).unwrap();
        prop_assert!(written.chars().count() <= max);
        prop_assert_eq!(codec.read_text(&written), Ok(Some(once)));
    }

    /// What is written is read as what was there, and what is read is written in one way.
    #[test]
    fn numbers_of_protobuf_survive(number in any::<i64>(), short in any::<i32>(), text: bool) {
        let number = if text { number } else { i64::from(short) };
        let codec = proto(text);
        match codec.write_json(&Value::Int(number)) {
            Some(json) => prop_assert_eq!(codec.read_json(&json), int(number)),
            None => prop_assert_eq!(number, 0),
        }
    }

    #[test]
    fn a_number_of_protobuf_is_never_another_one(text in "-?[0-9]{0,20}(\\.[0-9]{0,3})?(e[+-]?[0-9]{0,2})?") {
        if let Ok(read) = proto(true).read_text(&text) {
            let number = match read {
                Some(Value::Int(number)) => number,
                _ => 0,
            };
            // A float is near enough to tell a wrong number from a right one.
            let float: f64 = text.parse().unwrap();
            #[allow(clippy::cast_precision_loss, reason = "it is compared as a float")]
            let read = number as f64;
            prop_assert!((read - float).abs() <= float.abs() * 1e-15, "{} is {}", text, number);
        }
    }
}
