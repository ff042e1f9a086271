//! Random rows, queries and histories: what is written comes back, and every store answers as memory does.

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

/// Enough to find what is common; `PROPTEST_CASES` asks for more.
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

    /// The definition of right.
    fn model(&self) -> Arc<dyn TaskStore> {
        Arc::clone(&self.memory) as Arc<dyn TaskStore>
    }

    /// Those that are compared with it, each by its name. What is added here is compared everywhere.
    fn others(&self) -> [(&'static str, Arc<dyn TaskStore>); 2] {
        [("sqlite", self.sqlite.store()), ("redis", self.redis.store())]
    }

    /// All of them.
    fn all(&self) -> Vec<Arc<dyn TaskStore>> {
        let others = self.others().into_iter().map(|(_, store)| store);
        std::iter::once(self.model()).chain(others).collect()
    }
}
