//! The fixtures that every black-box test shares: tenants, users and providers as each vendor knows them, and keys.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use linkbridge::server::clock;

/// Tenant `acme`, as FusionAuth knows it.
pub(crate) const T: &str = "48426136-8eb7-49d5-81f3-9280b146a334";
/// Tenant `other`, where a case needs two, as FusionAuth knows it.
pub(crate) const U: &str = "0f1d3c5e-7a2b-4c8d-9e6f-1a2b3c4d5e6f";
/// A user of `acme`.
pub(crate) const A: &str = "206a5101-bf29-487c-af8f-7485ca48d6d5";
/// Another user of `acme`.
pub(crate) const B: &str = "61c44860-f2a2-4b8f-9af3-e345dbcd4e5d";
/// A user of `other`.
pub(crate) const C: &str = "c3d1a9e2-5b64-4f0a-8d27-90b1c2d3e4f5";
/// An id that nothing has.
pub(crate) const Z: &str = "a30004e5-b082-445d-a7bd-42eb86398b6e";
/// The provider `acme-oidc`, as FusionAuth knows it.
pub(crate) const P: &str = "74c21534-2ecf-4c14-8b0a-444622bedf4b";
/// The provider `google`, by the vendor's fixed id.
pub(crate) const G: &str = "82339786-3dff-42a6-aac6-1f1ceecb6c46";
/// A key with every permission.
pub(crate) const K: &str = "Zq3yX0b7sT5nR9wL1kV8uJ4hG6fD2cA-mP_eIoYtBxM";
/// A key that may only read: links, users and providers.
pub(crate) const R: &str = "Rr4mB8vN2xC6zL0kJ9hG5fD1sA7pO3iU-yT_eWqQwEk";
/// A key that may only read links.
pub(crate) const L: &str = "Lb6nT3cV9sW1qE8rY5uI2oP7aD4fG0hJ-kZ_xMvBnCw";
/// A key with every permission, locked to `acme`.
pub(crate) const Q: &str = "Qw7eR1tY5uI9oP3aS6dF0gH4jK8lZ2xC-vB_nMmNbVc";
/// A key with every permission, locked to `other`.
pub(crate) const W: &str = "Ww2jF6kS9dA3lQ7eR1tY5uI8oP0zXcV4-bN_mGhJkTr";
/// The key with which the tests bring about what a case finds; no case asks with it.
pub(crate) const HARNESS: &str = "Hh2kD7gS5jF9lA3wQ8eR1tY6uI0oP4zX-cV_bNmHjKd";

/// Whom the assertions of the client of K name.
pub(crate) const BOT: &str = "311800000000000777";
/// The name of the key that signs them.
pub(crate) const KID: &str = "321700000000000001";

/// The path of FusionAuth's link operations.
pub(crate) const LINK: &str = "/api/identity-provider/link";

/// The vendors, in the order of [`Fixture::ids`].
pub(crate) const VENDORS: [&str; 6] = [
    "fusionauth",
    "flip",
    "ory",
    "pingone",
    "zitadel",
    "keycloak",
];

/// Something that each vendor knows by an id of its own.
#[derive(Debug)]
pub(crate) struct Fixture {
    /// The placeholder that stands for it.
    pub(crate) name: &'static str,
    /// The canonical key or id.
    pub(crate) key: &'static str,
    /// The ids, in the order of [`VENDORS`].
    pub(crate) ids: [Option<&'static str>; 6],
}

impl Fixture {
    /// The id at a vendor.
    pub(crate) fn id_at(&self, vendor: &str) -> Option<&'static str> {
        let index = VENDORS.iter().position(|name| *name == vendor)?;
        self.ids[index]
    }

    /// The id at a vendor, or the canonical one, which stands for itself.
    pub(crate) fn id_or_key(&self, vendor: &str) -> &'static str {
        self.id_at(vendor).unwrap_or(self.key)
    }
}

