//! A request with the parts that routes need.

use bytes::Bytes;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::query::{Query, invalid_parameter};
use crate::control::RecordedRequest;
use crate::error::ApiError;
use crate::json::quoted;
use crate::payload::Format;

/// The number of bytes of a body that are recorded.
const KEPT_BODY: usize = 16 * 1024;

/// One request.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    raw_query: String,
    pub(crate) query: Query,
    headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Request {
    /// Creates a request from its parts.
    pub(crate) fn new(method: &Method, path: &str, query: String, headers: &HeaderMap, body: Bytes) -> Self {
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Self {
            method: method.to_string(),
            path: path.to_owned(),
            query: Query::parse(&query),
            raw_query: query,
            headers: headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body,
        }
    }

    /// Returns the request as tests see it.
    pub(crate) fn record(&self) -> RecordedRequest {
        let kept = &self.body[..self.body.len().min(KEPT_BODY)];
        RecordedRequest {
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.raw_query.clone(),
            headers: self.headers.iter().filter(|(name, _)| name != "authorization").cloned().collect(),
            body_size: self.body.len(),
            body: String::from_utf8_lossy(kept).into_owned(),
        }
    }

    /// Returns the segments of the path, decoded.
    pub(crate) fn segments(&self) -> Vec<String> {
        let segments = self.path.split('/').skip(1);
        segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
    }

    /// Returns the query string as sent.
    pub(crate) fn raw_query(&self) -> &str {
        &self.raw_query
    }

    /// Returns the value of a header by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns the media type of the body, which must be one of `accepted`.
    fn content_type(&self, accepted: &[&'static str]) -> Result<&'static str, ApiError> {
        let advice = format!("Accepted values for the Content-Type header are: {}", quoted(accepted));
        let Some(given) = self.header("content-type") else {
            let message = format!("A Content-Type header is missing. {advice}");
            return Err(ApiError::with_status(415, "missing_content_type", message));
        };
        let media_type = given.split(';').next().unwrap_or_default().trim();
        accepted.iter().find(|name| **name == media_type).copied().ok_or_else(|| {
            let message = format!("The Content-Type `{given}` is invalid. {advice}");
            ApiError::with_status(415, "invalid_content_type", message)
        })
    }

    fn refuse_empty_body(&self, format: &str) -> Result<(), ApiError> {
        if !self.body.is_empty() {
            return Ok(());
        }
        Err(ApiError::invalid("missing_payload", format!("A {format} payload is missing.")))
    }

    /// Returns the body as JSON.
    pub(crate) fn json(&self) -> Result<Value, ApiError> {
        self.content_type(&["application/json"])?;
        self.refuse_empty_body("json")?;
        serde_json::from_slice(&self.body).map_err(|error| {
            let message = format!("The json payload provided is malformed. `{error}`.");
            ApiError::invalid("malformed_payload", message)
        })
    }

    /// Returns the format of the documents in the body.
    pub(crate) fn document_format(&self) -> Result<Format, ApiError> {
        let media_type = self.content_type(&["application/json", "application/x-ndjson", "text/csv"])?;
        let delimiter = self.query.get("csvDelimiter");
        let (format, name) = match media_type {
            "application/json" => (Format::Json, "json"),
            "application/x-ndjson" => (Format::Ndjson, "ndjson"),
            _ => (Format::Csv { delimiter: csv_delimiter(delimiter)? }, "csv"),
        };
        if delimiter.is_some() && name != "csv" {
            let rule = "The csv delimiter can only be used with the Content-Type `text/csv`.";
            let message = format!(
                "The Content-Type `{media_type}` does not support the use of a csv delimiter. {rule}"
            );
            return Err(ApiError::with_status(415, "invalid_content_type", message));
        }
        self.refuse_empty_body(name)?;
        Ok(format)
    }
}

fn csv_delimiter(given: Option<&str>) -> Result<u8, ApiError> {
    let problem = match given.map(str::as_bytes) {
        None => return Ok(b','),
        Some([one]) if one.is_ascii() => return Ok(*one),
        Some([]) => "expected a string of one character, but found an empty string".to_owned(),
        Some(_) => {
            let text = given.unwrap_or_default();
            let count = text.chars().count();
            if count == 1 {
                format!("csv delimiter must be an ascii character. Found: `{text}`")
            } else {
                format!(
                    "expected a string of one character, but found the following string of {count} characters: `{text}`"
                )
            }
        }
    };
    Err(invalid_parameter("csvDelimiter", &problem, "invalid_document_csv_delimiter"))
}
