//! Where names enter: each port of the client, with names looked up before the service behind it sees them.
//!
//! A name is looked up once per request, so a request runs to its end on what the name stood for when it began.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use miroir_domain::error::ErrorCode;
use miroir_domain::search::SearchRequest;
use miroir_domain::settings::{Setting, SettingsChange};
use miroir_domain::task::{TaskDetailView, TaskQuery, TaskView};
use miroir_domain::{IndexUid, TaskUid};
use miroir_ports::inbound::{
    Accepted, ApiError, DocumentApi, DocumentSelection, DocumentWrite, IndexApi, ReadResponse, SearchApi,
    SettingsApi, TaskApi, TaskList,
};
use serde_json::{Map, Value};

use super::AliasBook;
use crate::service::{DocumentService, IndexService, SearchService, SettingsService, TaskService};

/// A service, with the names it is given looked up first.
pub struct Aliased<S> {
    book: Arc<AliasBook>,
    inner: Arc<S>,
}

impl<S> Aliased<S> {
    /// `inner`, with names looked up in `book`.
    pub fn new(book: &Arc<AliasBook>, inner: Arc<S>) -> Self {
        Self { book: Arc::clone(book), inner }
    }
}

#[async_trait]
impl DocumentApi for Aliased<DocumentService> {
    async fn documents_write(&self, write: DocumentWrite) -> Result<Accepted, ApiError> {
        let index = self.book.writable(write.index.clone()).await?;
        self.inner.documents_write(DocumentWrite { index, ..write }).await
    }

    async fn documents_delete(
        &self,
        index: IndexUid,
        selection: DocumentSelection,
        custom_metadata: Option<String>,
    ) -> Result<Accepted, ApiError> {
        let index = self.book.writable(index).await?;
        self.inner.documents_delete(index, selection, custom_metadata).await
    }

    async fn document_get(
        &self,
        index: IndexUid,
        id: String,
        parameters: Map<String, Value>,
    ) -> Result<ReadResponse, ApiError> {
        self.inner.document_of(&self.book.readable(&index).await?, id, parameters).await
    }

    async fn document_list(
        &self,
        index: IndexUid,
        parameters: Map<String, Value>,
    ) -> Result<ReadResponse, ApiError> {
        self.inner.documents_of(&self.book.readable(&index).await?, parameters).await
    }
}

#[async_trait]
impl SearchApi for Aliased<SearchService> {
    async fn search(&self, index: IndexUid, request: SearchRequest) -> Result<ReadResponse, ApiError> {
        self.inner.search_all(&self.book.readable(&index).await?, request).await
    }
}

#[async_trait]
impl IndexApi for Aliased<IndexService> {
    /// An index gets the name it is given, or none: the registry refuses the name of an alias.
    async fn index_create(&self, index: IndexUid, primary_key: Option<String>) -> Result<Accepted, ApiError> {
        self.inner.index_create(index, primary_key).await
    }

    async fn index_list(&self, offset: u64, limit: u64) -> Result<ReadResponse, ApiError> {
        self.inner.index_list(offset, limit).await
    }

    async fn index_get(&self, index: IndexUid) -> Result<ReadResponse, ApiError> {
        let index = self.book.single(index, ErrorCode::MiroirAliasConflict).await?;
        self.inner.index_get(index).await
    }

    async fn index_stats(&self, index: IndexUid) -> Result<ReadResponse, ApiError> {
        self.inner.stats_of(&self.book.readable(&index).await?).await
    }

    async fn stats(&self) -> Result<ReadResponse, ApiError> {
        self.inner.stats().await
    }

    async fn index_delete(&self, index: IndexUid) -> Result<Accepted, ApiError> {
        let index = self.book.writable(index).await?;
        self.inner.index_delete(index).await
    }
}

#[async_trait]
impl SettingsApi for Aliased<SettingsService> {
    async fn settings_get(
        &self,
        index: IndexUid,
        setting: Option<Setting>,
    ) -> Result<ReadResponse, ApiError> {
        let index = self.book.single(index, ErrorCode::MiroirAliasConflict).await?;
        self.inner.settings_get(index, setting).await
    }

    async fn settings_change(&self, index: IndexUid, change: SettingsChange) -> Result<Accepted, ApiError> {
        let index = self.book.writable(index).await?;
        self.inner.settings_change(index, change).await
    }
}

#[async_trait]
impl TaskApi for Aliased<TaskService> {
    async fn task_get(&self, uid: TaskUid) -> Result<TaskView, ApiError> {
        self.inner.task_get(uid).await
    }

    async fn task_list(&self, mut query: TaskQuery) -> Result<TaskList, ApiError> {
        if let Some(names) = query.index_uids.take() {
            let mut indexes = BTreeSet::new();
            for name in names {
                indexes.extend(self.book.readable(&name).await?);
            }
            query.index_uids = Some(indexes);
        }
        self.inner.task_list(query).await
    }

    async fn task_detail(&self, uid: TaskUid) -> Result<TaskDetailView, ApiError> {
        self.inner.task_detail(uid).await
    }
}
