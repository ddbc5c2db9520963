//! Links made and read over TLS by hyper's client; and what the process says of its certificates.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::support::client::Client;
use super::super::support::fixtures::{A, K, LINK, create_body};
use super::{FIRST, Served};

impl Served {
    async fn open(&self, alpn: &str) -> TokioIo<TlsStream<tokio::net::TcpStream>> {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_file(&self.authority).unwrap();
        roots.add(root).unwrap();
        let mut config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        let stream = tokio::net::TcpStream::connect(self.addr).await.unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let name = FIRST.try_into().unwrap();
        TokioIo::new(connector.connect(name, stream).await.unwrap())
    }
}

fn request(method: &str, target: &str, body: &str) -> http::Request<Full<Bytes>> {
    http::Request::builder()
        .method(method)
        .uri(target)
        .header("Host", FIRST)
        .header("Authorization", K)
        .header("Content-Type", "application/json")
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .unwrap()
}

#[test]
fn a_link_that_is_made_over_http2_is_read_over_http1_and_without_tls() {
    let served = Served::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let target = format!("{LINK}?userId={A}");
    let read = runtime.block_on(async {
        let stream = served.open("h2").await;
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream)
            .await
            .unwrap();
        tokio::spawn(connection);
        let body = create_body(A, "ext-1", "Ann", "opaque").to_string();
        let mut made = request("POST", &format!("https://{FIRST}{LINK}"), &body);
        made.headers_mut().remove("host");
        let answer = sender.send_request(made).await.unwrap();
        assert_eq!(answer.status(), 200);

        let stream = served.open("http/1.1").await;
        let (mut sender, connection) = http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let answer = sender
            .send_request(request("GET", &target, ""))
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        answer.into_body().collect().await.unwrap().to_bytes()
    });
    let read: serde_json::Value = serde_json::from_slice(&read).unwrap();
    assert_eq!(
        read["identityProviderLinks"][0]["identityProviderUserId"],
        "ext-1"
    );
    let plain = Client::new(served.server.addr)
        .bare("GET", &target)
        .unwrap();
    assert_eq!(plain.json().unwrap(), read);
}

#[test]
fn the_start_tells_the_address_and_the_names_and_nothing_of_the_keys() {
    let served = Served::start();
    let log = served.server.log();
    let addr = served.addr;
    let line = format!(
        "listening at https://{addr} (HTTP/2 or HTTP/1.1) as {FIRST}, *.tenants.example.com"
    );
    assert!(log.contains(&line), "{log}");
    assert!(
        log.contains(&format!("dialect fusionauth at https://{addr}")),
        "{log}"
    );
    for key in &served.keys {
        let secret = key.lines().nth(1).unwrap();
        assert!(!log.contains(secret), "a key is in the log");
    }
}
