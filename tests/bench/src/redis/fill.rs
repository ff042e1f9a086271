//! A store with the same tasks as `store::fill` makes, written through the ports.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use miroir_domain::task::{NodeTask, NodeTaskState, Task, TaskKind, TaskStatus};
use miroir_domain::{NodeId, Shard, ShardSet, TaskUid, Timestamp};
use miroir_ports::outbound::TaskStore;
use serde_json::{Map, json};
use tokio::task::JoinSet;

use crate::shared::filled::{CANCELED_EVERY, FIRST_MS, PACE_MS};
use crate::shared::{now, task::new_task};

const WRITERS: u32 = 64;

/// Adds tasks to a store of `before` tasks until it holds `tasks`.
pub async fn fill(store: &Arc<dyn TaskStore>, before: u32, tasks: u32) -> Result<()> {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(store);
        writers.spawn(async move {
            for _ in (before + writer..tasks).step_by(WRITERS as usize) {
                let task = store.task_create(new_task()?, now()).await?;
                store.task_put(aged(task, tasks)?).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer??;
    }
    Ok(())
}

/// Returns the task in its last state in a store of `tasks` tasks.
fn aged(task: Task, tasks: u32) -> Result<Task> {
    let n = task.uid.0;
    let status = match n {
        n if n + 50 >= tasks => TaskStatus::Enqueued,
        n if n + 100 >= tasks => TaskStatus::Processing,
        n if n % CANCELED_EVERY == 0 => TaskStatus::Canceled,
        n if n % 50 == 1 => TaskStatus::Failed,
        _ => TaskStatus::Succeeded,
    };
    let created = FIRST_MS + i64::from(n) * PACE_MS;
    let after = |millis| Timestamp::from_millis(created + millis);
    let mut node_tasks = BTreeMap::new();
    for (number, shards) in [(1, 0..4), (2, 4..8)] {
        let id: NodeId = format!("node-{number}").parse()?;
        let pending = NodeTask::pending(shards.map(Shard).collect::<ShardSet>());
        node_tasks.insert(id, NodeTask { uid: Some(n), status: NodeTaskState::Succeeded, ..pending });
    }
    Ok(Task {
        created_at: after(0),
        status,
        kind: [TaskKind::DocumentAdditionOrUpdate, TaskKind::DocumentDeletion, TaskKind::SettingsUpdate]
            [n as usize % 3],
        index_uid: Some(format!("index-{}", n % 20).parse()?),
        node_tasks,
        details: Some(Map::from_iter([
            ("receivedDocuments".to_owned(), json!(100)),
            ("indexedDocuments".to_owned(), json!(100)),
        ])),
        started_at: (status != TaskStatus::Enqueued).then(|| after(10)),
        finished_at: status.is_finished().then(|| after(50)),
        canceled_by: (status == TaskStatus::Canceled).then_some(TaskUid(n + 1)),
        ..task
    })
}
