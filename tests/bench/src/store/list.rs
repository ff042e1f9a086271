//! Listings of a small store and of a large one.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use miroir_ports::outbound::{StoreStatus as _, TaskStore};
use tokio::time::Instant;

use super::fill::fill;
use super::target::{SECTION, open};
use crate::row::Row;
use crate::shared::list;

pub async fn measure(folder: &Path, tasks: u32) -> Result<Vec<Row>> {
    let (few_path, many_path) = (folder.join("few.db"), folder.join("many.db"));
    fill(&few_path, list::FEW).await?;
    let begun = Instant::now();
    fill(&many_path, tasks).await?;
    eprintln!("Filled a store with {tasks} tasks in {:.1} s.", begun.elapsed().as_secs_f64());
    let (few, many) = (open(&few_path).await?, open(&many_path).await?);
    let (few_store, many_store): (Arc<dyn TaskStore>, Arc<dyn TaskStore>) = (few.clone(), many.clone());
    let rows = list::measure(SECTION, &few_store, &many_store, tasks).await?;
    few.store_close().await?;
    many.store_close().await?;
    Ok(rows)
}
