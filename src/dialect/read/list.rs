//! Reading lists: what arrays, the members of objects and the values of a text hold, as records.

use serde_json::Value as Json;

use super::Reader;
use crate::dialect::at::At;
use crate::dialect::text::Param;
use crate::mapping::plan::{Row, Tree};
use crate::model::{Field, Record, Value, Why};

/// The most items of a list that are read.
pub(super) const MAX_ITEMS: usize = 10_000;

/// One item of a list, with the member and the index that it stands at.
pub(super) struct Item<'j> {
    pub(super) json: &'j Json,
    member: &'j str,
    index: Option<usize>,
}

impl Reader<'_> {
    /// Reads the items of a list, whatever holds them, and the field that is their key, if they have
    /// one; no more than a number of them. No items = they are held by the wrong type.
    pub(super) fn records(
        &mut self,
        field: Field,
        shape: &Tree,
        (key, items, max): (Option<Field>, Option<Vec<Item<'_>>>, usize),
        at: &At<'_>,
        record: &mut Record,
    ) {
        let Some(items) = items else {
            self.problem(Some(field), at, Why::WrongType, None);
            return;
        };
        if items.len() > max {
            self.problem(Some(field), at, Why::TooLong, u64::try_from(max).ok());
            return;
        }
        let mut records = Vec::with_capacity(items.len());
        for item in items {
            let mut inner = Record::new();
            let member = at.below(item.member);
            let element = item.index.map(|index| member.element(index));
            self.tree(shape, item.json, &element.unwrap_or(member), &mut inner);
            if let Some(key) = key {
                inner.set_text(key, item.member);
            }
            records.push(inner);
        }
        append(record, field, records);
    }

    /// The members whose names are among the words that there are; others are problems.
    pub(super) fn known<'j>(
        &mut self,
        members: Option<Vec<Item<'j>>>,
        key: Field,
        words: Option<&[&str]>,
        at: &At<'_>,
    ) -> Option<Vec<Item<'j>>> {
        let Some(words) = words else { return members };
        let mut members = members?;
        members.retain(|item| {
            let is_known = words.contains(&item.member);
            if !is_known && !self.answers {
                self.problem(Some(key), &at.below(item.member), Why::NotAllowed, None);
            }
            is_known
        });
        Some(members)
    }

    /// Reads the values of a text, joined by commas, each of which is a record. They stand in one place:
    /// the first that is wrong is the problem of all.
    pub(super) fn each_text(
        &mut self,
        row: &Row,
        (field, item): (Field, &Row),
        text: &str,
        at: &At<'_>,
        record: &mut Record,
    ) {
        let values = text.split(',');
        if values.clone().nth(MAX_ITEMS).is_some() {
            return self.too_many(row, field, at);
        }
        let mut records = Vec::new();
        let mut faults = Vec::new();
        for value in values.filter(|value| !value.is_empty() || item.refuses_blank) {
            let mut inner = Record::new();
            let mut reader = Reader {
                place: self.place,
                answers: self.answers,
                problems: &mut faults,
                refusal: self.refusal,
            };
            reader.text(item, &Param::Value(value.to_owned()), at, &mut inner);
            if let Some(fault) = faults.pop() {
                return self.problem(fault.field, at, fault.why, fault.max);
            }
            records.push(inner);
        }
        let records = said(records);
        if !records.is_empty() {
            append(record, field, records);
        }
    }

    pub(super) fn too_many(&mut self, row: &Row, field: Field, at: &At<'_>) {
        let most = u64::try_from(MAX_ITEMS).ok();
        self.refuse(row, Some(field), at, Why::TooLong, most);
    }
}

/// The records that say something: `null` among single values does not, nor what its codec takes for
/// nothing.
pub(super) fn said(mut records: Vec<Record>) -> Vec<Record> {
    records.retain(|record| !record.is_empty());
    records
}

/// The items of an array.
pub(super) fn items(json: &Json) -> Option<Vec<Item<'_>>> {
    let item = |(index, json)| Item {
        json,
        member: "",
        index: Some(index),
    };
    Some(json.as_array()?.iter().enumerate().map(item).collect())
}

/// The members of an object.
pub(super) fn members(json: &Json) -> Option<Vec<Item<'_>>> {
    let item = |(name, json)| -> Item<'_> {
        let name: &String = name;
        Item {
            json,
            member: name,
            index: None,
        }
    };
    Some(json.as_object()?.iter().map(item).collect())
}

/// The items of the arrays that are members of an object.
pub(super) fn groups(json: &Json) -> Option<Vec<Item<'_>>> {
    let mut all = Vec::new();
    for Item { json, member, .. } in members(json)? {
        all.extend(items(json)?.into_iter().map(|item| Item { member, ..item }));
    }
    Some(all)
}

/// Several rows may fill one list (a vendor's field errors and its general errors).
pub(super) fn append(record: &mut Record, field: Field, records: Vec<Record>) {
    let mut all = match record.take(field) {
        Some(Value::List(earlier)) => earlier,
        _ => Vec::new(),
    };
    all.extend(records);
    record.set(field, Value::List(all));
}
