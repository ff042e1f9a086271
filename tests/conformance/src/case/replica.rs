//! The replicas that are not in sync, `replicas`.

use std::sync::Arc;
use std::time::Duration;

use miroir_domain::replica::{Difference, ReplicaMark, ReplicaRow, ReplicaState};
use miroir_domain::{PhysicalUid, Shard, ShardSet, TaskUid};
use miroir_ports::outbound::{ReplicaRecovery, TaskStore};
use tokio::task::JoinSet;

use super::lease::assert_fenced;
use crate::harness::Harness;
use crate::sample::{at, node, physical};

/// Returns a mark of a replica.
pub(super) fn mark(uid: &str, of_node: &str, difference: Difference) -> ReplicaMark {
    ReplicaMark {
        index: physical(uid),
        node: node(of_node),
        difference,
        task: None,
        reason: "missed a write".to_owned(),
        at: at(7),
    }
}

pub(super) fn shards(numbers: &[u32]) -> Difference {
    Difference::of_shards(numbers.iter().copied().map(Shard).collect())
}

fn everything(count: u32) -> Difference {
    Difference { shards: ShardSet::all(count), settings: true, index: true }
}

/// Returns the state of a replica, which is the default if it is in sync.
pub(super) async fn state(store: &Arc<dyn TaskStore>, uid: &str, of_node: &str) -> ReplicaState {
    let row = store.replica_get(&physical(uid), &node(of_node)).await.unwrap();
    row.map_or_else(ReplicaState::default, |row| row.state)
}

pub(super) async fn names(store: &Arc<dyn TaskStore>) -> Vec<String> {
    let rows = store.replica_list(None, u32::MAX).await.unwrap();
    rows.iter().map(|row| format!("{}:{}", row.index, row.node)).collect()
}

/// REPLICA-1, STORE-4.
pub(crate) async fn marks_add_up_and_the_first_reason_stays<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    assert_eq!(store.replica_get(&physical("films"), &node("a")).await.unwrap(), None);
    let last = ShardSet::from_iter([Shard(0), Shard(u32::MAX)]);
    let first = ReplicaMark {
        task: Some(TaskUid(u32::MAX)),
        reason: "ein \"Grund\"\0\n🎬 {1}:null".to_owned(),
        at: at(i64::MIN),
        ..mark("films", "a", Difference::of_shards(last))
    };
    let marks = [first.clone(), mark("films", "b", Difference::of_settings())];
    store.replica_mark(&marks).await.unwrap();
    let row = ReplicaRow::marked(None, &first, 1);
    assert_eq!(store.replica_get(&physical("films"), &node("a")).await.unwrap(), Some(row.clone()));
    let more = [
        mark("films", "a", shards(&[3])),
        mark("films", "a", Difference::of_index()),
        ReplicaMark { task: Some(TaskUid(0)), ..mark("films", "a", Difference::of_settings()) },
        mark("films", "a", shards(&[0, 9])),
    ];
    store.replica_mark(&more).await.unwrap();
    store.replica_mark(&[]).await.unwrap();
    let row = more.iter().zip(3..).fold(row, |row, (mark, stamp)| ReplicaRow::marked(Some(row), mark, stamp));
    assert_eq!(store.replica_get(&physical("films"), &node("a")).await.unwrap(), Some(row.clone()));
    assert_eq!((row.reason, row.task, row.since), (first.reason, first.task, first.at));
    let other = ReplicaRow::marked(None, &marks[1], 2);
    assert_eq!(store.replica_get(&physical("films"), &node("b")).await.unwrap(), Some(other));
}

