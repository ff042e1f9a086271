//! `/indexes/{index_uid}/documents`: writing, reading and deleting documents.

use std::sync::Arc;

use http::Method;
use miroir_domain::error::ErrorCode;
use miroir_domain::payload::PayloadFormat;
use miroir_domain::wording::{VALUE_CHARS, excerpt};
use miroir_domain::write::WriteMode;
use miroir_ports::inbound::{DocumentSelection, DocumentWrite};
use serde_json::Value;

use super::document_query::{body_parameters, one_parameters, url_parameters};
use crate::Apis;
use crate::content::{CSV, JSON, NDJSON, media_type};
use crate::error::Failure;
use crate::json;
use crate::query::Query;
use crate::reply::{Outcome, Reply};
use crate::request::Request;
use crate::route::Route;

const DOCUMENTS: &str = "/indexes/{index_uid}/documents";
const DOCUMENT: &str = "/indexes/{index_uid}/documents/{document_id}";
const FETCH: &str = "/indexes/{index_uid}/documents/fetch";
const DELETE_BATCH: &str = "/indexes/{index_uid}/documents/delete-batch";
const DELETE_BY_FILTER: &str = "/indexes/{index_uid}/documents/delete";
const CUSTOM_METADATA: &str = "customMetadata";
/// The maximum number of characters of an invalid parameter that an error repeats.
const EXCERPT_CHARS: usize = 80;

const LIST_QUERY: &[&str] = &[
    "documents.offset",
    "documents.limit",
    "document.fields",
    "document.retrieveVectors",
    "documents.ids",
    "documents.filter",
    "documents.sort",
    "document.useNetwork",
];
const GET_QUERY: &[&str] = &["document.fields", "document.retrieveVectors", "document.useNetwork"];
const WRITE_QUERY: &[&str] =
    &["write.primaryKey", "write.csvDelimiter", "metadata.customMetadata", "write.skipCreation"];
const DELETE_QUERY: &[&str] = &["metadata.customMetadata"];

pub(super) fn routes() -> Vec<Route> {
    vec![
        listing(Route::new(Method::GET, DOCUMENTS, "documentList", "List documents", list)).query(LIST_QUERY),
        writing(Route::new(
            Method::POST,
            DOCUMENTS,
            "documentsReplace",
            "Add or replace documents",
            |apis, request| write(apis, request, WriteMode::Replace),
        )),
        writing(Route::new(
            Method::PUT,
            DOCUMENTS,
            "documentsUpdate",
            "Add or update documents",
            |apis, request| write(apis, request, WriteMode::Update),
        )),
        Route::new(Method::DELETE, DOCUMENTS, "documentsDeleteAll", "Delete all documents", delete_all)
            .query(DELETE_QUERY)
            .writes(),
        listing(Route::new(
            Method::POST,
            FETCH,
            "documentsFetch",
            "List documents, with the parameters in the body",
            fetch,
        ))
        .any_instance()
        .body("DocumentQuery"),
        Route::new(
            Method::POST,
            DELETE_BATCH,
            "documentsDeleteByIds",
            "Delete documents by id",
            delete_batch,
        )
        .query(DELETE_QUERY)
        .body("DocumentIds")
        .writes()
        .refuses(&[ErrorCode::InvalidDocumentId]),
        Route::new(
            Method::POST,
            DELETE_BY_FILTER,
            "documentsDeleteByFilter",
            "Delete documents by filter",
            delete_by_filter,
        )
        .query(DELETE_QUERY)
        .body("DocumentDeletion")
        .writes()
        .refuses(&[ErrorCode::MissingDocumentFilter, ErrorCode::InvalidDocumentFilter]),
        Route::new(Method::GET, DOCUMENT, "documentGet", "Get a document", get)
            .query(GET_QUERY)
            .reads("The document.", "Document")
            .refuses(&[
                ErrorCode::InvalidDocumentId,
                ErrorCode::DocumentNotFound,
                ErrorCode::InvalidDocumentFields,
                ErrorCode::InvalidDocumentRetrieveVectors,
                ErrorCode::MiroirNotSupported,
            ]),
        Route::new(Method::DELETE, DOCUMENT, "documentDelete", "Delete a document", delete_one)
            .query(DELETE_QUERY)
            .writes()
            .refuses(&[ErrorCode::InvalidDocumentId]),
    ]
}

fn writing(route: Route) -> Route {
    route
        .text("An index that does not exist is created. One invalid document fails the whole payload, in its task.")
        .query(WRITE_QUERY)
        .documents()
        .writes()
        .refuses(&[
            ErrorCode::InvalidSkipCreation,
            ErrorCode::InvalidIndexPrimaryKey,
            ErrorCode::InvalidDocumentCsvDelimiter,
            ErrorCode::MiroirReservedField,
            ErrorCode::MiroirNotSupported,
        ])
}

fn listing(route: Route) -> Route {
    route.reads("A page of documents.", "DocumentList").refuses(&[
        ErrorCode::InvalidDocumentOffset,
        ErrorCode::InvalidDocumentLimit,
        ErrorCode::InvalidDocumentFields,
        ErrorCode::InvalidDocumentRetrieveVectors,
        ErrorCode::InvalidDocumentIds,
        ErrorCode::InvalidDocumentId,
        ErrorCode::InvalidDocumentFilter,
        ErrorCode::InvalidDocumentSort,
        ErrorCode::MiroirNotSupported,
    ])
}

