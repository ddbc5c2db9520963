//! Who resumes is not verified again: what a ticket still proves, and what it does not.

use std::sync::Arc;
use std::time::Duration;

use rcgen::PKCS_ECDSA_P256_SHA256;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, HandshakeKind, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::testing::{Authority, Pair};
use super::*;

const NAME: &str = "links.example.com";

/// A client that keeps its tickets.
fn client(authority: &Authority, own: &Pair, tls12: bool) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap();
    roots.add(root).unwrap();
    let versions: &[_] = if tls12 {
        &[&version::TLS12]
    } else {
        &[&version::TLS13]
    };
    let chain = CertificateDer::pem_slice_iter(own.chain.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
    let config = ClientConfig::builder_with_protocol_versions(versions)
        .with_root_certificates(roots)
        .with_client_auth_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    TlsConnector::from(Arc::new(config))
}

/// How a handshake went, and whether the client has proven who it is.
async fn meet(tls: &Tls, client: &TlsConnector) -> Result<(HandshakeKind, bool), std::io::Error> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let asks = async {
        let mut stream = client.connect(NAME.try_into().unwrap(), far).await?;
        // Tickets come with what is read.
        let _ = stream.read(&mut [0; 1]).await;
        std::io::Result::Ok(())
    };
    let serves = async {
        let mut accepted = tls.accept(near).await?;
        accepted.stream.write_all(b"x").await?;
        accepted.stream.flush().await?;
        let kind = accepted.stream.get_ref().1.handshake_kind();
        std::io::Result::Ok((kind.unwrap(), accepted.proof.is_some()))
    };
    let (_, served) = tokio::join!(asks, serves);
    served
}

fn trusting(authority: &Authority, required: bool) -> Option<ClientTrust> {
    Some(ClientTrust::read(&authority.pem, "", required).unwrap())
}

#[tokio::test]
async fn a_ticket_from_when_clients_were_asked_proves_nothing_when_they_are_not() {
    let authority = Authority::new();
    let (server, own) = (authority.sign(&[NAME]), authority.sign(&["client"]));
    for tls12 in [false, true] {
        let client = client(&authority, &own, tls12);
        let trust = trusting(&authority, false);
        let asking = Tls::new(vec![server.identity()], trust).unwrap();
        assert_eq!(
            meet(&asking, &client).await.unwrap(),
            (HandshakeKind::Full, true)
        );
        let resumed = meet(&asking, &client).await.unwrap();
        assert_eq!(resumed, (HandshakeKind::Resumed, true));
        let silent = Tls::new(vec![server.identity()], None).unwrap();
        let silent = silent.with_tickets_of(&asking);
        assert!(!meet(&silent, &client).await.unwrap().1);
    }
}

#[tokio::test]
async fn what_was_proven_holds_as_long_as_it_would_be_taken() {
    let (authority, another) = (Authority::new(), Authority::new());
    let (server, own) = (authority.sign(&[NAME]), authority.sign(&["client"]));
    let tls = |trust| Tls::new(vec![server.identity()], trust).unwrap();
    let then = tls(trusting(&authority, true));
    let client = client(&authority, &own, false);
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (_open, accepted) = tokio::join!(
        client.connect(NAME.try_into().unwrap(), far),
        then.accept(near)
    );
    let proof = accepted.unwrap().proof.unwrap();
    for _ in 0..2 {
        assert!(then.still_trusts(&proof));
        assert!(tls(trusting(&authority, false)).still_trusts(&proof));
        assert!(!tls(trusting(&another, false)).still_trusts(&proof));
        assert!(!tls(None).still_trusts(&proof));
    }
}

/// The end of 2069, and a day.
#[derive(Debug)]
struct TooLate;

impl TimeProvider for TooLate {
    fn current_time(&self) -> Option<UnixTime> {
        let time = Duration::from_secs(3_155_673_600 + 86_400);
        Some(UnixTime::since_unix_epoch(time))
    }
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_not_good_because_of_a_ticket() {
    let authority = Authority::new();
    let server = authority.sign(&[NAME]);
    let own = authority.sign_with(&["client"], &PKCS_ECDSA_P256_SHA256, |params| {
        params.not_after = rcgen::date_time_ymd(2069, 12, 31);
    });
    for tls12 in [false, true] {
        let client = client(&authority, &own, tls12);
        let trust = trusting(&authority, true);
        let now = Tls::new(vec![server.identity()], trust).unwrap();
        assert_eq!(
            meet(&now, &client).await.unwrap(),
            (HandshakeKind::Full, true)
        );
        let mut config = ServerConfig::clone(now.acceptor.config());
        config.time_provider = Arc::new(TooLate);
        let later = Tls {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            ..now
        };
        assert!(meet(&later, &client).await.is_err());
    }
}
