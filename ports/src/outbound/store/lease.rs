//! Table 7, `leader_lease`.

use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::Timestamp;

use super::error::StoreError;

/// One term of a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The key of the lease: the name of a role, or `instance:<id>`.
    pub scope: String,
    /// The holder.
    pub holder: String,
    /// The instant from which another may acquire the lease, on the store's clock.
    pub expires_at: Timestamp,
    /// The fencing token: greater in every new term of the scope, and never given twice.
    pub token: u64,
}

/// The outcome of an attempt to acquire a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acquire {
    /// A new term began.
    Acquired(Lease),
    /// A term is running. It may be the caller's own, if an earlier response was lost.
    Held(Lease),
}

/// Leases by scope.
///
/// A store that several instances share measures time by its own clock, because their clocks differ: it
/// counts `ttl` from there and ignores `now`. A store of one instance uses `now`.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait LeaseTable: Send + Sync + 'static {
    /// Begins a term of `ttl` unless one is running.
    ///
    /// - **LEASE-1** Of any number of concurrent callers, exactly one MUST receive [`Acquire::Acquired`].
    /// - **LEASE-2** While a term with `expires_at > now` runs, it MUST return [`Acquire::Held`] to every
    ///   caller and change nothing.
    /// - **LEASE-3** The token of a new term MUST be greater than that of every earlier term of the scope,
    ///   released or expired, also after reopening. The first is 1.
    /// - **LEASE-4** A `ttl` of less than a millisecond is `InvalidInput`.
    async fn lease_acquire(
        &self,
        scope: &str,
        holder: &str,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Acquire, StoreError>;

    /// Extends a running term to `ttl` from now on and returns its new end. Returns `None` if the term does
    /// not run or is not the caller's.
    ///
    /// - **LEASE-5** Unless holder and token are those of the term, and `expires_at > now`, it MUST change
    ///   nothing.
    async fn lease_renew(
        &self,
        scope: &str,
        holder: &str,
        token: u64,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError>;

    /// Ends a term. Returns false if holder and token are not those of the row.
    ///
    /// - **LEASE-6** After it the scope MUST be free at once.
    async fn lease_release(&self, scope: &str, holder: &str, token: u64) -> Result<bool, StoreError>;

    /// Makes all later changes through this handle of the store part of a term. It must be called before the
    /// work of the term begins.
    ///
    /// - **LEASE-8** Once it is acknowledged, every change through a handle that is fenced with a lower token
    ///   of the same scope MUST be refused as `Unavailable` with `NotApplied`, even if its holder does not
    ///   know that its term is over; so MUST a later fence with a lower token. The fence is checked in the
    ///   atomic unit of the change. Handles without a fence, and those of other scopes, are not affected.
    ///   Reads may be refused as well.
    async fn lease_fence(&self, scope: &str, token: u64) -> Result<(), StoreError>;

    /// Returns the running term of a scope, if there is one.
    async fn lease_get(&self, scope: &str, now: Timestamp) -> Result<Option<Lease>, StoreError>;

    /// Returns all running terms.
    ///
    /// - **LEASE-7** They MUST be in the byte order of their scopes.
    async fn lease_list(&self, now: Timestamp) -> Result<Vec<Lease>, StoreError>;
}