/// REPLICA-2, STORE-8.
pub(crate) async fn stamps_continue_after_rows_were_removed_and_after_reopening<H: Harness>() {
    let mut harness = H::start().await;
    for round in 0..3_u32 {
        let store = harness.store();
        store.replica_mark(&[mark("films", "a", shards(&[round]))]).await.unwrap();
        store.replica_mark(&[mark("films", "b", Difference::of_index())]).await.unwrap();
        let seen = state(&store, "films", "a").await;
        assert_eq!(seen.shards.into_values().collect::<Vec<_>>(), [u64::from(round) * 2 + 1]);
        assert_eq!(state(&store, "films", "b").await.index, Some(u64::from(round) * 2 + 2));
        harness.reopen().await;
        let store = harness.store();
        let seen = state(&store, "films", "a").await;
        store.replica_repaired(&physical("films"), &node("a"), &seen).await.unwrap();
        assert_eq!(names(&store).await, ["films:b"], "the other survives");
        assert_eq!(store.replica_forget(&physical("films")).await.unwrap(), 1);
        harness.reopen().await;
        assert!(names(&harness.store()).await.is_empty());
    }
}

/// REPLICA-3.
pub(crate) async fn repair_removes_what_it_has_seen_and_nothing_newer<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let films = physical("films");
    store
        .replica_mark(&[mark("films", "a", everything(4)), mark("films", "b", everything(4))])
        .await
        .unwrap();
    let seen = state(&store, "films", "a").await;
    store.replica_mark(&[mark("films", "a", shards(&[2, 7]))]).await.unwrap();
    store.replica_mark(&[mark("films", "a", Difference::of_settings())]).await.unwrap();
    let before = store.replica_get(&films, &node("a")).await.unwrap().unwrap();
    store.replica_repaired(&films, &node("a"), &seen).await.unwrap();
    let left = store.replica_get(&films, &node("a")).await.unwrap();
    assert_eq!(left, before.repaired(&seen));
    let state_left = left.unwrap().state;
    assert_eq!((state_left.settings, state_left.index), (Some(4), None));
    assert_eq!(state_left.shards, [(Shard(2), 3), (Shard(7), 3)].into());
    // Stamps that nothing has, in whose number a float could be mistaken, remove nothing.
    for stamp in [0, 1, 2, (1 << 53) + 3, u64::MAX - 3, u64::MAX] {
        let other = ReplicaState::default().marked(&everything(9), stamp);
        store.replica_repaired(&films, &node("a"), &other).await.unwrap();
        assert_eq!(state(&store, "films", "a").await, state_left, "{stamp}");
    }
    store.replica_repaired(&films, &node("a"), &ReplicaState::default()).await.unwrap();
    assert_eq!(state(&store, "films", "a").await, state_left);
    store.replica_repaired(&films, &node("a"), &state_left).await.unwrap();
    assert_eq!(store.replica_get(&films, &node("a")).await.unwrap(), None);
    store.replica_repaired(&films, &node("a"), &state_left).await.unwrap();
    assert_eq!(names(&store).await, ["films:b"], "without a row nothing happens");
    assert_eq!(state(&store, "films", "b").await, ReplicaState::default().marked(&everything(4), 2));
}

/// REPLICA-1, REPLICA-3: each caller marks a shard of its own and repairs it. A lost change would leave one.
pub(crate) async fn marks_and_repairs_at_once_do_not_undo_each_other<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    store.replica_mark(&[mark("films", "a", Difference::of_index())]).await.unwrap();
    let mut callers = JoinSet::new();
    for number in 0..16 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            for _ in 0..5 {
                store.replica_mark(&[mark("films", "a", shards(&[number, 99]))]).await.unwrap();
                let mine = state(&store, "films", "a").await.of_shards(&shards(&[number]).shards);
                assert_eq!(mine.shards.len(), 1);
                store.replica_repaired(&physical("films"), &node("a"), &mine).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    let left = state(&store, "films", "a").await;
    assert_eq!((left.index, left.shards), (Some(1), [(Shard(99), 81)].into()));
}

/// REPLICA-1, REPLICA-2: each of many concurrent marks takes effect, with a stamp of its own.
pub(crate) async fn every_concurrent_mark_takes_effect<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let mut callers = JoinSet::new();
    for number in 0..64 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let marks = ["a", "b"].map(|node| mark("films", node, shards(&[number])));
            store.replica_mark(&marks).await.unwrap();
        });
    }
    callers.join_all().await;
    let (one, other) = (state(&store, "films", "a").await, state(&store, "films", "b").await);
    assert_eq!((one.shard_set(), other.shard_set()), (ShardSet::all(64), ShardSet::all(64)));
    let mut stamps: Vec<u64> = one.shards.values().chain(other.shards.values()).copied().collect();
    stamps.sort_unstable();
    assert_eq!(stamps, (1..=128).collect::<Vec<_>>());
    for shard in (0..64).map(Shard) {
        assert_eq!(one.shards[&shard] + 1, other.shards[&shard], "marks of one call are in their order");
    }
}

