//! Looks up the gauges of this instance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::coverage::Coverage;
use miroir_domain::task::{TaskQuery, TaskStatus};
use miroir_domain::{NodeId, PhysicalUid, ShardSet};
use miroir_ports::error_chain;
use miroir_ports::inbound::{ApiError, GaugeApi, Gauges, NodeGauges, SinkApi, StoreGauges};
use miroir_ports::outbound::{StoreError, WriterProbe};

use crate::canary::Executor;
use crate::cluster::{ActiveCluster, Cluster};

/// The time that gauges wait for the store: well below the ten seconds that Prometheus waits for a scrape.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// Implements [`GaugeApi`].
pub struct GaugeService {
    cluster: Arc<ActiveCluster>,
    canaries: Arc<Executor>,
    sinks: Arc<dyn SinkApi>,
    writer: Option<Arc<dyn WriterProbe>>,
}

impl GaugeService {
    /// Creates a service over the active cluster. `writer` is the writer of the store, if it has one.
    pub fn new(
        cluster: Arc<ActiveCluster>,
        canaries: Arc<Executor>,
        sinks: Arc<dyn SinkApi>,
        writer: Option<Arc<dyn WriterProbe>>,
    ) -> Self {
        Self { cluster, canaries, sinks, writer }
    }

    /// Reads the gauges of the store: a fixed number of reads, each of a cost that does not depend on the
    /// number of tasks, and four for each sink.
    async fn store_gauges(&self, cluster: &Cluster) -> Result<StoreGauges, ApiError> {
        let store = &cluster.store;
        let mut tasks = Vec::new();
        for status in TaskStatus::ALL {
            let statuses = Some(BTreeSet::from([status]));
            let query = TaskQuery { statuses, limit: 0, ..TaskQuery::default() };
            tasks.push((status, store.task_list(&query).await?.total));
        }
        let oldest = store.task_list_unfinished(None, 1).await?;
        let now = cluster.clock.now();
        Ok(StoreGauges {
            tasks,
            oldest_unfinished: oldest.first().map_or(Duration::ZERO, |task| now.since(task.created_at)),
            below_replication_factor: below_replication_factor(cluster).await?,
            jobs: store.job_depth().await?,
            sinks: self.sinks.sink_list().await?,
        })
    }

    /// Returns what the store holds, or `None` if it does not respond in time.
    async fn store_gauges_in_time(&self, cluster: &Cluster) -> Option<StoreGauges> {
        match tokio::time::timeout(STORE_TIMEOUT, self.store_gauges(cluster)).await {
            Ok(Ok(found)) => Some(found),
            Ok(Err(error)) => {
                tracing::debug!("cannot read the gauges of the store: {}", error_chain(&error));
                None
            }
            Err(_) => None,
        }
    }
}

#[async_trait]
impl GaugeApi for GaugeService {
    async fn gauges(&self) -> Gauges {
        let cluster = self.cluster.reader();
        Gauges {
            nodes: node_gauges(&cluster),
            shards: coverage(&cluster),
            canaries: self.canaries.statuses(),
            writer: self.writer.as_ref().and_then(|writer| writer.writer_stats()),
            store: self.store_gauges_in_time(&cluster).await,
        }
    }
}

/// Returns the number of shards of all indexes with a replica that is not in sync.
async fn below_replication_factor(cluster: &Cluster) -> Result<u64, StoreError> {
    let mut shards: BTreeMap<PhysicalUid, ShardSet> = BTreeMap::new();
    for row in cluster.replicas.rows() {
        let Some(entry) = cluster.registry.at(&row.index).await? else { continue };
        let placement = cluster.placements.of(entry.shard_count);
        let kept = placement.shards_of(&row.node);
        let stale =
            if row.state.has_settings() { row.state.shard_set().intersection(kept) } else { kept.clone() };
        let known = shards.entry(row.index).or_default();
        *known = known.union(&stale);
    }
    Ok(shards.values().map(|shards| shards.len() as u64).sum())
}

fn node_gauges(cluster: &Cluster) -> Vec<NodeGauges> {
    let stale = cluster.replicas.stale();
    let gauges = |node: &NodeId| {
        let stale_indexes = stale.iter().filter(|(_, other)| other == node).count() as u64;
        Some(NodeGauges { view: cluster.nodes.view(node)?, stale_indexes })
    };
    cluster.placements.topology().nodes().filter_map(gauges).collect()
}

fn coverage(cluster: &Cluster) -> Coverage {
    let placement = cluster.placements.of(cluster.placements.default_shard_count());
    let is_used = |node: &NodeId| cluster.nodes.is_usable(node);
    Coverage::of(cluster.placements.topology(), &placement, is_used)
}
