//! Answers that are no errors.

use bytes::Bytes;
use http::StatusCode;
use miroir_domain::TaskUid;
use miroir_domain::quorum::Degraded;
use miroir_ports::inbound::{Accepted, Answer};
use serde::Serialize;

use crate::error::Failure;

/// What a handler ends with.
pub(crate) type Outcome = Result<Reply, Failure>;

/// A JSON answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    pub(crate) degraded: Option<Degraded>,
    /// The task the request made or asked for, for the log.
    pub(crate) task: Option<TaskUid>,
    /// The version of what is answered, for `ETag`.
    pub(crate) version: Option<u64>,
}

impl Reply {
    /// `value` as JSON.
    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Outcome {
        let body = serde_json::to_vec(value)
            .map_err(|error| Failure::internal(&format!("an answer cannot be written as JSON: {error}")))?;
        Ok(Self { status, body: body.into(), degraded: None, task: None, version: None })
    }

    /// 202 with the summary of the task a write became.
    pub(crate) fn accepted(accepted: Accepted) -> Outcome {
        let reply = Self::json(StatusCode::ACCEPTED, &accepted.summary)?;
        Ok(Self { degraded: accepted.degraded, task: Some(accepted.summary.task_uid), ..reply })
    }

    /// 200 with what nodes answered.
    pub(crate) fn answer(answer: Answer) -> Outcome {
        let reply = Self::json(StatusCode::OK, &answer.body)?;
        Ok(Self { degraded: answer.degraded, ..reply })
    }

    /// 204: done, and nothing to say about it.
    pub(crate) fn nothing() -> Self {
        let (status, body) = (StatusCode::NO_CONTENT, Bytes::new());
        Self { status, body, degraded: None, task: None, version: None }
    }

    /// The same, with the version of what is answered.
    pub(crate) fn versioned(self, version: u64) -> Self {
        Self { version: Some(version), ..self }
    }

    /// The same, about a task.
    pub(crate) fn about(self, task: TaskUid) -> Self {
        Self { task: Some(task), ..self }
    }
}
