//! Jobs, as the store has them.

use std::sync::Arc;

use async_trait::async_trait;
use miroir_domain::error::ErrorCode;
use miroir_domain::job::{Job, JobState};
use miroir_domain::wording::excerpt;
use miroir_ports::inbound::{ApiError, JobApi, JobList, JobView};
use miroir_ports::outbound::TaskStore;

/// Longest id that an error repeats, in characters.
const EXCERPT_CHARS: usize = 80;

/// Implements [`JobApi`].
pub struct JobService {
    store: Arc<dyn TaskStore>,
}

impl JobService {
    /// A service over `store`.
    pub fn new(store: Arc<dyn TaskStore>) -> Self {
        Self { store }
    }

    async fn load(&self, id: &str) -> Result<Job, ApiError> {
        self.store.job_get(id).await?.ok_or_else(|| {
            let shown = excerpt(id, EXCERPT_CHARS);
            ApiError::refused(ErrorCode::MiroirJobNotFound, format!("Job `{shown}` not found."))
        })
    }
}

#[async_trait]
impl JobApi for JobService {
    async fn job_list(&self, after: Option<String>, limit: u32) -> Result<JobList, ApiError> {
        // One more than asked for tells whether there is a next page.
        let mut jobs = self.store.job_list(after, limit.saturating_add(1)).await?;
        let more = jobs.len() > limit as usize;
        jobs.truncate(limit as usize);
        let next = if more { jobs.last().map(|job| job.id.clone()) } else { None };
        Ok(JobList { results: jobs.into_iter().map(JobView::from).collect(), limit, next })
    }

    async fn job_get(&self, id: &str) -> Result<JobView, ApiError> {
        Ok(self.load(id).await?.into())
    }

    async fn job_cancel(&self, id: &str) -> Result<JobView, ApiError> {
        self.store.job_cancel(id).await?;
        let job = self.load(id).await?;
        match job.state {
            JobState::Succeeded | JobState::Failed => {
                let message = format!("Job `{}` has {} already.", job.id, job.state.as_str());
                Err(ApiError::refused(ErrorCode::MiroirJobFinished, message))
            }
            JobState::Queued | JobState::Claimed | JobState::Canceled => Ok(job.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use miroir_domain::Timestamp;
    use miroir_domain::job::{JobEnd, NewJob};
    use miroir_memory::MemoryStore;
    use miroir_ports::outbound::JobTable as _;
    use serde_json::json;

    use super::*;

    async fn service(ids: &[&str]) -> (JobService, Arc<MemoryStore>) {
        let store = Arc::new(MemoryStore::new());
        for id in ids {
            let (id, kind) = ((*id).to_owned(), "copy".to_owned());
            let job = NewJob { id, kind, params: json!({ "shard": 3 }), max_attempts: 2 };
            store.job_enqueue(&job).await.unwrap();
        }
        (JobService::new(Arc::clone(&store) as _), store)
    }

    fn code(refused: Result<JobView, ApiError>) -> ErrorCode {
        match refused {
            Err(ApiError::Refused { code, .. }) => code,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn pages_follow_one_another_and_the_last_says_so() {
        let (service, _) = service(&["a", "b", "c"]).await;
        let ids = |list: &JobList| list.results.iter().map(|job| job.id.clone()).collect::<Vec<_>>();
        let first = service.job_list(None, 2).await.unwrap();
        assert_eq!((ids(&first), first.next.as_deref()), (vec!["a".to_owned(), "b".to_owned()], Some("b")));
        let second = service.job_list(first.next, 2).await.unwrap();
        assert_eq!((ids(&second), second.next), (vec!["c".to_owned()], None));
        // A page that is just full is the last one when nothing follows.
        assert_eq!(service.job_list(None, 3).await.unwrap().next, None);
    }

    #[tokio::test]
    async fn cancel_takes_the_claim_away_and_may_be_repeated() {
        let (service, store) = service(&["a"]).await;
        let (now, later) = (Timestamp::from_millis(1), Timestamp::from_millis(9));
        let claimed = store.job_claim("one", later, now).await.unwrap().unwrap();
        assert_eq!(service.job_get("a").await.unwrap().claim.unwrap().claimed_by, "one");
        for _ in 0..2 {
            let canceled = service.job_cancel("a").await.unwrap();
            assert_eq!((canceled.state, canceled.claim), ("canceled", None));
        }
        let token = claimed.claim.unwrap().token;
        assert!(!store.job_finish("a", token, JobEnd::Succeeded, now).await.unwrap());
    }

    #[tokio::test]
    async fn what_has_ended_or_never_was_is_not_canceled() {
        let (service, store) = service(&["a"]).await;
        let (now, later) = (Timestamp::from_millis(1), Timestamp::from_millis(9));
        let claim = store.job_claim("one", later, now).await.unwrap().unwrap().claim.unwrap();
        store.job_finish("a", claim.token, JobEnd::Succeeded, now).await.unwrap();
        assert_eq!(code(service.job_cancel("a").await), ErrorCode::MiroirJobFinished);
        assert_eq!(service.job_get("a").await.unwrap().state, "succeeded");
        assert_eq!(code(service.job_cancel("b").await), ErrorCode::MiroirJobNotFound);
        assert_eq!(code(service.job_get("b").await), ErrorCode::MiroirJobNotFound);
    }
}
