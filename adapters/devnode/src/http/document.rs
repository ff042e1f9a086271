//! Routes of documents.

use serde_json::{Value, json};

use super::field::Fields;
use super::request::Request;
use super::response::{Responded, Response, accept_in, page};
use crate::documents::Stored;
use crate::engine::{filter, select, sort};
use crate::error::ApiError;
use crate::json::object;
use crate::payload::{self, canonical_id};
use crate::shared::Shared;
use crate::task::Work;

/// Serves `POST` (replaces) and `PUT` (merges) `/indexes/{uid}/documents`.
pub(super) fn add(shared: &Shared, request: &Request, uid: &str, replace: bool) -> Responded {
    request.query.only(&["primaryKey", "csvDelimiter", "customMetadata", "skipCreation"])?;
    let format = request.document_format()?;
    let documents = payload::read(format, &request.body)?;
    let primary_key = request.query.get("primaryKey").map(str::to_owned);
    accept_in(shared, request, uid, Work::AddDocuments { documents, primary_key, replace })
}

/// Serves `DELETE /indexes/{uid}/documents`.
pub(super) fn clear(shared: &Shared, request: &Request, uid: &str) -> Responded {
    accept_in(shared, request, uid, Work::ClearDocuments)
}

/// Serves `DELETE /indexes/{uid}/documents/{id}`.
pub(super) fn delete(shared: &Shared, request: &Request, uid: &str, id: &str) -> Responded {
    accept_in(shared, request, uid, Work::DeleteDocuments(vec![Value::from(id)]))
}

/// Serves `POST /indexes/{uid}/documents/delete-batch`.
pub(super) fn delete_batch(shared: &Shared, request: &Request, uid: &str) -> Responded {
    let Value::Array(ids) = request.json()? else {
        let message = "Json deserialize error: invalid type: map, expected a sequence at line 1 column 0";
        return Err(ApiError::invalid("bad_request", message));
    };
    accept_in(shared, request, uid, Work::DeleteDocuments(ids))
}

/// Serves `POST /indexes/{uid}/documents/delete`.
pub(super) fn delete_by_filter(shared: &Shared, request: &Request, uid: &str) -> Responded {
    let body = request.json()?;
    let fields = Fields::new(object(&body, &["filter"])?);
    let missing = || ApiError::invalid("missing_document_filter", "Missing field `filter`");
    let wanted = fields.value("filter").ok_or_else(missing)?;
    if filter::parse(wanted, "invalid_document_filter")?.is_none() {
        let message = "Sending an empty filter is forbidden.";
        return Err(ApiError::invalid("invalid_document_filter", message));
    }
    accept_in(shared, request, uid, Work::DeleteByFilter(wanted.clone()))
}

/// Serves `GET /indexes/{uid}/documents/{id}`.
pub(super) fn get(shared: &Shared, request: &Request, uid: &str, id: &str) -> Responded {
    request.query.only(&["fields", "retrieveVectors"])?;
    let state = shared.state();
    let not_found =
        || ApiError::with_status(404, "document_not_found", format!("Document `{id}` not found."));
    let stored = state.index(uid)?.documents.get(id).ok_or_else(not_found)?;
    Ok(Response::ok(&shown(stored, comma_list(request, "fields").as_deref(), false)))
}

fn comma_list(request: &Request, name: &str) -> Option<Vec<String>> {
    let items = request.query.list(name)?;
    Some(items.into_iter().map(|(_, item)| item.to_owned()).collect())
}

/// The parameters of a listing.
struct Listing {
    offset: usize,
    limit: usize,
    fields: Option<Vec<String>>,
    ids: Option<Vec<Value>>,
    filter: Option<Value>,
    sort: Option<Vec<String>>,
    retrieve_vectors: bool,
}

const LISTING_FIELDS: [&str; 8] =
    ["offset", "limit", "fields", "retrieveVectors", "ids", "filter", "sort", "useNetwork"];

/// Serves `GET /indexes/{uid}/documents`.
pub(super) fn list(shared: &Shared, request: &Request, uid: &str) -> Responded {
    let query = &request.query;
    query.only(&LISTING_FIELDS)?;
    let listing = Listing {
        offset: query.number("offset", "invalid_document_offset")?.unwrap_or(0),
        limit: query.number("limit", "invalid_document_limit")?.unwrap_or(20),
        fields: comma_list(request, "fields").filter(|fields| fields != &["*"]),
        ids: comma_list(request, "ids").map(|ids| ids.into_iter().map(Value::from).collect()),
        filter: query.get("filter").map(Value::from),
        sort: comma_list(request, "sort"),
        retrieve_vectors: query
            .boolean("retrieveVectors", "invalid_document_retrieve_vectors")?
            .unwrap_or(false),
    };
    listing_response(shared, uid, &listing)
}

/// Serves `POST /indexes/{uid}/documents/fetch`.
pub(super) fn fetch(shared: &Shared, request: &Request, uid: &str) -> Responded {
    let body = request.json()?;
    let fields = Fields::new(object(&body, &LISTING_FIELDS)?);
    let listing = Listing {
        offset: fields.count_not_null("offset", "invalid_document_offset")?.unwrap_or(0),
        limit: fields.count_not_null("limit", "invalid_document_limit")?.unwrap_or(20),
        fields: fields.texts("fields", "invalid_document_fields")?,
        ids: fields.value("ids").and_then(Value::as_array).cloned(),
        filter: fields.value("filter").cloned(),
        sort: fields.texts("sort", "invalid_document_sort")?,
        retrieve_vectors: fields
            .boolean("retrieveVectors", "invalid_document_retrieve_vectors")?
            .unwrap_or(false),
    };
    listing_response(shared, uid, &listing)
}

fn listing_response(shared: &Shared, uid: &str, listing: &Listing) -> Responded {
    let state = shared.state();
    let index = state.index(uid)?;
    let filter = match &listing.filter {
        Some(filter) => filter::parse(filter, "invalid_document_filter")?,
        None => None,
    };
    if let Some(filter) = &filter {
        filter.check(&index.settings, "invalid_document_filter")?;
    }
    let ids: Option<Vec<String>> =
        listing.ids.as_ref().map(|ids| ids.iter().filter_map(canonical_id).collect());
    let wanted = |stored: &&Stored| filter.as_ref().is_none_or(|filter| filter.matches(&stored.document));
    let mut found: Vec<&Stored> = match &ids {
        Some(ids) => index.documents.of(ids).filter(wanted).collect(),
        None => index.documents.iter().filter(wanted).collect(),
    };
    if let Some(sort) = &listing.sort {
        let sorts = sort::parse(sort, "invalid_document_sort")?;
        sort::check(&sorts, &index.settings, "invalid_document_sort")?;
        found.sort_by(|left, right| sort::compare(&sorts, &left.document, &right.document));
    }
    let results: Vec<Value> = found
        .iter()
        .skip(listing.offset)
        .take(listing.limit)
        .map(|stored| shown(stored, listing.fields.as_deref(), listing.retrieve_vectors))
        .collect();
    Ok(page(&results, listing.offset, listing.limit, found.len()))
}

fn shown(stored: &Stored, fields: Option<&[String]>, with_vectors: bool) -> Value {
    let mut document = select::select(&stored.document, fields);
    if with_vectors {
        document.insert("_vectors".to_owned(), json!({}));
    }
    Value::Object(document)
}
