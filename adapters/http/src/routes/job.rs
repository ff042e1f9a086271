//! `/_miroir/jobs`: background jobs.

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
        Route::new(Method::GET, JOBS, "jobList", "List jobs", list)
            .query(&["jobs.after", "page.limit"])
            .returns(200, "Jobs, ordered by id.", "JobList"),
        Route::new(Method::GET, JOB, "jobGet", "Get a job", get)
            .query(&[])
            .returns(200, "The job.", "Job")
            .refuses(&[ErrorCode::MiroirJobNotFound]),
        Route::new(Method::DELETE, JOB, "jobCancel", "Cancel a job", cancel)
            .query(&[])
            .returns(200, "The job after the change.", "Job")
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

/// Cancels a job and returns it. Unlike other deleted resources, it still exists.
async fn cancel(apis: Arc<Apis>, request: Request) -> Outcome {
    Reply::json(StatusCode::OK, &apis.job.job_cancel(request.parameter(0)).await?)
}