/// REPLICA-4.
pub(crate) async fn forgetting_an_index_spares_others<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let long = "x".repeat(PhysicalUid::MAX_BYTES);
    let uids = ["a", "a-", "a-b", "A", "aa", "_a", "__a", "_index", &long, &long[1..]];
    for uid in uids {
        let marks = ["n", "_n", "n-2"].map(|node| mark(uid, node, Difference::of_index()));
        store.replica_mark(&marks).await.unwrap();
    }
    for (number, uid) in uids.into_iter().enumerate() {
        assert_eq!(store.replica_forget(&physical(uid)).await.unwrap(), 3, "{uid}");
        assert_eq!(store.replica_forget(&physical(uid)).await.unwrap(), 0, "{uid}");
        let left = store.replica_list(None, u32::MAX).await.unwrap();
        assert_eq!(left.len(), (uids.len() - number - 1) * 3, "{uid}");
        assert!(left.iter().all(|row| row.index != physical(uid)));
        assert_eq!(state(&store, uid, "n").await, ReplicaState::default());
    }
}

/// REPLICA-5: `-` and digits come before the colon between the names, and letters after it.
pub(crate) async fn replicas_come_in_the_byte_order_of_index_and_node<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let long = "x".repeat(PhysicalUid::MAX_BYTES);
    let mut expected = Vec::new();
    for uid in ["a", "a-b", "a0", "aB", "a_", "A", "_index", "__index", "_", "0", "-", &long, &long[1..]] {
        for of_node in ["n", "n-1", "n0", "N", "_n", "__n"] {
            store.replica_mark(&[mark(uid, of_node, Difference::of_index())]).await.unwrap();
            expected.push((format!("{uid}:{of_node}"), (physical(uid), node(of_node))));
        }
    }
    expected.sort();
    let order: Vec<_> = expected.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names(&store).await, order);
    let at_name = |name| order.iter().position(|other| other == name).unwrap();
    assert!(at_name("a-b:n") < at_name("a0:n") && at_name("a0:n") < at_name("a:n"));
    for step in [1, 4, 100] {
        let mut seen: Vec<ReplicaRow> = Vec::new();
        loop {
            let after = seen.last().map(|row| (row.index.clone(), row.node.clone()));
            let page = store.replica_list(after, step).await.unwrap();
            assert!(page.len() <= step as usize);
            if page.is_empty() {
                break;
            }
            seen.extend(page);
        }
        let keys: Vec<_> = seen.into_iter().map(|row| (row.index, row.node)).collect();
        assert_eq!(keys, expected.iter().map(|(_, key)| key.clone()).collect::<Vec<_>>());
    }
    let after = store.replica_list(Some((physical("a-b"), node("z"))), 1).await.unwrap();
    assert_eq!(after[0].index, physical("a0"), "a cursor need not exist");
    assert!(store.replica_list(None, 0).await.unwrap().is_empty());
}

/// REPLICA-1, REPLICA-5: more rows than a store reads at once.
pub(crate) async fn thousands_of_replicas_are_marked_and_listed<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let name = |number: usize| (format!("i{:03}", number / 10), format!("n{}", number % 10));
    let marks = |count| (0..count).map(name).map(|(uid, node)| mark(&uid, &node, shards(&[1])));
    store.replica_mark(&marks(2_500).collect::<Vec<_>>()).await.unwrap();
    let rows = store.replica_list(None, u32::MAX).await.unwrap();
    assert_eq!(rows.len(), 2_500);
    for (number, row) in rows.iter().enumerate() {
        let (uid, of_node) = name(number);
        let stamp = number as u64 + 1;
        assert_eq!(*row, ReplicaRow::marked(None, &mark(&uid, &of_node, shards(&[1])), stamp));
    }
    let after = rows.get(1_200).map(|row| (row.index.clone(), row.node.clone()));
    assert_eq!(store.replica_list(after, 1_100).await.unwrap(), rows[1_201..2_301]);
    // Thousands of marks of one replica have the stamps of their order.
    let many: Vec<_> = (0..2_500).map(|number| mark("one", "n", shards(&[number % 50]))).collect();
    store.replica_mark(&many).await.unwrap();
    let expected: Vec<_> = (4_951..=5_000).collect();
    assert_eq!(state(&store, "one", "n").await.shards.into_values().collect::<Vec<_>>(), expected);
}

