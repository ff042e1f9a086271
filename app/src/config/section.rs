//! The settings themselves: every field is one key of the file, its comment the key's documentation.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use miroir_domain::{GroupId, InstanceId, NodeId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BaseUrl, CanaryDefinition, CdcConfig, MetricsConfig, Secret};

/// The longest span that a setting takes: far beyond use, and far below where adding it to a clock overflows.
pub(super) const YEAR_MS: u64 = 365 * 24 * 60 * 60 * 1_000;

/// Settings of Miroir. Everything has a default that works, except the nodes: without them Miroir starts and
/// answers, but has nowhere to put a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How Miroir listens, and what a client may ask of it at once.
    pub server: ServerConfig,
    /// Who may call Miroir.
    pub auth: AuthConfig,
    /// How documents spread over the nodes.
    pub cluster: ClusterConfig,
    /// What holds for every node that does not say otherwise.
    pub node_defaults: NodeDefaults,
    /// The Meilisearch servers.
    pub nodes: Vec<NodeConfig>,
    /// Where tasks and everything else that must outlive the process is kept.
    pub store: StoreConfig,
    /// How several instances on one Redis know each other.
    pub instance: InstanceConfig,
    /// When a node is trusted.
    pub health: HealthConfig,
    /// How long a node may take.
    pub timeouts: TimeoutConfig,
    /// How tasks are followed and how long they are kept.
    pub task_registry: TaskRegistryConfig,
    /// Stored searches with assertions, run on a schedule.
    pub canary: CanaryConfig,
    /// Change data capture: what writes changed, told to others. See cdc.md.
    pub cdc: CdcConfig,
    /// Metrics for Prometheus, beside `GET /_miroir/metrics`. See metrics.md.
    pub metrics: MetricsConfig,
    /// What Miroir writes to standard error.
    pub log: LogConfig,
}

/// How Miroir listens, and what a client may ask of it at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// IP address and port to listen on. Port 0 takes any free port.
    #[schemars(with = "String", extend("format" = "socket-address"))]
    pub address: SocketAddr,
    /// Largest accepted request body.
    #[schemars(range(min = 1))]
    pub max_body_bytes: u64,
    /// Requests served at once; further ones are answered 503 with `Retry-After`.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_concurrent_requests: u32,
    /// Connections open at once; at most what the limit of open files leaves room for. Beyond them the one is closed that
    /// has kept Miroir waiting the longest: for a request, for the rest of one, or for its client to read.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_connections: u32,
    /// Longest time from a whole request to its answer.
    #[schemars(range(min = 1, max = YEAR_MS))]
    pub request_timeout_ms: u64,
    /// Longest time a connection may take to send the headers of a request, or stay without one between two.
    #[schemars(range(min = 1, max = YEAR_MS))]
    pub header_timeout_ms: u64,
    /// Longest time without a byte while a request's body arrives, and longest time by which it may fall behind 1024 bytes
    /// a second.
    #[schemars(range(min = 1, max = YEAR_MS))]
    pub body_timeout_ms: u64,
    /// Longest time in which a client takes nothing of its answer.
    #[schemars(range(min = 1, max = YEAR_MS))]
    pub write_timeout_ms: u64,
    /// How long requests in flight may take to finish once Miroir is told to stop.
    #[schemars(range(max = YEAR_MS))]
    pub shutdown_grace_ms: u64,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 7700)),
            max_body_bytes: 100 * 1024 * 1024,
            max_concurrent_requests: 1024,
            max_connections: 8192,
            request_timeout_ms: 60_000,
            header_timeout_ms: 30_000,
            body_timeout_ms: 120_000,
            write_timeout_ms: 30_000,
            shutdown_grace_ms: 20_000,
        }
    }
}

/// Who may call Miroir.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// The key clients send as `Authorization: Bearer`, as with Meilisearch. Without it client routes are open to
    /// everyone. Nodes are called with it too, unless `node_defaults.master_key` or a node's own key says otherwise.
    pub master_key: Option<Secret>,
    /// The key of the routes under `/_miroir`. Without it they answer on the loopback interface only.
    pub admin_key: Option<Secret>,
}

