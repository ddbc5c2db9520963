//! From a name to addresses.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

/// The addresses of a name, when they have been found.
pub type Resolved<'a> = Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Finds the addresses of names.
pub trait Resolve: Send + Sync {
    /// Every address of `name`, in the order in which they are to be tried.
    fn resolve<'a>(&'a self, name: &'a str) -> Resolved<'a>;
}

/// Resolves as the system does.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Resolve for System {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolved<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}
