//! Bodies of `application/x-www-form-urlencoded`, as objects of texts.
//!
//! As RFC 6749 (section 3.2) has it: a parameter without a value is as good as not there, and one that is
//! there twice is refused, whichever it is.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::body::whole;
use super::text::essence;
use crate::model::{Problem, Why};

/// The media type.
const FORM: &str = "application/x-www-form-urlencoded";

/// The most parameters of a form.
const MAX_PARAMETERS: usize = 100;

/// What stands in the place of bytes that are no text.
const REPLACEMENT: char = '\u{fffd}';

/// Whether this is the media type of forms.
pub(super) fn is_form(media: &str) -> bool {
    essence(media).eq_ignore_ascii_case(FORM)
}

/// Reads a form.
///
/// # Errors
/// The problem of the parameter that is there twice; `None` for what cannot be read at all.
pub(super) fn read(body: &[u8]) -> Result<Json, Option<Problem>> {
    let mut members = Map::new();
    let mut empty: Vec<Cow<'_, str>> = Vec::new();
    for (count, (name, value)) in form_urlencoded::parse(body).enumerate() {
        if count >= MAX_PARAMETERS || name.contains(REPLACEMENT) || value.contains(REPLACEMENT) {
            return Err(None);
        }
        if members.contains_key(name.as_ref()) || empty.contains(&name) {
            return Err(Some(Problem {
                at: name.into_owned(),
                ..whole(Why::NotAllowed)
            }));
        }
        if value.is_empty() {
            empty.push(name);
        } else {
            members.insert(name.into_owned(), Json::String(value.into_owned()));
        }
    }
    Ok(Json::Object(members))
}

/// Writes the texts of an object; a form has room for nothing else.
pub(super) fn write(root: &Json) -> Vec<u8> {
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (name, value) in root.as_object().into_iter().flatten() {
        match value {
            Json::String(text) => drop(out.append_pair(name, text)),
            Json::Number(_) | Json::Bool(_) => drop(out.append_pair(name, &value.to_string())),
            Json::Null | Json::Array(_) | Json::Object(_) => {}
        }
    }
    out.finish().into_bytes()
}

/// Encodes one text.
pub(super) fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Decodes one text; `None` if it is none.
pub(super) fn decode(text: &str) -> Option<String> {
    // A separator inside is data here: it is encoded, so that it is not taken for one.
    let data = text.replace('&', "%26").replace('=', "%3D");
    let (decoded, _) = form_urlencoded::parse(data.as_bytes())
        .next()
        .unwrap_or_default();
    (!decoded.contains(REPLACEMENT)).then(|| decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_are_texts_and_empty_ones_are_not_there() {
        let body = b"grant_type=client_credentials&scope=a+b%20c&x=&client_id=None";
        assert_eq!(
            read(body),
            Ok(json!({"grant_type":"client_credentials","scope":"a b c","client_id":"None"}))
        );
        assert_eq!(read(b""), Ok(json!({})));
        assert_eq!(read(b"&&"), Ok(json!({})));
    }

    #[test]
    fn a_parameter_that_is_there_twice_is_refused_also_if_it_is_empty() {
        for body in ["a=1&a=1", "a=&a=1", "a=1&%61=", "a&a"] {
            let problem = read(body.as_bytes()).unwrap_err().unwrap();
            assert_eq!(
                (problem.at.as_str(), problem.why),
                ("a", Why::NotAllowed),
                "{body}"
            );
        }
    }

    #[test]
    fn what_is_no_text_or_too_much_is_refused() {
        for body in [&b"a=%ff"[..], b"%ff=a", b"a=\xff"] {
            assert_eq!(read(body), Err(None));
        }
        let many: Vec<String> = (0..101).map(|n| format!("p{n}=1")).collect();
        assert_eq!(read(many.join("&").as_bytes()), Err(None));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let form = json!({"grant_type":"urn:x:y","scope":"a b","n":"=&+%\u{e9}"});
        let written = write(&form);
        assert_eq!(
            written,
            b"grant_type=urn%3Ax%3Ay&scope=a+b&n=%3D%26%2B%25%C3%A9"
        );
        assert_eq!(read(&written), Ok(form));
        assert_eq!(decode("a=b&c+d%2B").as_deref(), Some("a=b&c d+"));
    }

    #[test]
    fn the_media_type_is_known_with_parameters_and_in_any_case() {
        assert!(is_form("Application/X-WWW-Form-Urlencoded; charset=utf-8"));
        assert!(!is_form("application/json") && !is_form(""));
    }
}
