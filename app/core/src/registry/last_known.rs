//! The registry and the aliases as last read, for reads while the store is away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use miroir_domain::IndexUid;
use miroir_domain::alias::{Alias, AliasTarget};
use miroir_domain::index::IndexEntry;
use miroir_ports::error_chain;
use miroir_ports::inbound::StalenessApi;
use miroir_ports::outbound::{StoreError, TaskStore};
use parking_lot::{Mutex, RwLock};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::identity::KnownIdentity;
use crate::listing;

/// The pause between two looks at the store.
const PAUSE: Duration = Duration::from_millis(500);

/// The time between two readings of everything.
const RELOAD: Duration = Duration::from_secs(5);

/// The time in which the store must respond to a look.
const PATIENCE: Duration = Duration::from_secs(2);

/// The registry and the aliases as last read. While the store does not respond, reads use them for a limited
/// time, without waiting for the store.
pub struct LastKnown {
    max_age: Duration,
    identity: Arc<KnownIdentity>,
    state: RwLock<State>,
    /// The number of reads that used what is known, and its age at the last of them.
    uses: Mutex<(u64, Duration)>,
}

#[derive(Default)]
struct State {
    indexes: BTreeMap<IndexUid, IndexEntry>,
    aliases: BTreeMap<IndexUid, Alias>,
    /// The instant at which everything was last read, or `None` before the first time.
    loaded_at: Option<Instant>,
    /// The instant of the last response of the store.
    responded_at: Option<Instant>,
    is_away: bool,
}

impl State {
    /// Returns the age of what is known, if the store is away and everything was read once.
    fn age(&self) -> Option<Duration> {
        if !self.is_away || self.loaded_at.is_none() {
            return None;
        }
        Some(self.responded_at?.elapsed())
    }
}

impl LastKnown {
    /// Creates a registry that knows nothing. It is used for `max_age` after the last response of the store,
    /// unless `identity` knows that the store is not that of the cluster.
    pub fn new(max_age: Duration, identity: Arc<KnownIdentity>) -> Self {
        Self { max_age, identity, state: RwLock::default(), uses: Mutex::default() }
    }

    /// Returns the age of what reads use, or `None` while the store responds or nothing may be used.
    pub fn age(&self) -> Option<Duration> {
        self.state.read().age().filter(|age| *age < self.max_age)
    }

    /// Returns the entry of an index. While the store is away, an index that is not known may exist
    /// nevertheless, so the error of the store is returned.
    pub async fn index(
        &self,
        store: &dyn TaskStore,
        uid: &IndexUid,
    ) -> Result<Option<IndexEntry>, StoreError> {
        let read = || store.index_get(uid);
        let entry = self.read(read, |state| state.indexes.get(uid).cloned().map(Some)).await?;
        self.note(uid, entry.as_ref());
        Ok(entry)
    }

    /// Returns all entries, by uid.
    pub async fn indexes(&self, store: &dyn TaskStore) -> Result<Vec<IndexEntry>, StoreError> {
        let read = || listing::indexes(store);
        self.read(read, |state| Some(state.indexes.values().cloned().collect())).await
    }

    /// Returns the target of an alias. While the store is away, a name that is not known as an alias is taken
    /// for that of an index.
    pub async fn alias_target(
        &self,
        store: &dyn TaskStore,
        name: &IndexUid,
    ) -> Result<Option<AliasTarget>, StoreError> {
        let read = async || Ok(store.alias_get(name).await?.map(|alias| alias.target));
        self.read(read, |state| Some(state.aliases.get(name).map(|alias| alias.target.clone()))).await
    }

    /// Notes an entry that was read or stored, or that there is none.
    pub fn note(&self, uid: &IndexUid, entry: Option<&IndexEntry>) {
        // Comparing first spares readers the exclusive lock.
        if self.state.read().indexes.get(uid) == entry {
            return;
        }
        let mut state = self.state.write();
        match entry {
            Some(entry) => drop(state.indexes.insert(uid.clone(), entry.clone())),
            None => drop(state.indexes.remove(uid)),
        }
    }

