//! TLS: who is called must prove it, and chooses between HTTP/2 and HTTP/1.1.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use linkbridge::outbound::{Client, Fault, Roots, Settings};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

use super::addresses::{Says, get, settings};

const NAME: &str = "login.example.com";

/// A server with a certificate of its own for this name; it answers the version that was spoken.
pub(crate) fn serve(name: &str, alpn: &[&str]) -> (SocketAddr, Vec<u8>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let pem = cert.pem().into_bytes();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
            while let Ok((tcp, _)) = listener.accept().await {
                if let Ok(tls) = acceptor.accept(tcp).await {
                    let _ = speak(tls).await;
                }
            }
        });
    });
    (address, pem)
}

async fn speak(tls: tokio_rustls::server::TlsStream<tokio::net::TcpStream>) -> hyper::Result<()> {
    let is_http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
    let answer = service_fn(|request: http::Request<hyper::body::Incoming>| async move {
        let version = format!("{:?}", request.version());
        Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(Bytes::from(version))))
    });
    let io = TokioIo::new(tls);
    if is_http2 {
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(io, answer)
            .await
    } else {
        hyper::server::conn::http1::Builder::new()
            .serve_connection(io, answer)
            .await
    }
}

fn client(roots: Roots) -> Client {
    let settings = Settings {
        roots,
        ..settings(&["127.0.0.1"])
    };
    Client::with_resolver(&settings, Says::new(&[&["127.0.0.1"]])).unwrap()
}

fn spoken(client: &Client, port: u16) -> Result<String, Fault> {
    let answer = get(client, &format!("https://{NAME}:{port}/"))?;
    Ok(String::from_utf8(answer.body.to_vec()).unwrap())
}

#[test]
fn the_peer_chooses_what_is_spoken() {
    for (alpn, version) in [
        (&["h2", "http/1.1"][..], "HTTP/2.0"),
        (&["http/1.1"], "HTTP/1.1"),
        (&[], "HTTP/1.1"),
    ] {
        let (address, pem) = serve(NAME, alpn);
        let client = client(Roots::Pem(pem));
        assert_eq!(
            spoken(&client, address.port()).as_deref(),
            Ok(version),
            "{alpn:?}"
        );
    }
}

#[test]
fn who_cannot_prove_its_name_is_not_spoken_to() {
    let (address, pem) = serve(NAME, &["h2"]);
    let (other, other_pem) = serve("other.example.com", &["h2"]);
    let is_tls = |found: Result<String, Fault>| matches!(found, Err(Fault::Tls(_)));
    // Not trusted by the system, not trusted by these roots, trusted for another name.
    assert!(is_tls(spoken(&client(Roots::System), address.port())));
    assert!(is_tls(spoken(
        &client(Roots::Pem(other_pem.clone())),
        address.port()
    )));
    assert!(is_tls(spoken(&client(Roots::Pem(other_pem)), other.port())));
    assert!(spoken(&client(Roots::Pem(pem)), address.port()).is_ok());
}

#[test]
fn who_speaks_no_tls_is_told_so() {
    use crate::bearer::idp::{Does, Idp};
    let idp = Idp::start(Does::Answers(400, String::new(), String::new()));
    let found = spoken(&client(Roots::System), idp.addr.port());
    // Waits for a head that the handshake does not bring, or reads an answer that is no handshake.
    assert!(
        matches!(found, Err(Fault::Tls(_) | Fault::TimedOut(_))),
        "{found:?}"
    );
}

#[test]
fn roots_are_certificates() {
    for bad in [
        &b""[..],
        b"x",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        assert!(Roots::check(bad).is_err());
    }
}
