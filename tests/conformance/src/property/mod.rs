//! Random rows, queries and histories: values read back as written, and every store agrees with memory.

mod feature;
mod feature_row;
mod history;
mod round_trip;
mod row;
mod strategy;

use std::sync::Arc;

use miroir_memory::MemoryStore;
use miroir_ports::outbound::TaskStore;
use proptest::test_runner::Config;

use crate::harness::{Harness as _, Local, Redis, Sqlite};

/// Returns the configuration for a number of cases that suffices for common errors. `PROPTEST_CASES` sets
/// another.
fn config(cases: u32) -> Config {
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { cases };
    Config { cases, ..Config::default() }
}

/// Runs one case to its end.
fn run<T>(case: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(case)
}

/// The stores that must agree.
struct Stores {
    memory: Arc<MemoryStore>,
    sqlite: Sqlite,
    redis: Redis<Local>,
}

impl Stores {
    async fn start() -> Self {
        Self {
            memory: Arc::new(MemoryStore::new()),
            sqlite: Sqlite::start().await,
            redis: Redis::start().await,
        }
    }

    async fn reopen(&mut self) {
        self.memory = Arc::new(self.memory.reopen());
        self.sqlite.reopen().await;
        self.redis.reopen().await;
    }

    /// Returns the model.
    fn model(&self) -> Arc<dyn TaskStore> {
        Arc::clone(&self.memory) as Arc<dyn TaskStore>
    }

    /// Returns the stores that are compared with the model, by their names. Every test uses them.
    fn others(&self) -> [(&'static str, Arc<dyn TaskStore>); 2] {
        [("sqlite", self.sqlite.store()), ("redis", self.redis.store())]
    }

    /// Returns all stores.
    fn all(&self) -> Vec<Arc<dyn TaskStore>> {
        let others = self.others().into_iter().map(|(_, store)| store);
        std::iter::once(self.model()).chain(others).collect()
    }
}
