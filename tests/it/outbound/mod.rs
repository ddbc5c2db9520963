//! The outbound client against servers that are not ours, and against names that lead where they must not.

mod addresses;
mod answers;
pub(crate) mod tls;
