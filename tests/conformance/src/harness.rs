//! What a backend must offer to be tested.

use std::sync::Arc;

use async_trait::async_trait;
use miroir_memory::MemoryStore;
use miroir_ports::outbound::{StoreStatus as _, TaskStore};
use miroir_sqlite::{SqliteOptions, SqliteStore};
use tempfile::TempDir;

/// A store under test, and how to restart it.
#[async_trait]
pub trait Harness: Send + Sync + Sized + 'static {
    /// A fresh, empty store that shares nothing with any other.
    async fn start() -> Self;

    /// The open store.
    fn store(&self) -> Arc<dyn TaskStore>;

    /// Closes the store and opens it again on the same data.
    async fn reopen(&mut self);
}

/// The memory store.
pub struct Memory {
    store: Arc<MemoryStore>,
}

#[async_trait]
impl Harness for Memory {
    async fn start() -> Self {
        Self { store: Arc::new(MemoryStore::new()) }
    }

    fn store(&self) -> Arc<dyn TaskStore> {
        Arc::clone(&self.store) as Arc<dyn TaskStore>
    }

    async fn reopen(&mut self) {
        self.store.store_close().await.unwrap();
        self.store = Arc::new(self.store.reopen());
    }
}

/// The SQLite store, in a directory of its own.
pub struct Sqlite {
    store: Arc<SqliteStore>,
    directory: TempDir,
}

impl Sqlite {
    async fn open(directory: &TempDir) -> Arc<SqliteStore> {
        let options = SqliteOptions::new(directory.path().join("miroir.db"));
        Arc::new(SqliteStore::open(options).await.unwrap())
    }
}

#[async_trait]
impl Harness for Sqlite {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { store: Self::open(&directory).await, directory }
    }

    fn store(&self) -> Arc<dyn TaskStore> {
        Arc::clone(&self.store) as Arc<dyn TaskStore>
    }

    async fn reopen(&mut self) {
        self.store.store_close().await.unwrap();
        self.store = Self::open(&self.directory).await;
    }
}
