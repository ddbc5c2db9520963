//! Canonical ids: opaque texts that are compared byte for byte. A user's id may be a UUID, which is put
//! into one spelling first.
//!
//! A vendor's own id of a tenant, provider or user is a plain `&str` together with a [`VendorName`];
//! only `directory` turns one into the other. That the two are different Rust types is what keeps a
//! vendor's id from being used where a canonical one is meant.

use std::borrow::Cow;
use std::sync::Arc;

/// Longest canonical id or subject, in bytes. Vendors allow 191 to 200 characters of up to four bytes.
pub const MAX_ID_BYTES: usize = 1024;

/// Why a text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdFault {
    /// Empty, or nothing but white space.
    Blank,
    /// White space at an end, or a NUL inside: two systems would compare it differently.
    Malformed,
    /// Longer than [`MAX_ID_BYTES`].
    TooLong,
}

fn check(text: &str) -> Result<(), IdFault> {
    if text.trim().is_empty() {
        return Err(IdFault::Blank);
    }
    if text.len() > MAX_ID_BYTES {
        return Err(IdFault::TooLong);
    }
    if text.contains('\0') || text.trim().len() != text.len() {
        return Err(IdFault::Malformed);
    }
    Ok(())
}

/// A hyphenated UUID in lower case, and every other text as it stands.
///
/// Vendors whose ids are UUIDs compare them without regard to case and print them in lower case.
#[must_use]
pub fn uuid_in_lower_case(text: &str) -> Cow<'_, str> {
    // Of the forms that the parser knows, only the hyphenated one has this length.
    let is_uuid = text.len() == 36 && uuid::Uuid::try_parse(text).is_ok();
    if is_uuid && text.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident $(, in the form of $normal:ident)?) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Accepts a text that can be compared byte for byte.
            ///
            /// # Errors
            /// [`IdFault`] for blank, padded, over-long texts and for NUL.
            pub fn new(text: &str) -> Result<Self, IdFault> {
                check(text)?;
                $(let text = &*$normal(text);)?
                Ok(Self(Arc::from(text)))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// Canonical key of a tenant.
    TenantId
}
text_id! {
    /// Canonical id of a user. One that has the form of a hyphenated UUID is kept in lower case, so that
    /// it is one user however a client or a vendor spells it.
    UserId, in the form of uuid_in_lower_case
}
text_id! {
    /// Canonical key of an external identity provider.
    ProviderId
}
text_id! {
    /// The account at the external provider, exactly as the provider names it.
    Subject
}
text_id! {
    /// Name of a configured client, as it appears in the configuration and in the audit.
    ClientName
}
text_id! {
    /// Whose ids a dialect speaks (the mapping's `vendor` key).
    VendorName
}

/// Stable id of a link: a UUIDv5 over the canonical (tenant, user, provider, subject).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkId(uuid::Uuid);

/// Namespace of all link ids. Changing it would change every id that clients have stored.
const NAMESPACE: uuid::Uuid = uuid::Uuid::from_u128(0x5b0f_6c3e_9d0a_4c56_8e47_21d6_b1f0_3a9c);

impl LinkId {
    /// The id of the link of `user` to `subject` at `provider`.
    ///
    /// Each part is prefixed with its length (4 bytes, big endian), so that no two different
    /// quadruples give the same input.
    #[must_use]
    pub fn of(tenant: &TenantId, user: &UserId, provider: &ProviderId, subject: &Subject) -> Self {
        let parts = [
            tenant.as_str(),
            user.as_str(),
            provider.as_str(),
            subject.as_str(),
        ];
        let mut name = Vec::with_capacity(parts.iter().map(|p| p.len() + 4).sum());
        for part in parts {
            // Ids are at most MAX_ID_BYTES long, far below u32::MAX.
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            name.extend_from_slice(&length.to_be_bytes());
            name.extend_from_slice(part.as_bytes());
        }
        Self(uuid::Uuid::new_v5(&NAMESPACE, &name))
    }

    /// Reads the hyphenated form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        uuid::Uuid::try_parse(text).ok().map(Self)
    }

    /// The sixteen bytes, as a store keeps them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// An id that a store kept.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(uuid::Uuid::from_bytes(bytes))
    }
}

impl std::fmt::Display for LinkId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link_id(parts: [&str; 4]) -> String {
        LinkId::of(
            &TenantId::new(parts[0]).unwrap(),
            &UserId::new(parts[1]).unwrap(),
            &ProviderId::new(parts[2]).unwrap(),
            &Subject::new(parts[3]).unwrap(),
        )
        .to_string()
    }

    /// The vector was computed apart from this code, with Python's `uuid.uuid5` over the same bytes.
    #[test]
    fn link_id_has_its_test_vector() {
        assert_eq!(
            link_id(["acme", "user-1", "google", "ext-1"]),
            "69e818f5-646c-5de2-bb50-1acdef60e91c"
        );
    }

    #[test]
    fn moving_a_boundary_between_parts_changes_the_link_id() {
        assert_ne!(
            link_id(["a", "bc", "d", "e"]),
            link_id(["ab", "c", "d", "e"])
        );
    }

    #[test]
    fn only_a_users_hyphenated_uuid_is_put_in_lower_case() {
        let upper = "61C4D7E2-0A5B-4F0E-9C1D-8E2F3A4B5C6D";
        let id = |text: &str| UserId::new(text).unwrap().to_string();
        assert_eq!(id(upper), "61c4d7e2-0a5b-4f0e-9c1d-8e2f3a4b5c6d");
        let others = [
            "61C4D7E20A5B4F0E9C1D8E2F3A4B5C6D",
            "{61C4D7E2-0A5B-4F0E-9C1D-8E2F3A4B5C6D}",
            "61C4D7E2-0A5B-4F0E-9C1D-8E2F3A4B5C6X",
            "61C4D7E20-A5B-4F0E-9C1D-8E2F3A4B5C6D",
            "Ann",
        ];
        for text in others {
            assert_eq!(id(text), text);
        }
        assert_eq!(Subject::new(upper).unwrap().as_str(), upper);
    }

    #[test]
    fn padded_blank_and_nul_texts_are_no_ids() {
        assert_eq!(Subject::new(" "), Err(IdFault::Blank));
        assert_eq!(Subject::new("a "), Err(IdFault::Malformed));
        assert_eq!(Subject::new("a\0b"), Err(IdFault::Malformed));
        assert_eq!(
            Subject::new(&"x".repeat(MAX_ID_BYTES + 1)),
            Err(IdFault::TooLong)
        );
        assert!(Subject::new("a b+c/ü&=").is_ok());
    }
}
