//! What the runs that are kept come to.

use super::row::{CanaryRun, CanaryStatus};

/// How many runs came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Every assertion held.
    pub pass: u64,
    /// Some assertion did not hold.
    pub fail: u64,
    /// The search itself failed.
    pub error: u64,
}

/// A summary of runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunSummary {
    /// Of all the runs.
    pub counts: RunCounts,
    /// The newest runs in a row that were no pass.
    pub consecutive_failures: u64,
}

impl RunSummary {
    /// Sums up `runs`, newest first.
    pub fn of(runs: &[CanaryRun]) -> Self {
        let mut counts = RunCounts::default();
        for run in runs {
            match run.status {
                CanaryStatus::Pass => counts.pass += 1,
                CanaryStatus::Fail => counts.fail += 1,
                CanaryStatus::Error => counts.error += 1,
            }
        }
        let failures = runs.iter().take_while(|run| run.status != CanaryStatus::Pass);
        Self { counts, consecutive_failures: failures.count() as u64 }
    }
}
