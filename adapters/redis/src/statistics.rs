//! Counts of rows, and the memory of the server.

use miroir_ports::outbound::StoreError;
use redis::cmd;

use crate::keys::{
    ALIASES, CANARIES, INDEXES, JOBS, LEASES, REPLICAS, ROLLOVERS, SEARCH_UIS, SESSIONS, TASKS, TENANTS,
};
use crate::open::field;
use crate::store::RedisStore;

/// Numbers of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisStatistics {
    /// The memory that the server uses for everything on it.
    pub used_memory_bytes: u64,
    /// The number of rows of each table that has an index of them, by its name. Expired rows may still be
    /// counted.
    pub rows: Vec<(String, u64)>,
}

impl RedisStore {
    /// Counts the rows of the tables that have an index, without reading every key.
    pub async fn statistics(&self) -> Result<RedisStatistics, StoreError> {
        let memory: String = self.read("server", "INFO", cmd("INFO").arg("memory")).await?;
        let used = field(&memory, "used_memory").and_then(|bytes| bytes.parse().ok());
        let tables = [
            ALIASES, CANARIES, INDEXES, JOBS, LEASES, REPLICAS, ROLLOVERS, SEARCH_UIS, SESSIONS, TASKS,
            TENANTS,
        ];
        let mut rows = Vec::new();
        for table in tables {
            let index = self.keys.own(table, if table == SESSIONS { "_lru" } else { "_index" });
            rows.push((
                table.name.to_owned(),
                self.read(table.name, &index, cmd("ZCARD").arg(&index)).await?,
            ));
        }
        Ok(RedisStatistics { used_memory_bytes: used.unwrap_or_default(), rows })
    }
}
