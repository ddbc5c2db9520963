//! `[backend.upstream]`: one IdP that keeps links.

use std::ops::Range;
use std::time::Duration;

use super::checks::Leaf;
use super::{Known, PendingOrigin, Upstream, endpoint};
use crate::backend::upstream::settings::{Keep, Residual};
use crate::config::KnownDialect;
use crate::config::fronts::{known_dialect, options};
use crate::finding::Table;
use crate::model::TenantId;

/// The longest name of an upstream.
const MAX_NAME: usize = 64;

/// An upstream, and where in the file it says what.
pub(super) struct Read {
    upstream: Upstream,
    places: Places,
}

/// Where in the file an upstream says what.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) name: Range<usize>,
    pub(super) dialect: Range<usize>,
    pub(super) credential: Range<usize>,
    pub(super) total: Range<usize>,
    /// The table itself.
    pub(super) table: Range<usize>,
}

impl Read {
    /// The upstream as a leaf for the links of these tenants.
    pub(super) fn leaf(self, tenants: Vec<TenantId>) -> Leaf {
        Leaf {
            upstream: self.upstream,
            places: self.places,
            tenants,
        }
    }
}

/// Reads an upstream. Without a default it needs a name.
pub(super) fn upstream(table: Table<'_>, known: &Known<'_>, default: Option<&str>) -> Option<Read> {
    let name = name(&table, default);
    let dialect = dialect(&table, known, |known| match known.lacks.as_slice() {
        [] => None,
        lacks => {
            let lacks: Vec<String> = lacks.iter().map(|k| format!("`{}`", k.name())).collect();
            let lacks = lacks.join(", ");
            Some(format!(
                "an IdP that speaks `{}` cannot keep links: it lacks {lacks}",
                known.name
            ))
        }
    });
    let options = options(&table, known.catalog, dialect.as_deref());
    let endpoint = endpoint::endpoint(&table, known);
    let residual = residual(&table);
    let hours = table.int_in("index_max_age_hours", 1..=8760).unwrap_or(24);
    let origin = table.table("pending_origin");
    let has_origin = origin.is_some();
    let pending_origin = origin.and_then(|table| pending_origin(table, known));
    let places = Places {
        name: table.value_span("name"),
        dialect: table.value_span("dialect"),
        credential: table.value_span("credential"),
        total: table.value_span("total_seconds"),
        table: table.span(),
    };
    table.finish();
    let upstream = Upstream {
        name: name?,
        dialect: dialect?,
        options,
        endpoint: endpoint?,
        residual,
        index_max_age: Duration::from_secs(u64::try_from(hours).unwrap_or(24) * 3600),
        pending_origin,
    };
    let is_whole = upstream.pending_origin.is_some() == has_origin;
    is_whole.then_some(Read { upstream, places })
}

fn name(table: &Table<'_>, default: Option<&str>) -> Option<String> {
    let text = match default {
        Some(default) if !table.has("name") => {
            // Asked for, so that it is among the keys that are suggested.
            let _ = table.value("name");
            return Some(default.to_owned());
        }
        _ => table.need_text("name")?,
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let length = text.value.len();
    if length == 0 || length > MAX_NAME || !text.value.bytes().all(is_plain) {
        let hint = "1 to 64 letters, digits, `-`, `_` and `.`";
        table
            .sink()
            .error_hint("LB518", text.span, "this cannot be a name", hint);
        return None;
    }
    Some(text.value.into_owned())
}

/// The dialect, and what it is no good for here, as `fault` says it.
fn dialect(
    table: &Table<'_>,
    known: &Known<'_>,
    fault: impl Fn(&KnownDialect) -> Option<String>,
) -> Option<String> {
    let text = table.need_text("dialect")?;
    let name = known_dialect(table.sink(), &text, known.catalog)?;
    if let Some(message) = known.catalog.known(&name).and_then(fault) {
        let hint =
            "`linkbridge dialects NAME` shows what a dialect has; a vendor may have another one";
        table.sink().error_hint("LB571", text.span, message, hint);
        return None;
    }
    Some(name)
}

/// `{ dialect = "…", base_url = "…", credential = … }`, with the keys of an upstream's own endpoint.
fn pending_origin(table: Table<'_>, known: &Known<'_>) -> Option<PendingOrigin> {
    let dialect = dialect(&table, known, |known| {
        let message = || {
            format!(
                "a place that speaks `{}` does not tell pending links",
                known.name
            )
        };
        (!known.tells_pending).then(message)
    });
    let endpoint = endpoint::endpoint(&table, known);
    table.finish();
    Some(PendingOrigin {
        dialect: dialect?,
        endpoint: endpoint?,
    })
}

/// `residual = { token = "keep", display_name = "keep", instants = "keep" }`.
fn residual(table: &Table<'_>) -> Residual {
    let all = Residual {
        token: Keep::Keep,
        display_name: Keep::Keep,
        instants: Keep::Keep,
    };
    let Some(given) = table.table("residual") else {
        return all;
    };
    let word = |key, words: &[&str]| match given.word(key, words) {
        None | Some(0) => Keep::Keep,
        Some(1) => Keep::Drop,
        Some(_) => Keep::Refuse,
    };
    let residual = Residual {
        token: word("token", &["keep", "drop", "refuse"]),
        display_name: word("display_name", &["keep", "drop", "refuse"]),
        // Clients do not send them, so that nobody could be refused.
        instants: word("instants", &["keep", "drop"]),
    };
    given.finish();
    residual
}
