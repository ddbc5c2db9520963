//! The fixtures of the vendor reference (section 9): ids and keys that every black-box test shares.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Tenant `acme`.
pub(crate) const T: &str = "48426136-8eb7-49d5-81f3-9280b146a334";
/// Tenant `other`, where a case needs two.
pub(crate) const U: &str = "0f1d3c5e-7a2b-4c8d-9e6f-1a2b3c4d5e6f";
/// A user of `acme`.
pub(crate) const A: &str = "206a5101-bf29-487c-af8f-7485ca48d6d5";
/// Another user of `acme`.
pub(crate) const B: &str = "61c44860-f2a2-4b8f-9af3-e345dbcd4e5d";
/// A user of `other`.
pub(crate) const C: &str = "c3d1a9e2-5b64-4f0a-8d27-90b1c2d3e4f5";
/// An id that nothing has.
pub(crate) const Z: &str = "a30004e5-b082-445d-a7bd-42eb86398b6e";
/// The provider `acme-oidc`.
pub(crate) const P: &str = "74c21534-2ecf-4c14-8b0a-444622bedf4b";
/// The provider `google`, by the vendor's fixed id.
pub(crate) const G: &str = "82339786-3dff-42a6-aac6-1f1ceecb6c46";
/// A key with every permission.
pub(crate) const K: &str = "Zq3yX0b7sT5nR9wL1kV8uJ4hG6fD2cA-mP_eIoYtBxM";
/// A key that may only read links.
pub(crate) const R: &str = "Rr4mB8vN2xC6zL0kJ9hG5fD1sA7pO3iU-yT_eWqQwEk";
/// A key with every permission, locked to `acme`.
pub(crate) const Q: &str = "Qw7eR1tY5uI9oP3aS6dF0gH4jK8lZ2xC-vB_nMmNbVc";

/// The path of the link operations.
pub(crate) const LINK: &str = "/api/identity-provider/link";

/// The value of each placeholder that exists in every case.
pub(crate) fn placeholders() -> Vec<(String, String)> {
    let basic = STANDARD.encode(format!("apikey:{K}"));
    let fixed = [
        ("T", T),
        ("U", U),
        ("A", A),
        ("B", B),
        ("C", C),
        ("Z", Z),
        ("P", P),
        ("G", G),
    ];
    let keys = [("K", K), ("R", R), ("Q", Q), ("BASIC", basic.as_str())];
    fixed
        .iter()
        .chain(&keys)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The body that links `subject` at P to `user`.
pub(crate) fn create_body(
    user: &str,
    subject: &str,
    display_name: &str,
    token: &str,
) -> serde_json::Value {
    serde_json::json!({ "identityProviderLink": {
        "identityProviderId": P, "identityProviderUserId": subject, "userId": user,
        "displayName": display_name, "token": token,
    }})
}
