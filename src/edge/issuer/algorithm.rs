//! Signature algorithms that an issuer may use. Those with a shared secret are none of them, so that no
//! public key can ever be taken for one.

use jsonwebtoken::Algorithm as Jose;

macro_rules! algorithms {
    ($($name:ident),*) => {
        /// A signature algorithm by its JOSE name.
        #[allow(missing_docs, reason = "the names are those of RFC 7518 and RFC 8037")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Algorithm { $($name),* }

        impl Algorithm {
            /// Every algorithm.
            pub const ALL: &'static [Algorithm] = &[$(Algorithm::$name),*];
            /// Their names, in the same order.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// The algorithm of exactly this name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name { $(stringify!($name) => Some(Algorithm::$name),)* _ => None }
            }

            pub(super) fn jose(self) -> Jose {
                match self { $(Algorithm::$name => Jose::$name),* }
            }
        }
    };
}

algorithms!(
    RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA
);

/// What a key must be to serve an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Algorithm {
    pub(super) fn kind(self) -> Kind {
        match self {
            Algorithm::ES256 => Kind::P256,
            Algorithm::ES384 => Kind::P384,
            Algorithm::EdDSA => Kind::Ed25519,
            _ => Kind::Rsa,
        }
    }
}
