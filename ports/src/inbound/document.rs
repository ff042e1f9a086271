//! Use cases of documents.

use async_trait::async_trait;
use bytes::Bytes;
use miroir_domain::IndexUid;
use miroir_domain::payload::PayloadFormat;
use miroir_domain::write::WriteMode;
use serde_json::{Map, Value};

use super::{Accepted, ApiError, ReadResponse};

/// A request to add documents.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentWrite {
    /// The index. It is created if it does not exist.
    pub index: IndexUid,
    /// `primaryKey` of the URL.
    pub primary_key: Option<String>,
    /// Replace or update.
    pub mode: WriteMode,
    /// The format of the body.
    pub format: PayloadFormat,
    /// The whole body.
    pub body: Bytes,
    /// `customMetadata` of the URL.
    pub custom_metadata: Option<String>,
}

/// The documents to delete.
#[derive(Debug, Clone, PartialEq)]
pub enum DocumentSelection {
    /// These ids, as the client sent them: strings or integers.
    Ids(Vec<Value>),
    /// The documents that match this filter: a string or nested arrays of strings.
    Filter(Value),
    /// All documents of the index.
    All,
}

/// Documents.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait DocumentApi: Send + Sync + 'static {
    /// Adds documents, as one durable task for all its node tasks.
    async fn documents_write(&self, write: DocumentWrite) -> Result<Accepted, ApiError>;

    /// Deletes documents.
    async fn documents_delete(
        &self,
        index: IndexUid,
        selection: DocumentSelection,
        custom_metadata: Option<String>,
    ) -> Result<Accepted, ApiError>;

    /// Returns one document by id. `parameters` are the query parameters that a node understands (`fields`,
    /// `retrieveVectors`).
    async fn document_get(
        &self,
        index: IndexUid,
        id: String,
        parameters: Map<String, Value>,
    ) -> Result<ReadResponse, ApiError>;

    /// Returns a page of documents, `{results, offset, limit, total}`. `parameters` has the keys of the body
    /// of `POST /indexes/{uid}/documents/fetch`: offset, limit, fields, filter, sort, ids, retrieveVectors.
    async fn document_list(
        &self,
        index: IndexUid,
        parameters: Map<String, Value>,
    ) -> Result<ReadResponse, ApiError>;
}
