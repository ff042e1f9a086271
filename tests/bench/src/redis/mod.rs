//! The task store on Redis: a real server on the loopback interface that keeps nothing on disk, so that the disk is no part
//! of the figures.

mod fill;
mod memory;
mod reference;
mod task;

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use miroir_ports::outbound::TaskStore;
use miroir_redis::{RedisOptions, RedisStore};
use miroir_test_redis::RedisServer;

use crate::row::Row;
use crate::shared::{job, lease};

/// The name of this section in the table.
const SECTION: &str = "redis";

/// All rows of this section. The largest store that is listed and weighed holds `tasks` tasks; what was weighed is written to
/// `memory_page`.
pub async fn measure(tasks: u32, memory_page: Option<&Path>) -> Result<Vec<Row>> {
    eprintln!("Measuring the store on Redis...");
    let server = RedisServer::start();
    let store: Arc<dyn TaskStore> = open(&server).await?;
    let mut rows = task::measure(&store, &server).await?;
    rows.extend(lease::measure(SECTION, &store, "a bare SET NX PX", reference::lease(&server).await?).await?);
    rows.extend(job::measure(SECTION, &store).await?);
    drop(server);
    let (listed, page) = memory::measure(tasks).await?;
    rows.extend(listed);
    if let Some(path) = memory_page {
        std::fs::write(path, page)?;
        eprintln!("Written to {}.", path.display());
    }
    Ok(rows)
}

async fn open(server: &RedisServer) -> Result<Arc<RedisStore>> {
    Ok(Arc::new(RedisStore::open(RedisOptions::new(server.url())).await?))
}
