//! Rate limits, and the back-off of log-ins.

use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::admin_session::{FIRST_LOGIN_WAIT, FREE_LOGIN_FAILURES, LONGEST_LOGIN_WAIT};
use miroir_domain::row::{check_positive, check_span};
use miroir_ports::outbound::{LoginAttempt, RateDecision, RateLimits, StoreError};

use crate::call::changing;
use crate::expiry::millis;
use crate::keys::WINDOWS;
use crate::store::RedisStore;

#[async_trait]
impl RateLimits for RedisStore {
    async fn rate_limit_hit(
        &self,
        key: &str,
        limit: u32,
        window: Duration,
        now: Timestamp,
    ) -> Result<RateDecision, StoreError> {
        check_positive("a rate limit", limit.into())?;
        check_span("the window of a rate limit", window)?;
        let mut script = changing!("lua/clock.lua", "lua/rate_limit_hit.lua");
        script.key(self.keys.window(key));
        self.push_clock(&mut script, now);
        script.arg(limit).arg(millis(window));
        let (allowed, remaining, wait): (bool, u32, u64) = self.change_by(WINDOWS, key, &mut script).await?;
        Ok(RateDecision { allowed, remaining, retry_after: Duration::from_millis(wait) })
    }

    async fn login_attempt(&self, address: &str, now: Timestamp) -> Result<LoginAttempt, StoreError> {
        let mut script = changing!("lua/clock.lua", "lua/login_attempt.lua");
        script.key(self.keys.backoff(address));
        self.push_clock(&mut script, now);
        script.arg(FREE_LOGIN_FAILURES).arg(millis(FIRST_LOGIN_WAIT)).arg(millis(LONGEST_LOGIN_WAIT));
        let wait: u64 = self.change_by(WINDOWS, address, &mut script).await?;
        Ok(if wait == 0 { LoginAttempt::Allowed } else { LoginAttempt::Wait(Duration::from_millis(wait)) })
    }

    async fn login_succeeded(&self, address: &str) -> Result<(), StoreError> {
        let mut script = changing!("lua/login_succeeded.lua");
        script.key(self.keys.backoff(address));
        self.change_by(WINDOWS, address, &mut script).await
    }

    /// Removes nothing: Redis removes expired counters by itself.
    async fn rate_limit_purge(&self, _now: Timestamp, _limit: u32) -> Result<u64, StoreError> {
        self.check_open()?;
        Ok(0)
    }
}
