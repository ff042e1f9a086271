//! Gauges: what is the case at one moment, for those who watch.

use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::canary::CanaryStatus;
use miroir_domain::coverage::Coverage;
use miroir_domain::task::TaskStatus;

use super::{NodeView, SinkView};
use crate::outbound::{JobDepth, WriterStats};

/// The state of an instance at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gauges {
    /// Every node of the cluster, by id.
    pub nodes: Vec<NodeGauges>,
    /// The coverage of the shards of a new index.
    pub shards: Coverage,
    /// The status of the last run of each canary that ran here or whose runs were looked up.
    pub canaries: Vec<CanaryStatus>,
    /// The gauges of the store, or `None` if it did not respond in time.
    pub store: Option<StoreGauges>,
    /// The writer of the store; `None` if the store has none.
    pub writer: Option<WriterStats>,
}

/// One node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeGauges {
    /// The node and its health.
    pub view: NodeView,
    /// Number of indexes of which its replica is stale.
    pub stale_indexes: u64,
}

/// The gauges of the store.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoreGauges {
    /// Number of tasks of each status.
    pub tasks: Vec<(TaskStatus, u64)>,
    /// Age of the oldest unfinished task; zero if there is none.
    pub oldest_unfinished: Duration,
    /// Number of shards of all indexes with a replica that is not in sync.
    pub below_replication_factor: u64,
    /// Number of jobs that wait or are worked on.
    pub jobs: JobDepth,
    /// Every sink.
    pub sinks: Vec<SinkView>,
}

/// The gauges of this instance.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait GaugeApi: Send + Sync + 'static {
    /// Looks up every gauge.
    ///
    /// - **GAUGE-1** It MUST return within a few seconds, whatever the store does: what it cannot learn is
    ///   left out.
    /// - **GAUGE-2** Its cost MUST NOT depend on the number of tasks, documents or events.
    async fn gauges(&self) -> Gauges;
}
