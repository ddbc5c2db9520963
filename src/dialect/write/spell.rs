//! How single values are spelled, and which of them are as good as nothing.

use serde_json::Value as Json;

use crate::mapping::codec::Codec;
use crate::mapping::plan::Words;
use crate::model::Value;

/// Several texts as one; `None` if it would not be split into the same texts again.
pub(super) fn joined(mut texts: Vec<String>, sorted: bool) -> Option<String> {
    if sorted {
        texts.sort();
    }
    let is_one = |text: &String| !text.is_empty() && !text.contains(',');
    (!texts.is_empty() && texts.iter().all(is_one)).then(|| texts.join(","))
}

pub(super) fn spell_json(value: &Value, codec: &Codec, words: Option<&Words>) -> Option<Json> {
    match (value, words) {
        (Value::Text(_), Some(_)) => spell_text(value, codec, words).map(Json::String),
        _ => codec.write_json(value),
    }
}

pub(super) fn spell_text(value: &Value, codec: &Codec, words: Option<&Words>) -> Option<String> {
    match (value, words) {
        (Value::Text(all), Some(words)) if *codec == Codec::Words => {
            let spelled = all.split(' ').filter_map(|word| spell(word, words));
            let spelled = spelled.collect::<Vec<_>>().join(",");
            // Of words that the vendor has none for, there is nothing to say.
            (!spelled.is_empty()).then_some(spelled)
        }
        (Value::Text(word), Some(words)) => spell(word, words).map(str::to_owned),
        _ => codec.write_text(value),
    }
}

/// What some vendors leave out: what a reader assumes where there is nothing. `null` is written where a row
/// asks for it.
pub(super) fn is_default(json: &Json) -> bool {
    match json {
        Json::Bool(false) => true,
        Json::Number(n) => n.as_f64() == Some(0.0),
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Null | Json::Bool(true) | Json::Object(_) => false,
    }
}

fn spell<'w>(word: &str, words: &'w Words) -> Option<&'w str> {
    words
        .write
        .get(word)
        .or(words.write_else.as_ref())
        .map(String::as_str)
}
