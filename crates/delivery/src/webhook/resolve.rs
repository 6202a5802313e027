//! Names become addresses once, here, and only those that may be connected to leave: what is connected to is what was
//! checked, so that a name which means something else a moment later gains nothing.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::{Allowed, Forbidden};

/// Asks what the addresses of a name are.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// All of them.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver.
#[derive(Clone, Copy, Debug)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// A name has no address that may be connected to.
#[derive(Debug, thiserror::Error)]
#[error("{address} is not allowed: it is {why}")]
pub(super) struct Refused {
    pub(super) address: IpAddr,
    pub(super) why: Forbidden,
}

/// The resolver that the HTTP client is given.
pub(super) struct Guarded {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) allowed: Allowed,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, allowed) = (Arc::clone(&self.lookup), self.allowed.clone());
        Box::pin(async move {
            let found = lookup.addresses(name.as_str()).await?;
            let kept = kept(&allowed, &found)?;
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

/// Those that may be connected to; an error where there are none.
fn kept(
    allowed: &Allowed,
    found: &[IpAddr],
) -> Result<Vec<SocketAddr>, Box<dyn std::error::Error + Send + Sync>> {
    let mut refused = None;
    let mut kept = Vec::new();
    for address in found {
        match allowed.check(*address) {
            // The client puts the port in.
            Ok(()) => kept.push(SocketAddr::new(*address, 0)),
            Err(why) => {
                refused = Some(Refused {
                    address: *address,
                    why,
                });
            }
        }
    }
    match (kept.is_empty(), refused) {
        (false, _) => Ok(kept),
        (true, Some(refused)) => Err(refused.into()),
        (true, None) => Err("it has no address".into()),
    }
}
