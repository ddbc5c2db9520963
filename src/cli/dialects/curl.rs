//! A request as a command that can be pasted, with the example key.

use std::fmt::Write as _;

use crate::dialect::{Auth, Dialect, OpId};
use crate::edge::keys::EXAMPLE_KEY;
use crate::model::OwnedRequest;

/// A request as a command line.
pub(super) fn command(dialect: &Dialect, op: OpId, request: &OwnedRequest, origin: &str) -> String {
    let mut out = "curl -sS".to_owned();
    if request.method != http::Method::GET {
        let _ = write!(out, " -X {}", request.method);
    }
    let take = dialect.plan().take.first();
    if let Some(take) = take.filter(|_| dialect.auth(op) == Auth::Required) {
        let scheme = take
            .scheme
            .as_ref()
            .map_or_else(String::new, |scheme| format!("{scheme} "));
        let credential = format!("{}: {scheme}{EXAMPLE_KEY}", take.header);
        let _ = write!(out, " -H {}", quoted(&credential));
    }
    for (name, value) in &request.headers {
        let line = format!("{name}: {}", value.to_str().unwrap_or_default());
        let _ = write!(out, " -H {}", quoted(&line));
    }
    if !request.body.is_empty() {
        let _ = write!(
            out,
            " -d {}",
            quoted(&String::from_utf8_lossy(&request.body))
        );
    }
    let query = if request.query.is_empty() {
        String::new()
    } else {
        format!("?{}", request.query)
    };
    let _ = write!(
        out,
        " {}",
        quoted(&format!("{origin}{}{query}", request.path))
    );
    out
}

/// A text as one word of a shell: a quote in it ends the quoted text, is said, and begins it anew.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
