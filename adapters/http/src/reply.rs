//! Answers that are no errors.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use miroir_domain::TaskUid;
use miroir_domain::quorum::Degraded;
use miroir_ports::inbound::{Accepted, Exposition, ReadResponse};
use serde::Serialize;
use serde_json::json;

use crate::error::Failure;
use crate::event_stream::EventStream;

/// What a handler ends with.
pub(crate) type Outcome = Result<Reply, Failure>;

/// What is answered.
#[derive(Debug)]
pub(crate) enum Content {
    /// JSON, or nothing.
    Json(Bytes),
    /// Text of a media type that is not JSON.
    Text(&'static str, Bytes),
    /// Events, as they come.
    Events(EventStream),
    /// The OpenAPI document, which is made from all routes, so no handler of one has it.
    OpenApi,
    /// What another instance answered.
    Relayed(Box<Response<Bytes>>),
    /// Nothing: what became of the request is not known, and the connection is closed.
    Close,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content: Content,
    pub(crate) degraded: Option<Degraded>,
    /// The task the request made or asked for, for the log.
    pub(crate) task: Option<TaskUid>,
    /// The version of what was answered, for `ETag` and a later `If-Match`.
    pub(crate) version: Option<u64>,
}

impl Reply {
    /// `value` as JSON.
    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Outcome {
        let body = serde_json::to_vec(value)
            .map_err(|error| Failure::internal(&format!("an answer cannot be written as JSON: {error}")))?;
        Ok(Self::with(status, Content::Json(body.into())))
    }

    /// 200 with a list that is whole.
    pub(crate) fn results(results: &impl Serialize) -> Outcome {
        Self::json(StatusCode::OK, &json!({ "results": results }))
    }

    /// `value` as JSON, with the version that `ETag` tells and `If-Match` takes.
    pub(crate) fn versioned(status: StatusCode, value: &impl Serialize, version: u64) -> Outcome {
        Ok(Self { version: Some(version), ..Self::json(status, value)? })
    }

    /// 202 with the summary of the task a write became.
    pub(crate) fn accepted(accepted: Accepted) -> Outcome {
        let reply = Self::json(StatusCode::ACCEPTED, &accepted.summary)?;
        Ok(Self { degraded: accepted.degraded, task: Some(accepted.summary.task_uid), ..reply })
    }

    /// 200 with what nodes answered.
    pub(crate) fn read(response: ReadResponse) -> Outcome {
        let reply = Self::json(StatusCode::OK, &response.body)?;
        Ok(Self { degraded: response.degraded, ..reply })
    }

    /// 204: done, and nothing to say.
    pub(crate) fn no_content() -> Self {
        Self::with(StatusCode::NO_CONTENT, Content::Json(Bytes::new()))
    }

    /// 200 with metrics.
    pub(crate) fn exposition(exposition: Exposition) -> Self {
        let Exposition { content_type, text } = exposition;
        Self::with(StatusCode::OK, Content::Text(content_type, text.into()))
    }

    /// 200 with the OpenAPI document.
    pub(crate) fn openapi() -> Self {
        Self::with(StatusCode::OK, Content::OpenApi)
    }

    /// 200 with events, as they come.
    pub(crate) fn events(events: EventStream) -> Self {
        Self::with(StatusCode::OK, Content::Events(events))
    }

    /// What another instance answered.
    pub(crate) fn relayed(response: Response<Bytes>) -> Self {
        Self::with(response.status(), Content::Relayed(Box::new(response)))
    }

    /// No answer at all.
    pub(crate) fn close() -> Self {
        Self::with(StatusCode::BAD_GATEWAY, Content::Close)
    }

    fn with(status: StatusCode, content: Content) -> Self {
        Self { status, content, degraded: None, task: None, version: None }
    }

    /// The same, about a task.
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
