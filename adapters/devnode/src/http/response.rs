//! Responses, and the forms that most routes share.

use serde_json::{Value, json};

use super::request::Request;
use crate::error::ApiError;
use crate::shared::Shared;
use crate::task::Work;

/// A response: a status, and a JSON body if it has one.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Option<String>,
}

impl Response {
    /// Creates a response with status 200.
    pub(crate) fn ok(body: &impl serde::Serialize) -> Self {
        Self::json(200, body)
    }

    /// Creates a JSON response.
    pub(crate) fn json(status: u16, body: &impl serde::Serialize) -> Self {
        match serde_json::to_string(body) {
            Ok(body) => Self { status, body: Some(body) },
            Err(error) => ApiError::with_status(500, "internal", error.to_string()).into(),
        }
    }

    /// Creates a response without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, body: None }
    }

    /// Converts the response to warp's.
    pub(crate) fn into_response(self) -> warp::reply::Response {
        let has_body = self.body.is_some();
        let mut response = warp::reply::Response::new(self.body.unwrap_or_default().into());
        *response.status_mut() =
            http::StatusCode::from_u16(self.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        if has_body {
            let json = http::HeaderValue::from_static("application/json");
            response.headers_mut().insert(http::header::CONTENT_TYPE, json);
        }
        if self.status == 503 {
            response.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("10"));
        }
        response
    }
}

impl From<ApiError> for Response {
    fn from(error: ApiError) -> Self {
        Self { status: error.status, body: Some(error.body().to_string()) }
    }
}

/// The result of a route.
pub(crate) type Responded = Result<Response, ApiError>;

/// Returns whether a text is an index uid.
pub(crate) fn is_index_uid(uid: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !uid.is_empty() && uid.len() <= 400 && uid.bytes().all(allowed)
}

/// Refuses text that is not an index uid. `place` names its place in the request, and ends with a colon and a
/// space.
pub(crate) fn check_index_uid(uid: &str, place: &str) -> Result<(), ApiError> {
    if is_index_uid(uid) {
        return Ok(());
    }
    let rule = "Index uid can be an integer or a string containing only alphanumeric characters, hyphens (-) and \
                underscores (_), and can not be more than 512 bytes.";
    Err(ApiError::invalid("invalid_index_uid", format!("{place}`{uid}` is not a valid index uid. {rule}")))
}

/// Accepts work as a task.
pub(crate) fn accept(
    shared: &Shared,
    request: &Request,
    index: Option<&str>,
    work: Work,
    status: u16,
) -> Responded {
    let wanted = match request.header("taskid").filter(|_| shared.options.replication_parameters) {
        None => None,
        Some(text) => Some(text.trim().parse::<u32>().map_err(|error| {
            ApiError::invalid("bad_request", format!("Could not parse task id: {error}"))
        })?),
    };
    let metadata = request.query.get("customMetadata").map(str::to_owned);
    let summary = shared.state().enqueue(index, work, metadata, wanted, shared.now())?.summary();
    shared.work_arrived.notify_one();
    Ok(Response::json(status, &summary))
}

/// Accepts work as a task on an index.
pub(crate) fn accept_in(shared: &Shared, request: &Request, index: &str, work: Work) -> Responded {
    accept(shared, request, Some(index), work, 202)
}

/// Returns a page in the form that lists of indexes and documents share.
pub(crate) fn page(results: &[Value], offset: usize, limit: usize, total: usize) -> Response {
    Response::ok(&json!({ "results": results, "offset": offset, "limit": limit, "total": total }))
}
