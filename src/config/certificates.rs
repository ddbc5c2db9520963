//! What the certificates of a client are known by: a hash, or one of the alternative names.

use std::collections::HashMap;

use super::section::At;
use crate::edge::keys;
use crate::edge::tls::CertificateName;
use crate::finding::{Table, Text};

/// `certificates = [{ sha256 = "…" }, { dns = "…" }, { uri = "…" }]`.
pub(super) fn certificates(
    client: &Table<'_>,
    holder: &str,
    holders: &mut HashMap<CertificateName, String>,
) -> Vec<CertificateName> {
    let mut names = Vec::new();
    for table in client.tables("certificates") {
        if let Some(name) = name(&table) {
            if let Some(other) = holders.insert(name.clone(), holder.to_owned()) {
                let message = format!("`{other}` has this certificate already");
                let hint = "a certificate means one client only";
                table
                    .sink()
                    .error_hint("LB546", table.span(), message, hint);
            }
            names.push(name);
        }
        table.finish();
    }
    names
}

fn name(table: &Table<'_>) -> Option<CertificateName> {
    let (sha256, dns, uri) = (table.text("sha256"), table.text("dns"), table.text("uri"));
    match (sha256, dns, uri) {
        (Some(hash), None, None) => {
            let found = keys::from_hex(&hash.value).map(CertificateName::Sha256);
            let hint = "64 hexadecimal digits: `openssl x509 -in CERT -outform DER | sha256sum`";
            found.or_else(|| refuse(table, &hash, "this is not a SHA-256", hint))
        }
        (None, Some(dns), None) => {
            let name = dns.value.to_ascii_lowercase();
            let label = |label: &str| {
                let good = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
                !label.is_empty() && label.bytes().all(good)
            };
            if name.split('.').all(label) {
                return Some(CertificateName::Dns(name));
            }
            let hint = "just as it stands in the certificate, without a wildcard";
            refuse(table, &dns, "this is not a DNS name", hint)
        }
        (None, None, Some(uri)) if uri.value.parse::<http::Uri>().is_ok() => {
            Some(CertificateName::Uri(uri.value.into_owned()))
        }
        (None, None, Some(uri)) => {
            let hint =
                "just as it stands in the certificate, such as `spiffe://example.com/billing`";
            refuse(table, &uri, "this is not a URI", hint)
        }
        _ => {
            let message = "a certificate is known by one thing";
            let hint = "one of `sha256`, `dns` and `uri`";
            table
                .sink()
                .error_hint("LB545", table.span(), message, hint);
            None
        }
    }
}

fn refuse(
    table: &Table<'_>,
    text: &Text<'_>,
    message: &str,
    hint: &str,
) -> Option<CertificateName> {
    let sink = table.sink();
    sink.error_hint("LB545", text.span.clone(), message, hint);
    None
}

/// Whether the client must come with a certificate. Who could never have one is told.
pub(super) fn required(
    client: &Table<'_>,
    certificates: &[CertificateName],
    are_asked_for: bool,
) -> bool {
    let required = client.bool("certificate_required").unwrap_or(false);
    let at = |key| At::new(client.sink(), client.value_span(key));
    if required && certificates.is_empty() {
        let hint = "say what its certificates are known by: `certificates = [{ dns = \"…\" }]`";
        at("certificate_required").error("LB545", "this client has no certificates", hint);
    } else if !certificates.is_empty() && !are_asked_for {
        let hint =
            "give a listener with `tls` the authorities: `client_authorities = \"file:PATH\"`";
        at("certificates").warning("LB547", "no listener asks clients for certificates", hint);
    }
    required
}
