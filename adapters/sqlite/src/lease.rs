//! Table 7, `leader_lease`. A released term keeps its row, without a holder, so that its token is never given
//! again.

use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::row::check_span;
use miroir_ports::outbound::{Acquire, Lease, LeaseTable, StoreError};
use rusqlite::Connection;

use crate::error::Failure;
use crate::fence::Fence;
use crate::row::{Column, Reader, Row};
use crate::statement::{all, change, changed, one};
use crate::store::SqliteStore;

// The columns of `lease_get.sql` and `lease_list.sql`.
const SCOPE: Column = Column(0, "scope");
const HOLDER: Column = Column(1, "holder");
const EXPIRES_AT: Column = Column(2, "expires_at");
const TOKEN: Column = Column(3, "token");

/// The last term of a scope. It has no holder once it was released.
struct Term {
    scope: String,
    holder: Option<String>,
    expires_at: Timestamp,
    token: u64,
}

impl Term {
    fn running(self, now: Timestamp) -> Option<Lease> {
        let holder = self.holder.filter(|_| now < self.expires_at)?;
        Some(Lease { scope: self.scope, holder, expires_at: self.expires_at, token: self.token })
    }
}

impl Row for Term {
    const TABLE: &'static str = "leader_lease";
    const KEY: &'static [Column] = &[SCOPE];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
            scope: reader.get(SCOPE)?,
            holder: reader.get(HOLDER)?,
            expires_at: reader.time_always(EXPIRES_AT)?,
            token: reader.counter(TOKEN)?,
        })
    }
}

#[async_trait]
impl LeaseTable for SqliteStore {
    async fn lease_acquire(
        &self,
        scope: &str,
        holder: &str,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Acquire, StoreError> {
        check_span("the time of a lease", ttl)?;
        let (scope, holder) = (scope.to_owned(), holder.to_owned());
        self.write(move |connection| {
            let last = get(connection, &scope)?;
            let token = last.as_ref().map_or(0, |term| term.token) + 1;
            if let Some(lease) = last.and_then(|term| term.running(now)) {
                return Ok(Acquire::Held(lease));
            }
            let expires_at = now.plus(ttl);
            let params = (scope.as_str(), holder.as_str(), expires_at.as_millis(), token.cast_signed());
            change(connection, include_str!("sql/lease_begin.sql"), params)?;
            let lease = Lease { scope: scope.clone(), holder: holder.clone(), expires_at, token };
            Ok(Acquire::Acquired(lease))
        })
        .await
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
        let (scope, holder, expires_at) = (scope.to_owned(), holder.to_owned(), now.plus(ttl));
        self.write(move |connection| {
            let key = (scope.as_str(), holder.as_str(), token.cast_signed());
            let params = (key.0, key.1, key.2, expires_at.as_millis(), now.as_millis());
            let renewed = changed(connection, include_str!("sql/lease_renew.sql"), params)?;
            Ok(renewed.then_some(expires_at))
        })
        .await
    }

    async fn lease_release(&self, scope: &str, holder: &str, token: u64) -> Result<bool, StoreError> {
        let (scope, holder) = (scope.to_owned(), holder.to_owned());
        self.write(move |connection| {
            let params = (scope.as_str(), holder.as_str(), token.cast_signed());
            changed(connection, include_str!("sql/lease_release.sql"), params)
        })
        .await
    }

    async fn lease_fence(&self, scope: &str, token: u64) -> Result<(), StoreError> {
        let fence = Fence { scope: scope.to_owned(), token };
        let checked = fence.clone();
        self.write(move |connection| checked.check(connection)).await?;
        self.fence.set(fence);
        Ok(())
    }

    async fn lease_get(&self, scope: &str, now: Timestamp) -> Result<Option<Lease>, StoreError> {
        let scope = scope.to_owned();
        self.read(move |connection| Ok(get(connection, &scope)?.and_then(|term| term.running(now)))).await
    }

    async fn lease_list(&self, now: Timestamp) -> Result<Vec<Lease>, StoreError> {
        self.read(move |connection| {
            let terms: Vec<Term> = all(connection, include_str!("sql/lease_list.sql"), [])?;
            Ok(terms.into_iter().filter_map(|term| term.running(now)).collect())
        })
        .await
    }
}

fn get(connection: &Connection, scope: &str) -> Result<Option<Term>, Failure> {
    one(connection, include_str!("sql/lease_get.sql"), [scope])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statements() {
        let columns = [SCOPE, HOLDER, EXPIRES_AT, TOKEN];
        assert_columns(include_str!("sql/lease_get.sql"), &columns);
        assert_columns(include_str!("sql/lease_list.sql"), &columns);
    }
}
