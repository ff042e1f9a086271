//! Settings of the task store.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;
use super::bound::MAX_DURATION_MS;

/// The task store, which contains tasks and all other state that survives a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// Kind of the store.
    pub backend: StoreBackend,
    /// File of the SQLite database. Its folder is created. It must not be on a network file system.
    pub path: PathBuf,
    /// Durability of acknowledged writes on SQLite.
    pub synchronous: Synchronous,
    /// The Redis server of the backend `redis`.
    pub redis: RedisConfig,
    /// Time for which reads continue with the last known registry while the store does not respond.
    #[schemars(range(max = MAX_DURATION_MS))]
    pub max_staleness_ms: u64,
    /// Keys that seal the API keys of embedders in the store, such as the output of
    /// `openssl rand -base64 32`. The first seals, and all of them open, so that a key can be replaced.
    /// Without one, the store does not contain these API keys, and a node that has lost them must be given
    /// them again. See replicas.md.
    pub sealing_keys: Vec<Secret>,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            backend: StoreBackend::Sqlite,
            path: PathBuf::from("./data/miroir.db"),
            synchronous: Synchronous::Full,
            redis: RedisConfig::default(),
            max_staleness_ms: 15 * 60 * 1_000,
            sealing_keys: Vec::new(),
        }
    }
}

/// The Redis server of the backend `redis`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RedisConfig {
    /// URL: `redis://user:password@host:port/database`, with TLS `rediss://...`, with Sentinels
    /// `redis+sentinel://user:password@host:port,host:port/master/database`.
    pub url: Option<Secret>,
    /// Prefix of all keys. With different prefixes, several stores can share a server.
    pub prefix: String,
    /// True to add hash tags to keys, so that each command uses one slot of Redis Cluster. It cannot be
    /// changed for a store that contains data.
    pub cluster: bool,
    /// Maximum time to connect.
    #[schemars(range(min = 1))]
    pub connect_timeout_ms: u64,
    /// Maximum time for a response. After it, the outcome of a write is unknown.
    #[schemars(range(min = 1))]
    pub response_timeout_ms: u64,
    /// True to accept a server whose `maxmemory-policy` may evict keys.
    pub allow_eviction: bool,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            url: None,
            prefix: "miroir".to_owned(),
            cluster: false,
            connect_timeout_ms: 2_000,
            response_timeout_ms: 5_000,
            allow_eviction: false,
        }
    }
}

/// Kind of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoreBackend {
    /// An embedded SQLite database, for one instance of Miroir.
    Sqlite,
    /// A Redis server, 6.2 or newer, or Valkey.
    Redis,
    /// Memory: all state is lost when Miroir stops. For tests.
    Memory,
}

impl StoreBackend {
    /// Returns the word of the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Redis => "redis",
            Self::Memory => "memory",
        }
    }
}

/// Durability of acknowledged writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// On disk: survives a power failure.
    Full,
    /// Passed to the operating system: survives a crash of Miroir. A power failure can lose the last moments.
    Normal,
}
