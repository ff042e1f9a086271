//! The sum of the runs that are kept.

use super::row::{CanaryRun, CanaryStatus};

/// The number of runs of each status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Runs in which every assertion held.
    pub pass: u64,
    /// Runs in which some assertion did not hold.
    pub fail: u64,
    /// Runs in which the search itself failed.
    pub error: u64,
}

/// A summary of runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunSummary {
    /// The counts of all the runs.
    pub counts: RunCounts,
    /// The number of the newest runs in a row that did not pass.
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
