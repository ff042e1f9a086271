//! All settings: every field of a section is a key of the file, and its comment is the key's documentation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AuthConfig, CanaryConfig, CdcConfig, ClusterConfig, HealthConfig, InstanceConfig, LogConfig,
    MetricsConfig, NodeConfig, NodeDefaults, RepairConfig, ServerConfig, StoreConfig, TaskRegistryConfig,
    TimeoutConfig,
};

/// Settings of Miroir. All have working defaults except the nodes: without nodes, Miroir starts but cannot
/// store documents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The HTTP server and its limits.
    pub server: ServerConfig,
    /// Keys of the HTTP server.
    pub auth: AuthConfig,
    /// Distribution of documents over the nodes.
    pub cluster: ClusterConfig,
    /// Defaults for all nodes.
    pub node_defaults: NodeDefaults,
    /// The Meilisearch servers.
    pub nodes: Vec<NodeConfig>,
    /// The task store, which contains tasks and all other state that survives a restart.
    pub store: StoreConfig,
    /// Instances that share a store on Redis.
    pub instance: InstanceConfig,
    /// Health checks of nodes.
    pub health: HealthConfig,
    /// Timeouts of requests to nodes.
    pub timeouts: TimeoutConfig,
    /// Polling and retention of tasks.
    pub task_registry: TaskRegistryConfig,
    /// Repair of replicas that are not in sync. See replicas.md.
    pub repair: RepairConfig,
    /// Stored searches with assertions, run on a schedule.
    pub canary: CanaryConfig,
    /// Change data capture: events of changed documents, sent to sinks. See cdc.md.
    pub cdc: CdcConfig,
    /// Metrics for Prometheus, beside `GET /_miroir/metrics`. See metrics.md.
    pub metrics: MetricsConfig,
    /// The log on standard error.
    pub log: LogConfig,
}
