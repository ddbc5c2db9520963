//! Reading the form of a row: how a value of the wire becomes fields, and back.

mod nested;
mod text;
mod value;

use super::json;
use super::plan::Form;
use super::row::{RowReader, Site};

/// The keys that say which form a row has. Exactly one of them stands in a row, but `each`, which says
/// that there are several of what another key says.
pub(super) const FORMS: &[&str] = &[
    "is", "const", "join", "url", "basic", "carry", "one", "list", "dict", "group", "each",
];

impl RowReader<'_> {
    pub(super) fn form(&self, presence: Option<bool>) -> Option<Form> {
        let given: Vec<&str> = FORMS
            .iter()
            .copied()
            .filter(|key| self.table.has(key))
            .collect();
        match given.as_slice() {
            [] if presence.is_some() => Some(Form::Presence),
            ["is" | "join", "each"] => self.each_form(),
            ["carry"] if self.site == Site::Body => self.carry_form(),
            ["is"] => self.field_form(),
            ["const"] => self
                .table
                .value("const")
                .and_then(|v| json::from_toml(v, self.sink()))
                .map(Form::Const),
            ["join"] => self.join_form(),
            ["url"] if self.site == Site::Body => self.parts("url").map(Form::Url),
            ["url"] => self.parts("url").map(Form::Url),
            ["basic"] if self.site == Site::Text => self.basic_form(),
            ["one" | "list" | "dict" | "group"] if self.site == Site::Body => self.nested_form(),
            _ => {
                // The forms are known keys, however many of them stand here.
                for form in FORMS {
                    let _known = self.table.value(form);
                }
                let place = if self.site == Site::Body {
                    "a body"
                } else {
                    "a text"
                };
                let message = if given.len() > 1 {
                    format!(
                        "a row has one form, and this one has {}",
                        given.join(" and ")
                    )
                } else {
                    format!("this is no form of a row in {place}")
                };
                self.sink().error_hint(
                    "LB111",
                    self.table.span(),
                    message,
                    format!("the forms are: {}", FORMS.join(", ")),
                );
                None
            }
        }
    }
}
