//! What a run came to, and what it shows for it.

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
    /// What was there instead: an id, a list of ids, a number, or null where there was nothing.
    pub observed: Value,
    /// The documents at fault: those that are missing, or that must not be there.
    pub failing_ids: Vec<String>,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The search was answered.
    Judged {
        /// The assertions that did not hold; none is a pass.
        failed: Vec<FailedAssertion>,
        /// The ids of the first hits of the answer, null for a hit that does not show its own.
        top_ids: Vec<Value>,
        /// What the answer had to do without, as `X-Miroir-Degraded` tells it.
        degraded: Option<String>,
    },
    /// The search itself failed.
    Error(ResponseError),
}

impl Verdict {
    /// The status of the run.
    pub fn status(&self) -> CanaryStatus {
        match self {
            Self::Judged { failed, .. } if failed.is_empty() => CanaryStatus::Pass,
            Self::Judged { .. } => CanaryStatus::Fail,
            Self::Error(_) => CanaryStatus::Error,
        }
    }

    /// The evidence, as the row of the run keeps it: an object for each failed assertion, `{assertion, message, observed,
    /// failingIds, topIds, degraded?}`, or one `{error}`; empty for a pass.
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