async fn write(apis: Arc<Apis>, mut request: Request, mode: WriteMode) -> Outcome {
    refuse_skip_creation(&request.query)?;
    let delimiter = csv_delimiter(&request.query)?;
    let index = request.index()?;
    let media = media_type(&request.headers, &[JSON, NDJSON, CSV])?;
    let format = payload_format(media, delimiter)?;
    let body = request.payload(media).await?;
    let write = DocumentWrite {
        index,
        primary_key: request.query.text("primaryKey"),
        mode,
        format,
        body,
        custom_metadata: request.query.text(CUSTOM_METADATA),
    };
    Reply::accepted(apis.document.documents_write(write).await?)
}

fn refuse_skip_creation(query: &Query) -> Result<(), Failure> {
    match query.get("skipCreation") {
        None | Some("false") => Ok(()),
        Some("true") => Err(Failure::refused(
            ErrorCode::MiroirNotSupported,
            "`skipCreation` is not supported for a cluster yet: leave it out, or send `skipCreation=false`.",
        )),
        Some(other) => {
            let found = excerpt(other, EXCERPT_CHARS);
            let message = format!("skipCreation must be either `true` or `false`. Found: `{found}`");
            Err(Failure::refused(ErrorCode::InvalidSkipCreation, message))
        }
    }
}

fn csv_delimiter(query: &Query) -> Result<Option<u8>, Failure> {
    let Some(text) = query.get("csvDelimiter") else { return Ok(None) };
    let refuse = |message: String| Err(Failure::refused(ErrorCode::InvalidDocumentCsvDelimiter, message));
    let expected = "Invalid value in parameter `csvDelimiter`: expected a string of one character, but found";
    let found = excerpt(text, EXCERPT_CHARS);
    match (text.as_bytes(), text.chars().count()) {
        ([], _) => refuse(format!("{expected} an empty string")),
        ([byte], _) if byte.is_ascii() => Ok(Some(*byte)),
        (_, 1) => refuse(format!("csv delimiter must be an ascii character. Found: `{found}`")),
        (_, count) => refuse(format!("{expected} the following string of {count} characters: `{found}`")),
    }
}

fn payload_format(media: &str, delimiter: Option<u8>) -> Result<PayloadFormat, Failure> {
    if media == CSV {
        return Ok(PayloadFormat::Csv { delimiter: delimiter.unwrap_or(b',') });
    }
    if delimiter.is_some() {
        let message = format!(
            "The Content-Type `{media}` does not support the use of a csv delimiter. The csv delimiter can only be used with the Content-Type `text/csv`."
        );
        return Err(Failure::refused(ErrorCode::InvalidContentType, message));
    }
    Ok(if media == NDJSON { PayloadFormat::Ndjson } else { PayloadFormat::Json })
}

async fn list(apis: Arc<Apis>, request: Request) -> Outcome {
    let parameters = url_parameters(&request.query)?;
    Reply::read(apis.document.document_list(request.index()?, parameters).await?)
}

async fn fetch(apis: Arc<Apis>, mut request: Request) -> Outcome {
    let index = request.index()?;
    let parameters = body_parameters(request.json().await?)?;
    Reply::read(apis.document.document_list(index, parameters).await?)
}

async fn get(apis: Arc<Apis>, request: Request) -> Outcome {
    let parameters = one_parameters(&request.query)?;
    let id = request.parameter(1).to_owned();
    Reply::client_object(apis.document.document_get(request.index()?, id, parameters).await?)
}

async fn delete_one(apis: Arc<Apis>, request: Request) -> Outcome {
    let ids = vec![Value::from(request.parameter(1))];
    delete(apis, request, DocumentSelection::Ids(ids)).await
}

async fn delete_all(apis: Arc<Apis>, request: Request) -> Outcome {
    delete(apis, request, DocumentSelection::All).await
}

async fn delete_batch(apis: Arc<Apis>, mut request: Request) -> Outcome {
    request.index()?;
    let Value::Array(ids) = request.json().await? else {
        return Err(Failure::refused(
            ErrorCode::BadRequest,
            "Json deserialize error: invalid type, expected a sequence of document ids",
        ));
    };
    delete(apis, request, DocumentSelection::Ids(ids)).await
}

async fn delete_by_filter(apis: Arc<Apis>, mut request: Request) -> Outcome {
    request.index()?;
    let mut fields = json::object(request.json().await?, &["filter"])?;
    let filter = fields
        .remove("filter")
        .ok_or_else(|| json::missing_field(ErrorCode::MissingDocumentFilter, "filter"))?;
    check_filter(&filter)?;
    delete(apis, request, DocumentSelection::Filter(filter)).await
}

/// Refuses an empty filter, which would delete every document. Nodes check the expression itself.
fn check_filter(filter: &Value) -> Result<(), Failure> {
    let empty = match filter {
        Value::String(text) => text.trim().is_empty(),
        Value::Array(parts) => parts.is_empty(),
        other => {
            let found = excerpt(other, VALUE_CHARS);
            let message =
                format!("Invalid syntax for the filter parameter: `expected String, Array, found: {found}`.");
            return Err(Failure::refused(ErrorCode::InvalidDocumentFilter, message));
        }
    };
    if empty {
        let message = "Sending an empty filter is forbidden.";
        return Err(Failure::refused(ErrorCode::InvalidDocumentFilter, message));
    }
    Ok(())
}

async fn delete(apis: Arc<Apis>, request: Request, selection: DocumentSelection) -> Outcome {
    let metadata = request.query.text(CUSTOM_METADATA);
    Reply::accepted(apis.document.documents_delete(request.index()?, selection, metadata).await?)
}
