//! What a record says of before and after: canonical JSON, with members in the order of their names and without
//! blanks. No account, name, document or pending id stands in it but as a keyed hash, and of tokens only that
//! there is one.

use super::{AuditKey, hex};
use crate::model::{Link, PendingLink};

/// A member of what is said.
#[derive(Clone, Copy, Debug)]
pub(in crate::backend::embedded) enum Said<'a> {
    /// It is not there, and is not mentioned.
    Nothing,
    /// It is there.
    There,
    /// A number.
    Number(i64),
    /// A text that may be read.
    Text(&'a str),
    /// An object that is written already.
    Json(&'a str),
    /// What stands for a text that may not be.
    Keyed([u8; 32]),
}

impl<'a> Said<'a> {
    pub(in crate::backend::embedded) fn number(n: Option<i64>) -> Self {
        n.map_or(Said::Nothing, Said::Number)
    }

    pub(in crate::backend::embedded) fn there(is_there: bool) -> Self {
        if is_there { Said::There } else { Said::Nothing }
    }
}

/// An object of members, which must come in the order of their names.
pub(in crate::backend::embedded) fn json(members: &[(&str, Said<'_>)]) -> String {
    debug_assert!(members.is_sorted_by_key(|(name, _)| *name));
    let mut text = String::with_capacity(96);
    text.push('{');
    for (name, said) in members {
        let value = match said {
            Said::Nothing => continue,
            Said::There => "true".to_owned(),
            Said::Number(n) => n.to_string(),
            Said::Text(text) => serde_json::Value::from(*text).to_string(),
            Said::Json(text) => (*text).to_owned(),
            Said::Keyed(hash) => format!("\"{}\"", hex(hash)),
        };
        if text.len() > 1 {
            text.push(',');
        }
        text.push('"');
        text.push_str(name);
        text.push_str("\":");
        text.push_str(&value);
    }
    text.push('}');
    text
}

impl AuditKey {
    /// A name, or nothing.
    pub(in crate::backend::embedded) fn name(&self, name: Option<&str>) -> Said<'static> {
        name.map_or(Said::Nothing, |name| Said::Keyed(self.keyed("name", name)))
    }

    /// A document, or nothing.
    pub(in crate::backend::embedded) fn document(&self, text: Option<&str>) -> Said<'static> {
        text.map_or(Said::Nothing, |text| {
            Said::Keyed(self.keyed("document", text))
        })
    }

    /// The id of a pending link, of which the store has the SHA-256.
    pub(in crate::backend::embedded) fn pending_id(&self, sha256: &[u8; 32]) -> Said<'static> {
        Said::Keyed(self.keyed_digest("pending", sha256))
    }

    /// A link; `pending` is the id of the one that it was before.
    pub(in crate::backend::embedded) fn link(
        &self,
        link: &Link,
        pending: Option<&[u8; 32]>,
    ) -> String {
        let revision = i64::try_from(link.revision).ok().filter(|n| *n > 0);
        json(&[
            ("created_at", Said::number(link.created_at.map(|at| at.0))),
            ("display_name", self.name(link.display_name.as_deref())),
            (
                "pending_id",
                pending.map_or(Said::Nothing, |id| self.pending_id(id)),
            ),
            ("revision", Said::number(revision)),
            ("token", Said::there(link.token.is_some())),
            ("updated_at", Said::number(link.updated_at.map(|at| at.0))),
        ])
    }

    /// A pending link.
    pub(in crate::backend::embedded) fn pending(
        &self,
        pending: &PendingLink,
        id: &[u8; 32],
    ) -> String {
        json(&[
            ("client", Said::Text(pending.client.as_str())),
            ("display_name", self.name(pending.display_name.as_deref())),
            ("email", self.name(pending.email.as_deref())),
            ("expires_at", Said::Number(pending.expires_at.0)),
            ("pending_id", self.pending_id(id)),
            ("token", Said::there(pending.token.is_some())),
            ("username", self.name(pending.username.as_deref())),
        ])
    }

    /// A user of the directory; the document only where it is what changes.
    pub(in crate::backend::embedded) fn user(&self, document: Option<&str>) -> String {
        json(&[
            ("document", self.document(document)),
            ("listed", Said::There),
        ])
    }
}