/// STORE-4, REPLICA-3: every shard of a large index.
pub(crate) async fn ten_thousand_shards_are_marked_and_repaired<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    store.replica_mark(&[mark("films", "a", everything(10_000))]).await.unwrap();
    let seen = state(&store, "films", "a").await;
    assert_eq!(seen, ReplicaState::default().marked(&everything(10_000), 1));
    let odd: ShardSet = (0..10_000).filter(|number| number % 2 == 1).map(Shard).collect();
    store.replica_mark(&[mark("films", "a", Difference::of_shards(odd.clone()))]).await.unwrap();
    store.replica_repaired(&physical("films"), &node("a"), &seen).await.unwrap();
    let left = state(&store, "films", "a").await;
    assert_eq!(left, ReplicaState::default().marked(&Difference::of_shards(odd), 2));
    store.replica_repaired(&physical("films"), &node("a"), &left).await.unwrap();
    assert!(names(&store).await.is_empty());
}

/// LEASE-8.
pub(crate) async fn handle_of_a_term_that_is_over_changes_no_replica<H: Harness>() {
    let harness = H::start().await;
    let (old, new) = (harness.store(), harness.second().await);
    let ttl = Duration::from_millis(100);
    old.lease_acquire("role", "one", ttl, at(0)).await.unwrap();
    old.lease_fence("role", 1).await.unwrap();
    let marks = [mark("films", "a", Difference::of_index())];
    old.replica_mark(&marks).await.unwrap();
    let seen = state(&old, "films", "a").await;
    let recovery = ReplicaRecovery { term: 1, oldest_open: TaskUid(2) };
    old.replica_recovery_put(recovery).await.unwrap();
    new.lease_acquire("role", "two", ttl, at(100)).await.unwrap();
    new.lease_fence("role", 2).await.unwrap();
    assert_fenced(old.replica_mark(&marks).await);
    assert_fenced(old.replica_repaired(&physical("films"), &node("a"), &seen).await);
    assert_fenced(old.replica_forget(&physical("films")).await);
    assert_fenced(old.replica_recovery_put(ReplicaRecovery { term: 9, ..recovery }).await);
    assert_eq!(state(&new, "films", "a").await, seen);
    assert_eq!(new.replica_recovery_get().await.unwrap(), Some(recovery));
    new.replica_mark(&marks).await.unwrap();
    assert_eq!(state(&new, "films", "a").await.index, Some(2), "a refused mark takes no stamp");
    assert_eq!(new.replica_forget(&physical("films")).await.unwrap(), 1);
}

/// STORE-4, STORE-8.
pub(crate) async fn recovery_reads_back_and_is_replaced<H: Harness>() {
    let mut harness = H::start().await;
    assert_eq!(harness.store().replica_recovery_get().await.unwrap(), None);
    let one = ReplicaRecovery { term: 1, oldest_open: TaskUid(0) };
    let last = ReplicaRecovery { term: u64::MAX, oldest_open: TaskUid(u32::MAX) };
    for recovery in [one, last, one] {
        harness.store().replica_recovery_put(recovery).await.unwrap();
        assert_eq!(harness.store().replica_recovery_get().await.unwrap(), Some(recovery));
        harness.reopen().await;
        assert_eq!(harness.store().replica_recovery_get().await.unwrap(), Some(recovery));
    }
    assert!(names(&harness.store()).await.is_empty());
}
