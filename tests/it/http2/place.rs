//! Where scripts are played: the real binary, in clear text by prior knowledge and over TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::case::Case;
use super::script::Words;
use super::wire::{Io, play};
use crate::support::fixtures::{A, K, LINK};
use crate::tls::{FIRST, Served};

/// How a server is reached.
#[derive(Clone)]
pub(super) enum Way {
    Clear(SocketAddr),
    Tls(SocketAddr, TlsConnector),
}

impl Way {
    pub(super) fn tls(served: &Served) -> Self {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_file(&served.authority).unwrap();
        roots.add(root).unwrap();
        let mut config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Way::Tls(served.addr, TlsConnector::from(Arc::new(config)))
    }

    fn scheme(&self) -> &'static str {
        match self {
            Way::Clear(_) => "http",
            Way::Tls(..) => "https",
        }
    }

    async fn open(&self) -> Result<Box<dyn Io>, String> {
        let tcp = |addr: SocketAddr| async move {
            let stream = TcpStream::connect(addr).await;
            let stream = stream.map_err(|e| format!("no connection: {e}"))?;
            stream.set_nodelay(true).map_err(|e| e.to_string())?;
            Ok::<_, String>(stream)
        };
        match self {
            Way::Clear(addr) => Ok(Box::new(tcp(*addr).await?)),
            Way::Tls(addr, connector) => {
                let name = FIRST.try_into().unwrap();
                let stream = connector.connect(name, tcp(*addr).await?).await;
                Ok(Box::new(stream.map_err(|e| format!("no TLS: {e}"))?))
            }
        }
    }

    /// Plays a case.
    pub(super) async fn play(&self, case: &Case, scale: usize) -> Result<(), String> {
        let words = words(self.scheme());
        play(
            self.open().await?,
            &words,
            case.opening,
            &case.script,
            scale,
        )
        .await
    }
}

/// Requests that are answered with 200 and with 4xx, all of a client that may ask.
fn words(scheme: &str) -> Words {
    let common = format!(":scheme={scheme} :authority={FIRST} authorization={K}");
    Words::from([
        ("key", K.to_owned()),
        ("link", LINK.to_owned()),
        ("user", A.to_owned()),
        (
            "get",
            format!(":method=GET :path={LINK}?userId={A} {common}"),
        ),
        (
            "head",
            format!(":method=HEAD :path={LINK}?userId={A} {common}"),
        ),
        (
            "pass",
            format!(":scheme={scheme} :authority=front.example authorization=Bearer\\x20{K}"),
        ),
        (
            "post",
            format!(":method=POST :path={LINK} {common} content-type=application/json"),
        ),
    ])
}
