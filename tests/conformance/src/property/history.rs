//! Histories of tasks and indexes: the same calls in the same order have the same results on every store.

use std::sync::Arc;

use miroir_domain::index::IndexEntry;
use miroir_domain::task::{NewTask, Task, TaskQuery, TaskStatus};
use miroir_domain::{IndexUid, NodeId, PhysicalUid, TaskUid, Timestamp};
use miroir_ports::outbound::TaskStore;
use proptest::collection::vec;
use proptest::prelude::*;

use super::strategy::{
    index_entry, index_uid, new_task, node_id, physical_uid, query, task, task_uid, time, version,
};
use super::{Stores, config, run};

/// One call of a port, or a restart.
#[derive(Debug, Clone)]
enum Call {
    Create(NewTask, Timestamp),
    Get(TaskUid),
    /// Replaces the row of a uid as it was read, which matches, or as generated, which mostly does not.
    Put {
        row: Task,
        fresh: bool,
    },
    List(TaskQuery),
    ListUnfinished(Option<TaskUid>, u32),
    Prune(Timestamp, u32),
    IndexCreate(IndexEntry),
    IndexPut {
        entry: IndexEntry,
        fresh: bool,
    },
    IndexDelete(IndexUid, PhysicalUid),
    WasDeleted(PhysicalUid),
    IndexList(Option<IndexUid>, u32),
    Advance(PhysicalUid, NodeId, u64, Timestamp),
    Settings(PhysicalUid),
    Reopen,
}

fn call() -> impl Strategy<Value = Call> {
    let cursor = proptest::option::of(task_uid());
    let index_cursor = proptest::option::of(index_uid());
    prop_oneof![
        8 => (new_task(), time()).prop_map(|(new, now)| Call::Create(new, now)),
        2 => task_uid().prop_map(Call::Get),
        8 => (task(), prop::bool::weighted(0.8)).prop_map(|(row, fresh)| Call::Put { row, fresh }),
        4 => query().prop_map(Call::List),
        2 => (cursor, 0..9_u32).prop_map(|(after, limit)| Call::ListUnfinished(after, limit)),
        1 => (time(), 0..6_u32).prop_map(|(before, limit)| Call::Prune(before, limit)),
        2 => index_entry().prop_map(Call::IndexCreate),
        3 => (index_entry(), prop::bool::weighted(0.7)).prop_map(|(entry, fresh)| Call::IndexPut { entry, fresh }),
        1 => (index_uid(), physical_uid()).prop_map(|(uid, physical_uid)| Call::IndexDelete(uid, physical_uid)),
        1 => physical_uid().prop_map(Call::WasDeleted),
        1 => (index_cursor, 0..5_u32).prop_map(|(after, limit)| Call::IndexList(after, limit)),
        3 => (physical_uid(), node_id(), version(), time())
            .prop_map(|(index, node, version, now)| Call::Advance(index, node, version, now)),
        1 => physical_uid().prop_map(Call::Settings),
        1 => Just(Call::Reopen),
    ]
}

/// Makes `call` on `store` and returns the result as text, because values and errors alike must agree.
async fn result(store: &Arc<dyn TaskStore>, call: Call) -> String {
    match call {
        Call::Create(new, now) => format!("{:?}", store.task_create(new, now).await),
        Call::Get(uid) => format!("{:?}", store.task_get(uid).await),
        Call::Put { row, fresh } => {
            let row = if fresh { read_version(store, row).await } else { row };
            format!("{:?}", store.task_put(row).await)
        }
        Call::List(query) => format!("{:?}", store.task_list(&query).await),
        Call::ListUnfinished(after, limit) => format!("{:?}", store.task_list_unfinished(after, limit).await),
        Call::Prune(before, limit) => format!("{:?}", store.task_prune(before, limit).await),
        Call::IndexCreate(entry) => format!("{:?}", store.index_create(&entry).await),
        Call::IndexPut { mut entry, fresh } => {
            if fresh && let Some(stored) = store.index_get(&entry.uid).await.unwrap() {
                entry.version = stored.version;
            }
            format!("{:?}", store.index_put(&entry).await)
        }
        Call::IndexDelete(uid, physical_uid) => {
            format!("{:?}", store.index_delete(&uid, &physical_uid).await)
        }
        Call::WasDeleted(physical_uid) => format!("{:?}", store.index_was_deleted(&physical_uid).await),
        Call::IndexList(after, limit) => format!("{:?}", store.index_list(after, limit).await),
        Call::Advance(index, node, version, now) => {
            let advance = store.node_settings_advance(&index, &node, version, now).await;
            format!("{advance:?} {:?}", store.node_settings_get(&index, &node).await)
        }
        Call::Settings(index) => format!("{:?}", store.node_settings_list(&index).await),
        Call::Reopen => String::new(),
    }
}

async fn read_version(store: &Arc<dyn TaskStore>, row: Task) -> Task {
    match store.task_get(row.uid).await.unwrap() {
        // One status in three stays as it is, so that more than the first replacement succeeds.
        Some(stored) if row.created_at.as_millis() % 3 == 0 => {
            Task { version: stored.version, status: stored.status, ..row }
        }
        Some(stored) => Task { version: stored.version, ..row },
        None => row,
    }
}

proptest! {
    #![proptest_config(config(48))]

    /// Checks every clause that one caller can observe.
    #[test]
    fn random_histories_have_the_same_results(calls in vec(call(), 1..60)) {
        run(async {
            let mut stores = Stores::start().await;
            for call in calls {
                if matches!(call, Call::Reopen) {
                    stores.reopen().await;
                    continue;
                }
                let (model, others) = (stores.model(), stores.others());
                let expected = result(&model, call.clone()).await;
                for (name, store) in &others {
                    prop_assert_eq!(result(store, call.clone()).await, expected.clone(), "{}: {:?}", name, call);
                }
            }
            Ok(())
        })?;
    }

    /// TASK-7: totals by status add up to the total after any history.
    #[test]
    fn totals_by_status_add_up(calls in vec(call(), 1..60)) {
        run(async {
            let mut stores = Stores::start().await;
            for call in calls {
                if matches!(call, Call::Reopen) {
                    stores.reopen().await;
                    continue;
                }
                for store in stores.all() {
                    result(&store, call.clone()).await;
                }
            }
            for store in stores.all() {
                let all = store.task_list(&TaskQuery { limit: u32::MAX, ..TaskQuery::default() }).await.unwrap();
                prop_assert_eq!(all.total, all.tasks.len() as u64);
                let mut sum = 0;
                for status in TaskStatus::ALL {
                    let query = TaskQuery { statuses: Some([status].into()), ..TaskQuery::default() };
                    let total = store.task_list(&query).await.unwrap().total;
                    let rows = all.tasks.iter().filter(|task| task.status == status).count();
                    prop_assert_eq!(total, rows as u64, "{:?}", status);
                    sum += total;
                }
                prop_assert_eq!(sum, all.total);
            }
            Ok(())
        })?;
    }
}