/// The tenants.
pub(crate) const TENANTS: [Fixture; 2] = [
    Fixture {
        name: "T",
        key: "acme",
        ids: [
            Some(T),
            Some("acme"),
            Some("acme"),
            Some("3b0c7f64-52b1-4f0e-9d0a-6f6f0a5c1e21"),
            Some("311700000000000009"),
            Some("store"),
        ],
    },
    Fixture {
        name: "U",
        key: "other",
        ids: [
            Some(U),
            Some("other"),
            Some("other"),
            Some("5a5a3c1e-7d10-4c0f-8a3b-1f2e3d4c5b6a"),
            Some("311700000000000010"),
            Some("market"),
        ],
    },
];

/// The providers. FusionAuth has no id for the last two, so its cases see nothing of them.
pub(crate) const PROVIDERS: [Fixture; 4] = [
    Fixture {
        name: "P",
        key: "acme-oidc",
        ids: [
            Some(P),
            Some("acme-oidc"),
            Some("acme-oidc"),
            Some("e91f5d3a-1c55-4a63-b1f0-7a2d64c5b903"),
            Some("311900000000000002"),
            Some("corp"),
        ],
    },
    Fixture {
        name: "G",
        key: "google",
        ids: [
            Some(G),
            Some("google"),
            Some("google"),
            Some("0d7a2c1e-8a44-4f1d-9c77-5b3e21f0aa04"),
            Some("311900000000000003"),
            Some("google"),
        ],
    },
    Fixture {
        name: "S",
        key: "corp-saml",
        ids: [
            None,
            Some("corp-saml"),
            Some("corp-saml"),
            Some("6f1d2c3b-4a59-4e68-9d77-8c8b9a0f1e2d"),
            Some("311900000000000004"),
            Some("corp-saml"),
        ],
    },
    Fixture {
        name: "O",
        key: DISABLED,
        ids: [
            None,
            Some("old-adfs"),
            Some("old-adfs"),
            Some("7a6b5c4d-3e2f-4a1b-8c9d-0e1f2a3b4c5d"),
            Some("311900000000000005"),
            Some("old-adfs"),
        ],
    },
];

/// A provider that only one tenant has, where a test wants one.
pub(crate) const THEIRS: Fixture = Fixture {
    name: "N",
    key: "their-own",
    ids: [
        Some("9b8a7c6d-5e4f-4321-8fed-cba987654321"),
        Some("their-own"),
        Some("their-own"),
        Some("1a2b3c4d-5e6f-4708-91a2-b3c4d5e6f708"),
        Some("311900000000000006"),
        Some("their-own"),
    ],
};

/// The provider that is not enabled.
pub(crate) const DISABLED: &str = "old-adfs";

/// The users. The canonical ids stand for themselves wherever a vendor's ids are UUIDs.
pub(crate) const USERS: [Fixture; 4] = [
    user("A", A, "311800000000000001"),
    user("B", B, "311800000000000002"),
    user("C", C, "311800000000000003"),
    user("Z", Z, "311800000000000099"),
];

/// A user of `acme` whom every vendor knows by another id, where a test wants one.
pub(crate) const ROSA: Fixture = Fixture {
    name: "D",
    key: "rosa",
    ids: [
        Some("d1a7c0de-0000-4000-8000-00000000fa01"),
        Some("d1a7c0de-0000-4000-8000-00000000f119"),
        Some("d1a7c0de-0000-4000-8000-000000000017"),
        Some("d1a7c0de-0000-4000-8000-000000000001"),
        Some("311800000000000004"),
        Some("d1a7c0de-0000-4000-8000-00000000c10a"),
    ],
};

const fn user(name: &'static str, id: &'static str, decimal: &'static str) -> Fixture {
    let ids = [
        Some(id),
        Some(id),
        Some(id),
        Some(id),
        Some(decimal),
        Some(id),
    ];
    Fixture { name, key: id, ids }
}

