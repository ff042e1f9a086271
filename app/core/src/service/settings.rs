//! Reads settings from the node with the lowest cost, and changes them on all nodes as one task.

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
use crate::cluster::{ActiveCluster, Cluster};
use crate::detached::detached;
use crate::read::read_whole_index;
use crate::write::{WritePlan, begin_change, begin_creation, finish_creation};

/// Implements [`SettingsApi`].
pub struct SettingsService {
    cluster: Arc<ActiveCluster>,
    aliases: Arc<AliasResolver>,
}

impl SettingsService {
    /// Creates a service over the active cluster.
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
        let cluster = self.cluster.current_reader().await?;
        let entry = cluster.registry.require(&index).await?;
        let read = NodeRead::Settings(entry.physical_uid.clone(), setting);
        let ReadResponse { body, degraded } = read_whole_index(&cluster, &entry, read).await?;
        Ok(ReadResponse { body: settings::for_client(setting, body), degraded })
    }

    async fn settings_change(&self, index: IndexUid, change: SettingsChange) -> Result<Accepted, ApiError> {
        let index = self.aliases.writable(index).await?;
        let cluster = self.cluster.writer()?;
        detached(async move { apply(&cluster, index, change).await }).await
    }
}

async fn apply(
    cluster: &Arc<Cluster>,
    index: IndexUid,
    change: SettingsChange,
) -> Result<Accepted, ApiError> {
    change.validate()?;
    let guard = cluster.order.lock_write(&index).await;
    let known = cluster.registry.get(&index).await?;
    let Some(entry) = known else {
        // One request creates the index with its settings, so a node that refuses it has neither.
        let entry = cluster.registry.new_entry(&index, None).await?;
        let plan = plan(cluster, &entry, &change, change.for_new_index());
        let dispatch = begin_creation(cluster, plan, &entry, Some(&change)).await?;
        return finish_creation(cluster, dispatch, &entry, guard).await;
    };
    let next = IndexEntry { settings_version: entry.settings_version + 1, ..entry };
    let plan = plan(cluster, &next, &change, change.for_nodes());
    // The settings first: an entry whose version is ahead of them would mean an older Miroir.
    let (of_next, change) = (&next, &change);
    let record = |task| async move {
        cluster.settings.propose(of_next, task, change).await?;
        cluster.registry.replace(of_next.clone()).await
    };
    let dispatch = begin_change(cluster, plan, record).await?;
    drop(guard);
    dispatch.run().await
}

fn plan(
    cluster: &Cluster,
    entry: &IndexEntry,
    change: &SettingsChange,
    for_nodes: SettingsChange,
) -> WritePlan {
    let placement = cluster.placements.of(entry.shard_count);
    let writes = [WriteOperation::Settings(for_nodes)];
    WritePlan {
        settings_version: Some(entry.settings_version),
        ..WritePlan::broadcast(TaskKind::SettingsUpdate, entry, &placement, &writes)
            .with_details(change.details())
    }
}
