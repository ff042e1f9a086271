//! Table 7, `leader_lease`.

use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::row::check_span;
use miroir_ports::outbound::{Acquire, Lease, LeaseTable, StoreError};

use crate::row::LeaseRow;
use crate::store::{MemoryStore, fenced};

#[async_trait]
impl LeaseTable for MemoryStore {
    async fn lease_acquire(
        &self,
        scope: &str,
        holder: &str,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Acquire, StoreError> {
        check_span("the time of a lease", ttl)?;
        let mut data = self.data()?;
        let last = data.leases.get(scope);
        if let Some(lease) = last.and_then(|row| row.running(now)) {
            return Ok(Acquire::Held(lease.clone()));
        }
        let lease = Lease {
            scope: scope.to_owned(),
            holder: holder.to_owned(),
            expires_at: now.plus(ttl),
            token: last.map_or(0, |row| row.lease.token) + 1,
        };
        data.leases.insert(scope.to_owned(), LeaseRow { lease: lease.clone(), released: false });
        Ok(Acquire::Acquired(lease))
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
        let mut data = self.data()?;
        let Some(row) = data.leases.get_mut(scope) else { return Ok(None) };
        if !row.running(now).is_some_and(|lease| lease.holder == holder && lease.token == token) {
            return Ok(None);
        }
        row.lease.expires_at = now.plus(ttl);
        Ok(Some(row.lease.expires_at))
    }

    async fn lease_release(&self, scope: &str, holder: &str, token: u64) -> Result<bool, StoreError> {
        match self.data()?.leases.get_mut(scope) {
            Some(row) if !row.released && row.lease.holder == holder && row.lease.token == token => {
                row.released = true;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn lease_fence(&self, scope: &str, token: u64) -> Result<(), StoreError> {
        let mut data = self.data()?;
        let greatest = data.fences.entry(scope.to_owned()).or_default();
        if *greatest > token {
            return Err(fenced());
        }
        *greatest = token;
        *self.fence.lock() = Some((scope.to_owned(), token));
        Ok(())
    }

    async fn lease_get(&self, scope: &str, now: Timestamp) -> Result<Option<Lease>, StoreError> {
        Ok(self.data()?.leases.get(scope).and_then(|row| row.running(now)).cloned())
    }

    async fn lease_list(&self, now: Timestamp) -> Result<Vec<Lease>, StoreError> {
        Ok(self.data()?.leases.values().filter_map(|row| row.running(now)).cloned().collect())
    }
}
