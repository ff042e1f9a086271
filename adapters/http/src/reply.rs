//! Responses without an error.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use miroir_domain::TaskUid;
use miroir_domain::quorum::Degraded;
use miroir_ports::inbound::{Accepted, ReadResponse};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Failure;
use crate::event_stream::EventStream;

/// The result of a handler.
pub(crate) type Outcome = Result<Reply, Failure>;

/// The content of a response.
#[derive(Debug)]
pub(crate) enum Content {
    /// JSON, or an empty body.
    Json(Bytes),
    /// Text of another media type.
    Text(&'static str, Bytes),
    /// A stream of events.
    Events(EventStream),
    /// The OpenAPI document. It is made from all routes, so the handler of one route does not have it.
    OpenApi,
    /// The response of another instance.
    Relayed(Box<Response<Bytes>>),
    /// No response: the outcome of the request is unknown, and the connection is closed.
    Close,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content: Content,
    pub(crate) degraded: Option<Degraded>,
    /// The task that the request created or read, for the log.
    pub(crate) task: Option<TaskUid>,
    /// The version of the returned resource, for `ETag`.
    pub(crate) version: Option<u64>,
}

impl Reply {
    /// Returns `value` as JSON.
    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Outcome {
        let body = serde_json::to_vec(value)
            .map_err(|error| Failure::internal(&format!("a response cannot be serialized: {error}")))?;
        Ok(Self::with(status, Content::Json(body.into())))
    }

    /// Returns 200 with a list that has no pages.
    pub(crate) fn results(results: &impl Serialize) -> Outcome {
        Self::json(StatusCode::OK, &json!({ "results": results }))
    }

    /// Returns `value` as JSON, with its version as `ETag`.
    pub(crate) fn versioned(status: StatusCode, value: &impl Serialize, version: u64) -> Outcome {
        Ok(Self { version: Some(version), ..Self::json(status, value)? })
    }

    /// Returns 202 with the summary of the task of a write.
    pub(crate) fn accepted(accepted: Accepted) -> Outcome {
        let reply = Self::json(StatusCode::ACCEPTED, &accepted.summary)?;
        Ok(Self { degraded: accepted.degraded, task: Some(accepted.summary.task_uid), ..reply })
    }

    /// Returns 200 with the result of a read. One that is not whole says so in its field `degraded` as well,
    /// for clients that do not see headers.
    pub(crate) fn read(mut response: ReadResponse) -> Outcome {
        if let (Some(degraded), Some(body)) = (&response.degraded, response.body.as_object_mut()) {
            body.insert("degraded".to_owned(), Value::String(degraded.to_string()));
        }
        Self::client_object(response)
    }

    /// Returns 200 with a result whose fields are those of clients, such as a document: it gets no field of
    /// Miroir.
    pub(crate) fn client_object(response: ReadResponse) -> Outcome {
        let reply = Self::json(StatusCode::OK, &response.body)?;
        Ok(Self { degraded: response.degraded, ..reply })
    }

    /// Returns 204.
    pub(crate) fn no_content() -> Self {
        Self::with(StatusCode::NO_CONTENT, Content::Json(Bytes::new()))
    }

    /// Returns 200 with text that is not JSON.
    pub(crate) fn text(content_type: &'static str, text: impl Into<Bytes>) -> Self {
        Self::with(StatusCode::OK, Content::Text(content_type, text.into()))
    }

    /// Returns 200 with the OpenAPI document.
    pub(crate) fn openapi() -> Self {
        Self::with(StatusCode::OK, Content::OpenApi)
    }

    /// Returns 200 with a stream of events.
    pub(crate) fn events(events: EventStream) -> Self {
        Self::with(StatusCode::OK, Content::Events(events))
    }

    /// Returns the response of another instance.
    pub(crate) fn relayed(response: Response<Bytes>) -> Self {
        Self::with(response.status(), Content::Relayed(Box::new(response)))
    }

    /// Returns no response: the connection is closed.
    pub(crate) fn close() -> Self {
        Self::with(StatusCode::BAD_GATEWAY, Content::Close)
    }

    fn with(status: StatusCode, content: Content) -> Self {
        Self { status, content, degraded: None, task: None, version: None }
    }

    /// Names the task of the request in the log.
    pub(crate) fn about(self, task: TaskUid) -> Self {
        Self { task: Some(task), ..self }
    }
}

/// Returns a response of one media type.
pub(crate) fn response<B>(status: StatusCode, content_type: &'static str, body: B) -> Response<B> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
