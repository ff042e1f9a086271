//! Rate limits, and how often somebody may try to log in.

use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::Timestamp;

use super::error::StoreError;

/// What a rate limit says to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateDecision {
    /// Whether it may pass.
    pub allowed: bool,
    /// How many more may pass in this window.
    pub remaining: u32,
    /// How long until a new window begins; zero when the request may pass.
    pub retry_after: Duration,
}

/// What an attempt to log in may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginAttempt {
    /// Look at the password. The attempt counts as failed until [`RateLimits::login_succeeded`].
    Allowed,
    /// Come back later.
    Wait(Duration),
}

/// Counters that forget by themselves.
///
/// As with leases, a store that several instances share judges time by its own clock and does not look at `now`.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait RateLimits: Send + Sync + 'static {
    /// Counts one request of `key` against `limit` per `window`.
    ///
    /// - **RATE-1** Of any number of callers at once, no more than `limit` MUST pass in one window. A window begins
    ///   with the first request after the last one ended, and ends `window` later, that instant excluded.
    /// - **RATE-2** A request that may not pass MUST NOT be counted, and `retry_after` MUST be what is left of the window.
    /// - **RATE-3** A `limit` of 0, or a `window` of less than a millisecond, is `InvalidInput`.
    async fn rate_limit_hit(
        &self,
        key: &str,
        limit: u32,
        window: Duration,
        now: Timestamp,
    ) -> Result<RateDecision, StoreError>;

    /// Reserves an attempt to log in from `address`, before the password is looked at.
    ///
    /// - **LOGIN-1** Each allowed attempt MUST count as one more failure in a row; after the `n`th the next has to wait
    ///   [`miroir_domain::admin_session::login_wait`]`(n)` from that attempt on. Attempts at once count one by one.
    /// - **LOGIN-2** An attempt that has to wait MUST NOT count.
    /// - **LOGIN-3** Failures MUST be forgotten when twice [`miroir_domain::admin_session::LONGEST_LOGIN_WAIT`] went by
    ///   since the last allowed attempt.
    async fn login_attempt(&self, address: &str, now: Timestamp) -> Result<LoginAttempt, StoreError>;

    /// Forgets the failures of `address`, because somebody logged in.
    async fn login_succeeded(&self, address: &str) -> Result<(), StoreError>;

    /// Removes up to `limit` counters that say nothing any more at `now`; answers how many.
    async fn rate_limit_purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
