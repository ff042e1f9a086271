//! `/_miroir/canaries`: stored searches with assertions, and what their runs found.

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode};
use miroir_domain::canary::{CanaryId, CaptureRequest, Definition};
use miroir_domain::error::ErrorCode;
use miroir_domain::role::Role;
use miroir_ports::inbound::{CanaryPrecondition, CanaryView};

use crate::Apis;
use crate::error::Failure;
use crate::if_match::IfMatch;
use crate::reply::{Outcome, Reply};
use crate::request::Request;
use crate::route::{Access, Route};

const CANARIES: &str = "/_miroir/canaries";
const CANARY: &str = "/_miroir/canaries/{id}";
const RUN: &str = "/_miroir/canaries/{id}/run";
const RUNS: &str = "/_miroir/canaries/{id}/runs";
const STATUS: &str = "/_miroir/canaries/status";
const CAPTURE: &str = "/_miroir/canaries/capture";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, CANARIES, Access::Admin, create).query(&[]),
        Route::new(Method::GET, CANARIES, Access::Admin, list).query(&["canaries.after", "page.limit"]),
        Route::new(Method::GET, CANARY, Access::Admin, get).query(&[]),
        Route::new(Method::PUT, CANARY, Access::Admin, replace).query(&[]),
        Route::new(Method::DELETE, CANARY, Access::Admin, delete).query(&[]),
        Route::new(Method::POST, RUN, Access::Admin, run).kept_by(runner).query(&[]),
        Route::new(Method::GET, RUNS, Access::Admin, runs).query(&["page.limit"]),
        Route::new(Method::GET, STATUS, Access::Admin, status).query(&[]),
        Route::new(Method::POST, CAPTURE, Access::Admin, capture).query(&[]),
    ]
}

/// Whoever runs a canary on its schedule knows whether it is running.
fn runner(parameters: &[String]) -> Option<Role> {
    parameters.first().map(|id| Role::of_canary(id))
}

async fn create(apis: Arc<Apis>, mut request: Request) -> Outcome {
    let definition = Definition::parse(&request.json().await?)?;
    shown(StatusCode::CREATED, &apis.canary.canary_create(definition).await?)
}

async fn list(apis: Arc<Apis>, request: Request) -> Outcome {
    let (after, limit) = (request.query.text("after"), request.page_limit()?);
    Reply::json(StatusCode::OK, &apis.canary.canary_list(after, limit).await?)
}

async fn get(apis: Arc<Apis>, request: Request) -> Outcome {
    shown(StatusCode::OK, &apis.canary.canary_get(id(&request)?).await?)
}

async fn replace(apis: Arc<Apis>, mut request: Request) -> Outcome {
    let id = id(&request)?;
    let precondition = precondition(&request.headers)?;
    let definition = Definition::parse(&request.json().await?)?;
    if let Some(other) = definition.id().filter(|named| **named != id) {
        let message =
            format!("Invalid canary at `.id`: the path names the canary `{id}`, and the body `{other}`.");
        return Err(Failure::refused(ErrorCode::MiroirInvalidCanary, message));
    }
    let replaced = apis.canary.canary_replace(id, definition, precondition).await?;
    let status = if replaced.created { StatusCode::CREATED } else { StatusCode::OK };
    shown(status, &replaced.canary)
}

async fn delete(apis: Arc<Apis>, request: Request) -> Outcome {
    apis.canary.canary_delete(id(&request)?).await?;
    Ok(Reply::no_content())
}

async fn run(apis: Arc<Apis>, request: Request) -> Outcome {
    Reply::json(StatusCode::OK, &apis.canary.canary_run(id(&request)?).await?)
}

async fn runs(apis: Arc<Apis>, request: Request) -> Outcome {
    let (id, limit) = (id(&request)?, request.page_limit()?);
    Reply::json(StatusCode::OK, &apis.canary.canary_runs(id, limit).await?)
}

async fn status(apis: Arc<Apis>, _: Request) -> Outcome {
    Reply::json(StatusCode::OK, &apis.canary.canary_status().await?)
}

async fn capture(apis: Arc<Apis>, mut request: Request) -> Outcome {
    let capture = CaptureRequest::parse(&request.json().await?)?;
    Reply::json(StatusCode::ACCEPTED, &apis.canary.canary_capture(capture).await?)
}

fn shown(status: StatusCode, canary: &CanaryView) -> Outcome {
    Ok(Reply::json(status, canary)?.with_version(canary.version))
}

fn id(request: &Request) -> Result<CanaryId, Failure> {
    Ok(request.parameter(0).parse::<CanaryId>()?)
}

fn precondition(headers: &HeaderMap) -> Result<CanaryPrecondition, Failure> {
    Ok(match IfMatch::of(headers)? {
        IfMatch::Any => CanaryPrecondition::None,
        IfMatch::Exists => CanaryPrecondition::Exists,
        IfMatch::Version(version) => CanaryPrecondition::Version(version),
    })
}
