//! The task store on Redis: a real server on the loopback interface, without files, so that the figures do
//! not depend on the disk.

mod fill;
mod memory;
mod reference;
mod target;
mod task;

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use miroir_ports::outbound::TaskStore;
use miroir_test_redis::RedisServer;

use self::target::{SECTION, open};
use crate::row::Row;
use crate::shared::{job, lease};

/// Measures all rows of this section. The largest listed store holds `tasks` tasks; the page on its memory is
/// written to `memory_page`.
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
