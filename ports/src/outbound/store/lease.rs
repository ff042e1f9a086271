//! Table 7, `leader_lease`.

use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::Timestamp;

use super::error::StoreError;

/// One term of leadership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What is led.
    pub scope: String,
    /// Who leads.
    pub holder: String,
    /// From when on another may lead, on the store's clock.
    pub expires_at: Timestamp,
    /// The fencing token: greater in every new term of the scope, and never given twice.
    pub token: u64,
}

/// What became of an attempt to lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acquire {
    /// A new term began.
    Acquired(Lease),
    /// A term is running; it may be the caller's own, whose answer was lost.
    Held(Lease),
}

/// Leadership of named scopes.
///
/// A store that several instances share judges time by its own clock, because theirs differ: it takes `ttl` from there and
/// does not look at `now`. A store of one instance takes `now`.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait LeaseTable: Send + Sync + 'static {
    /// Begins a term of `ttl` when none is running.
    ///
    /// - **LEASE-1** Of any number of callers at once, one MUST be answered [`Acquire::Acquired`].
    /// - **LEASE-2** A term with `expires_at > now` MUST answer [`Acquire::Held`], whoever asks, and change nothing.
    /// - **LEASE-3** The token of a new term MUST be greater than that of every earlier term of the scope, released or
    ///   expired, also after reopening. The first is 1.
    /// - **LEASE-4** A `ttl` of less than a millisecond is `InvalidInput`.
    async fn lease_acquire(
        &self,
        scope: &str,
        holder: &str,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Acquire, StoreError>;

    /// Extends a running term to `ttl` from now on and answers when it will end; none when it does not run, or is not this
    /// one.
    ///
    /// - **LEASE-5** It MUST change nothing unless holder and token are those of the term, and `expires_at > now`.
    async fn lease_renew(
        &self,
        scope: &str,
        holder: &str,
        token: u64,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError>;

    /// Ends a term; false when holder and token are not those of the row.
    ///
    /// - **LEASE-6** After it the scope MUST be free at once.
    async fn lease_release(&self, scope: &str, holder: &str, token: u64) -> Result<bool, StoreError>;

    /// Makes all later changes through this handle of the store part of a term; call it before the work that the term is for.
    ///
    /// - **LEASE-8** From its acknowledgement on, every change through a handle that is fenced with a lower token of the
    ///   same scope MUST be refused as `Unavailable` with `NotApplied`, whether or not its holder knows that its term is
    ///   over; and so MUST a later fence with a lower token. The fence and the change are looked at in one atomic unit.
    ///   Handles without a fence, and those of other scopes, are not affected. Reads may be refused as well.
    async fn lease_fence(&self, scope: &str, token: u64) -> Result<(), StoreError>;

    /// The running term of a scope, or none.
    async fn lease_get(&self, scope: &str, now: Timestamp) -> Result<Option<Lease>, StoreError>;

    /// All running terms.
    ///
    /// - **LEASE-7** They MUST come in the byte order of their scopes.
    async fn lease_list(&self, now: Timestamp) -> Result<Vec<Lease>, StoreError>;
}
