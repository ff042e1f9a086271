//! Rate limits, and the back-off of log-ins.

use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::Timestamp;

use super::error::StoreError;

/// The decision of a rate limit on one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateDecision {
    /// True if the request may pass.
    pub allowed: bool,
    /// The number of requests that may still pass in this window.
    pub remaining: u32,
    /// The time until a new window begins, or zero if the request may pass.
    pub retry_after: Duration,
}

/// The decision on an attempt to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginAttempt {
    /// The password may be checked. The attempt counts as failed until [`RateLimits::login_succeeded`].
    Allowed,
    /// The attempt must wait this long.
    Wait(Duration),
}

/// Counters that expire.
///
/// As with leases, a store that several instances share measures time by its own clock and ignores `now`.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait RateLimits: Send + Sync + 'static {
    /// Counts one request of `key` against `limit` per `window`.
    ///
    /// - **RATE-1** Of any number of concurrent callers, no more than `limit` MUST pass in one window. A
    ///   window begins with the first request after the last one ended, and ends `window` later, that instant
    ///   excluded.
    /// - **RATE-2** A request that may not pass MUST NOT be counted, and `retry_after` MUST be the rest of
    ///   the window.
    /// - **RATE-3** A `limit` of 0, or a `window` of less than a millisecond, is `InvalidInput`.
    async fn rate_limit_hit(
        &self,
        key: &str,
        limit: u32,
        window: Duration,
        now: Timestamp,
    ) -> Result<RateDecision, StoreError>;

    /// Reserves an attempt to log in from `address`, before the password is checked.
    ///
    /// - **LOGIN-1** Each allowed attempt MUST count as one more failure in a row. After the `n`th the next
    ///   has to wait [`miroir_domain::admin_session::login_wait`]`(n)` from that attempt on. Concurrent
    ///   attempts count one by one.
    /// - **LOGIN-2** An attempt that has to wait MUST NOT count.
    /// - **LOGIN-3** Failures MUST be forgotten once twice
    ///   [`miroir_domain::admin_session::LONGEST_LOGIN_WAIT`] has passed since the last allowed attempt.
    async fn login_attempt(&self, address: &str, now: Timestamp) -> Result<LoginAttempt, StoreError>;

    /// Forgets the failures of `address`, because a log-in from it succeeded.
    async fn login_succeeded(&self, address: &str) -> Result<(), StoreError>;

    /// Removes up to `limit` counters that no longer count at `now` and returns their number.
    async fn rate_limit_purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
