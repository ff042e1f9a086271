//! The store that is measured, and its section of the table.

use std::sync::Arc;

use anyhow::Result;
use miroir_redis::{RedisOptions, RedisStore};
use miroir_test_redis::RedisServer;

/// Name of this section in the table.
pub const SECTION: &str = "redis";

/// Opens a store on `server`.
pub async fn open(server: &RedisServer) -> Result<Arc<RedisStore>> {
    Ok(Arc::new(RedisStore::open(RedisOptions::new(server.url())).await?))
}
