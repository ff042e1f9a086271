//! What is in a store, and how much memory the server uses.

use miroir_ports::outbound::StoreError;
use redis::cmd;

use crate::keys::{
    ALIASES, CANARIES, INDEXES, JOBS, LEASES, ROLLOVERS, SEARCH_UIS, SESSIONS, TASKS, TENANTS,
};
use crate::open::field;
use crate::store::RedisStore;

/// Numbers of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisStatistics {
    /// What the server uses for everything on it.
    pub used_memory_bytes: u64,
    /// How many rows the tables have that keep an index of them, by name. Rows that expire may be counted a while longer.
    pub rows: Vec<(String, u64)>,
}

impl RedisStore {
    /// Counts what can be counted without looking at every key.
    pub async fn statistics(&self) -> Result<RedisStatistics, StoreError> {
        let memory: String = self.look("server", "INFO", cmd("INFO").arg("memory")).await?;
        let used = field(&memory, "used_memory").and_then(|bytes| bytes.parse().ok());
        let tables =
            [ALIASES, CANARIES, INDEXES, JOBS, LEASES, ROLLOVERS, SEARCH_UIS, SESSIONS, TASKS, TENANTS];
        let mut rows = Vec::new();
        for table in tables {
            let index = self.keys.own(table, if table == SESSIONS { "_lru" } else { "_index" });
            rows.push((
                table.name.to_owned(),
                self.look(table.name, &index, cmd("ZCARD").arg(&index)).await?,
            ));
        }
        Ok(RedisStatistics { used_memory_bytes: used.unwrap_or_default(), rows })
    }
}