/// How documents spread over the nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterConfig {
    /// Shards of an index created from now on. An existing index keeps the number it was created with.
    #[schemars(range(min = 1, max = 4096))]
    pub shard_count: u32,
    /// Copies of a shard inside one replica group; no group may have fewer nodes.
    #[schemars(range(min = 1, max = 64))]
    pub replication_factor: u32,
    /// Acknowledgements inside one group that make a shard written. Unset, a majority of the copies:
    /// `replication_factor / 2 + 1`, rounded down.
    #[schemars(range(min = 1, max = 64))]
    pub write_quorum: Option<u32>,
    /// What a search answers when no node can serve some shard.
    pub search_policy: SearchPolicy,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self {
            shard_count: 64,
            replication_factor: 1,
            write_quorum: None,
            search_policy: SearchPolicy::Partial,
        }
    }
}

/// What a search answers when no node can serve some shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SearchPolicy {
    /// What the other shards hold, with the header `X-Miroir-Degraded`.
    Partial,
    /// 503 `miroir_shard_unavailable`.
    Error,
}

/// What holds for every node that does not say otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NodeDefaults {
    /// The master key of the nodes. Unset, `auth.master_key`.
    pub master_key: Option<Secret>,
}

/// One Meilisearch server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// Its name in the cluster, which decides where documents live: rename a node and its documents are looked for
    /// elsewhere.
    #[schemars(with = "String", extend("format" = "node-id"))]
    pub id: NodeId,
    /// Where it listens, like `http://10.0.0.5:7700`.
    pub url: BaseUrl,
    /// The replica group it belongs to. Every group holds all documents; a search is served by one group.
    #[serde(default = "first_group")]
    #[schemars(with = "u32")]
    pub group: GroupId,
    /// Its master key. Unset, `node_defaults.master_key`, else `auth.master_key`.
    #[serde(default)]
    pub master_key: Option<Secret>,
}

/// Where tasks and everything else that must outlive the process is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// What keeps it.
    pub backend: StoreBackend,
    /// File of the SQLite database; its folder is created. Never on a network file system.
    pub path: PathBuf,
    /// How far a write is on disk before it is acknowledged, on SQLite.
    pub synchronous: Synchronous,
    /// The Redis server, with the backend `redis`.
    pub redis: RedisConfig,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            backend: StoreBackend::Sqlite,
            path: PathBuf::from("./data/miroir.db"),
            synchronous: Synchronous::Full,
            redis: RedisConfig::default(),
        }
    }
}

/// How the Redis server is reached that keeps the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RedisConfig {
    /// `redis://user:password@host:port/database`, with TLS `rediss://...`, with Sentinels
    /// `redis+sentinel://user:password@host:port,host:port/master/database`.
    pub url: Option<Secret>,
    /// What every key begins with: two Miroirs with stores of their own can share a server.
    pub prefix: String,
    /// Whether keys carry hash tags, so that what one call touches is in one slot of Redis Cluster. It cannot be changed
    /// for a store that holds something.
    pub cluster: bool,
    /// How long connecting may take.
    #[schemars(range(min = 1))]
    pub connect_timeout_ms: u64,
    /// How long an answer may take; after it a write counts as unknown.
    #[schemars(range(min = 1))]
    pub response_timeout_ms: u64,
    /// Whether a server whose `maxmemory-policy` may drop keys is put up with.
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

/// What keeps the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoreBackend {
    /// An embedded SQLite database, for one instance of Miroir.
    Sqlite,
    /// A Redis server, 6.2 or newer, or Valkey.
    Redis,
    /// Nothing: tasks are forgotten when Miroir stops. For tests.
    Memory,
}

impl StoreBackend {
    /// The word of the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Redis => "redis",
            Self::Memory => "memory",
        }
    }
}

/// How far a write is on disk before it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// On the disk: survives a power cut.
    Full,
    /// With the operating system: survives a crash of Miroir, may lose the last moments to a power cut.
    Normal,
}

/// When a node is trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HealthConfig {
    /// Time between two probes of a node.
    #[schemars(range(min = 1, max = YEAR_MS))]
    pub probe_interval_ms: u64,
    /// How long a probe may take before it counts as bad.
    #[schemars(range(min = 1, max = YEAR_MS))]
    pub probe_timeout_ms: u64,
    /// Bad outcomes in a row, of probes or requests, that make a node failed.
    #[schemars(range(min = 1))]
    pub bad_to_fail: u32,
    /// Good outcomes in a row that make it healthy again.
    #[schemars(range(min = 1))]
    pub good_to_recover: u32,
}

