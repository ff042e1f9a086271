//! The request that a handler receives.

use bytes::Bytes;
use http::HeaderMap;
use miroir_domain::error::ErrorCode;
use miroir_domain::wording::excerpt;
use miroir_domain::{IndexUid, TaskUid};
use serde_json::Value;

use crate::body::Body;
use crate::content::{CSV, Encoding, JSON, NDJSON, media_type};
use crate::error::Failure;
use crate::json;
use crate::query::Query;

/// The default page size of lists under `/_miroir`.
const DEFAULT_LIMIT: u32 = 20;
/// The maximum page size of lists under `/_miroir`.
const MAX_LIMIT: u32 = 1_000;

/// The maximum number of characters of an invalid task uid that an error repeats.
const TASK_UID_CHARS: usize = 80;
/// The maximum number of characters of an invalid index uid that an error repeats: more than a valid one has.
const INDEX_UID_CHARS: usize = 600;

/// A request that matches a route and has the key that the route requires.
pub(crate) struct Request {
    /// The parameters of the path, decoded, in the order of the template.
    pub(crate) parameters: Vec<String>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

impl Request {
    /// Returns the `n`th parameter of the path. The router has matched the template, so every parameter of
    /// the template is present.
    pub(crate) fn parameter(&self, n: usize) -> &str {
        self.parameters.get(n).map(String::as_str).unwrap_or_default()
    }

    /// Returns the index that is the first parameter of the path.
    pub(crate) fn index(&self) -> Result<IndexUid, Failure> {
        index_uid(self.parameter(0), "")
    }

    /// Returns the task that is the first parameter of the path.
    pub(crate) fn task(&self) -> Result<TaskUid, Failure> {
        let text = self.parameter(0);
        text.parse().map(TaskUid).map_err(|_| {
            let uid = excerpt(text, TASK_UID_CHARS);
            let message = format!("Task uid `{uid}` is invalid. It should only contain numeric characters.");
            Failure::refused(ErrorCode::InvalidTaskUids, message)
        })
    }

    /// Returns the page size of a list under `/_miroir`. Refuses a `limit` out of bounds.
    pub(crate) fn page_limit(&self) -> Result<u32, Failure> {
        let requested = self.query.number("limit", ErrorCode::BadRequest)?;
        let Some(requested) = requested else { return Ok(DEFAULT_LIMIT) };
        let bounded = u32::try_from(requested).ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        bounded.ok_or_else(|| {
            let message =
                format!("Invalid value in parameter `limit`: {requested} is not between 1 and {MAX_LIMIT}");
            Failure::refused(ErrorCode::BadRequest, message)
        })
    }

    /// Reads the body as JSON.
    pub(crate) async fn json(&mut self) -> Result<Value, Failure> {
        media_type(&self.headers, &[JSON])?;
        json::parse(self.payload(JSON).await?).await
    }

    /// Reads and decompresses the body. `media` is the name of its type in the error if it is missing.
    pub(crate) async fn payload(&mut self, media: &str) -> Result<Bytes, Failure> {
        let encoding = Encoding::of(&self.headers)?;
        let limit = self.body.max_bytes();
        let read = self.body.read().await?;
        if read.is_empty() {
            return Err(missing_payload(media));
        }
        let decompressed = encoding.decompress(read, limit).await?;
        if decompressed.is_empty() { Err(missing_payload(media)) } else { Ok(decompressed) }
    }
}

fn missing_payload(media: &str) -> Failure {
    let name = match media {
        NDJSON => "ndjson",
        CSV => "csv",
        _ => "json",
    };
    Failure::refused(ErrorCode::MissingPayload, format!("A {name} payload is missing."))
}

/// Parses an index uid. A refusal has the wording of Meilisearch, after `prefix`.
pub(crate) fn index_uid(text: &str, prefix: &str) -> Result<IndexUid, Failure> {
    text.parse().map_err(|_| {
        let uid = excerpt(text, INDEX_UID_CHARS);
        let message = format!(
            "{prefix}`{uid}` is not a valid index uid. Index uid can be an integer or a string containing only alphanumeric characters, hyphens (-) and underscores (_), and can not be more than 512 bytes."
        );
        Failure::refused(ErrorCode::InvalidIndexUid, message)
    })
}
