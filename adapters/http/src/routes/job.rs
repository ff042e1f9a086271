//! `/_miroir/jobs`: long work, and who is at it.

use std::sync::Arc;

use http::{Method, StatusCode};
use miroir_domain::error::ErrorCode;

use crate::Apis;
use crate::reply::{Outcome, Reply};
use crate::request::Request;
use crate::route::Route;

const JOBS: &str = "/_miroir/jobs";
const JOB: &str = "/_miroir/jobs/{job}";

pub(super) fn routes() -> Vec<Route> {
    let routes = [
        Route::new(Method::GET, JOBS, "jobList", "Every job, page by page", list)
            .query(&["jobs.after", "page.limit"])
            .returns(200, "In the order of their ids.", "JobList"),
        Route::new(Method::GET, JOB, "jobGet", "One job", get)
            .query(&[])
            .returns(200, "The job.", "Job")
            .refuses(&[ErrorCode::MiroirJobNotFound]),
        Route::new(Method::DELETE, JOB, "jobCancel", "Call a job off, whoever works on it", cancel)
            .query(&[])
            .returns(200, "The job as it is now.", "Job")
            .refuses(&[ErrorCode::MiroirJobNotFound, ErrorCode::MiroirJobFinished]),
    ];
    routes.map(|route| route.admin().refuses(&[ErrorCode::MiroirStoreUnavailable])).into()
}

async fn list(apis: Arc<Apis>, request: Request) -> Outcome {
    let (after, limit) = (request.query.text("after"), request.page_limit()?);
    Reply::json(StatusCode::OK, &apis.job.job_list(after, limit).await?)
}

async fn get(apis: Arc<Apis>, request: Request) -> Outcome {
    Reply::json(StatusCode::OK, &apis.job.job_get(request.parameter(0)).await?)
}

/// Answers with the job: unlike what other routes delete, it is still there.
async fn cancel(apis: Arc<Apis>, request: Request) -> Outcome {
    Reply::json(StatusCode::OK, &apis.job.job_cancel(request.parameter(0)).await?)
}
