use std::collections::BTreeMap;

use miroir_domain::Shard;
use miroir_domain::task::{Event, NewTask, NodeTask, TaskKind};
use miroir_memory::MemoryStore;
use miroir_ports::outbound::ReplicaTable as _;
use miroir_system::SystemClock;

use super::*;

fn states(store: &MemoryStore) -> ReplicaStates {
    ReplicaStates::new(Arc::new(store.reopen()), Arc::new(SystemClock), Arc::default())
}

fn shards(numbers: &[u32]) -> ShardSet {
    numbers.iter().copied().map(Shard).collect()
}

fn film_on_a() -> (PhysicalUid, NodeId) {
    ("films".parse().unwrap(), "a".parse().unwrap())
}

fn mark(numbers: &[u32]) -> ReplicaMark {
    let (index, node) = film_on_a();
    ReplicaMark {
        index,
        node,
        difference: Difference::of_shards(shards(numbers)),
        task: None,
        reason: "missed".to_owned(),
        at: SystemClock.now(),
    }
}

async fn stored(store: &MemoryStore) -> ShardSet {
    let (index, node) = film_on_a();
    store.replica_get(&index, &node).await.unwrap().map(|row| row.state.shard_set()).unwrap_or_default()
}

#[tokio::test]
async fn load_restores_what_an_earlier_term_recorded() {
    let (store, (index, node)) = (MemoryStore::new(), film_on_a());
    states(&store).mark(&[mark(&[1, 2])]).await.unwrap();
    states(&store).differs(&index, &node, Difference::of_index(), "emptied").await.unwrap();
    let next = states(&store);
    assert!(!next.is_stale(&index, &node));
    next.load().await.unwrap();
    assert_eq!(next.state(&index, &node).shard_set(), shards(&[1, 2]));
    assert!(next.may_lack_index(&index, &node));
    assert_eq!(next.rows()[0].reason, "missed");
    assert_eq!(next.stale(), BTreeSet::from([(index, node)]));
}

#[tokio::test]
async fn repair_removes_what_it_has_seen_from_memory_and_store() {
    let (store, (index, node)) = (MemoryStore::new(), film_on_a());
    let states = states(&store);
    states.mark(&[mark(&[1, 2])]).await.unwrap();
    let seen = states.see(&index, &node).await.unwrap();
    states.repaired(&seen.of_shards(&shards(&[1]))).await.unwrap();
    assert_eq!((states.state(&index, &node).shard_set(), stored(&store).await), (shards(&[2]), shards(&[2])));
    states.repaired(&seen).await.unwrap();
    assert!(!states.is_stale(&index, &node) && stored(&store).await.is_empty());
}

#[tokio::test]
async fn miss_during_a_repair_stays_in_memory_and_store() {
    let (store, (index, node)) = (MemoryStore::new(), film_on_a());
    let states = states(&store);
    states.mark(&[mark(&[1, 2])]).await.unwrap();
    let seen = states.see(&index, &node).await.unwrap();
    states.mark(&[mark(&[2])]).await.unwrap();
    states.repaired(&seen).await.unwrap();
    assert_eq!((states.state(&index, &node).shard_set(), stored(&store).await), (shards(&[2]), shards(&[2])));
}

/// The mark is noted, a repair begins, and only then is the mark stored.
#[tokio::test]
async fn miss_that_is_stored_after_a_repair_began_stays_in_memory_and_store() {
    let (store, (index, node)) = (MemoryStore::new(), film_on_a());
    let states = states(&store);
    let marks = [mark(&[3])];
    states.note(&marks);
    let seen = states.see(&index, &node).await.unwrap();
    store.replica_mark(&marks).await.unwrap();
    states.note(&marks);
    states.repaired(&seen).await.unwrap();
    assert_eq!((states.state(&index, &node).shard_set(), stored(&store).await), (shards(&[3]), shards(&[3])));
}

