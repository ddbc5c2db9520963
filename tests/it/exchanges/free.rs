//! Free values: what an expected answer may leave open, and under which name it is remembered.

use serde_json::Value;

/// Every kind that may stand for one value.
const KINDS: [&str; 8] = [
    "any:string",
    "any:int",
    "any:bool",
    "any:instant",
    "any:uuid",
    "any:rfc3339",
    "any:digits",
    "any:errors",
];

/// The kind of `any:KIND as NAME`, and the name if there is one.
pub(crate) fn split(declared: &str) -> (&str, Option<&str>) {
    match declared.split_once(" as ") {
        Some((kind, name)) => (kind, Some(name)),
        None => (declared, None),
    }
}

/// The name under which a declared free value is remembered.
///
/// # Errors
/// What is wrong with the declaration.
pub(crate) fn declared(text: &str) -> Result<Option<&str>, String> {
    let (kind, name) = split(text);
    if !KINDS.contains(&kind) {
        return Err(format!("there is no free value `{kind}`"));
    }
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match name {
        Some(name) if !is_name(name) => Err(format!("`{name}` cannot be a placeholder")),
        name => Ok(name),
    }
}

/// Whether a free value of this kind may be this.
pub(crate) fn accepts(kind: &str, actual: &Value) -> bool {
    match kind {
        "any:string" => actual.as_str().is_some_and(|text| !text.is_empty()),
        "any:int" => actual.is_i64() || actual.is_u64(),
        // From 2020 to 2100, so that seconds or microseconds do not pass.
        "any:instant" => actual
            .as_i64()
            .is_some_and(|ms| (1_577_836_800_000..4_102_444_800_000).contains(&ms)),
        "any:uuid" => actual.as_str().is_some_and(|text| {
            uuid::Uuid::try_parse(text).is_ok_and(|uuid| uuid.hyphenated().to_string() == text)
        }),
        "any:bool" => actual.is_boolean(),
        "any:digits" => actual
            .as_str()
            .is_some_and(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())),
        "any:rfc3339" => actual.as_str().is_some_and(is_utc),
        "any:errors" => is_errors(actual),
        _ => false,
    }
}

/// Whether this is an RFC 3339 text in UTC, as in `2024-05-01T10:00:00.123Z`.
fn is_utc(text: &str) -> bool {
    let Some((seconds, fraction)) = text
        .strip_suffix('Z')
        .and_then(|text| text.split_at_checked(19))
    else {
        return false;
    };
    let has_form = seconds
        .bytes()
        .enumerate()
        .all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            10 => byte == b'T',
            13 | 16 => byte == b':',
            _ => byte.is_ascii_digit(),
        });
    let is_fraction = fraction
        .strip_prefix('.')
        .map_or(fraction.is_empty(), |digits| {
            !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
        });
    // The form leaves days and hours that do not exist.
    has_form && is_fraction && text.parse::<jiff::Timestamp>().is_ok()
}

/// Whether this is the vendor's errors object (section 4.1) with at least one error in it.
pub(crate) fn is_errors(actual: &Value) -> bool {
    let Some(object) = actual.as_object().filter(|o| o.len() == 2) else {
        return false;
    };
    let (Some(fields), Some(general)) = (
        object.get("fieldErrors").and_then(Value::as_object),
        object.get("generalErrors").and_then(Value::as_array),
    ) else {
        return false;
    };
    let lists = fields
        .values()
        .map(|list| list.as_array().filter(|list| !list.is_empty()));
    let Some(lists) = lists.collect::<Option<Vec<_>>>() else {
        return false;
    };
    let mut errors = lists.into_iter().flatten().chain(general).peekable();
    errors.peek().is_some() && errors.all(is_error)
}

fn is_error(error: &Value) -> bool {
    let text = |name: &str| error[name].as_str().is_some_and(|text| !text.is_empty());
    error.is_object()
        && text("message")
        && error["code"]
            .as_str()
            .is_some_and(|code| code.starts_with('['))
}
