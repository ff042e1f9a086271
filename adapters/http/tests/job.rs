//! The routes of jobs, from the request to the port and back.

mod support;

use std::sync::Arc;

use miroir_domain::Timestamp;
use miroir_domain::error::ErrorCode;
use miroir_domain::job::{Job, JobClaim, JobState, NewJob};
use miroir_http::{Apis, HttpOptions};
use miroir_ports::inbound::{ApiError, JobList, JobView, MockJobApi};
use serde_json::{Value, json};
use support::{Request, Server, panicking_apis};

async fn server(job: MockJobApi) -> Server {
    Server::start(Apis { job: Arc::new(job), ..panicking_apis() }, HttpOptions::default()).await
}

fn claimed(id: &str) -> JobView {
    let new =
        NewJob { id: id.to_owned(), kind: "copy".to_owned(), params: json!({ "shard": 3 }), max_attempts: 5 };
    let claim =
        JobClaim { claimed_by: "one".to_owned(), expires_at: Timestamp::from_millis(1_000), token: 9 };
    let job = Job { state: JobState::Claimed, claim: Some(claim), attempts: 2, ..new.into_job() };
    Job { progress: Some(json!({ "done": 7 })), last_error: Some("e".to_owned()), ..job }.into()
}

fn job_json(id: &str) -> Value {
    json!({
        "id": id, "type": "copy", "state": "claimed",
        "claim": { "claimedBy": "one", "expiresAt": "1970-01-01T00:00:01.000Z", "token": 9 },
        "attempts": 2, "maxAttempts": 5, "progress": { "done": 7 }, "lastError": "e", "params": { "shard": 3 },
    })
}

#[tokio::test]
async fn list_passes_the_page_to_the_port() {
    let mut job = MockJobApi::new();
    job.expect_job_list().returning(|after, limit| {
        Ok(JobList { results: vec![claimed(after.as_deref().unwrap_or("first"))], limit, next: after })
    });
    let server = server(job).await;
    let expected = json!({ "results": [job_json("first")], "limit": 20, "next": null });
    assert_eq!(server.get("/_miroir/jobs").await.json(), expected);
    let expected = json!({ "results": [job_json("a b")], "limit": 1000, "next": "a b" });
    assert_eq!(server.get("/_miroir/jobs?after=a%20b&limit=1000").await.json(), expected);
}

#[tokio::test]
async fn get_and_cancel_pass_the_decoded_id_to_the_port() {
    let mut job = MockJobApi::new();
    job.expect_job_get().returning(|id| Ok(claimed(id)));
    job.expect_job_cancel().returning(|id| Ok(claimed(id)));
    let server = server(job).await;
    for method in ["GET", "DELETE"] {
        let response = server.send(&Request::new(method, "/_miroir/jobs/a%2Fb%20c")).await;
        assert_eq!((response.status, response.json()), (200, job_json("a/b c")), "{method}");
    }
}

#[tokio::test]
async fn errors_of_the_port_have_their_status() {
    let refusals = [(ErrorCode::MiroirJobNotFound, 404), (ErrorCode::MiroirJobFinished, 409)];
    for (code, status) in refusals {
        let mut job = MockJobApi::new();
        job.expect_job_cancel().returning(move |_| Err(ApiError::refused(code, "because")));
        let response = server(job).await.send(&Request::new("DELETE", "/_miroir/jobs/a")).await;
        assert_eq!((response.status, response.code()), (status, code.as_str().to_owned()));
    }
}
