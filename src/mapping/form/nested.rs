//! Records inside records: shapes, lists, objects whose keys say something, lists of single values; and
//! members that are kept as they are.

use crate::finding::Text;
use crate::mapping::check;
use crate::mapping::names::field;
use crate::mapping::plan::{CarryKind, FieldRef, Form, Row};
use crate::mapping::row::RowReader;
use crate::mapping::words;
use crate::model::{Field, FieldType};

impl RowReader<'_> {
    pub(super) fn nested_form(&self) -> Option<Form> {
        if let Some(name) = self.table.text("one") {
            let shape = self.context.shape(&name, self.sink());
            let field = match self.table.text("as") {
                Some(field) => Some(self.record_field(&field, FieldType::Record)?),
                None => None,
            };
            return Some(Form::One {
                shape: shape?,
                field,
            });
        }
        let item = self.table.need_text("item")?;
        let item = self.context.shape(&item, self.sink())?;
        if let Some(name) = self.table.text("list") {
            let filter = self.condition("where");
            let max = self.table.int_in("max", 1..=10_000);
            return Some(Form::List {
                field: self.record_field(&name, FieldType::List)?,
                item,
                filter,
                max: max.and_then(|n| usize::try_from(n).ok()),
            });
        }
        if let Some(name) = self.table.text("dict") {
            let key = self.table.need_text("key")?;
            let field = self.record_field(&name, FieldType::List)?;
            let key = self.record_field(&key, FieldType::Text)?;
            return Some(Form::Dict {
                field,
                key,
                keys: words::vocabulary(key),
                item,
            });
        }
        let filter = self.condition("where");
        let name = self.table.need_text("group")?;
        let by = self.table.need_text("by")?;
        let field = self.record_field(&name, FieldType::List)?;
        Some(Form::Group {
            field,
            by: self.record_field(&by, FieldType::Text)?,
            item,
            filter,
        })
    }

    /// `each` beside `is` or `join`: a list of single values, each of which says something of a record.
    pub(super) fn each_form(&self) -> Option<Form> {
        let name = self.table.need_text("each")?;
        let field = self.record_field(&name, FieldType::List)?;
        let form = if self.table.has("join") {
            self.join_form()?
        } else {
            self.field_form()?
        };
        let item = Row {
            fields: check::form_fields(&form),
            form,
            ..self.plain_row()
        };
        Some(Form::Each {
            field,
            item: Box::new(item),
            filter: self.condition("where"),
            sorted: self.table.bool("sorted") == Some(true),
        })
    }

    pub(super) fn carry_form(&self) -> Option<Form> {
        let member = self.table.need_text("carry")?;
        let kind = match self.table.word("type", &["any", "text", "object"]) {
            Some(1) => CarryKind::Text,
            Some(2) => CarryKind::Object,
            _ => CarryKind::Any,
        };
        Some(Form::Carry {
            member: member.value.into_owned(),
            kind,
            allowed: self.texts("allowed"),
        })
    }

    fn texts(&self, key: &'static str) -> Vec<String> {
        let texts = self.table.texts(key).unwrap_or_default();
        texts.into_iter().map(|t| t.value.into_owned()).collect()
    }

    fn record_field(&self, name: &Text<'_>, kind: FieldType) -> Option<Field> {
        let reference = field(name, self.sink())?;
        let field = reference.field();
        if matches!(reference, FieldRef::Request(_)) {
            let message =
                "`req.` has no meaning here: nested records are those of the record at hand";
            self.sink().error("LB103", name.span.clone(), message);
            return None;
        }
        if field.kind() == kind {
            return Some(field);
        }
        let message = format!(
            "`{}` is {:?}, and {kind:?} is needed here",
            field.name(),
            field.kind()
        );
        self.sink().error("LB103", name.span.clone(), message);
        None
    }
}
