use miroir_domain::Shard;
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

fn film_on_a() -> (IndexUid, NodeId) {
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
async fn forget_removes_the_index_alone() {
    let (store, (index, node)) = (MemoryStore::new(), film_on_a());
    let states = states(&store);
    let other = ReplicaMark { index: "plays".parse().unwrap(), ..mark(&[1]) };
    states.mark(&[mark(&[1]), other.clone()]).await.unwrap();
    states.forget(&index).await.unwrap();
    assert!(!states.is_stale(&index, &node) && stored(&store).await.is_empty());
    assert_eq!(states.stale(), BTreeSet::from([(other.index, node)]));
}
