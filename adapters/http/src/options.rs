//! The inbound ports that the adapter calls, and its keys and limits.

use std::sync::Arc;
use std::time::Duration;

use miroir_ports::inbound::{
    AliasApi, CanaryApi, ChangeFeed, ClusterApi, DocumentApi, IndexApi, InstanceApi, JobApi, MetricsApi,
    SearchApi, SettingsApi, SinkApi, StalenessApi, TaskApi,
};
use miroir_ports::outbound::Observer;

use crate::Secret;

/// The inbound ports, with one implementation each.
#[derive(Clone)]
pub struct Apis {
    /// Indexes.
    pub index: Arc<dyn IndexApi>,
    /// Documents.
    pub document: Arc<dyn DocumentApi>,
    /// Settings.
    pub settings: Arc<dyn SettingsApi>,
    /// Searches.
    pub search: Arc<dyn SearchApi>,
    /// Tasks.
    pub task: Arc<dyn TaskApi>,
    /// Aliases.
    pub alias: Arc<dyn AliasApi>,
    /// The cluster.
    pub cluster: Arc<dyn ClusterApi>,
    /// The staleness of reads while the task store is away.
    pub staleness: Arc<dyn StalenessApi>,
    /// Canaries.
    pub canary: Arc<dyn CanaryApi>,
    /// The feed of changes.
    pub feed: Arc<dyn ChangeFeed>,
    /// Sinks of changes.
    pub sink: Arc<dyn SinkApi>,
    /// The instances of Miroir.
    pub instance: Arc<dyn InstanceApi>,
    /// Jobs.
    pub job: Arc<dyn JobApi>,
    /// Metrics.
    pub metrics: Arc<dyn MetricsApi>,
    /// The observer of requests.
    pub observer: Arc<dyn Observer>,
}

/// Keys and limits. The [`Default`] has the documented limits and no keys.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// The key of client routes. Without it they are open to everyone.
    pub master_key: Option<Secret>,
    /// The key of `/_miroir`. Without it these routes are open to loopback peers only.
    pub admin_key: Option<Secret>,
    /// The maximum size of a body, compressed and decompressed (100 MiB, the value of Meilisearch).
    pub max_body_bytes: u64,
    /// The maximum size of request line and headers (64 KiB).
    pub max_header_bytes: usize,
    /// The maximum number of concurrent requests (1024). Health and readiness do not count.
    pub max_concurrent_requests: usize,
    /// The maximum number of connections (8192). Beyond it, the connection that has been idle the longest is
    /// closed.
    pub max_connections: usize,
    /// The maximum time from a complete request to its response (60 s).
    pub request_timeout: Duration,
    /// The maximum time without a byte of a body, and the maximum delay behind [`MIN_BODY_BYTES_PER_SECOND`]
    /// (30 s).
    ///
    /// [`MIN_BODY_BYTES_PER_SECOND`]: crate::MIN_BODY_BYTES_PER_SECOND
    pub body_timeout: Duration,
    /// The maximum time of a whole body (10 min).
    pub upload_timeout: Duration,
    /// The maximum time until the headers of a request are complete, or between two requests (30 s).
    pub header_timeout: Duration,
    /// The maximum time that a request waits for a holder of the role it needs (20 s).
    pub holder_timeout: Duration,
    /// The maximum time that a client may read nothing of a response (30 s).
    pub write_timeout: Duration,
    /// The prefix of generated request ids: unique per process start, 1 to 64 visible ASCII characters.
    pub request_id_prefix: String,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            master_key: None,
            admin_key: None,
            max_body_bytes: 100 * 1024 * 1024,
            max_header_bytes: 64 * 1024,
            max_concurrent_requests: 1024,
            max_connections: 8192,
            request_timeout: Duration::from_mins(1),
            body_timeout: Duration::from_secs(30),
            upload_timeout: Duration::from_mins(10),
            header_timeout: Duration::from_secs(30),
            holder_timeout: Duration::from_secs(20),
            write_timeout: Duration::from_secs(30),
            request_id_prefix: "request".to_owned(),
        }
    }
}