/// What a vendor's id stands for; a text that is no fixture's id stands for itself.
pub(crate) fn canonical(list: &[Fixture], vendor: &str, text: &str) -> String {
    let meant = list.iter().find(|item| item.id_at(vendor) == Some(text));
    meant.map_or(text, |item| item.key).to_owned()
}

/// The value of each placeholder that exists in every case of a vendor, of a server at this address.
pub(crate) fn placeholders(vendor: &str, addr: SocketAddr) -> Vec<(String, String)> {
    let basic = STANDARD.encode(format!("apikey:{K}"));
    let ids = [&TENANTS[..], &PROVIDERS, &USERS].into_iter().flatten();
    let ids = ids.filter_map(|item| Some((item.name, item.id_at(vendor)?.to_owned())));
    let keys = [("K", K), ("R", R), ("L", L), ("Q", Q), ("BASIC", &basic)];
    let keys = keys.map(|(name, key)| (name, key.to_owned()));
    let origin = format!("http://{addr}");
    let proofs = [
        ("TOKEN_BASIC", STANDARD.encode(format!("super:{K}"))),
        ("ASSERTION", assertion(&origin, Duration::from_secs(3600))),
    ];
    let places = [("ORIGIN", origin), ("HOST", addr.to_string())];
    ids.chain(keys)
        .chain(places)
        .chain(proofs)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// What the client of K signs to get a token from the server of this origin.
pub(crate) fn assertion(origin: &str, lifetime: Duration) -> String {
    let now = now();
    let claims = serde_json::json!({
        "iss": BOT, "sub": BOT, "aud": origin, "iat": now, "exp": now + lifetime.as_secs(),
    });
    signed(&claims)
}

/// The time, as the server that is asked has it, in seconds since the epoch.
pub(crate) fn now() -> u64 {
    let millis = u64::try_from(clock::now().0).unwrap();
    millis / 1000
}

/// These claims, signed by the key of the client of K.
pub(crate) fn signed(claims: &serde_json::Value) -> String {
    let pem = include_str!("../../keys/test-only-rsa.pem");
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let key = EncodingKey::from_rsa_der(&STANDARD.decode(base64).unwrap());
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(KID.to_owned());
    jsonwebtoken::encode(&header, claims, &key).unwrap()
}

/// The body that links `subject` at P to `user`, as FusionAuth wants it.
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

#[test]
fn a_placeholder_speaks_the_words_of_its_vendor_and_back() {
    let addr = SocketAddr::from(([127, 0, 0, 1], 8080));
    let value = |vendor: &str, name: &str| {
        let values = placeholders(vendor, addr);
        let found = values.into_iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value)
    };
    assert_eq!(value("fusionauth", "T").as_deref(), Some(T));
    assert_eq!(value("flip", "T").as_deref(), Some("acme"));
    assert_eq!(value("zitadel", "A").as_deref(), Some("311800000000000001"));
    assert_eq!(value("ory", "A").as_deref(), Some(A));
    assert_eq!(value("fusionauth", "S"), None);
    assert_eq!(value("ory", "S").as_deref(), Some("corp-saml"));
    assert_eq!(
        value("ory", "ORIGIN").as_deref(),
        Some("http://127.0.0.1:8080")
    );
    assert_eq!(value("ory", "HOST").as_deref(), Some("127.0.0.1:8080"));
    for vendor in VENDORS {
        for list in [&TENANTS[..], &PROVIDERS, &USERS] {
            let mut ids: Vec<_> = list.iter().filter_map(|item| item.id_at(vendor)).collect();
            for item in list.iter().filter(|item| item.id_at(vendor).is_some()) {
                let id = item.id_at(vendor).unwrap();
                assert_eq!(canonical(list, vendor, id), item.key, "{vendor}");
            }
            ids.sort_unstable();
            ids.dedup();
            let all = list.iter().filter(|item| item.id_at(vendor).is_some());
            assert_eq!(ids.len(), all.count(), "an id means two things: {vendor}");
        }
    }
    assert_eq!(canonical(&TENANTS, "fusionauth", "other"), "other");
}