    /// Reads from the store, or what is known while the store is away, if that says anything.
    async fn read<T, F>(
        &self,
        read: impl FnOnce() -> F,
        known: impl Fn(&State) -> Option<T>,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        if self.is_used()
            && let Some(known) = self.use_known(&known)
        {
            return Ok(known);
        }
        let outcome = read().await;
        // That the store still responds is noted by the loop alone, so that reads do not wait for each other.
        if is_away(&outcome) != self.state.read().is_away {
            self.observe(&outcome);
        }
        match outcome {
            Err(error @ StoreError::Unavailable { .. }) if self.is_used() => {
                self.use_known(known).ok_or(error)
            }
            outcome => outcome,
        }
    }

    fn use_known<T>(&self, known: impl Fn(&State) -> Option<T>) -> Option<T> {
        let state = self.state.read();
        let value = known(&state)?;
        let mut uses = self.uses.lock();
        *uses = (uses.0 + 1, state.age().unwrap_or_default());
        Some(value)
    }

    /// Returns whether reads use what is known.
    fn is_used(&self) -> bool {
        self.age().is_some() && self.identity.store_problem().is_none()
    }

    /// Notes whether the store responded.
    fn observe<T>(&self, outcome: &Result<T, StoreError>) {
        let is_away = is_away(outcome);
        let mut state = self.state.write();
        if state.is_away != is_away {
            if is_away {
                tracing::warn!(
                    "the task store is away: reads use what was last known, and writes are refused"
                );
            } else {
                tracing::info!("the task store responds again");
            }
        }
        state.is_away = is_away;
        if !is_away {
            state.responded_at = Some(Instant::now());
        }
    }

    /// Reads everything.
    pub async fn load(&self, store: &dyn TaskStore) -> Result<(), StoreError> {
        let begun = Instant::now();
        let loaded = async {
            let indexes = listing::indexes(store).await?;
            let list = |after, limit| store.alias_list(after, limit);
            Ok((indexes, listing::all(list, |alias: &Alias| alias.name.clone()).await?))
        };
        let outcome: Result<(Vec<IndexEntry>, Vec<Alias>), StoreError> = loaded.await;
        self.observe(&outcome);
        let (indexes, aliases) = outcome?;
        let mut state = self.state.write();
        state.indexes = indexes.into_iter().map(|entry| (entry.uid.clone(), entry)).collect();
        state.aliases = aliases.into_iter().map(|alias| (alias.name.clone(), alias)).collect();
        state.loaded_at = Some(begun);
        Ok(())
    }

    fn must_load(&self) -> bool {
        self.state.read().loaded_at.is_none_or(|loaded_at| loaded_at.elapsed() >= RELOAD)
    }
}

fn is_away<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable { .. }))
}

impl StalenessApi for LastKnown {
    fn stale_reads(&self) -> u64 {
        self.uses.lock().0
    }

    fn registry_age(&self, since: u64) -> Option<Duration> {
        let (reads, age) = *self.uses.lock();
        self.age().or((reads > since).then_some(age))
    }
}

