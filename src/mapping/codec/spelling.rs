//! How numbers, UUIDs and names are spelled: what a text stands for, under bounds.

use super::Read;
use crate::model::{Value, Why};

/// A number in a text; an empty text is absent.
pub(super) fn read_number(text: &str) -> Read {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(|n| Some(Value::Int(n)))
        .map_err(|_| Why::Malformed)
}

/// What stands for a number that is larger than any, where that is read as the most.
pub(super) fn most(text: &str, cap: bool) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (cap && is_number).then_some(i64::MAX)
}

pub(super) fn capped(number: i64, max: i64, cap: bool) -> i64 {
    if cap { number.min(max) } else { number }
}

/// A whole number in decimal or exponent form, as protobuf's JSON reads it: what JSON takes for a number.
pub(super) fn whole(text: &str) -> Option<i64> {
    let is_bare = text.trim().len() == text.len();
    let number: serde_json::Number = serde_json::from_str(text).ok().filter(|_| is_bare)?;
    if let Some(number) = number.as_i64() {
        return Some(number);
    }
    // Below 2^53 a float is exact; a client that sends more writes the digits.
    let number = number.as_f64()?;
    let is_exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    is_exact
        .then(|| format!("{number:.0}").parse().ok())
        .flatten()
}

/// Whether a number fits into 32 bits, with or without a sign.
pub(super) fn is_32_bit(number: i64) -> bool {
    (i64::from(i32::MIN)..=i64::from(u32::MAX)).contains(&number)
}

pub(super) fn sanitized(text: &str, keep: &str, max: usize) -> String {
    let kept = |c: char| c.is_alphanumeric() || keep.contains(c);
    let chars = text.chars().take(max);
    chars.map(|c| if kept(c) { c } else { '_' }).collect()
}

pub(super) fn bounded(number: i64, min: i64, max: i64) -> Read {
    if number > max {
        Err(Why::TooLong)
    } else if number < min {
        Err(Why::TooShort)
    } else {
        Ok(Some(Value::Int(number)))
    }
}

/// The lower-case form of a UUID in its 36-character form.
pub(super) fn hyphenated(text: &str) -> Option<String> {
    if text.len() != 36 {
        return None;
    }
    uuid::Uuid::try_parse(text)
        .ok()
        .map(|u| u.hyphenated().to_string())
}

/// What `UUID.fromString` reads: five hexadecimal groups, each taken modulo its width; and a plain
/// whole number as the low half.
pub(super) fn java_uuid(text: &str) -> Option<String> {
    if let Ok(number) = text.parse::<i64>() {
        let low = u64::from_ne_bytes(number.to_ne_bytes());
        return Some(uuid::Uuid::from_u64_pair(0, low).hyphenated().to_string());
    }
    let groups: Vec<u64> = text
        .split('-')
        .map(|g| u64::from_str_radix(g, 16).ok())
        .collect::<Option<_>>()?;
    let [a, b, c, d, e] = groups.as_slice() else {
        return None;
    };
    if text.contains('+') || text.len() > 36 {
        return None;
    }
    let high = (a & 0xffff_ffff) << 32 | (b & 0xffff) << 16 | (c & 0xffff);
    let low = (d & 0xffff) << 48 | (e & 0xffff_ffff_ffff);
    Some(
        uuid::Uuid::from_u64_pair(high, low)
            .hyphenated()
            .to_string(),
    )
}
