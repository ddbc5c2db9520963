//! The mapping files that are built in: the one place in Rust that names vendors.

use super::load::{Loaded, load};

/// Name and text of every built-in mapping, in the order in which they are shown.
pub const SOURCES: &[(&str, &str)] = &[
    ("linkbridge", include_str!("../../mappings/linkbridge.toml")),
    ("fusionauth", include_str!("../../mappings/fusionauth.toml")),
    ("flip", include_str!("../../mappings/flip.toml")),
    ("flip-v3", include_str!("../../mappings/flip-v3.toml")),
    ("ory", include_str!("../../mappings/ory.toml")),
    ("pingone", include_str!("../../mappings/pingone.toml")),
    ("zitadel-v2", include_str!("../../mappings/zitadel-v2.toml")),
    (
        "zitadel-v3alpha",
        include_str!("../../mappings/zitadel-v3alpha.toml"),
    ),
    (
        "zitadel-management-v1",
        include_str!("../../mappings/zitadel-management-v1.toml"),
    ),
    ("keycloak", include_str!("../../mappings/keycloak.toml")),
];

/// Name and text of the messages that the calls of built-in mappings are made of.
const PROTOS: &[(&str, &str)] = &[
    (
        "grpc.health.v1",
        include_str!("../../mappings/grpc.health.v1.proto"),
    ),
    (
        "grpc.reflection.v1",
        include_str!("../../mappings/grpc.reflection.v1.proto"),
    ),
    (
        "grpc.reflection.v1alpha",
        include_str!("../../mappings/grpc.reflection.v1alpha.proto"),
    ),
    (
        "zitadel.idp.v1",
        include_str!("../../mappings/zitadel.idp.v1.proto"),
    ),
    (
        "zitadel.idp.v2",
        include_str!("../../mappings/zitadel.idp.v2.proto"),
    ),
    (
        "zitadel.management.v1",
        include_str!("../../mappings/zitadel.management.v1.proto"),
    ),
    (
        "zitadel.object.v2",
        include_str!("../../mappings/zitadel.object.v2.proto"),
    ),
    (
        "zitadel.object.v2beta",
        include_str!("../../mappings/zitadel.object.v2beta.proto"),
    ),
    (
        "zitadel.object.v3alpha",
        include_str!("../../mappings/zitadel.object.v3alpha.proto"),
    ),
    (
        "zitadel.resources.object.v3alpha",
        include_str!("../../mappings/zitadel.resources.object.v3alpha.proto"),
    ),
    (
        "zitadel.resources.user.v3alpha",
        include_str!("../../mappings/zitadel.resources.user.v3alpha.proto"),
    ),
    (
        "zitadel.user.v2",
        include_str!("../../mappings/zitadel.user.v2.proto"),
    ),
    (
        "zitadel.user.v2beta",
        include_str!("../../mappings/zitadel.user.v2beta.proto"),
    ),
    (
        "zitadel.user.v3alpha",
        include_str!("../../mappings/zitadel.user.v3alpha.proto"),
    ),
    (
        "zitadel.v1",
        include_str!("../../mappings/zitadel.v1.proto"),
    ),
];

/// The text of a built-in mapping, of a file that one includes, or of one that its calls are made of.
#[must_use]
pub fn text(file: &str) -> Option<&'static str> {
    let (name, files) = match file.strip_suffix(".toml") {
        Some(name) => (name, SOURCES),
        None => (file.strip_suffix(".proto")?, PROTOS),
    };
    let mut files = files.iter();
    files.find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// Loads a built-in mapping; `None` for a name that is none.
#[must_use]
pub fn load_builtin(name: &str) -> Option<Loaded> {
    let (name, source) = SOURCES.iter().find(|(n, _)| *n == name)?;
    let includes = |file: &str| text(file).map(str::to_owned);
    Some(load(
        name,
        &format!("mappings/{name}.toml"),
        source,
        &includes,
    ))
}
