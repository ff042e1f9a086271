//! Indexes: their registry entries here, the indexes themselves on every node.

use std::sync::Arc;

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::document::PrimaryKey;
use miroir_domain::error::{ErrorCode, InvalidRequest};
use miroir_domain::index::IndexEntry;
use miroir_domain::settings::initial_for_nodes;
use miroir_domain::task::TaskKind;
use miroir_domain::task::details::{everything_deleted, index_created};
use miroir_domain::write::WriteOperation;
use miroir_ports::inbound::{Accepted, ApiError, IndexApi, ReadResponse};
use miroir_ports::outbound::NodeRead;
use serde_json::{Value, json};

use super::detached::detached;
use super::read::read_first;
use super::stats;
use crate::cluster::{Answered, Cluster, WritePlan};
use crate::page;

/// Implements [`IndexApi`].
#[derive(Clone)]
pub struct IndexService {
    cluster: Arc<Cluster>,
}

impl IndexService {
    /// A service over `cluster`.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster }
    }

    /// The stats of `indexes` (not empty) as if they were one.
    pub async fn stats_of(&self, indexes: &[IndexUid]) -> Result<ReadResponse, ApiError> {
        stats::of_indexes(&self.cluster, indexes).await
    }

    async fn create(&self, index: IndexUid, primary_key: Option<String>) -> Result<Accepted, ApiError> {
        let primary_key = primary_key.as_deref().map(PrimaryKey::parse).transpose()?;
        let details = index_created(primary_key.as_ref().map(PrimaryKey::as_str));
        let gate = self.cluster.gates.change(&index).await;
        if self.cluster.store.index_get(&index).await?.is_some() {
            let failure = InvalidRequest::new(
                ErrorCode::IndexAlreadyExists,
                format!("Index `{index}` already exists."),
            );
            return self
                .cluster
                .record_failure(TaskKind::IndexCreation, &index, failure, Some(details), None)
                .await;
        }
        let entry = self.cluster.new_entry(&index, primary_key.clone());
        let writes =
            [WriteOperation::IndexCreate { primary_key }, WriteOperation::Settings(initial_for_nodes())];
        let placement = self.cluster.placement(entry.shard_count);
        let plan = WritePlan {
            settings_version: Some(entry.settings_version),
            ..WritePlan::broadcast(TaskKind::IndexCreation, index, &placement, &writes).with_details(details)
        };
        let dispatch = self.cluster.begin_creating(plan, &entry).await?;
        self.cluster.first_answer(dispatch, &entry.uid, gate).await
    }

    /// The whole registry, in order of uid: what the cluster has decided, whatever single nodes have of it yet.
    async fn every_entry(&self) -> Result<Vec<IndexEntry>, ApiError> {
        let list = |after, limit| self.cluster.store.index_list(after, limit);
        Ok(page::every(list, |entry: &IndexEntry| entry.uid.clone()).await?)
    }

    async fn delete(&self, index: IndexUid) -> Result<Accepted, ApiError> {
        let gate = self.cluster.gates.change(&index).await;
        let Some(entry) = self.cluster.store.index_get(&index).await? else {
            let failure =
                InvalidRequest::new(ErrorCode::IndexNotFound, format!("Index `{index}` not found."));
            let details = everything_deleted();
            return self
                .cluster
                .record_failure(TaskKind::IndexDeletion, &index, failure, Some(details), None)
                .await;
        };
        self.cluster.refuse_aliased(&index).await?;
        let placement = self.cluster.placement(entry.shard_count);
        let plan = WritePlan::broadcast(
            TaskKind::IndexDeletion,
            index.clone(),
            &placement,
            &[WriteOperation::IndexDelete],
        )
        .with_details(everything_deleted());
        let unregistering = self.cluster.unregister_index(&index);
        let dispatch = self.cluster.begin_changing(plan, unregistering).await?;
        let Answered { result, untouched } = dispatch.answered().await;
        if untouched {
            // Every node still has the index, so it is still there.
            self.cluster.register_index(&entry).await?;
        }
        drop(gate);
        result
    }
}

/// An index as `GET /indexes` lists it.
fn listed(entry: &IndexEntry) -> Value {
    json!({
        "uid": entry.uid,
        "createdAt": entry.created_at,
        "updatedAt": entry.updated_at,
        "primaryKey": entry.primary_key,
    })
}

#[async_trait]
impl IndexApi for IndexService {
    async fn index_create(&self, index: IndexUid, primary_key: Option<String>) -> Result<Accepted, ApiError> {
        let service = self.clone();
        detached(async move { service.create(index, primary_key).await }).await
    }

    async fn index_list(&self, offset: u64, limit: u64) -> Result<ReadResponse, ApiError> {
        let entries = self.every_entry().await?;
        let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let results: Vec<Value> = entries.iter().skip(skipped).take(wanted).map(listed).collect();
        let body = json!({ "results": results, "offset": offset, "limit": limit, "total": entries.len() });
        Ok(ReadResponse { body, degraded: None })
    }

    async fn index_get(&self, index: IndexUid) -> Result<ReadResponse, ApiError> {
        self.cluster.known_index(&index).await?;
        let nodes = self.cluster.topology.nodes();
        let read = NodeRead::Index(index.clone());
        let body = read_first(&self.cluster, Some(&index), nodes, read, self.cluster.timeouts.read).await?;
        Ok(ReadResponse { body, degraded: None })
    }

    async fn index_stats(&self, index: IndexUid) -> Result<ReadResponse, ApiError> {
        self.stats_of(&[index]).await
    }

    async fn stats(&self) -> Result<ReadResponse, ApiError> {
        stats::of_cluster(&self.cluster, &self.every_entry().await?).await
    }

    async fn index_delete(&self, index: IndexUid) -> Result<Accepted, ApiError> {
        let service = self.clone();
        detached(async move { service.delete(index).await }).await
    }
}
