//! The task store on SQLite.

mod bare;
mod create;
mod fill;
mod get;
mod list;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use miroir_domain::task::{NewTask, NodeTask, TaskKind};
use miroir_domain::{NodeId, ShardSet, Timestamp};
use miroir_ports::outbound::StoreStatus as _;
use miroir_sqlite::{SqliteOptions, SqliteStore};
use serde_json::{Map, json};

use crate::disk;
use crate::row::Row;

/// How many callers the store has at once.
const CALLERS: usize = 64;
/// The name of this section in the table.
const SECTION: &str = "store";

/// All rows of this section. The larger of the listed stores holds `tasks` tasks.
pub async fn measure(folder: &Path, tasks: u32) -> Result<Vec<Row>> {
    eprintln!("Measuring the store...");
    let mut rows = disk::measure(folder)?;
    let store = open(&folder.join("tasks.db")).await?;
    let bare = bare::Files::make(folder).await?;
    rows.extend(create::measure(&store, &bare).await?);
    rows.extend(get::measure(&store, &folder.join("tasks.db")).await?);
    store.store_close().await?;
    rows.extend(list::measure(folder, tasks).await?);
    Ok(rows)
}

/// Opens a store as Miroir does by default: every commit is on disk before it is acknowledged.
async fn open(path: &Path) -> Result<Arc<SqliteStore>> {
    Ok(Arc::new(SqliteStore::open(SqliteOptions::new(path)).await?))
}

/// The task of a write of 100 documents to three nodes: what the store is given at each write.
fn new_task() -> Result<NewTask> {
    let mut node_tasks = BTreeMap::new();
    for number in 1..=3_u32 {
        let node: NodeId = format!("node-{number}").parse()?;
        let shards: ShardSet = ShardSet::all(64).iter().filter(|shard| shard.0 % 3 != number - 1).collect();
        node_tasks.insert(node, NodeTask::pending(shards));
    }
    Ok(NewTask {
        kind: TaskKind::DocumentAdditionOrUpdate,
        index_uid: Some("movies".parse()?),
        node_tasks,
        details: Some(Map::from_iter([
            ("receivedDocuments".to_owned(), json!(100)),
            ("indexedDocuments".to_owned(), json!(null)),
        ])),
        custom_metadata: None,
        failure: None,
    })
}

/// The instant tasks are created at.
fn now() -> Timestamp {
    Timestamp::from_millis(1_760_000_000_000)
}
