//! Settings: read from the best node, changed on all of them as one task.

use std::sync::Arc;

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::index::IndexEntry;
use miroir_domain::settings::{self, Setting, SettingsChange};
use miroir_domain::task::TaskKind;
use miroir_domain::write::WriteOperation;
use miroir_ports::inbound::{Accepted, ApiError, ReadResponse, SettingsApi};
use miroir_ports::outbound::NodeRead;

use super::detached::detached;
use super::read::read_first;
use crate::cluster::{Cluster, WritePlan};

/// Implements [`SettingsApi`].
#[derive(Clone)]
pub struct SettingsService {
    cluster: Arc<Cluster>,
}

impl SettingsService {
    /// A service over `cluster`.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster }
    }

    async fn change(&self, index: IndexUid, change: SettingsChange) -> Result<Accepted, ApiError> {
        change.validate()?;
        let gate = self.cluster.gates.change(&index).await;
        let known = self.cluster.store.index_get(&index).await?;
        let Some(entry) = known else {
            // One request that creates the index and all it needs: when it is refused, no node has half of it.
            let entry = self.cluster.new_entry(&index, None);
            let plan = self.plan(&entry, &change, change.for_new_index());
            let dispatch = self.cluster.begin_creating(plan, &entry).await?;
            return self.cluster.first_answer(dispatch, &index, gate).await;
        };
        let next = IndexEntry { settings_version: entry.settings_version + 1, ..entry };
        let plan = self.plan(&next, &change, change.for_nodes());
        let dispatch = self.cluster.begin_changing(plan, self.cluster.amend_index(next)).await?;
        drop(gate);
        dispatch.run().await
    }

    fn plan(&self, entry: &IndexEntry, change: &SettingsChange, for_nodes: SettingsChange) -> WritePlan {
        let placement = self.cluster.placement(entry.shard_count);
        let writes = [WriteOperation::Settings(for_nodes)];
        WritePlan {
            settings_version: Some(entry.settings_version),
            ..WritePlan::broadcast(TaskKind::SettingsUpdate, entry.uid.clone(), &placement, &writes)
                .with_details(change.details())
        }
    }
}

#[async_trait]
impl SettingsApi for SettingsService {
    async fn settings_get(
        &self,
        index: IndexUid,
        setting: Option<Setting>,
    ) -> Result<ReadResponse, ApiError> {
        self.cluster.known_index(&index).await?;
        let read = NodeRead::Settings(index.clone(), setting);
        let nodes = self.cluster.topology.nodes();
        let body = read_first(&self.cluster, Some(&index), nodes, read, self.cluster.timeouts.read).await?;
        Ok(ReadResponse { body: settings::for_client(setting, body), degraded: None })
    }

    async fn settings_change(&self, index: IndexUid, change: SettingsChange) -> Result<Accepted, ApiError> {
        let service = self.clone();
        detached(async move { service.change(index, change).await }).await
    }
}
