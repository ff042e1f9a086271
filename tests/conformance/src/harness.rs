//! The interface by which a backend is tested.

use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use miroir_memory::MemoryStore;
use miroir_ports::outbound::{StoreStatus as _, TaskStore};
use miroir_redis::{Clock, RedisOptions, RedisStore};
use miroir_sqlite::{SqliteOptions, SqliteStore};
use miroir_test_redis::{AnyRedis, RedisServer};
use tempfile::TempDir;

/// A store under test that can be restarted.
#[async_trait]
pub trait Harness: Send + Sync + Sized + 'static {
    /// Starts a fresh, empty store that shares nothing with any other.
    async fn start() -> Self;

    /// Returns the open store.
    fn store(&self) -> Arc<dyn TaskStore>;

    /// Closes the store and opens it again on the same data.
    async fn reopen(&mut self);

    /// Returns another handle on the same data, as another instance has it.
    async fn second(&self) -> Arc<dyn TaskStore>;

    /// Returns the number of rows that purging removes if `rows` have expired: 0 if the store removes them by
    /// itself.
    fn purged(rows: u64) -> u64 {
        rows
    }
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

    async fn second(&self) -> Arc<dyn TaskStore> {
        Arc::new(self.store.reopen())
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

    async fn second(&self) -> Arc<dyn TaskStore> {
        Self::open(&self.directory).await
    }
}

/// The layout of keys on the server of a Redis store.
#[async_trait]
pub trait Layout: Send + Sync + 'static {
    /// True if keys carry hash tags.
    const CLUSTER: bool;
    /// Starts a server for it.
    async fn server() -> AnyRedis;
}

/// One server, in a container if a Docker engine responds.
pub struct Plain;

#[async_trait]
impl Layout for Plain {
    const CLUSTER: bool = false;

    async fn server() -> AnyRedis {
        AnyRedis::start().await
    }
}

/// A server process on this machine. It starts fast, for tests that start many.
pub struct Local;

#[async_trait]
impl Layout for Local {
    const CLUSTER: bool = false;

    async fn server() -> AnyRedis {
        AnyRedis::Process(RedisServer::start())
    }
}

/// A server that is a cluster of its own: it refuses a call whose keys are in more than one slot.
pub struct Slots;

#[async_trait]
impl Layout for Slots {
    const CLUSTER: bool = true;

    async fn server() -> AnyRedis {
        let server = RedisServer::with(&["--save", "", "--cluster-enabled", "yes"]);
        assert_eq!(server.say(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]), "+OK\r\n");
        while !server.say(&["CLUSTER", "INFO"]).contains("cluster_state:ok") {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        AnyRedis::Process(server)
    }
}

/// The Redis store, on a server of its own. Tests set the time, as for the other stores. The server's own
/// clock has tests of its own.
pub struct Redis<L: Layout> {
    store: Arc<RedisStore>,
    server: AnyRedis,
    layout: PhantomData<L>,
}

impl<L: Layout> Redis<L> {
    async fn open(server: &AnyRedis) -> Arc<RedisStore> {
        let options =
            RedisOptions { clock: Clock::Caller, cluster: L::CLUSTER, ..RedisOptions::new(server.url()) };
        Arc::new(RedisStore::open(options).await.unwrap())
    }
}

#[async_trait]
impl<L: Layout> Harness for Redis<L> {
    async fn start() -> Self {
        let server = L::server().await;
        Self { store: Self::open(&server).await, server, layout: PhantomData }
    }

    fn store(&self) -> Arc<dyn TaskStore> {
        Arc::clone(&self.store) as Arc<dyn TaskStore>
    }

    async fn reopen(&mut self) {
        self.store.store_close().await.unwrap();
        self.store = Self::open(&self.server).await;
    }

    async fn second(&self) -> Arc<dyn TaskStore> {
        Self::open(&self.server).await
    }

    fn purged(_rows: u64) -> u64 {
        0
    }
}

/// Proves after every case that nothing was searched for.
impl<L: Layout> Drop for Redis<L> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let commands = self.server.say(&["INFO", "commandstats"]);
        // Opening the store sets its schema version, so a response without `set` is not a list of commands.
        assert!(commands.contains("cmdstat_set:"), "{commands}");
        for word in ["scan", "hscan", "sscan", "zscan", "keys"] {
            assert!(!commands.contains(&format!("cmdstat_{word}:")), "the server was sent {word}");
        }
    }
}
