//! From an origin to a connection: resolve, check every address, connect to a checked one, TLS.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use http::uri::Scheme;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::stream::{Stream, speaks_http2};
use super::{Fault, Policy, Protocols, Resolve, Settings, Timeouts};

/// The most addresses of a name that are tried.
const MAX_TRIED: usize = 4;

/// Makes connections.
#[derive(Clone)]
pub(super) struct Connector(Arc<Inner>);

struct Inner {
    policy: Policy,
    resolver: Arc<dyn Resolve>,
    tls: Arc<ClientConfig>,
    protocols: Protocols,
    timeouts: Timeouts,
}

impl Connector {
    pub(super) fn new(
        resolver: Arc<dyn Resolve>,
        tls: Arc<ClientConfig>,
        settings: &Settings,
    ) -> Self {
        Self(Arc::new(Inner {
            policy: settings.policy.clone(),
            resolver,
            tls,
            protocols: settings.protocols,
            timeouts: settings.timeouts,
        }))
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Fault>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, origin: Uri) -> Self::Future {
        let inner = Arc::clone(&self.0);
        Box::pin(async move { inner.connect(&origin).await })
    }
}

impl Inner {
    async fn connect(&self, origin: &Uri) -> Result<Stream, Fault> {
        let is_https = origin.scheme() == Some(&Scheme::HTTPS);
        let host = origin.host().ok_or(Fault::Unresolved)?;
        // An IPv6 address stands in brackets there and nowhere else.
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = origin.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let addresses = self.checked(host).await?;
        let tcp = self.tcp(&addresses, port).await?;
        if is_https {
            self.tls(tcp, host).await
        } else {
            Ok(Stream::plain(tcp, self.protocols == Protocols::Http2))
        }
    }

    /// The addresses of a host. One that is not allowed spoils the name: who answers for it must not
    /// choose among our networks.
    async fn checked(&self, host: &str) -> Result<Vec<IpAddr>, Fault> {
        let addresses = match host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => timeout(self.timeouts.resolve, self.resolver.resolve(host))
                .await
                .map_err(|_| Fault::TimedOut("resolving the name"))?
                .map_err(|_| Fault::Unresolved)?,
        };
        if let Some(forbidden) = addresses.iter().find(|a| !self.policy.allows(**a)) {
            return Err(Fault::ForbiddenAddress(*forbidden));
        }
        Ok(addresses)
    }

    async fn tcp(&self, addresses: &[IpAddr], port: u16) -> Result<TcpStream, Fault> {
        let mut fault = Fault::Unresolved;
        for address in addresses.iter().take(MAX_TRIED) {
            let connecting = TcpStream::connect(SocketAddr::new(*address, port));
            match timeout(self.timeouts.connect, connecting).await {
                Ok(Ok(tcp)) => {
                    // Small requests that are waited for: delays help nobody. Without it, it works too.
                    let _ = tcp.set_nodelay(true);
                    return Ok(tcp);
                }
                Ok(Err(_)) => fault = Fault::Unreachable,
                Err(_) => fault = Fault::TimedOut("connecting"),
            }
        }
        Err(fault)
    }

    async fn tls(&self, tcp: TcpStream, host: &str) -> Result<Stream, Fault> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Fault::Tls("the host is no name for a certificate".to_owned()))?;
        let handshake = TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp);
        let tls = timeout(self.timeouts.tls, handshake)
            .await
            .map_err(|_| Fault::TimedOut("the TLS handshake"))?
            .map_err(|error| Fault::Tls(error.to_string()))?;
        if self.protocols == Protocols::Http2 && !speaks_http2(&tls) {
            return Err(Fault::Tls("the peer has not chosen HTTP/2".to_owned()));
        }
        Ok(Stream::tls(tls))
    }
}
