//! Canaries: stored searches with assertions, run on a schedule.
//!
//! | module | what it decides |
//! |---|---|
//! | `row` | what the tables `canaries` and `canary_runs` hold |
//! | `id` | what a canary may be called, and which belong to the configuration |
//! | `definition`, `assertion`, `fields` | what a person may write, refused with the place and the reason |
//! | `consistency` | assertions that no answer could meet together |
//! | `evaluate`, `evidence` | whether an answer holds, and what to show where it does not |
//! | `schedule` | when a canary runs next |
//! | `summary` | what the kept runs come to |
//! | `draft` | the canary that a client's search suggests |

mod assertion;
mod consistency;
mod definition;
mod draft;
mod evaluate;
mod evidence;
mod fields;
mod id;
mod row;
mod schedule;
mod summary;

pub use assertion::Assertion;
pub use definition::{Definition, MAX_INTERVAL_S, MIN_INTERVAL_S};
pub use draft::{CaptureRequest, MAX_CAPTURED, SUGGESTED_HITS, draft, query_hash};
pub use evaluate::{Observation, P95_RUNS, evaluate};
pub use evidence::{FailedAssertion, Verdict};
pub use id::CanaryId;
pub use row::{Canary, CanaryRun, CanaryStatus};
pub use schedule::{due_at, is_overdue};
pub use summary::{RunCounts, RunSummary};

#[cfg(test)]
mod tests;
