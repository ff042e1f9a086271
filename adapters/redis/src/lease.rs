//! Table 7, `leader_lease`.

use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::row::check_span;
use miroir_ports::outbound::{Acquire, Lease, LeaseTable, StoreError};

use crate::call::{Request, changing, script};
use crate::error::{Effect, Subject, fenced};
use crate::expiry::millis;
use crate::fence::Fence;
use crate::keys::{ALL, LEASES};
use crate::store::RedisStore;

/// A term as scripts return it: token, end, holder.
type Term = (Vec<u8>, i64, Vec<u8>);

fn lease(scope: &str, (token, expires_at, holder): Term) -> Result<Lease, StoreError> {
    let corrupt = |reason: &str| StoreError::corrupt(LEASES.name, scope, reason);
    let text = |bytes| {
        String::from_utf8(bytes)
            .map_err(|error| corrupt("the holder or token is not UTF-8").with_source(error))
    };
    let token = text(token)?;
    Ok(Lease {
        scope: scope.to_owned(),
        holder: text(holder)?,
        expires_at: Timestamp::from_millis(expires_at),
        token: token
            .parse::<u64>()
            .map_err(|error| corrupt("the token is not a number").with_source(error))?,
    })
}

#[async_trait]
impl LeaseTable for RedisStore {
    async fn lease_acquire(
        &self,
        scope: &str,
        holder: &str,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Acquire, StoreError> {
        check_span("the time of a lease", ttl)?;
        let mut script = changing!("lua/clock.lua", "lua/term.lua", "lua/lease_acquire.lua");
        script
            .key(self.keys.row(LEASES, scope))
            .key(self.keys.own(LEASES, &format!("_token:{scope}")))
            .key(self.keys.own(LEASES, "_index"));
        self.push_clock(&mut script, now);
        script.arg(millis(ttl)).arg(scope).arg(holder);
        let (acquired, term): (bool, Term) = self.change_by(LEASES, scope, &mut script).await?;
        let lease = lease(scope, term)?;
        Ok(if acquired { Acquire::Acquired(lease) } else { Acquire::Held(lease) })
    }

    async fn lease_renew(
        &self,
        scope: &str,
        holder: &str,
        token: u64,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        check_span("the time of a lease", ttl)?;
        let mut script = changing!("lua/clock.lua", "lua/term.lua", "lua/lease_renew.lua");
        script.key(self.keys.row(LEASES, scope));
        self.push_clock(&mut script, now);
        script.arg(millis(ttl)).arg(token).arg(holder);
        let ends: Option<i64> = self.change_by(LEASES, scope, &mut script).await?;
        Ok(ends.map(Timestamp::from_millis))
    }

    async fn lease_release(&self, scope: &str, holder: &str, token: u64) -> Result<bool, StoreError> {
        let mut script = changing!("lua/term.lua", "lua/lease_release.lua");
        script
            .key(self.keys.row(LEASES, scope))
            .key(self.keys.own(LEASES, "_index"))
            .arg(scope)
            .arg(token)
            .arg(holder);
        self.change_by(LEASES, scope, &mut script).await
    }

    async fn lease_fence(&self, scope: &str, token: u64) -> Result<(), StoreError> {
        // Raises the fence of every table, then sets the fence of this handle.
        for table in ALL {
            let mut script = script!("lua/fence_raise.lua");
            script.key(self.fence_key(table, scope)).arg(token);
            let subject = Subject { effect: Effect::Write, table: table.name, key: scope };
            let raised: bool = self.call(subject, Request::Script(&script)).await?;
            if !raised {
                return Err(fenced());
            }
        }
        *self.fence.lock() = Some(Fence { scope: scope.to_owned(), token });
        Ok(())
    }

    async fn lease_get(&self, scope: &str, now: Timestamp) -> Result<Option<Lease>, StoreError> {
        let mut script = script!("lua/clock.lua", "lua/term.lua", "lua/lease_get.lua");
        script.key(self.keys.row(LEASES, scope));
        self.push_clock(&mut script, now);
        let term: Option<Term> = self.read_by(LEASES.name, scope, &script).await?;
        term.map(|term| lease(scope, term)).transpose()
    }

    async fn lease_list(&self, now: Timestamp) -> Result<Vec<Lease>, StoreError> {
        let index = self.keys.own(LEASES, "_index");
        let mut script = script!("lua/name.lua", "lua/clock.lua", "lua/term.lua", "lua/lease_list.lua");
        script.key(&index).key(self.keys.base(LEASES));
        self.push_clock(&mut script, now);
        let found: Vec<(Vec<u8>, Term)> = self.read_by(LEASES.name, &index, &script).await?;
        let leases = found.into_iter().map(|(scope, term)| {
            let scope = String::from_utf8(scope).map_err(|error| {
                StoreError::corrupt(LEASES.name, &index, "a scope is not UTF-8").with_source(error)
            })?;
            lease(&scope, term)
        });
        leases.collect()
    }
}