/// Keeps `known` up to date until `shutdown`, and notices when the store goes away and comes back.
pub async fn last_known_loop(known: Arc<LastKnown>, store: Arc<dyn TaskStore>, shutdown: CancellationToken) {
    loop {
        let look = async {
            if known.must_load() {
                known.load(store.as_ref()).await
            } else {
                // A small read. The ping of the store writes.
                store.cluster_get().await.map(drop)
            }
        };
        let outcome = match timeout(PATIENCE, look).await {
            Ok(outcome) => outcome,
            Err(_) => Err(StoreError::not_applied("the task store did not respond in time")),
        };
        known.observe(&outcome);
        if let Err(error) = outcome {
            tracing::debug!("the task store does not respond: {}", error_chain(&error));
        }
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            () = sleep(PAUSE) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use miroir_domain::Timestamp;
    use miroir_memory::MemoryStore;
    use miroir_ports::outbound::{IndexTable as _, StoreStatus as _};

    use super::*;
    use crate::identity::StoreIdentity;

    const MAX_AGE: Duration = Duration::from_mins(1);

    fn entry(uid: &str) -> IndexEntry {
        let now = Timestamp::from_millis(0);
        IndexEntry {
            uid: uid.parse().unwrap(),
            physical_uid: uid.parse().unwrap(),
            primary_key: None,
            shard_count: 4,
            settings_version: 1,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    async fn loaded() -> (MemoryStore, Arc<KnownIdentity>, LastKnown) {
        let store = MemoryStore::new();
        store.index_create(&entry("films")).await.unwrap();
        let identity = Arc::new(KnownIdentity::default());
        let known = LastKnown::new(MAX_AGE, Arc::clone(&identity));
        known.load(&store).await.unwrap();
        (store, identity, known)
    }

    fn uid(name: &str) -> IndexUid {
        name.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn reads_continue_for_the_greatest_age_and_no_longer() {
        let (store, _, known) = loaded().await;
        // One that was created since everything was read.
        store.index_create(&entry("books")).await.unwrap();
        assert_eq!(known.index(&store, &uid("books")).await.unwrap(), Some(entry("books")));
        assert_eq!(known.age(), None);
        let reopened = store.reopen();
        store.store_close().await.unwrap();
        tokio::time::advance(MAX_AGE / 2).await;
        for name in ["films", "books"] {
            assert_eq!(known.index(&store, &uid(name)).await.unwrap(), Some(entry(name)), "{name}");
        }
        assert_eq!(known.age(), Some(MAX_AGE / 2));
        assert_eq!(known.indexes(&store).await.unwrap().len(), 2);
        assert_eq!(known.alias_target(&store, &uid("films")).await.unwrap(), None);
        tokio::time::advance(MAX_AGE / 2).await;
        assert!(known.index(&store, &uid("films")).await.is_err());
        assert_eq!(known.age(), None);
        assert_eq!(known.index(&reopened, &uid("films")).await.unwrap(), Some(entry("films")));
        assert_eq!(known.age(), None);
    }

    /// Another instance may have created it.
    #[tokio::test(start_paused = true)]
    async fn index_that_is_not_known_is_not_denied_while_the_store_is_away() {
        let (store, _, known) = loaded().await;
        let reopened = store.reopen();
        store.store_close().await.unwrap();
        assert_eq!(known.index(&store, &uid("films")).await.unwrap(), Some(entry("films")));
        assert!(known.index(&store, &uid("books")).await.is_err());
        // The store is back, which the loop has not noticed yet.
        reopened.index_create(&entry("books")).await.unwrap();
        assert_eq!(known.index(&reopened, &uid("books")).await.unwrap(), Some(entry("books")));
        assert_eq!(known.index(&reopened, &uid("none")).await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_known_before_everything_was_read() {
        let store = MemoryStore::new();
        store.store_close().await.unwrap();
        let known = LastKnown::new(MAX_AGE, Arc::default());
        assert!(known.index(&store, &uid("films")).await.is_err());
        assert!(known.load(&store).await.is_err());
        assert!(known.indexes(&store).await.is_err());
        assert_eq!(known.age(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_used_while_the_store_is_not_that_of_the_cluster() {
        let (store, identity, known) = loaded().await;
        store.store_close().await.unwrap();
        assert!(known.index(&store, &uid("films")).await.is_ok());
        identity.replace(StoreIdentity::Lost { cluster: "c".parse().unwrap() }, Vec::new());
        assert!(known.index(&store, &uid("films")).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn note_replaces_what_was_read() {
        let (store, _, known) = loaded().await;
        known.note(&uid("films"), None);
        known.note(&uid("books"), Some(&entry("books")));
        store.store_close().await.unwrap();
        assert!(known.index(&store, &uid("films")).await.is_err());
        assert_eq!(known.index(&store, &uid("books")).await.unwrap(), Some(entry("books")));
    }
}
