//! Creates, lists and deletes indexes: their registry entries, and the indexes themselves on every node.

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

use super::stats;
use crate::alias::AliasResolver;
use crate::cluster::{ActiveCluster, Cluster};
use crate::detached::detached;
use crate::read::read_whole_index;
use crate::write::{Completion, WritePlan, begin_change, begin_creation, delete_entry, finish_creation};

/// Implements [`IndexApi`].
pub struct IndexService {
    cluster: Arc<ActiveCluster>,
    aliases: Arc<AliasResolver>,
}

impl IndexService {
    /// Creates a service over the active cluster.
    pub fn new(cluster: Arc<ActiveCluster>, aliases: Arc<AliasResolver>) -> Self {
        Self { cluster, aliases }
    }
}

#[async_trait]
impl IndexApi for IndexService {
    /// Creates an index. Its name is not resolved: the registry refuses the name of an alias.
    async fn index_create(&self, index: IndexUid, primary_key: Option<String>) -> Result<Accepted, ApiError> {
        let cluster = self.cluster.writer()?;
        detached(async move { create(&cluster, index, primary_key).await }).await
    }

    async fn index_list(&self, offset: u64, limit: u64) -> Result<ReadResponse, ApiError> {
        let entries = self.cluster.reader().registry.listed().await?;
        let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let results: Vec<Value> = entries.iter().skip(skipped).take(wanted).map(listed).collect();
        let body = json!({ "results": results, "offset": offset, "limit": limit, "total": entries.len() });
        Ok(ReadResponse { body, degraded: None })
    }

    async fn index_get(&self, index: IndexUid) -> Result<ReadResponse, ApiError> {
        let index = self.aliases.single(index, ErrorCode::MiroirAliasConflict).await?;
        let cluster = self.cluster.current_reader().await?;
        let entry = cluster.registry.require(&index).await?;
        let read = NodeRead::Index(entry.physical_uid.clone());
        let ReadResponse { mut body, degraded } = read_whole_index(&cluster, &entry, read).await?;
        if let Some(fields) = body.as_object_mut() {
            fields.insert("uid".to_owned(), json!(entry.uid));
        }
        Ok(ReadResponse { body, degraded })
    }

    async fn index_stats(&self, index: IndexUid) -> Result<ReadResponse, ApiError> {
        let indexes = self.aliases.readable(&index).await?;
        stats::of_indexes(&self.cluster.current_reader().await?, &indexes).await
    }

    async fn stats(&self) -> Result<ReadResponse, ApiError> {
        let cluster = self.cluster.current_reader().await?;
        stats::of_cluster(&cluster, &cluster.registry.listed().await?).await
    }

    async fn index_delete(&self, index: IndexUid) -> Result<Accepted, ApiError> {
        let index = self.aliases.writable(index).await?;
        let cluster = self.cluster.writer()?;
        detached(async move { delete(&cluster, index).await }).await
    }
}

async fn create(
    cluster: &Arc<Cluster>,
    index: IndexUid,
    primary_key: Option<String>,
) -> Result<Accepted, ApiError> {
    let primary_key = primary_key.as_deref().map(PrimaryKey::parse).transpose()?;
    let details = index_created(primary_key.as_ref().map(PrimaryKey::as_str));
    let guard = cluster.order.lock_write(&index).await;
    if cluster.registry.get(&index).await?.is_some() {
        let failure =
            InvalidRequest::new(ErrorCode::IndexAlreadyExists, format!("Index `{index}` already exists."));
        let kind = TaskKind::IndexCreation;
        return cluster.tasks.create_failed(kind, &index, failure, Some(details), None).await;
    }
    let entry = cluster.registry.new_entry(&index, primary_key.clone()).await?;
    let writes = [WriteOperation::IndexCreate { primary_key }, WriteOperation::Settings(initial_for_nodes())];
    let placement = cluster.placements.of(entry.shard_count);
    let plan = WritePlan {
        settings_version: Some(entry.settings_version),
        ..WritePlan::broadcast(TaskKind::IndexCreation, &entry, &placement, &writes).with_details(details)
    };
    let dispatch = begin_creation(cluster, plan, &entry, None).await?;
    finish_creation(cluster, dispatch, &entry, guard).await
}

async fn delete(cluster: &Arc<Cluster>, index: IndexUid) -> Result<Accepted, ApiError> {
    let guard = cluster.order.lock_write(&index).await;
    let Some(entry) = cluster.registry.get(&index).await? else {
        let failure = InvalidRequest::new(ErrorCode::IndexNotFound, format!("Index `{index}` not found."));
        let (kind, details) = (TaskKind::IndexDeletion, everything_deleted());
        return cluster.tasks.create_failed(kind, &index, failure, Some(details), None).await;
    };
    cluster.registry.refuse_aliased(&index).await?;
    let placement = cluster.placements.of(entry.shard_count);
    let writes = [WriteOperation::IndexDelete];
    let plan = WritePlan::broadcast(TaskKind::IndexDeletion, &entry, &placement, &writes)
        .with_details(everything_deleted());
    let settings = cluster.settings.get(&entry.physical_uid).await?;
    let stale = cluster.replicas.rows_of(&entry.physical_uid);
    let dispatch = begin_change(cluster, plan, |_| delete_entry(cluster, &entry)).await?;
    let Completion { result, untouched } = dispatch.complete().await;
    if untouched {
        // Every node still has the index, so its settings, its stale replicas and its entry return.
        cluster.replicas.restore(stale).await?;
        if let Some(settings) = settings {
            cluster.settings.restore(&settings).await?;
        }
        cluster.registry.create(&entry).await?;
    }
    drop(guard);
    result
}

/// Returns an index as `GET /indexes` lists it.
fn listed(entry: &IndexEntry) -> Value {
    json!({
        "uid": entry.uid,
        "createdAt": entry.created_at,
        "updatedAt": entry.updated_at,
        "primaryKey": entry.primary_key,
    })
}
