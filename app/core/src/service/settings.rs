//! Settings: read from the best node, changed on all of them as one task.

use std::sync::Arc;

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::error::ErrorCode;
use miroir_domain::index::IndexEntry;
use miroir_domain::settings::{self, Setting, SettingsChange};
use miroir_domain::task::TaskKind;
use miroir_domain::write::WriteOperation;
use miroir_ports::inbound::{Accepted, ApiError, ReadResponse, SettingsApi};
use miroir_ports::outbound::NodeRead;

use crate::alias::AliasResolver;
use crate::cluster::{ActiveCluster, Cluster, WritePlan};
use crate::detached::detached;
use crate::read::read_first;

/// Implements [`SettingsApi`].
pub struct SettingsService {
    cluster: Arc<ActiveCluster>,
    aliases: Arc<AliasResolver>,
}

impl SettingsService {
    /// Makes a service over the cluster in use.
    pub fn new(cluster: Arc<ActiveCluster>, aliases: Arc<AliasResolver>) -> Self {
        Self { cluster, aliases }
    }
}

#[async_trait]
impl SettingsApi for SettingsService {
    async fn settings_get(
        &self,
        index: IndexUid,
        setting: Option<Setting>,
    ) -> Result<ReadResponse, ApiError> {
        let index = self.aliases.single(index, ErrorCode::MiroirAliasConflict).await?;
        let cluster = self.cluster.current();
        cluster.known_index(&index).await?;
        let read = NodeRead::Settings(index.clone(), setting);
        let nodes = cluster.topology.nodes();
        let body = read_first(&cluster, Some(&index), nodes, read, cluster.timeouts.read).await?;
        Ok(ReadResponse { body: settings::for_client(setting, body), degraded: None })
    }

    async fn settings_change(&self, index: IndexUid, change: SettingsChange) -> Result<Accepted, ApiError> {
        let index = self.aliases.writable(index).await?;
        let cluster = self.cluster.current();
        detached(async move { apply(&cluster, index, change).await }).await
    }
}

async fn apply(
    cluster: &Arc<Cluster>,
    index: IndexUid,
    change: SettingsChange,
) -> Result<Accepted, ApiError> {
    change.validate()?;
    let guard = cluster.locks.write(&index).await;
    let known = cluster.store.index_get(&index).await?;
    let Some(entry) = known else {
        // One request that creates the index and all it needs: when it is refused, no node has half of it.
        let entry = cluster.new_entry(&index, None);
        let plan = plan(cluster, &entry, &change, change.for_new_index());
        let dispatch = cluster.begin_creating(plan, &entry).await?;
        return cluster.first_answer(dispatch, &index, guard).await;
    };
    let next = IndexEntry { settings_version: entry.settings_version + 1, ..entry };
    let plan = plan(cluster, &next, &change, change.for_nodes());
    let dispatch = cluster.begin_changing(plan, cluster.amend_index(next)).await?;
    drop(guard);
    dispatch.run().await
}

fn plan(
    cluster: &Cluster,
    entry: &IndexEntry,
    change: &SettingsChange,
    for_nodes: SettingsChange,
) -> WritePlan {
    let placement = cluster.placement(entry.shard_count);
    let writes = [WriteOperation::Settings(for_nodes)];
    WritePlan {
        settings_version: Some(entry.settings_version),
        ..WritePlan::broadcast(TaskKind::SettingsUpdate, entry.uid.clone(), &placement, &writes)
            .with_details(change.details())
    }
}
