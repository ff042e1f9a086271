//! A resolver of names that returns public addresses only.
//!
//! Addresses are checked at the moment of connecting, because a name that was harmless when it was configured
//! may resolve to an address of the private network later, by mistake or on purpose (DNS rebinding).

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec::IntoIter;

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use super::address::is_public;

/// A resolver that hides addresses that are not public.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GuardedResolver {
    /// True if it hides nothing.
    pub allow_private: bool,
}

/// A name whose addresses are all private.
#[derive(Debug)]
pub(crate) struct OnlyPrivate;

impl fmt::Display for OnlyPrivate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "its name resolves to no public address: set `allow_private` if the receiver is meant to be inside your \
             own network",
        )
    }
}

impl std::error::Error for OnlyPrivate {}

impl Service<Name> for GuardedResolver {
    type Response = IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let kept: Vec<SocketAddr> =
                found.filter(|address| allow_private || is_public(address.ip())).collect();
            if kept.is_empty() && !allow_private {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, OnlyPrivate));
            }
            Ok(kept.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolve(name: &str, allow_private: bool) -> io::Result<Vec<SocketAddr>> {
        let mut resolver = GuardedResolver { allow_private };
        resolver.call(name.parse().unwrap()).await.map(Iterator::collect)
    }

    #[tokio::test]
    async fn private_address_of_a_name_is_hidden_unless_allowed() {
        let error = resolve("localhost", false).await.unwrap_err();
        assert!(error.to_string().contains("allow_private"), "{error}");
        assert!(!resolve("localhost", true).await.unwrap().is_empty());
    }
}
