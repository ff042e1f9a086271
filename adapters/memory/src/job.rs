//! Table 6, `jobs`.

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::job::{Job, JobClaim, JobEnd, JobState, NewJob};
use miroir_domain::row::{check_expiry, check_json, check_positive};
use miroir_ports::outbound::{Create, JobDepth, JobTable, StoreError};
use serde_json::Value;

use crate::data::Data;
use crate::store::MemoryStore;
use crate::versioned::page;

impl Data {
    /// Stores a job, at the end of the queue if it waits.
    fn job_store(&mut self, job: Job) {
        self.job_queue.retain(|id| *id != job.id);
        if job.state == JobState::Queued {
            self.job_queue.push_back(job.id.clone());
        }
        self.jobs.insert(job.id.clone(), job);
    }

    /// Ends the claims that have expired, in the order in which they expired.
    fn job_claims_expire(&mut self, now: Timestamp) {
        let mut expired: Vec<(Timestamp, String)> = self
            .jobs
            .values()
            .filter_map(|job| Some((job.claim.as_ref()?.expires_at, job.id.clone())))
            .filter(|(expires_at, _)| *expires_at <= now)
            .collect();
        expired.sort();
        for job in expired.iter().filter_map(|(_, id)| self.jobs.get(id).cloned()).collect::<Vec<_>>() {
            self.job_store(job.expired());
        }
    }
}

#[async_trait]
impl JobTable for MemoryStore {
    async fn job_enqueue(&self, job: &NewJob) -> Result<Create, StoreError> {
        check_positive("the attempts of a job", job.max_attempts.into())?;
        check_json("the parameters of a job", &job.params)?;
        let mut data = self.data()?;
        if data.jobs.contains_key(&job.id) {
            return Ok(Create::Exists);
        }
        data.job_store(job.clone().into_job());
        Ok(Create::Created)
    }

    async fn job_claim(
        &self,
        claimed_by: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Job>, StoreError> {
        check_expiry("a claim", expires_at, now)?;
        let mut data = self.data()?;
        data.job_claims_expire(now);
        let Some(job) = data.job_queue.front().and_then(|id| data.jobs.get(id).cloned()) else {
            return Ok(None);
        };
        data.last_job_token += 1;
        let claim = JobClaim { claimed_by: claimed_by.to_owned(), expires_at, token: data.last_job_token };
        let job = Job { state: JobState::Claimed, claim: Some(claim), attempts: job.attempts + 1, ..job };
        data.job_store(job.clone());
        Ok(Some(job))
    }

    async fn job_heartbeat(
        &self,
        id: &str,
        token: u64,
        progress: Option<Value>,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if let Some(progress) = &progress {
            check_json("the progress of a job", progress)?;
        }
        let mut data = self.data()?;
        let Some(job) = data.jobs.get_mut(id).filter(|job| job.is_claimed_with(token, now)) else {
            return Ok(false);
        };
        if let Some(claim) = &mut job.claim {
            claim.expires_at = expires_at;
        }
        job.progress = progress.or(job.progress.take());
        Ok(true)
    }

    async fn job_finish(
        &self,
        id: &str,
        token: u64,
        end: JobEnd,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut data = self.data()?;
        let Some(job) = data.jobs.get(id).filter(|job| job.is_claimed_with(token, now)).cloned() else {
            return Ok(false);
        };
        data.job_store(job.ended(end));
        Ok(true)
    }

    async fn job_cancel(&self, id: &str) -> Result<bool, StoreError> {
        let mut data = self.data()?;
        let Some(job) = data.jobs.get(id).filter(|job| !job.state.is_finished()).cloned() else {
            return Ok(false);
        };
        data.job_store(job.canceled());
        Ok(true)
    }

    async fn job_delete(&self, id: &str) -> Result<bool, StoreError> {
        let mut data = self.data()?;
        let finished = data.jobs.get(id).is_some_and(|job| job.state.is_finished());
        if finished {
            data.jobs.remove(id);
        }
        Ok(finished)
    }

    async fn job_get(&self, id: &str) -> Result<Option<Job>, StoreError> {
        Ok(self.data()?.jobs.get(id).cloned())
    }

    async fn job_list(&self, after: Option<String>, limit: u32) -> Result<Vec<Job>, StoreError> {
        Ok(page(&self.data()?.jobs, after, limit))
    }

    async fn job_depth(&self) -> Result<JobDepth, StoreError> {
        let data = self.data()?;
        let count = |state| data.jobs.values().filter(|job| job.state == state).count() as u64;
        Ok(JobDepth { queued: count(JobState::Queued), claimed: count(JobState::Claimed) })
    }
}
