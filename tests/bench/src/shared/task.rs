//! Concurrent callers that create or read tasks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use miroir_domain::task::{NewTask, NodeTask, TaskKind};
use miroir_domain::{NodeId, ShardSet, TaskUid};
use miroir_ports::outbound::TaskStore;
use serde_json::{Map, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{CALLERS, now};
use crate::samples::rate;

const SPAN: Duration = Duration::from_secs(1);
/// Number of tasks that are read. More were created before.
const TASKS: u32 = 1_000;
/// Step from one uid to the next, so that neighbours are not read together. Coprime with [`TASKS`].
const STRIDE: u32 = 367;

/// Returns the task of a write of 100 documents to three nodes.
pub fn new_task() -> Result<NewTask> {
    let mut node_tasks = BTreeMap::new();
    for number in 1..=3_u32 {
        let node: NodeId = format!("node-{number}").parse()?;
        let shards: ShardSet = ShardSet::all(64).iter().filter(|shard| shard.0 % 3 != number - 1).collect();
        node_tasks.insert(node, NodeTask::pending(shards));
    }
    Ok(NewTask {
        kind: TaskKind::DocumentAdditionOrUpdate,
        index_uid: Some("movies".parse()?),
        physical_uid: None,
        node_tasks,
        details: Some(Map::from_iter([
            ("receivedDocuments".to_owned(), json!(100)),
            ("indexedDocuments".to_owned(), json!(null)),
        ])),
        custom_metadata: None,
        failure: None,
        changes: None,
    })
}

/// Returns the rate at which all callers create tasks.
pub async fn create(store: &Arc<dyn TaskStore>) -> Result<f64> {
    let task = new_task()?;
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (store, task) = (Arc::clone(store), task.clone());
        callers.spawn(async move {
            let mut count = 0;
            while begun.elapsed() < SPAN {
                store.task_create(task.clone(), now()).await?;
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    total(callers, begun).await
}

/// Returns the rate at which all callers read tasks.
pub async fn get(store: &Arc<dyn TaskStore>) -> Result<f64> {
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let store = Arc::clone(store);
        callers.spawn(async move {
            let mut uid = u32::try_from(caller)?;
            let mut count = 0;
            while begun.elapsed() < SPAN {
                uid = (uid + STRIDE) % TASKS;
                ensure!(store.task_get(TaskUid(uid)).await?.is_some(), "task {uid} is gone");
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    total(callers, begun).await
}

async fn total(mut callers: JoinSet<Result<usize>>, begun: Instant) -> Result<f64> {
    let mut all = 0;
    while let Some(caller) = callers.join_next().await {
        all += caller??;
    }
    Ok(rate(all, begun.elapsed()))
}
