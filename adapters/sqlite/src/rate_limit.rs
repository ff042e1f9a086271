//! Rate limits, and the back-off of log-ins.

use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::admin_session::{LONGEST_LOGIN_WAIT, login_wait};
use miroir_domain::row::{check_positive, check_span};
use miroir_ports::outbound::{LoginAttempt, RateDecision, RateLimits, StoreError};

use crate::error::Failure;
use crate::row::{Column, Reader, Row};
use crate::statement::{change, one};
use crate::store::SqliteStore;

// The columns of `rate_limit_get.sql`.
const KEY: Column = Column(0, "key");
const HITS: Column = Column(1, "hits");
const EXPIRES_AT: Column = Column(2, "expires_at");
// The columns of `login_failure_get.sql`.
const ADDRESS: Column = Column(0, "address");
const FAILURES: Column = Column(1, "failures");
const FAILED_AT: Column = Column(2, "failed_at");

/// The requests of one window.
struct Window {
    hits: u32,
    ends_at: Timestamp,
}

impl Row for Window {
    const TABLE: &'static str = "rate_limits";
    const KEY: &'static [Column] = &[KEY];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self { hits: reader.get(HITS)?, ends_at: reader.time_always(EXPIRES_AT)? })
    }
}

/// The failed attempts to log in from an address, and those whose outcome is still open.
struct Failures {
    count: u32,
    last_at: Timestamp,
}

impl Row for Failures {
    const TABLE: &'static str = "login_failures";
    const KEY: &'static [Column] = &[ADDRESS];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self { count: reader.get(FAILURES)?, last_at: reader.time_always(FAILED_AT)? })
    }
}

#[async_trait]
impl RateLimits for SqliteStore {
    async fn rate_limit_hit(
        &self,
        key: &str,
        limit: u32,
        window: Duration,
        now: Timestamp,
    ) -> Result<RateDecision, StoreError> {
        check_positive("a rate limit", limit.into())?;
        check_span("the window of a rate limit", window)?;
        let key = key.to_owned();
        self.write(move |connection| {
            let last: Option<Window> =
                one(connection, include_str!("sql/rate_limit_get.sql"), [key.as_str()])?;
            let running = last.filter(|last| now < last.ends_at);
            let Window { hits, ends_at } = running.unwrap_or(Window { hits: 0, ends_at: now.plus(window) });
            if hits >= limit {
                let retry_after = ends_at.since(now);
                return Ok(RateDecision { allowed: false, remaining: 0, retry_after });
            }
            let params = (key.as_str(), hits + 1, ends_at.as_millis());
            change(connection, include_str!("sql/rate_limit_upsert.sql"), params)?;
            Ok(RateDecision { allowed: true, remaining: limit - hits - 1, retry_after: Duration::ZERO })
        })
        .await
    }

    async fn login_attempt(&self, address: &str, now: Timestamp) -> Result<LoginAttempt, StoreError> {
        let address = address.to_owned();
        self.write(move |connection| {
            let stored: Option<Failures> =
                one(connection, include_str!("sql/login_failure_get.sql"), [address.as_str()])?;
            let counting = stored.filter(|failures| forgotten_before(now) < failures.last_at);
            let Failures { count, last_at } = counting.unwrap_or(Failures { count: 0, last_at: now });
            let again_at = last_at.plus(login_wait(count));
            if now < again_at {
                return Ok(LoginAttempt::Wait(again_at.since(now)));
            }
            let params = (address.as_str(), count.saturating_add(1), now.as_millis());
            change(connection, include_str!("sql/login_failure_upsert.sql"), params)?;
            Ok(LoginAttempt::Allowed)
        })
        .await
    }

    async fn login_succeeded(&self, address: &str) -> Result<(), StoreError> {
        let address = address.to_owned();
        self.write(move |connection| {
            change(connection, include_str!("sql/login_failure_delete.sql"), [address.as_str()])?;
            Ok(())
        })
        .await
    }

    async fn rate_limit_purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write(move |connection| {
            let params = (now.as_millis(), limit);
            let windows = change(connection, include_str!("sql/rate_limit_purge.sql"), params)?;
            let left = u32::try_from(u64::from(limit).saturating_sub(windows)).unwrap_or(0);
            let params = (forgotten_before(now).as_millis(), left);
            Ok(windows + change(connection, include_str!("sql/login_failure_purge.sql"), params)?)
        })
        .await
    }
}

/// Returns the instant at or before which the last attempt must have been for its failures to be forgotten.
fn forgotten_before(now: Timestamp) -> Timestamp {
    now.minus(LONGEST_LOGIN_WAIT * 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statements() {
        assert_columns(include_str!("sql/rate_limit_get.sql"), &[KEY, HITS, EXPIRES_AT]);
        assert_columns(include_str!("sql/login_failure_get.sql"), &[ADDRESS, FAILURES, FAILED_AT]);
    }
}
