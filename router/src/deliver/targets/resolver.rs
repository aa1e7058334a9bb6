//! [`Resolver`]: names to addresses, past the [`Guard`].
//!
//! It hands out addresses and the connector connects to those very ones, so that a name that leads somewhere else a
//! moment later changes nothing.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec;

use futures::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use super::guard::Guard;

/// What asks for a name's addresses.
pub(super) type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Resolves one target's name.
#[derive(Clone)]
pub(super) struct Resolver {
    guard: Arc<Guard>,
    lookup: Lookup,
}

/// All that a name resolves to is out of bounds.
#[derive(Debug, thiserror::Error)]
#[error("{name} resolves to {address}, which is not public: allow the range in [router] allow_targets")]
pub(super) struct Refused {
    name: String,
    address: IpAddr,
}

impl Resolver {
    /// Returns a resolver that keeps to what a guard lets through.
    pub(super) fn new(guard: Guard, lookup: Lookup) -> Self {
        Self { guard: Arc::new(guard), lookup }
    }
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let guard = Arc::clone(&self.guard);
        let addresses = (self.lookup)(name.as_str().to_owned());
        Box::pin(async move {
            let (open, refused): (Vec<_>, Vec<_>) =
                addresses.await?.into_iter().partition(|address| guard.lets_through(*address));
            match refused.first() {
                Some(&address) if open.is_empty() => {
                    Err(Refused { name: name.as_str().to_owned(), address }.into())
                }
                // The connector puts the port in.
                _ => Ok(open
                    .into_iter()
                    .map(|address| SocketAddr::new(address, 0))
                    .collect::<Vec<_>>()
                    .into_iter()),
            }
        })
    }
}

/// Returns the lookup that asks the system.
pub(super) fn system() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}
