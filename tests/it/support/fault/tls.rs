//! The same behind TLS: who it claims to be, and whom it asks for a certificate.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, LazyLock};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::{Act, Fault, Wire};

/// What the server shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    /// A good certificate for 127.0.0.1, of the authority.
    Good,
    /// One that ended long ago.
    Expired,
    /// One for another name.
    OtherName,
    /// One of an authority that nobody trusts.
    Untrusted,
}

/// The authority, in PEM: what a client is to trust.
pub(crate) fn roots() -> Vec<u8> {
    AUTHORITY.pem.clone().into_bytes()
}

/// A certificate of the authority for a client, with its key, both in PEM.
pub(crate) fn client() -> (Vec<u8>, Vec<u8>) {
    let (certificate, key) = AUTHORITY.issue("client.example", false);
    (
        certificate.pem().into_bytes(),
        key.serialize_pem().into_bytes(),
    )
}

/// A server that shows this and does this. With `asks`, it wants a certificate of the authority.
pub(crate) fn start(shows: Shows, asks: bool, script: Vec<Act>) -> Fault {
    let stranger = Authority::new();
    let (certificate, key) = match shows {
        Shows::Good => AUTHORITY.issue("127.0.0.1", false),
        Shows::Expired => AUTHORITY.issue("127.0.0.1", true),
        Shows::OtherName => AUTHORITY.issue("other.example", false),
        Shows::Untrusted => stranger.issue("127.0.0.1", false),
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if asks {
        let mut trusted = RootCertStore::empty();
        trusted.add(AUTHORITY.der.clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(trusted), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = builder
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let config = Arc::new(config);
    Fault::start_over("https", script, move |tcp| {
        let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        Some(StreamOwned::new(tls, tcp))
    })
}

impl Wire for StreamOwned<ServerConnection, TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref()
    }

    fn bye(&mut self) {
        self.conn.send_close_notify();
        let _ = self.flush();
        let _ = self.sock.read(&mut [0; 64]);
    }
}

static AUTHORITY: LazyLock<Authority> = LazyLock::new(Authority::new);

struct Authority {
    pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "authority of the tests");
        let key = KeyPair::generate().unwrap();
        let own = params.self_signed(&key).unwrap();
        Self {
            pem: own.pem(),
            der: own.der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    fn issue(&self, name: &str, is_over: bool) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if is_over {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}
