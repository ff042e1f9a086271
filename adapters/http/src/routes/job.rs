//! `/_miroir/jobs`: long work, and who is at it.

use std::sync::Arc;

use http::{Method, StatusCode};

use crate::Apis;
use crate::reply::{Outcome, Reply};
use crate::request::Request;
use crate::route::{Access, Route};

const JOBS: &str = "/_miroir/jobs";
const JOB: &str = "/_miroir/jobs/{job}";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, JOBS, Access::Admin, list).query(&["jobs.after", "page.limit"]),
        Route::new(Method::GET, JOB, Access::Admin, get).query(&[]),
        Route::new(Method::DELETE, JOB, Access::Admin, cancel).query(&[]),
    ]
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
