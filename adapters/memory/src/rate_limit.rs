//! Rate limits, and the back-off of log-ins.

use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::admin_session::login_wait;
use miroir_domain::row::{check_positive, check_span};
use miroir_ports::outbound::{LoginAttempt, RateDecision, RateLimits, StoreError};

use crate::row::{Failures, Window};
use crate::store::MemoryStore;
use crate::versioned::purge;

#[async_trait]
impl RateLimits for MemoryStore {
    async fn rate_limit_hit(
        &self,
        key: &str,
        limit: u32,
        window: Duration,
        now: Timestamp,
    ) -> Result<RateDecision, StoreError> {
        check_positive("a rate limit", limit.into())?;
        check_span("the window of a rate limit", window)?;
        let mut data = self.data()?;
        let row = data.windows.entry(key.to_owned()).or_insert(Window { hits: 0, ends_at: now });
        if row.ends_at <= now {
            *row = Window { hits: 0, ends_at: now.plus(window) };
        }
        if row.hits >= limit {
            return Ok(RateDecision { allowed: false, remaining: 0, retry_after: row.ends_at.since(now) });
        }
        row.hits += 1;
        Ok(RateDecision { allowed: true, remaining: limit - row.hits, retry_after: Duration::ZERO })
    }

    async fn login_attempt(&self, address: &str, now: Timestamp) -> Result<LoginAttempt, StoreError> {
        let mut data = self.data()?;
        let row =
            data.login_failures.entry(address.to_owned()).or_insert(Failures { count: 0, last_at: now });
        if row.forgotten_at() <= now {
            row.count = 0;
        }
        let again_at = row.last_at.plus(login_wait(row.count));
        if now < again_at {
            return Ok(LoginAttempt::Wait(again_at.since(now)));
        }
        *row = Failures { count: row.count.saturating_add(1), last_at: now };
        Ok(LoginAttempt::Allowed)
    }

    async fn login_succeeded(&self, address: &str) -> Result<(), StoreError> {
        self.data()?.login_failures.remove(address);
        Ok(())
    }

    async fn rate_limit_purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut data = self.data()?;
        let windows = purge(&mut data.windows, limit, |row| row.ends_at <= now);
        let left = limit - u32::try_from(windows).unwrap_or(limit);
        Ok(windows + purge(&mut data.login_failures, left, |row| row.forgotten_at() <= now))
    }
}
