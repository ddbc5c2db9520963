//! An authority of the tests, and the certificates of clients that it and others have signed.

use std::collections::HashMap;
use std::fmt::Write as _;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use sha2::{Digest as _, Sha256};

/// An authority with its certificate.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(super) pem: String,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    pub(super) fn sign(&self, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        Pair {
            chain: signed.pem(),
            key: key.serialize_pem(),
            sha256: hex(&Sha256::digest(signed.der())),
        }
    }
}

/// A certificate with its key.
pub(super) struct Pair {
    pub(super) chain: String,
    pub(super) key: String,
    pub(super) sha256: String,
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

pub(super) fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

/// Every certificate that a case can name.
pub(super) fn certificates(trusted: &Authority) -> HashMap<&'static str, Pair> {
    let named = |names: &[&str]| {
        let names: Vec<SanType> = names.iter().map(|name| dns(name)).collect();
        trusted.sign(|params| params.subject_alt_names = names)
    };
    let uri = SanType::URI("spiffe://example.com/billing".try_into().unwrap());
    HashMap::from([
        ("by-dns", named(&["SVC-billing.example.com"])),
        ("by-hash", named(&[])),
        ("bound", named(&["bound.example.com"])),
        ("unknown", named(&["unknown.example.com"])),
        (
            "two-names",
            named(&["svc-billing.example.com", "bound.example.com"]),
        ),
        ("by-uri", trusted.sign(|p| p.subject_alt_names = vec![uri])),
        (
            "revoked",
            trusted.sign(|params| {
                params.subject_alt_names = vec![dns("svc-billing.example.com")];
                params.serial_number = Some(SerialNumber::from(4242));
            }),
        ),
        (
            "expired",
            trusted.sign(|params| {
                params.subject_alt_names = vec![dns("svc-billing.example.com")];
                params.not_before = date_time_ymd(2019, 1, 1);
                params.not_after = date_time_ymd(2020, 1, 1);
            }),
        ),
        (
            "for-servers",
            trusted.sign(|params| {
                params.subject_alt_names = vec![dns("svc-billing.example.com")];
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            }),
        ),
        (
            "strange",
            Authority::new("a stranger").sign(|params| {
                params.subject_alt_names = vec![dns("svc-billing.example.com")];
            }),
        ),
    ])
}

pub(super) fn revocations(trusted: &Authority) -> String {
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2024, 1, 1),
        next_update: date_time_ymd(2099, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from(4242),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(&trusted.issuer).unwrap().pem().unwrap()
}
