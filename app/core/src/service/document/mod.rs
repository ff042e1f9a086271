//! Writes and deletes documents by shard as one task, and reads them one by one or by page.

mod delete;
mod read;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_ports::inbound::{
    Accepted, ApiError, DocumentApi, DocumentSelection, DocumentWrite, ReadResponse,
};
use serde_json::{Map, Value};

use crate::alias::AliasResolver;
use crate::cluster::ActiveCluster;
use crate::detached::detached;

pub(super) use read::count_of;

/// Implements [`DocumentApi`].
pub struct DocumentService {
    cluster: Arc<ActiveCluster>,
    aliases: Arc<AliasResolver>,
}

impl DocumentService {
    /// Creates a service over the active cluster.
    pub fn new(cluster: Arc<ActiveCluster>, aliases: Arc<AliasResolver>) -> Self {
        Self { cluster, aliases }
    }
}

#[async_trait]
impl DocumentApi for DocumentService {
    async fn documents_write(&self, write: DocumentWrite) -> Result<Accepted, ApiError> {
        let index = self.aliases.writable(write.index.clone()).await?;
        let (cluster, write) = (self.cluster.writer()?, DocumentWrite { index, ..write });
        detached(async move { write::write(&cluster, write).await }).await
    }

    async fn documents_delete(
        &self,
        index: IndexUid,
        selection: DocumentSelection,
        custom_metadata: Option<String>,
    ) -> Result<Accepted, ApiError> {
        let index = self.aliases.writable(index).await?;
        let cluster = self.cluster.writer()?;
        detached(async move { delete::delete(&cluster, index, selection, custom_metadata).await }).await
    }

    async fn document_get(
        &self,
        index: IndexUid,
        id: String,
        parameters: Map<String, Value>,
    ) -> Result<ReadResponse, ApiError> {
        let indexes = self.aliases.readable(&index).await?;
        read::get(&self.cluster.current_reader().await?, &indexes, id, parameters).await
    }

    async fn document_list(
        &self,
        index: IndexUid,
        parameters: Map<String, Value>,
    ) -> Result<ReadResponse, ApiError> {
        let indexes = self.aliases.readable(&index).await?;
        read::list(&self.cluster.current_reader().await?, &indexes, parameters).await
    }
}
