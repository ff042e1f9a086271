//! The store that is measured, and its section of the table.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use miroir_sqlite::{SqliteOptions, SqliteStore};

/// Name of this section in the table.
pub const SECTION: &str = "store";

/// Opens a store with the defaults of Miroir: every commit is on disk before it is acknowledged.
pub async fn open(path: &Path) -> Result<Arc<SqliteStore>> {
    Ok(Arc::new(SqliteStore::open(SqliteOptions::new(path)).await?))
}
