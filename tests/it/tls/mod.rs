//! A listener with TLS, judged by programs that are not ours: curl, OpenSSL's own client, and hyper over rustls.

mod asks;
mod authority;
mod clients;
mod judges;
mod malformed;
mod mutual;

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_RSA_SHA256, SignatureAlgorithm,
};

use super::support::config::Profile;
use super::support::server::{Server, free_port};

/// The name of the first certificate, whose key is one of elliptic curves.
pub(crate) const FIRST: &str = "links.example.com";
/// A name that the second certificate covers with a wildcard. Its key is one of RSA's.
const SECOND: &str = "a.tenants.example.com";

/// A server with two certificates of one authority.
pub(crate) struct Served {
    pub(crate) server: Server,
    pub(crate) addr: SocketAddr,
    /// The certificate of the authority.
    pub(crate) authority: PathBuf,
    /// The private keys, as they stand in their files.
    keys: Vec<String>,
    _dir: tempfile::TempDir,
}

impl Served {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Else it has the name that its certificates have, and OpenSSL takes each for its own issuer.
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "authority of the tests");
        let key = KeyPair::generate().unwrap();
        let authority = dir.path().join("authority.pem");
        std::fs::write(&authority, params.self_signed(&key).unwrap().pem()).unwrap();
        let issuer = Issuer::new(params, key);
        let (mut certificates, mut keys) = (Vec::new(), Vec::new());
        for (names, algorithm) in [
            (&[FIRST, "127.0.0.1"][..], &PKCS_ECDSA_P256_SHA256),
            (&["*.tenants.example.com"], &PKCS_RSA_SHA256),
        ] {
            let (row, key) = pair(dir.path(), &issuer, names, algorithm);
            certificates.push(row);
            keys.push(key);
        }
        let port = free_port();
        let profile = Profile {
            open_users: true,
            tls: Some((port, format!("[{}]", certificates.join(", ")))),
            ..Profile::default()
        };
        Self {
            server: Server::start(&profile).unwrap(),
            addr: (Ipv4Addr::LOCALHOST, port).into(),
            authority,
            keys,
            _dir: dir,
        }
    }
}

/// Writes a certificate and its key; gives their line of the configuration, and the key.
fn pair(
    dir: &Path,
    issuer: &Issuer<'_, KeyPair>,
    names: &[&str],
    algorithm: &'static SignatureAlgorithm,
) -> (String, String) {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let params = CertificateParams::new(names.clone()).unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    let file = |kind: &str| dir.join(format!("{}.{kind}", names[0].trim_start_matches("*.")));
    let (chain_file, key_file) = (file("chain"), file("key"));
    std::fs::write(&chain_file, certificate.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let row = format!(
        "{{ chain = \"file:{}\", key = \"file:{}\" }}",
        chain_file.display(),
        key_file.display()
    );
    (row, key.serialize_pem())
}