#[tokio::test]
async fn stale_replicas_outlive_their_index_and_return_if_it_was_not_deleted() {
    let (store, (index, node)) = (MemoryStore::new(), film_on_a());
    let states = states(&store);
    let other = ReplicaMark { index: "plays".parse().unwrap(), ..mark(&[1]) };
    states.mark(&[mark(&[1, 2]), other.clone()]).await.unwrap();
    let rows = states.rows_of(&index);
    states.note_deletion(&index).await.unwrap();
    assert!(states.may_lack_index(&index, &node) && !states.may_lack_index(&other.index, &node));
    assert!(states.state(&index, &node).shard_set().is_empty() && stored(&store).await.is_empty());
    states.restore(rows).await.unwrap();
    assert_eq!(
        (states.state(&index, &node).shard_set(), stored(&store).await),
        (shards(&[1, 2]), shards(&[1, 2]))
    );
    assert_eq!(states.state(&other.index, &node).shard_set(), shards(&[1]));
}

#[tokio::test]
async fn replica_in_sync_has_no_row_after_its_index_was_deleted() {
    let (store, (index, node)) = (MemoryStore::new(), film_on_a());
    let states = states(&store);
    states.note_deletion(&index).await.unwrap();
    assert!(!states.is_stale(&index, &node) && store.replica_get(&index, &node).await.unwrap().is_none());
}

/// A task of films on `a` and `b`, whose part on `b` is pending.
fn half_accepted(uid: u32) -> Task {
    let part = || NodeTask::pending(shards(&[1]));
    let new = NewTask {
        kind: TaskKind::DocumentDeletion,
        index_uid: Some("films".parse().unwrap()),
        physical_uid: None,
        node_tasks: BTreeMap::from([("a".parse().unwrap(), part()), ("b".parse().unwrap(), part())]),
        details: None,
        custom_metadata: None,
        failure: None,
        changes: None,
    };
    let accepted = Event::NodeAccepted { node: "a".parse().unwrap(), uid: 4 };
    new.into_task(TaskUid(uid), SystemClock.now()).apply(accepted, SystemClock.now()).unwrap().0
}

#[test]
fn standing_follows_the_row_and_the_parts_of_acknowledged_writes() {
    let (store, (index, a)) = (MemoryStore::new(), film_on_a());
    let (states, b) = (states(&store), "b".parse().unwrap());
    let standing = |node: &NodeId| [1, 2].map(|shard| states.standing(&index, node, Shard(shard)));
    states.note(&[mark(&[2])]);
    assert_eq!(standing(&a), [Standing::InSync, Standing::Stale]);
    let mut task = half_accepted(7);
    states.note_unsure(&task);
    assert!(!states.is_acknowledged(task.uid), "a client does not rely on it");
    task.acknowledge();
    states.note_unsure(&task);
    assert!(states.is_acknowledged(task.uid));
    assert_eq!(standing(&b), [Standing::Unsure, Standing::InSync]);
    assert_eq!(standing(&a), [Standing::InSync, Standing::Stale]);
    states.note_resolved(&task);
    assert_eq!(standing(&b), [Standing::Unsure, Standing::InSync], "it is pending still");
    let accepted = Event::NodeAccepted { node: b.clone(), uid: 5 };
    states.note_resolved(&task.apply(accepted, SystemClock.now()).unwrap().0);
    assert_eq!(standing(&b), [Standing::InSync, Standing::InSync]);
    assert!(!states.is_acknowledged(TaskUid(7)));
}

#[test]
fn standing_does_not_suffer_from_missing_settings_or_a_missing_comparison() {
    let (store, (index, node)) = (MemoryStore::new(), film_on_a());
    let standing = |mark: ReplicaMark| {
        let states = states(&store);
        states.note(&[mark]);
        states.standing(&index, &node, Shard(1))
    };
    assert_eq!(
        standing(ReplicaMark { difference: Difference::of_settings(), ..mark(&[]) }),
        Standing::InSync
    );
    assert_eq!(standing(ReplicaMark { difference: Difference::of_index(), ..mark(&[]) }), Standing::Unsure);
    assert_eq!(standing(ReplicaMark { reason: UNCOMPARED.to_owned(), ..mark(&[1]) }), Standing::InSync);
}
