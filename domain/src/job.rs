//! Jobs: long work in pieces, done by the instance that claims it.

use serde_json::Value;

use crate::Timestamp;
use crate::word::words;

words! {
    /// The state of a job.
    pub enum JobState("job state", "states") {
        /// The job waits for an instance.
        Queued = "queued",
        /// An instance works on it until its claim expires.
        Claimed = "claimed",
        /// It is done.
        Succeeded = "succeeded",
        /// It was given up: see its last error.
        Failed = "failed",
        /// It was canceled.
        Canceled = "canceled",
    }
}

impl JobState {
    /// Returns whether nothing more happens to the job.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }
}

/// A job before it is queued.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Its id. The same work, queued twice, has the same id.
    pub id: String,
    /// The kind of work (the column `type`).
    pub kind: String,
    /// The parameters of the work.
    pub params: Value,
    /// The maximum number of claims before it counts as failed; at least 1.
    pub max_attempts: u32,
}

impl NewJob {
    /// Returns the row of the job.
    pub fn into_job(self) -> Job {
        Job {
            id: self.id,
            kind: self.kind,
            params: self.params,
            state: JobState::Queued,
            claim: None,
            attempts: 0,
            max_attempts: self.max_attempts,
            progress: None,
            last_error: None,
        }
    }
}

/// The claim of an instance on a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobClaim {
    /// The instance.
    pub claimed_by: String,
    /// The instant from which other instances may claim the job.
    pub expires_at: Timestamp,
    /// The token that proves the claim. No two claims of a store have the same token, and later claims have
    /// greater ones.
    pub token: u64,
}

/// One row of `jobs`.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// The kind of work.
    pub kind: String,
    /// The parameters of the work.
    pub params: Value,
    /// Its state.
    pub state: JobState,
    /// The claim, while the state is [`JobState::Claimed`].
    pub claim: Option<JobClaim>,
    /// The number of claims so far.
    pub attempts: u32,
    /// The maximum number of claims.
    pub max_attempts: u32,
    /// The progress of the work, in the worker's own terms. The next claimant continues from there.
    pub progress: Option<Value>,
    /// The reason why the last attempt did not succeed.
    pub last_error: Option<String>,
}

/// The end of a claimant's work on a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// The work is done.
    Succeeded,
    /// The work failed for this reason and is not tried again.
    Failed(String),
    /// The work failed for this reason and is tried again while attempts are left.
    Retry(String),
}

impl Job {
    /// Returns the job after a claim that ended without success, for the reason `error`. It is queued again,
    /// or failed if it has no attempts left.
    #[must_use]
    pub fn returned(self, error: String) -> Self {
        let state = if self.attempts < self.max_attempts { JobState::Queued } else { JobState::Failed };
        Self { state, claim: None, last_error: Some(error), ..self }
    }

    /// Returns the job after its claim expired.
    #[must_use]
    pub fn expired(self) -> Self {
        let error = match &self.claim {
            Some(claim) => format!("the claim of `{}` expired", claim.claimed_by),
            None => "the claim expired".to_owned(),
        };
        self.returned(error)
    }

    /// Returns the job after it was canceled.
    #[must_use]
    pub fn canceled(self) -> Self {
        Self { state: JobState::Canceled, claim: None, ..self }
    }

    /// Returns the job after its claimant ended its work.
    #[must_use]
    pub fn ended(self, end: JobEnd) -> Self {
        match end {
            JobEnd::Succeeded => Self { state: JobState::Succeeded, claim: None, last_error: None, ..self },
            JobEnd::Failed(error) => {
                Self { state: JobState::Failed, claim: None, last_error: Some(error), ..self }
            }
            JobEnd::Retry(error) => self.returned(error),
        }
    }

    /// Returns whether `token` belongs to a claim that is valid at `now`.
    pub fn is_claimed_with(&self, token: u64, now: Timestamp) -> bool {
        self.claim.as_ref().is_some_and(|claim| claim.token == token && now < claim.expires_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(attempts: u32) -> Job {
        let new = NewJob { id: "j".into(), kind: "k".into(), params: Value::Null, max_attempts: 2 };
        let claim = JobClaim { claimed_by: "a".into(), expires_at: Timestamp::from_millis(10), token: 7 };
        Job { state: JobState::Claimed, claim: Some(claim), attempts, ..new.into_job() }
    }

    #[test]
    fn returned_queues_while_attempts_are_left_and_fails_after() {
        assert_eq!(claimed(1).returned("e".into()).state, JobState::Queued);
        let failed = claimed(2).returned("e".into());
        assert_eq!(
            (failed.state, failed.claim, failed.last_error),
            (JobState::Failed, None, Some("e".into()))
        );
    }

    #[test]
    fn claim_holds_until_the_instant_it_expires() {
        let job = claimed(1);
        assert!(job.is_claimed_with(7, Timestamp::from_millis(9)));
        assert!(!job.is_claimed_with(7, Timestamp::from_millis(10)));
        assert!(!job.is_claimed_with(6, Timestamp::from_millis(9)));
    }

    #[test]
    fn states_round_trip() {
        for state in JobState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("gone".parse::<JobState>().is_err());
    }
}
