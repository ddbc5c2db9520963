//! Texts that are made of several fields: joins, which are split again, and links.

use crate::finding::Text;
use crate::mapping::names::field;
use crate::mapping::plan::{FieldRef, Form, Part};
use crate::mapping::row::RowReader;
use crate::model::FieldType;

impl RowReader<'_> {
    pub(super) fn join_form(&self) -> Option<Form> {
        let parts = self.parts("join")?;
        let adjacent = parts
            .windows(2)
            .any(|pair| matches!(pair, [Part::Field(_), Part::Field(_)]));
        let foreign =
            |part: &Part| matches!(part, Part::Origin | Part::Field(FieldRef::Request(_)));
        let twice = |part: &Part| {
            matches!(part, Part::Field(_)) && parts.iter().filter(|p| *p == part).count() > 1
        };
        // What is only written need not be split again.
        let is_read = self
            .table
            .text("only")
            .is_none_or(|only| only.value != "emit");
        if is_read && (adjacent || parts.iter().any(|part| foreign(part) || twice(part))) {
            let message = "a join cannot be split again: two fields touch, one stands twice, or it holds {origin} or {req.…}";
            self.sink().error_hint(
                "LB105",
                self.table.value_span("join"),
                message,
                "put a separator between the fields",
            );
            return None;
        }
        Some(Form::Join(parts))
    }

    /// `{ basic = "client_id", secret = "client_secret" }`.
    pub(super) fn basic_form(&self) -> Option<Form> {
        let user = self.table.need_text("basic");
        let secret = self.table.need_text("secret");
        let named = |text: &Text<'_>| match field(text, self.sink())? {
            FieldRef::Here(field) if field.kind() == FieldType::Text => Some(field),
            _ => {
                let message = "`basic` and `secret` name fields of the request that are texts";
                self.sink().error("LB103", text.span.clone(), message);
                None
            }
        };
        Some(Form::Basic {
            user: user.as_ref().and_then(named)?,
            secret: secret.as_ref().and_then(named)?,
        })
    }

    /// A text with `{field}` in it.
    pub(super) fn parts(&self, key: &'static str) -> Option<Vec<Part>> {
        let text = self.table.need_text(key)?;
        let mut parts = Vec::new();
        let mut rest = text.value.as_ref();
        while let Some((literal, after)) = rest.split_once('{') {
            let Some((name, tail)) = after.split_once('}') else {
                self.sink().error("LB111", text.span, "`{` without `}`");
                return None;
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            let (base64, plain) = match name.strip_prefix("base64url:") {
                Some(name) => (true, name),
                None => (false, name),
            };
            if name == "origin" {
                parts.push(Part::Origin);
            } else if let Some(member) = plain.strip_prefix("document.").filter(|_| key == "url") {
                parts.push(Part::Document {
                    member: member.to_owned(),
                    base64,
                });
            } else {
                let name = Text {
                    value: name.into(),
                    span: text.span.clone(),
                };
                parts.push(Part::Field(field(&name, self.sink())?));
            }
            rest = tail;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Some(parts)
    }
}