impl Default for HealthConfig {
    fn default() -> Self {
        Self { probe_interval_ms: 5_000, probe_timeout_ms: 2_000, bad_to_fail: 3, good_to_recover: 2 }
    }
}

/// How long a node may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TimeoutConfig {
    /// To accept a connection.
    #[schemars(range(min = 1, max = YEAR_MS))]
    pub connect_ms: u64,
    /// To accept a write.
    #[schemars(range(min = 1, max = YEAR_MS))]
    pub write_ms: u64,
    /// To answer a read other than a search.
    #[schemars(range(min = 1, max = YEAR_MS))]
    pub read_ms: u64,
    /// To answer a search.
    #[schemars(range(min = 1, max = YEAR_MS))]
    pub search_ms: u64,
}

impl Default for TimeoutConfig {
    fn default() -> Self {
        Self { connect_ms: 1_000, write_ms: 30_000, read_ms: 10_000, search_ms: 10_000 }
    }
}

/// How tasks are followed and how long they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TaskRegistryConfig {
    /// How long a finished task is kept (7 days).
    #[schemars(range(min = 1, max = YEAR_MS))]
    pub ttl_ms: u64,
    /// Shortest wait between two looks at the unfinished tasks of a node.
    #[schemars(range(min = 1, max = YEAR_MS))]
    pub poll_min_ms: u64,
    /// Longest wait, reached step by step while nothing changes.
    #[schemars(range(min = 1, max = YEAR_MS))]
    pub poll_max_ms: u64,
    /// Time between two rounds that remove finished tasks older than `ttl_ms`.
    #[schemars(range(min = 1, max = YEAR_MS))]
    pub prune_interval_ms: u64,
}

impl Default for TaskRegistryConfig {
    fn default() -> Self {
        Self {
            ttl_ms: 7 * 24 * 60 * 60 * 1_000,
            poll_min_ms: 25,
            poll_max_ms: 1_000,
            prune_interval_ms: 60 * 60 * 1_000,
        }
    }
}

/// Stored searches with assertions, run on a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CanaryConfig {
    /// Whether canaries run by themselves. If not, they can still be written, read and run one at a time over HTTP.
    pub enabled: bool,
    /// Canaries that run at once.
    #[schemars(range(min = 1, max = 1_000))]
    pub concurrency: u32,
    /// How long the search of a canary may take; after it the run is an error.
    #[schemars(range(min = 1, max = YEAR_MS))]
    pub timeout_ms: u64,
    /// Runs kept of each canary.
    #[schemars(range(min = 1, max = 10_000))]
    pub history: u32,
    /// Canaries that belong to the configuration, each as `POST /_miroir/canaries` takes it, with an `id`. They are stored
    /// under `config:` and that id when Miroir starts, can only be read and run over HTTP, and go when they are no longer
    /// listed. See canaries.md.
    pub definitions: Vec<CanaryDefinition>,
}

impl Default for CanaryConfig {
    fn default() -> Self {
        Self { enabled: true, concurrency: 4, timeout_ms: 10_000, history: 100, definitions: Vec::new() }
    }
}

/// How several instances on one Redis know each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InstanceConfig {
    /// Its name, which no other instance on the same store may have, such as the name of its pod. Unset, a new one at every
    /// start.
    #[schemars(with = "Option<String>", extend("format" = "instance-id"))]
    pub id: Option<InstanceId>,
    /// Where the other instances reach it, like `http://10.0.0.5:7700`: requests that one instance must answer for all are
    /// handed on to it there. Unset, `server.address`, with the name of the machine where that stands for every interface.
    pub url: Option<BaseUrl>,
    /// How long a role stays with an instance that has fallen silent until another takes it over. An instance that could not
    /// renew it for four fifths of that time stops by itself.
    #[schemars(range(min = 1000, max = 600_000))]
    pub lease_ms: u64,
}

impl Default for InstanceConfig {
    fn default() -> Self {
        Self { id: None, url: None, lease_ms: 5_000 }
    }
}

/// What Miroir writes to standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug`, `trace` or `off`, or a filter by module such as `info,miroir=debug`. The
    /// environment variable `RUST_LOG` wins over it.
    #[schemars(extend("format" = "log-filter"))]
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Auto }
    }
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Text,
    /// For programs: one object a line.
    Json,
}

fn first_group() -> GroupId {
    GroupId(0)
}
