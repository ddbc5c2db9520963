//! Random records that fit the rows of a document, for the laws about every record.

use crate::mapping::codec::Codec;
use crate::mapping::condition::Scene;
use crate::mapping::plan::{CarryKind, FieldRef, Form, Part, Row, Tree, Words};
use crate::model::{Field, FieldType, Record, Value};

/// A small generator (splitmix64): the same seed gives the same records on every machine.
#[derive(Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator with a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.bits() % limit).unwrap_or(0)
    }

    fn pick<'t, T: ?Sized>(&mut self, items: &[&'t T]) -> Option<&'t T> {
        items.get(self.below(items.len())).copied()
    }
}

/// A record that fits the rows of `rows`.
pub(super) fn tree(rows: &Tree, rng: &mut Rng) -> Record {
    let mut record = Record::new();
    fill(rows, rng, &mut record);
    record
}

fn fill(rows: &Tree, rng: &mut Rng, record: &mut Record) {
    for (path, row) in &rows.rows {
        // What stands at the root of a document is always there to be read.
        let is_root = path.steps().is_empty() || matches!(row.form, Form::One { .. });
        let optional = row.need.is_none() && !is_root && rng.below(3) == 0;
        if row.only.is_none() && !optional {
            set(row, rng, record);
        }
    }
}

fn set(row: &Row, rng: &mut Rng, record: &mut Record) {
    match &row.form {
        Form::Field {
            field: FieldRef::Here(field),
            codec,
            words,
        } => {
            if let Some(value) = value(codec, words.as_deref(), rng) {
                record.set(*field, value);
            }
        }
        Form::Join(parts) => {
            for part in parts {
                if let Part::Field(FieldRef::Here(field)) = part {
                    // A part before a separator must not hold it: plain letters never do.
                    record.set_text(*field, format!("x{}", rng.below(1000)));
                }
            }
        }
        Form::One { shape, field: None } => fill(shape, rng, record),
        Form::One {
            shape,
            field: Some(field),
        } => record.set(*field, Value::Record(tree(shape, rng))),
        Form::List {
            field,
            item,
            filter,
            ..
        } => {
            let records = (0..rng.below(4)).map(|_| tree(item, rng)).collect();
            append(record, *field, records, filter.as_ref());
        }
        Form::Dict {
            field,
            key,
            keys,
            item,
        } => {
            let name = |index: usize| match keys {
                Some(keys) => keys.get(index).map(|key| (*key).to_owned()),
                None => Some(format!("key-{index}")),
            };
            let keyed = |(index, mut record): (usize, Record)| {
                record.set_text(*key, name(index).unwrap_or_default());
                record
            };
            let most = keys.as_ref().map_or(3, Vec::len);
            let records = (0..rng.below(most + 1))
                .map(|index| (index, tree(item, rng)))
                .map(keyed)
                .collect();
            append(record, *field, records, None);
        }
        Form::Group {
            field,
            by,
            item,
            filter,
        } => {
            let records = (0..rng.below(4))
                .map(|_| {
                    let mut record = tree(item, rng);
                    // The key may also stand in the items: then it is the same text.
                    let key = record
                        .text(*by)
                        .map_or_else(|| format!("k.{}", rng.below(3)), str::to_owned);
                    record.set_text(*by, key);
                    record
                })
                .collect();
            append(record, *field, records, filter.as_ref());
        }
        Form::Each {
            field,
            item,
            filter,
            ..
        } => {
            let records = (0..rng.below(4)).map(|_| {
                let mut record = Record::new();
                set(item, rng, &mut record);
                record
            });
            let records = records.collect();
            append(record, *field, records, filter.as_ref());
        }
        Form::Carry {
            member,
            kind,
            allowed,
        } => {
            let words: Vec<&str> = allowed.iter().map(String::as_str).collect();
            let value = match rng.pick(&words) {
                Some(word) => serde_json::json!(word),
                None if *kind == CarryKind::Text => serde_json::json!(rng.pick(TEXTS)),
                None => serde_json::json!({"n": rng.below(9), "t": rng.pick(TEXTS)}),
            };
            let mut members = match record.take(Field::Document) {
                Some(Value::Json(serde_json::Value::Object(members))) => members,
                _ => serde_json::Map::new(),
            };
            members.insert(member.clone(), value);
            record.set(Field::Document, Value::Json(members.into()));
        }
        Form::First(rows) => {
            let readable: Vec<&Row> = rows.iter().filter(|r| r.only.is_none()).collect();
            if let Some(row) = rng.pick(&readable) {
                set(row, rng, record);
                for (field, word) in row.condition.iter().flat_map(|c| c.words()) {
                    record.set(field, word);
                }
            }
        }
        // It stands in headers of requests, which are not made by chance.
        Form::Basic { .. } => {}
        Form::Field { .. } | Form::Const(_) | Form::Url(_) | Form::Presence => {}
    }
}

