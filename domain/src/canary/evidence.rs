//! The verdict on a run, and the evidence for it.

use serde_json::{Value, json};

use super::assertion::Assertion;
use super::row::CanaryStatus;
use crate::error::ResponseError;

/// One assertion that did not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedAssertion {
    /// The assertion.
    pub assertion: Assertion,
    /// A sentence for people, without a full stop.
    pub message: String,
    /// The observed value: an id, a list of ids, a number, or null if there was no value.
    pub observed: Value,
    /// The documents at fault: those that are missing, or that must not be present.
    pub failing_ids: Vec<String>,
}

/// The verdict on a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The search got a response.
    Judged {
        /// The assertions that did not hold. The run passed if there are none.
        failed: Vec<FailedAssertion>,
        /// The ids of the first hits; null for a hit that does not show its id.
        top_ids: Vec<Value>,
        /// The parts missing from the response, as `X-Miroir-Degraded` names them.
        degraded: Option<String>,
    },
    /// The search itself failed.
    Error(ResponseError),
}

impl Verdict {
    /// Returns the status of the run.
    pub fn status(&self) -> CanaryStatus {
        match self {
            Self::Judged { failed, .. } if failed.is_empty() => CanaryStatus::Pass,
            Self::Judged { .. } => CanaryStatus::Fail,
            Self::Error(_) => CanaryStatus::Error,
        }
    }

    /// Returns the evidence that the row of the run keeps: an object for each failed assertion, `{assertion,
    /// message, observed, failingIds, topIds, degraded?}`, or one `{error}`. The evidence of a passed run is
    /// empty.
    pub fn evidence(&self) -> Value {
        match self {
            Self::Error(error) => json!([{ "error": error }]),
            Self::Judged { failed, top_ids, degraded } => {
                let shown = |failed: &FailedAssertion| {
                    let mut json = json!({
                        "assertion": failed.assertion.to_json(),
                        "message": failed.message,
                        "observed": failed.observed,
                        "failingIds": failed.failing_ids,
                        "topIds": top_ids,
                    });
                    if let Some(degraded) = degraded {
                        json["degraded"] = degraded.as_str().into();
                    }
                    json
                };
                failed.iter().map(shown).collect()
            }
        }
    }
}
