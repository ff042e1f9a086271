//! Replicas, marked alone and with tasks.

use std::sync::Arc;

use miroir_domain::replica::{Difference, ReplicaMark, ReplicaState};
use miroir_domain::task::{Task, TaskStatus};
use miroir_domain::{NodeId, PhysicalUid, Shard, TaskUid, Timestamp};
use miroir_ports::outbound::{Consequences, NewChange, ReplicaRecovery, TaskStore};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

use super::{STEP, compare};
use crate::property::strategy::text;
use crate::property::{config, run};
use crate::sample::any_task;

/// One call of a port, or a restart.
#[derive(Debug, Clone)]
enum Call {
    Mark(Vec<ReplicaMark>),
    /// Puts a new task, of this version and status, with marks and a number of events.
    Put(Vec<ReplicaMark>, u64, TaskStatus, u8),
    /// Removes the differences whose stamps are at most this number, as a repair that began earlier does.
    RepairOlder(PhysicalUid, NodeId, u64),
    Repair(PhysicalUid, NodeId, ReplicaState),
    Forget(PhysicalUid),
    List(Option<(PhysicalUid, NodeId)>, u32),
    Recovery(u64, u32),
    Reopen,
}

/// Generates names that are in another order together than alone, and one of the store's own keys.
fn index() -> impl Strategy<Value = PhysicalUid> {
    prop::sample::select(vec!["a", "a-b", "a0", "_index"]).prop_map(|uid| uid.parse().unwrap())
}

fn node() -> impl Strategy<Value = NodeId> {
    prop::sample::select(vec!["n", "n-2", "_n"]).prop_map(|id| id.parse().unwrap())
}

fn shard() -> impl Strategy<Value = Shard> {
    prop_oneof![5 => 0..6_u32, 1 => any::<u32>()].prop_map(Shard)
}

fn difference() -> impl Strategy<Value = Difference> {
    (vec(shard(), 0..5), any::<bool>(), any::<bool>()).prop_map(|(shards, settings, index)| Difference {
        shards: shards.into_iter().collect(),
        settings,
        index,
    })
}

fn mark() -> impl Strategy<Value = ReplicaMark> {
    let at = any::<i64>().prop_map(Timestamp::from_millis);
    (index(), node(), difference(), option::of(any::<u32>()), text(), at).prop_map(
        |(index, node, difference, task, reason, at)| ReplicaMark {
            index,
            node,
            difference,
            task: task.map(TaskUid),
            reason,
            at,
        },
    )
}

fn state() -> impl Strategy<Value = ReplicaState> {
    let stamp = || prop_oneof![8 => 1..60_u64, 1 => any::<u64>()];
    (btree_map(shard(), stamp(), 0..5), option::of(stamp()), option::of(stamp()))
        .prop_map(|(shards, settings, index)| ReplicaState { shards, settings, index })
}

fn call() -> impl Strategy<Value = Call> {
    let status = prop::sample::select(vec![TaskStatus::Enqueued, TaskStatus::Succeeded]);
    prop_oneof![
        1 => Just(Call::Reopen),
        4 => vec(mark(), 0..5).prop_map(Call::Mark),
        4 => (vec(mark(), 0..4), 1..3_u64, status, 0..3_u8)
            .prop_map(|(marks, version, status, events)| Call::Put(marks, version, status, events)),
        4 => (index(), node(), 0..60_u64).prop_map(|(index, node, stamp)| Call::RepairOlder(index, node, stamp)),
        2 => (index(), node(), state()).prop_map(|(index, node, seen)| Call::Repair(index, node, seen)),
        1 => index().prop_map(Call::Forget),
        2 => (option::of((index(), node())), 0..6_u32).prop_map(|(after, limit)| Call::List(after, limit)),
        1 => (any::<u64>(), any::<u32>()).prop_map(|(term, oldest)| Call::Recovery(term, oldest)),
    ]
}

/// Returns the part of a state whose stamps are at most `last`.
fn older(state: ReplicaState, last: u64) -> ReplicaState {
    ReplicaState {
        shards: state.shards.into_iter().filter(|(_, stamp)| *stamp <= last).collect(),
        settings: state.settings.filter(|stamp| *stamp <= last),
        index: state.index.filter(|stamp| *stamp <= last),
    }
}

async fn repair(
    store: &Arc<dyn TaskStore>,
    index: &PhysicalUid,
    node: &NodeId,
    seen: &ReplicaState,
) -> String {
    let repaired = store.replica_repaired(index, node, seen).await;
    format!("{repaired:?} {:?}", store.replica_get(index, node).await)
}

/// Calls `store` at `now` and returns the result as text, because values and errors alike must agree.
async fn result(store: &Arc<dyn TaskStore>, call: Call, now: Timestamp) -> String {
    match call {
        Call::Mark(marks) => {
            let marked = store.replica_mark(&marks).await;
            format!("{marked:?} {:?}", store.replica_list(None, u32::MAX).await)
        }
        Call::Put(marks, version, status, events) => {
            let event = |number| NewChange {
                sink_name: "s".to_owned(),
                index_uid: "a".parse().unwrap(),
                body: json!(number),
            };
            let changes = (0..events).map(event).collect();
            let task = store.task_create(any_task(), now).await.unwrap();
            let task = Task { version, status, ..task };
            let put = store
                .task_put_with(task, Consequences { marks, changes, budget_bytes: 9, settings: None })
                .await;
            let listed = store.replica_list(None, u32::MAX).await;
            format!("{put:?} {listed:?} {:?}", store.change_backlog("s").await)
        }
        Call::RepairOlder(index, node, stamp) => {
            let row = store.replica_get(&index, &node).await.unwrap();
            let seen = row.map(|row| older(row.state, stamp)).unwrap_or_default();
            repair(store, &index, &node, &seen).await
        }
        Call::Repair(index, node, seen) => repair(store, &index, &node, &seen).await,
        Call::Forget(index) => format!("{:?}", store.replica_forget(&index).await),
        Call::List(after, limit) => format!("{:?}", store.replica_list(after, limit).await),
        Call::Recovery(term, oldest_open) => {
            let before = store.replica_recovery_get().await;
            let recovery = ReplicaRecovery { term, oldest_open: TaskUid(oldest_open) };
            let put = store.replica_recovery_put(recovery).await;
            format!("{before:?} {put:?} {:?}", store.replica_recovery_get().await)
        }
        Call::Reopen => String::new(),
    }
}

proptest! {
    #![proptest_config(config(32))]

    /// Checks every clause of replicas that one caller can observe.
    #[test]
    fn replicas_have_the_same_results(calls in vec((call(), STEP), 1..60)) {
        compare!(calls);
    }
}
