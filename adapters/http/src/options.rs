//! What the adapter is given: the ports it calls and the limits it keeps.

use std::sync::Arc;
use std::time::Duration;

use miroir_ports::inbound::{
    AliasApi, CanaryApi, ChangeFeed, ClusterApi, DocumentApi, IndexApi, InstanceApi, JobApi, MetricsApi,
    SearchApi, SettingsApi, SinkApi, TaskApi,
};

use crate::{RequestObserver, Secret};

/// The inbound ports, one implementation each.
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
    /// Canaries.
    pub canary: Arc<dyn CanaryApi>,
    /// The feed of changes.
    pub feed: Arc<dyn ChangeFeed>,
    /// Sinks of changes.
    pub sink: Arc<dyn SinkApi>,
    /// The instances that work side by side.
    pub instance: Arc<dyn InstanceApi>,
    /// Jobs.
    pub job: Arc<dyn JobApi>,
    /// Metrics.
    pub metrics: Arc<dyn MetricsApi>,
    /// Who counts requests.
    pub observer: Arc<dyn RequestObserver>,
}

/// Keys and limits. [`Default`] has the limits of the documentation, and no keys.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Opens client routes; without one they are open to all.
    pub master_key: Option<Secret>,
    /// Opens `/_miroir`; without one it answers loopback peers only.
    pub admin_key: Option<Secret>,
    /// The largest body, before and after its `Content-Encoding` is undone (100 MiB, Meilisearch's own).
    pub max_body_bytes: u64,
    /// The most bytes of request line and headers (64 KiB).
    pub max_header_bytes: usize,
    /// The most requests answered at once (1024); health and readiness do not count.
    pub max_concurrent_requests: usize,
    /// The most connections (8192); beyond, the one that has kept Miroir waiting the longest is closed.
    pub max_connections: usize,
    /// How long an answer may take once the body is there (60 s).
    pub request_timeout: Duration,
    /// How long a body may go without a byte (30 s), and how long it may fall behind [`MIN_BODY_BYTES_PER_SECOND`].
    ///
    /// [`MIN_BODY_BYTES_PER_SECOND`]: crate::MIN_BODY_BYTES_PER_SECOND
    pub body_timeout: Duration,
    /// How long a body may take in all (10 min).
    pub upload_timeout: Duration,
    /// How long a connection may take to send the headers of a request, or idle between two (30 s).
    pub header_timeout: Duration,
    /// How long a request that changes something waits for an instance that takes it (20 s).
    pub holder_timeout: Duration,
    /// How long a client may leave an answer unread (30 s).
    pub write_timeout: Duration,
    /// Begins every request id made here; unique per process start, 1 to 64 visible ASCII characters.
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
