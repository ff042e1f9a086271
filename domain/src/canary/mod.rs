//! Canaries: stored searches with assertions, run on a schedule.
//!
//! | module | subject |
//! |---|---|
//! | `row` | the rows of `canaries` and `canary_runs` |
//! | `id` | the ids of canaries, configured or not |
//! | `definition`, `assertion`, `fields` | reading a definition; refusals name the place and the reason |
//! | `consistency` | assertions that no response can meet together |
//! | `evaluate`, `evidence` | evaluation of a response, and the evidence of a failure |
//! | `schedule` | the instant of the next run |
//! | `summary` | the sum of the runs that are kept |
//! | `draft` | the draft of a canary, made of a client's search |

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
