//! One side of a crossing: a dialect with the ids that its vendor can have, and links that both sides can
//! spell.

use std::collections::BTreeMap;

use crate::dialect::Dialect;
use crate::dialect::laws::Rng;
use crate::mapping::codec::Codec;
use crate::mapping::plan::Words;
use crate::mapping::survey::{self, Bound};
use crate::model::{Field, FieldType, ProviderKind, Record, Value};

/// The fields that the directory translates.
const IDS: &[Field] = &[
    Field::Tenant,
    Field::UserId,
    Field::ProviderId,
    Field::LinkId,
];

/// How a vendor's ids look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    /// Letters and a number.
    Plain,
    /// A UUID.
    Uuid,
    /// A decimal number.
    Decimal,
}

/// A dialect with the ids of its vendor.
pub(super) struct Side<'d> {
    pub(super) dialect: &'d Dialect,
    /// Each row once, by its field.
    bound: BTreeMap<Field, Vec<Bound<'d>>>,
    spellings: Vec<(Field, Spelling)>,
}

impl<'d> Side<'d> {
    pub(super) fn new(dialect: &'d Dialect) -> Self {
        let ops = dialect.plan().ops.iter();
        let parts = |op| {
            survey::request(op)
                .into_iter()
                .chain(survey::document(&op.answer.tree))
        };
        let mut bound: BTreeMap<Field, Vec<Bound<'_>>> = BTreeMap::new();
        for row in ops.flat_map(parts).filter(|bound| bound.only.is_none()) {
            let rows = bound.entry(row.field.field()).or_default();
            if !rows.iter().any(|other| std::ptr::eq(other.row, row.row)) {
                rows.push(row);
            }
        }
        let mut side = Self {
            dialect,
            bound,
            spellings: Vec::new(),
        };
        for field in IDS.iter().copied() {
            let all = [Spelling::Plain, Spelling::Uuid, Spelling::Decimal];
            let possible = all.into_iter().find(|spelling| {
                let id = side.spelled(field, "1", *spelling);
                side.can_say(field, &Value::Text(id))
            });
            side.spellings
                .push((field, possible.unwrap_or(Spelling::Plain)));
        }
        side
    }

    /// The id that the vendor has for the canonical id `number`.
    fn spelled(&self, field: Field, number: &str, spelling: Spelling) -> String {
        let parts = [self.dialect.vendor().as_str(), field.name(), number];
        match spelling {
            // No separator that a joined text could be split at.
            Spelling::Plain => parts
                .concat()
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .collect(),
            Spelling::Uuid => {
                let namespace = uuid::Uuid::NAMESPACE_OID;
                uuid::Uuid::new_v5(&namespace, parts.concat().as_bytes()).to_string()
            }
            Spelling::Decimal => {
                let bytes = parts.concat();
                let sum = bytes
                    .bytes()
                    .fold(7_u64, |sum, byte| (sum * 31 + u64::from(byte)) % (1 << 47));
                (sum + (1 << 48)).to_string()
            }
        }
    }

    fn id(&self, field: Field, number: &str) -> Option<String> {
        let (_, spelling) = self.spellings.iter().find(|(f, _)| *f == field)?;
        Some(self.spelled(field, number, *spelling))
    }

    /// The link in the vendor's ids.
    pub(super) fn in_vendors_ids(&self, link: &Record) -> Record {
        let translated = link.iter().map(|(field, value)| match value {
            Value::Text(number) => {
                let id = self.id(field, number);
                (field, id.map_or_else(|| value.clone(), Value::Text))
            }
            other => (field, other.clone()),
        });
        translated.collect()
    }

    /// A link of the vendor's in canonical ids: those of `link`. Another id stays as it is.
    pub(super) fn in_canonical_ids(&self, read: &Record, link: &Record) -> Record {
        let translated = read.iter().map(|(field, value)| {
            let number = link.text(field).filter(|_| IDS.contains(&field));
            let is_it = number
                .and_then(|n| self.id(field, n))
                .map(Value::Text)
                .as_ref()
                == Some(value);
            match number {
                Some(number) if is_it => (field, Value::Text(number.to_owned())),
                _ => (field, value.clone()),
            }
        });
        translated.collect()
    }

    /// Whether some row cannot do without the field.
    fn needs(&self, field: Field) -> bool {
        let mut rows = self.bound.get(&field).into_iter().flatten();
        rows.any(Bound::is_needed)
    }

    /// Whether every row for the field gives the value back.
    fn can_say(&self, field: Field, value: &Value) -> bool {
        let mut rows = self.bound.get(&field).into_iter().flatten();
        rows.all(|bound| match bound.codec {
            Some(codec) => comes_back(codec, bound.words, value),
            // A part of a joined text.
            None => matches!(value, Value::Text(t) if t.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')),
        })
    }
}

fn comes_back(codec: &Codec, words: Option<&Words>, value: &Value) -> bool {
    if let (Some(words), Value::Text(word)) = (words, value) {
        let vendors = words.write.get(word);
        return vendors.and_then(|vendors| words.read.get(vendors)) == Some(word);
    }
    let json = codec.write_json(value).map(|json| codec.read_json(&json));
    json == Some(Ok(Some(value.clone())))
}

/// A link with canonical ids that both sides can spell. What makes a link is always there, and what one of
/// them cannot do without; the rest mostly.
pub(super) fn link(here: &Side<'_>, there: &Side<'_>, rng: &mut Rng) -> Record {
    let mut link = Record::new();
    for field in IDS {
        link.set_text(*field, rng.below(1_000_000).to_string());
    }
    let others = [
        Field::Subject,
        Field::DisplayName,
        Field::Token,
        Field::ProviderName,
        Field::ProviderKind,
        Field::Enabled,
        Field::CreatedAt,
        Field::UpdatedAt,
        Field::LastLoginAt,
        Field::Revision,
    ];
    for field in others {
        let can_say = |value: &Value| here.can_say(field, value) && there.can_say(field, value);
        let value = (0..64).map(|_| value(field, rng)).find(can_say);
        let is_needed = field == Field::Subject || here.needs(field) || there.needs(field);
        if is_needed || rng.below(4) > 0 {
            value.into_iter().for_each(|value| link.set(field, value));
        }
    }
    link
}

/// Texts that break naive templates, and some that every vendor takes.
const TEXTS: &[&str] = &[
    "sub",
    "Sub-1",
    "a b+c/ü&=",
    "\"quoted\" 'and' \\",
    "{brace}",
    "ext:42",
    "名前",
    "20",
];

fn value(field: Field, rng: &mut Rng) -> Value {
    let number = rng.below(100_000);
    let small = i64::try_from(number).unwrap_or(0);
    match field.kind() {
        // Some vendors keep whole seconds only.
        FieldType::Instant if number.is_multiple_of(2) => {
            Value::Int(1_700_000_000_000 + small * 1000)
        }
        FieldType::Instant => Value::Int(1_700_000_000_000 + small),
        FieldType::Bool => Value::Bool(number.is_multiple_of(2)),
        FieldType::Int => Value::Int(small),
        _ if field == Field::ProviderKind => {
            let kind = ProviderKind::ALL.get(rng.below(ProviderKind::ALL.len()));
            Value::Text(kind.map_or("oidc", |kind| kind.name()).to_owned())
        }
        _ => {
            let text = TEXTS.get(rng.below(TEXTS.len())).copied().unwrap_or("sub");
            Value::Text(format!("{text}{number}"))
        }
    }
}
