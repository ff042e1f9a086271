//! Writes as calls.

use http::Method;
use miroir_domain::PhysicalUid;
use miroir_domain::document::{DocumentId, PrimaryKey};
use miroir_domain::settings::{SettingsAction, SettingsChange, UpdateMethod};
use miroir_domain::write::{WriteMode, WriteOperation};
use miroir_ports::outbound::NodeWrite;
use serde::Deserialize;
use serde_json::json;

use crate::call::{Call, CallBody};

/// The needed part of a node's response to a write.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Accepted {
    pub task_uid: u32,
}

/// Returns the call for `write`.
pub(crate) fn call(write: NodeWrite) -> Call {
    let NodeWrite { index, operation, custom_metadata } = write;
    let documents = format!("/indexes/{index}/documents");
    let (call, takes_metadata) = match operation {
        WriteOperation::DocumentsAdd { primary_key, mode, documents: part } => {
            let mut call = Call::new(method_of(mode), documents);
            if let Some(primary_key) = primary_key {
                call = call.with_query("primaryKey", primary_key.as_str());
            }
            // A node refuses an empty body in NDJSON, but accepts an empty array in JSON.
            call.body = match part.document_count() {
                0 => CallBody::Json(json!([])),
                _ => CallBody::Ndjson(part),
            };
            (call, true)
        }
        WriteOperation::DocumentsDelete(ids) => {
            let ids: Vec<&str> = ids.iter().map(DocumentId::as_str).collect();
            (Call::new(Method::POST, documents + "/delete-batch").with_json(json!(ids)), true)
        }
        WriteOperation::DocumentsDeleteByFilter(filter) => {
            (Call::new(Method::POST, documents + "/delete").with_json(json!({ "filter": filter })), true)
        }
        WriteOperation::DocumentsDeleteAll => (Call::new(Method::DELETE, documents), true),
        WriteOperation::IndexCreate { primary_key } => {
            let primary_key = primary_key.as_ref().map(PrimaryKey::as_str);
            let body = json!({ "uid": index.as_str(), "primaryKey": primary_key });
            (Call::new(Method::POST, "/indexes").with_json(body), false)
        }
        WriteOperation::IndexDelete => (Call::new(Method::DELETE, format!("/indexes/{index}")), false),
        WriteOperation::Settings(change) => (settings_call(&index, change), false),
    };
    match custom_metadata.filter(|_| takes_metadata) {
        Some(metadata) => call.with_query("customMetadata", metadata),
        None => call,
    }
}

fn method_of(mode: WriteMode) -> Method {
    match mode {
        WriteMode::Replace => Method::POST,
        WriteMode::Update => Method::PUT,
    }
}

fn settings_call(index: &PhysicalUid, change: SettingsChange) -> Call {
    let (path, update_method) = match change.setting {
        None => (format!("/indexes/{index}/settings"), Method::PATCH),
        Some(setting) => {
            let method = match setting.update_method() {
                UpdateMethod::Put => Method::PUT,
                UpdateMethod::Patch => Method::PATCH,
            };
            (format!("/indexes/{index}/settings/{}", setting.route()), method)
        }
    };
    match change.action {
        SettingsAction::Update(value) => Call::new(update_method, path).with_json(value),
        SettingsAction::Reset => Call::new(Method::DELETE, path),
    }
}
