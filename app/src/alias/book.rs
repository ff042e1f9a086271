//! What a name stands for now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use miroir_domain::IndexUid;
use miroir_domain::alias::AliasTarget;
use miroir_domain::error::ErrorCode;
use miroir_ports::inbound::ApiError;
use miroir_ports::outbound::{StoreError, TaskStore};
use tokio::time::Instant;

/// How long a name is remembered: a flip by another instance is seen after this at the latest, well within the second that is
/// promised.
const FRESH: Duration = Duration::from_millis(250);
/// Names remembered. Clients choose names, so there must be a bound.
const REMEMBERED: usize = 10_000;

/// Looks names up in the store, at most once a moment each.
pub struct AliasBook {
    store: Arc<dyn TaskStore>,
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    known: HashMap<IndexUid, Known>,
    /// Counts the changes this process has made. A name that was read before a change is not remembered after it, or a
    /// request that begins after the change was acknowledged could be answered from before it.
    changes: u64,
}

/// What a name stood for at an instant; none for one that is no alias.
struct Known {
    read_at: Instant,
    target: Option<AliasTarget>,
}

impl AliasBook {
    /// Nothing known yet.
    pub fn new(store: Arc<dyn TaskStore>) -> Self {
        Self { store, pages: Mutex::default() }
    }

    /// What `name` stands for; none when it is no alias.
    pub async fn target(&self, name: &IndexUid) -> Result<Option<AliasTarget>, StoreError> {
        let changes = {
            let pages = self.lock();
            if let Some(known) = pages.known.get(name).filter(|known| known.read_at.elapsed() < FRESH) {
                return Ok(known.target.clone());
            }
            pages.changes
        };
        // Before the store is asked: what it answers may be as old as the question.
        let read_at = Instant::now();
        let target = self.store.alias_get(name).await?.map(|alias| alias.target);
        self.remember(name, changes, Known { read_at, target: target.clone() });
        Ok(target)
    }

    /// The indexes a read of `name` asks, in order; never empty.
    pub async fn readable(&self, name: &IndexUid) -> Result<Vec<IndexUid>, StoreError> {
        Ok(match self.target(name).await? {
            None => vec![name.clone()],
            Some(target) => target.indexes().to_vec(),
        })
    }

    /// The one index that `name` stands for. `refusal` is the code where it stands for several.
    pub async fn single(&self, name: IndexUid, refusal: ErrorCode) -> Result<IndexUid, ApiError> {
        match self.target(&name).await? {
            None => Ok(name),
            Some(AliasTarget::Single(index)) => Ok(index),
            Some(AliasTarget::Multi(indexes)) => {
                let indexes: Vec<&str> = indexes.iter().map(IndexUid::as_str).collect();
                Err(ApiError::refused(
                    refusal,
                    format!("Alias `{name}` stands for several indexes: name one of {}.", indexes.join(", ")),
                ))
            }
        }
    }

    /// The index that a write to `name` goes to.
    pub async fn writable(&self, name: IndexUid) -> Result<IndexUid, ApiError> {
        self.single(name, ErrorCode::MiroirMultiAliasNotWritable).await
    }

    /// Forgets everything: an alias was changed, or may have been.
    pub fn forget(&self) {
        let mut pages = self.lock();
        pages.changes += 1;
        pages.known.clear();
    }

    fn remember(&self, name: &IndexUid, changes: u64, known: Known) {
        let mut pages = self.lock();
        if pages.changes != changes {
            return;
        }
        if pages.known.len() >= REMEMBERED {
            pages.known.retain(|_, known| known.read_at.elapsed() < FRESH);
        }
        if pages.known.len() < REMEMBERED {
            pages.known.insert(name.clone(), known);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        // The map is valid after every statement, so a panic elsewhere cannot have left it half changed.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use miroir_memory::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let book = AliasBook::new(Arc::new(MemoryStore::new()));
        let name: IndexUid = "films".parse().unwrap();
        let changes = book.lock().changes;
        book.forget();
        let target = Some(AliasTarget::Single("former".parse().unwrap()));
        book.remember(&name, changes, Known { read_at: Instant::now(), target });
        assert_eq!(book.target(&name).await.unwrap(), None);
    }
}
