//! What a handler is given.

use bytes::Bytes;
use http::HeaderMap;
use miroir_domain::error::ErrorCode;
use miroir_domain::{IndexUid, TaskUid};
use serde_json::Value;

use crate::body::Body;
use crate::content::{CSV, Encoding, JSON, NDJSON, media_type};
use crate::error::Failure;
use crate::json;
use crate::query::Query;

/// The page of a Miroir list that names none.
const DEFAULT_LIMIT: u32 = 20;
/// The largest page of a Miroir list.
const MAX_LIMIT: u32 = 1_000;

/// A request that found its route and may pass.
pub(crate) struct Request {
    /// The parameters of the path, decoded, in the order of the template.
    pub(crate) parameters: Vec<String>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

impl Request {
    /// The `n`th parameter of the path. The router has matched the template, so a handler that asks for a parameter
    /// of its template gets it.
    pub(crate) fn parameter(&self, n: usize) -> &str {
        self.parameters.get(n).map(String::as_str).unwrap_or_default()
    }

    /// The index a path names first.
    pub(crate) fn index(&self) -> Result<IndexUid, Failure> {
        index_uid(self.parameter(0), "")
    }

    /// The task a path names.
    pub(crate) fn task(&self) -> Result<TaskUid, Failure> {
        let text = self.parameter(0);
        text.parse().map(TaskUid).map_err(|_| {
            let shown: String = text.chars().take(80).collect();
            let message =
                format!("Task uid `{shown}` is invalid. It should only contain numeric characters.");
            Failure::refused(ErrorCode::InvalidTaskUids, message)
        })
    }

    /// How many entries a page of a Miroir list has: what `limit` says, within bounds.
    pub(crate) fn page_limit(&self) -> Result<u32, Failure> {
        let asked = self.query.number("limit", ErrorCode::BadRequest)?;
        let Some(asked) = asked else { return Ok(DEFAULT_LIMIT) };
        let bounded = u32::try_from(asked).ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        bounded.ok_or_else(|| {
            let message =
                format!("Invalid value in parameter `limit`: {asked} is not between 1 and {MAX_LIMIT}");
            Failure::refused(ErrorCode::BadRequest, message)
        })
    }

    /// The body as JSON.
    pub(crate) async fn json(&mut self) -> Result<Value, Failure> {
        media_type(&self.headers, &[JSON])?;
        json::parse(self.payload(JSON).await?).await
    }

    /// The body, unpacked; `media` names it where it is missing.
    pub(crate) async fn payload(&mut self, media: &str) -> Result<Bytes, Failure> {
        let encoding = Encoding::of(&self.headers)?;
        let limit = self.body.max_bytes();
        let read = self.body.read().await?;
        if read.is_empty() {
            return Err(missing_payload(media));
        }
        let unpacked = encoding.unpack(read, limit).await?;
        if unpacked.is_empty() { Err(missing_payload(media)) } else { Ok(unpacked) }
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

/// Reads an index uid. A refusal has the words of a Meilisearch server, behind `place`.
pub(crate) fn index_uid(text: &str, place: &str) -> Result<IndexUid, Failure> {
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(600).collect();
        let message = format!(
            "{place}`{shown}` is not a valid index uid. Index uid can be an integer or a string containing only alphanumeric characters, hyphens (-) and underscores (_), and can not be more than 512 bytes."
        );
        Failure::refused(ErrorCode::InvalidIndexUid, message)
    })
}