fn append(
    record: &mut Record,
    field: Field,
    records: Vec<Record>,
    filter: Option<&crate::mapping::condition::Condition>,
) {
    let request = Record::new();
    let scene = Scene {
        request: &request,
        option: &|_| None,
        body: true,
    };
    let mut all = match record.take(field) {
        Some(Value::List(earlier)) => earlier,
        _ => Vec::new(),
    };
    all.extend(
        records
            .into_iter()
            .filter(|r| filter.is_none_or(|c| c.holds(r, &scene))),
    );
    record.set(field, Value::List(all));
}

/// Texts that break naive templates: quotes, escapes, separators, other scripts.
const TEXTS: &[&str] = &[
    "a",
    "a b+c/ü&=",
    "\"quoted\"",
    "back\\slash",
    "{brace}",
    "ext:42",
    "名前",
    "line\nbreak",
    "'",
];

fn value(codec: &Codec, words: Option<&Words>, rng: &mut Rng) -> Option<Value> {
    if let Some(words) = words {
        let mut canonical: Vec<&str> = words.write.keys().map(String::as_str).collect();
        canonical.sort_unstable();
        return rng
            .pick(&canonical)
            .map(|word| Value::Text(word.to_owned()));
    }
    let number = || 1_700_000_000_000_i64;
    let value = match codec {
        Codec::Plain(FieldType::Text) | Codec::Text { .. } => {
            let text: String = rng.pick(TEXTS).unwrap_or("a").to_owned();
            match codec {
                Codec::Text { min, max } => Value::Text(
                    text.chars()
                        .cycle()
                        .take(rng.below(9).clamp(*min, *max))
                        .collect(),
                ),
                _ => Value::Text(text),
            }
        }
        Codec::Uuid | Codec::JavaUuid => {
            Value::Text(uuid::Uuid::from_u64_pair(rng.bits(), rng.bits()).to_string())
        }
        Codec::EpochMs | Codec::Rfc3339 | Codec::Plain(FieldType::Instant) => {
            Value::Int(number() + i64::try_from(rng.below(1_000_000)).unwrap_or(0))
        }
        Codec::Proto { min, max, .. } => {
            // Zero is absent.
            let number = i64::try_from(rng.below(100)).unwrap_or(0) + 1;
            Value::Int(min.saturating_add(number).min(*max))
        }
        Codec::Words => Value::Text("word".to_owned()),
        Codec::Sanitized { .. } => Value::Text(format!("x{}", rng.below(1000))),
        Codec::JsonPatch { .. } => Value::Json(serde_json::json!([])),
        Codec::Int { min, max, .. } => {
            let offset = i64::try_from(rng.below(100)).unwrap_or(0);
            Value::Int(min.saturating_add(offset).min(*max))
        }
        Codec::Plain(FieldType::Int) => Value::Int(i64::try_from(rng.below(100_000)).unwrap_or(0)),
        Codec::Plain(FieldType::Bool) => Value::Bool(rng.below(2) == 0),
        Codec::Plain(FieldType::Json) => {
            Value::Json(serde_json::json!({"n": rng.below(9), "t": rng.pick(TEXTS)}))
        }
        Codec::Plain(FieldType::Record | FieldType::List) => return None,
    };
    Some(value)
}
