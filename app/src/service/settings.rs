//! Settings: read from the best node, changed on all of them as one task.

use std::sync::Arc;

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::index::IndexEntry;
use miroir_domain::settings::{self, Setting, SettingsChange};
use miroir_domain::task::TaskKind;
use miroir_ports::inbound::{Accepted, Answer, ApiError, SettingsApi};
use miroir_ports::outbound::{NodeRead, WriteOperation};

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
        let is_new = known.is_none();
        let (entry, for_nodes) = match known {
            Some(entry) => {
                let next = self.cluster.amend_index(entry, |entry| entry.settings_version += 1).await?;
                (next, change.for_nodes())
            }
            // One request that creates the index and all it needs: when it is refused, no node has half of it.
            None => (self.cluster.register_index(&index, None).await?, change.for_new_index()),
        };
        let placement = self.cluster.placement(entry.shard_count);
        let writes = [WriteOperation::Settings(for_nodes)];
        let plan = WritePlan {
            settings_version: Some(entry.settings_version),
            ..WritePlan::broadcast(TaskKind::SettingsUpdate, index, &placement, &writes)
                .with_details(change.details())
        };
        let dispatch = self.cluster.begin(plan).await?;
        drop(gate);
        let outcome = dispatch.run().await;
        if is_new && matches!(outcome, Err(ApiError::Node { .. })) {
            self.unregister(&entry).await?;
        }
        outcome
    }

    /// Takes back an entry that was made for a change which no node took: a single server would not have made the
    /// index either.
    async fn unregister(&self, entry: &IndexEntry) -> Result<(), ApiError> {
        let _gate = self.cluster.gates.change(&entry.uid).await;
        if self.cluster.store.index_get(&entry.uid).await?.as_ref() == Some(entry) {
            self.cluster.store.index_delete(&entry.uid).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl SettingsApi for SettingsService {
    async fn settings_get(&self, index: IndexUid, setting: Option<Setting>) -> Result<Answer, ApiError> {
        self.cluster.known_index(&index).await?;
        let read = NodeRead::Settings(index.clone(), setting);
        let nodes = self.cluster.topology.nodes();
        let body = read_first(&self.cluster, Some(&index), nodes, read, self.cluster.timeouts.read).await?;
        Ok(Answer { body: settings::for_client(setting, body), degraded: None })
    }

    async fn settings_change(&self, index: IndexUid, change: SettingsChange) -> Result<Accepted, ApiError> {
        let service = self.clone();
        detached(async move { service.change(index, change).await }).await
    }
}
