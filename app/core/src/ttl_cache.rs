//! A bounded cache whose entries expire.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// A cache of values from a slower source. It is bounded, because clients can choose its keys.
#[derive(Debug)]
pub struct TtlCache<K, V> {
    ttl: Duration,
    capacity: usize,
    state: Mutex<State<K, V>>,
}

#[derive(Debug)]
struct State<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// Number of times that the cache was cleared.
    clears: u64,
}

#[derive(Debug)]
struct Entry<V> {
    read_at: Instant,
    value: V,
}

/// The moment at which reading a value began.
#[derive(Debug, Clone, Copy)]
pub struct ReadStart {
    at: Instant,
    clears: u64,
}

impl<K: Eq + Hash, V: Clone> TtlCache<K, V> {
    /// Makes an empty cache of at most `capacity` entries. An entry expires `ttl` after its reading began.
    pub fn new(ttl: Duration, capacity: usize) -> Self {
        Self { ttl, capacity, state: Mutex::new(State { entries: HashMap::new(), clears: 0 }) }
    }

    /// Returns the value of `key`, or `None` if there is none that has not expired.
    pub fn get(&self, key: &K) -> Option<V> {
        let state = self.state.lock();
        let entry = state.entries.get(key).filter(|entry| entry.read_at.elapsed() < self.ttl)?;
        Some(entry.value.clone())
    }

    /// Marks the start of reading a value. Callers call it before they read the source.
    pub fn start(&self) -> ReadStart {
        ReadStart { at: Instant::now(), clears: self.state.lock().clears }
    }

    /// Stores a value whose reading began at `start`. Does nothing if the cache was cleared since, or if it
    /// is full of entries that have not expired.
    pub fn insert(&self, start: ReadStart, key: K, value: V) {
        let mut state = self.state.lock();
        if state.clears != start.clears {
            return;
        }
        if state.entries.len() >= self.capacity {
            state.entries.retain(|_, entry| entry.read_at.elapsed() < self.ttl);
        }
        if state.entries.len() < self.capacity || state.entries.contains_key(&key) {
            state.entries.insert(key, Entry { read_at: start.at, value });
        }
    }

    /// Removes every entry. Values whose reading has begun already will not be stored.
    pub fn clear(&self) {
        let mut state = self.state.lock();
        state.clears += 1;
        state.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_millis(250);

    fn cache() -> TtlCache<&'static str, u32> {
        TtlCache::new(TTL, 2)
    }

    #[tokio::test(start_paused = true)]
    async fn entry_expires_its_ttl_after_the_start_of_its_reading() {
        let cache = cache();
        let start = cache.start();
        tokio::time::advance(TTL / 2).await;
        cache.insert(start, "a", 1);
        assert_eq!(cache.get(&"a"), Some(1));
        tokio::time::advance(TTL / 2).await;
        assert_eq!(cache.get(&"a"), None);
    }

    #[tokio::test]
    async fn insert_ignores_values_whose_reading_began_before_a_clear() {
        let cache = cache();
        let start = cache.start();
        cache.insert(start, "a", 1);
        cache.clear();
        cache.insert(start, "b", 2);
        assert_eq!((cache.get(&"a"), cache.get(&"b")), (None, None));
        cache.insert(cache.start(), "b", 3);
        assert_eq!(cache.get(&"b"), Some(3));
    }

    #[tokio::test(start_paused = true)]
    async fn insert_stores_new_keys_in_a_full_cache_once_old_entries_expire() {
        let cache = cache();
        cache.insert(cache.start(), "a", 1);
        cache.insert(cache.start(), "b", 2);
        cache.insert(cache.start(), "c", 3);
        assert_eq!((cache.get(&"a"), cache.get(&"c")), (Some(1), None));
        cache.insert(cache.start(), "a", 4);
        assert_eq!(cache.get(&"a"), Some(4), "the value of a present key is replaced");
        tokio::time::advance(TTL).await;
        cache.insert(cache.start(), "c", 3);
        assert_eq!(cache.get(&"c"), Some(3));
        assert_eq!(cache.state.lock().entries.len(), 1);
    }
}
