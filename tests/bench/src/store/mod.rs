//! The task store on SQLite.

mod bare;
mod create;
mod fill;
mod get;
mod list;
mod target;

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use miroir_ports::outbound::{StoreStatus as _, TaskStore};

use self::target::{SECTION, open};
use crate::disk;
use crate::row::Row;
use crate::shared::{job, lease};

/// Measures all rows of this section. The larger of the listed stores holds `tasks` tasks.
pub async fn measure(folder: &Path, tasks: u32) -> Result<Vec<Row>> {
    eprintln!("Measuring the store...");
    let mut rows = disk::measure(folder)?;
    let store = open(&folder.join("tasks.db")).await?;
    let bare = bare::Files::make(folder).await?;
    rows.extend(create::measure(&store, &bare).await?);
    rows.extend(get::measure(&store, &folder.join("tasks.db")).await?);
    let shared: Arc<dyn TaskStore> = store.clone();
    rows.extend(
        lease::measure(SECTION, &shared, "a transaction that updates one row", bare.updates().await?).await?,
    );
    rows.extend(job::measure(SECTION, &shared).await?);
    store.store_close().await?;
    rows.extend(list::measure(folder, tasks).await?);
    Ok(rows)
}
