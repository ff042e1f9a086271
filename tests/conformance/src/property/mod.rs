//! Random rows, queries and histories: what is written comes back, and SQLite answers as memory does.

mod history;
mod row;
mod strategy;

use std::sync::Arc;

use miroir_memory::MemoryStore;
use miroir_ports::outbound::TaskStore;
use miroir_sqlite::{SqliteOptions, SqliteStore, Synchronous};
use proptest::test_runner::Config;
use tempfile::TempDir;

/// Enough to find what is common; `PROPTEST_CASES` asks for more.
fn config(cases: u32) -> Config {
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { cases };
    Config { cases, ..Config::default() }
}

/// Runs one case to its end.
fn run<T>(case: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(case)
}

/// The two stores that must agree.
struct Pair {
    memory: Arc<MemoryStore>,
    sqlite: Arc<SqliteStore>,
    directory: TempDir,
}

impl Pair {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { memory: Arc::new(MemoryStore::new()), sqlite: Self::open(&directory).await, directory }
    }

    async fn open(directory: &TempDir) -> Arc<SqliteStore> {
        // What is on disk after a power cut is not asked here.
        let options = SqliteOptions {
            synchronous: Synchronous::Normal,
            ..SqliteOptions::new(directory.path().join("miroir.db"))
        };
        Arc::new(SqliteStore::open(options).await.unwrap())
    }

    async fn reopen(&mut self) {
        use miroir_ports::outbound::StoreStatus as _;
        self.sqlite.store_close().await.unwrap();
        self.sqlite = Self::open(&self.directory).await;
        self.memory = Arc::new(self.memory.reopen());
    }

    /// The model first, the store that is compared with it second.
    fn both(&self) -> [Arc<dyn TaskStore>; 2] {
        [Arc::clone(&self.memory) as Arc<dyn TaskStore>, Arc::clone(&self.sqlite) as Arc<dyn TaskStore>]
    }
}
