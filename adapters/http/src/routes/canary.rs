//! `/_miroir/canaries`: stored searches with assertions, and their runs.

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode};
use miroir_domain::canary::{CanaryId, CaptureRequest, Definition};
use miroir_domain::error::ErrorCode;
use miroir_domain::role::Role;
use miroir_ports::inbound::{CanaryPrecondition, CanaryRunView};
use serde_json::Value;

use crate::Apis;
use crate::error::Failure;
use crate::error_link::ErrorLinks;
use crate::if_match::IfMatch;
use crate::reply::{Outcome, Reply};
use crate::request::Request;
use crate::route::Route;

const CANARIES: &str = "/_miroir/canaries";
const CANARY: &str = "/_miroir/canaries/{id}";
const RUN: &str = "/_miroir/canaries/{id}/run";
const RUNS: &str = "/_miroir/canaries/{id}/runs";
const STATUS: &str = "/_miroir/canaries/status";
const CAPTURE: &str = "/_miroir/canaries/capture";

pub(super) fn routes() -> Vec<Route> {
    let known = [ErrorCode::MiroirCanaryNotFound, ErrorCode::MiroirInvalidCanary];
    let routes = [
        Route::new(Method::POST, CANARIES, "canaryCreate", "Create a canary", create)
            .query(&[])
            .body("CanaryDefinition")
            .returns_with(201, "The canary.", "Canary", &["ETag"])
            .refuses(&[ErrorCode::MiroirInvalidCanary, ErrorCode::MiroirCanaryExists]),
        Route::new(Method::GET, CANARIES, "canaryList", "List canaries", list)
            .query(&["canaries.after", "page.limit"])
            .returns(200, "Canaries, ordered by id.", "CanaryList"),
        Route::new(Method::GET, CANARY, "canaryGet", "Get a canary", get)
            .query(&[])
            .returns_with(200, "The canary.", "Canary", &["ETag"])
            .refuses(&known),
        Route::new(Method::PUT, CANARY, "canaryReplace", "Create or replace a canary", replace)
            .query(&[])
            .headers(&["If-Match"])
            .body("CanaryDefinition")
            .returns_with(200, "The canary after the change.", "Canary", &["ETag"])
            .returns_with(201, "The new canary.", "Canary", &["ETag"])
            .refuses(&[
                ErrorCode::MiroirInvalidCanary,
                ErrorCode::MiroirCanaryVersionMismatch,
                ErrorCode::MiroirCanaryConfigured,
            ]),
        Route::new(Method::DELETE, CANARY, "canaryDelete", "Delete a canary and its runs", delete)
            .query(&[])
            .returns_media(204, "The canary is deleted.", vec![])
            .refuses(&known)
            .refuses(&[ErrorCode::MiroirCanaryConfigured]),
        Route::new(Method::POST, RUN, "canaryRun", "Run a canary now", run)
            .served_by(runner)
            .query(&[])
            .returns(200, "The result of the run.", "CanaryRun")
            .refuses(&known),
        Route::new(Method::GET, RUNS, "canaryRuns", "List the runs of a canary", runs)
            .query(&["page.limit"])
            .returns(200, "Runs, newest first.", "CanaryRunList")
            .refuses(&known),
        Route::new(Method::GET, STATUS, "canaryStatus", "Get the status of all canaries", status)
            .query(&[])
            .returns(200, "Every canary with its latest run.", "CanaryOverview"),
        Route::new(
            Method::POST,
            CAPTURE,
            "canaryCapture",
            "Capture searches of clients as draft canaries",
            capture,
        )
        .query(&[])
        .body("CaptureRequest")
        .returns(202, "The capture that has started.", "CaptureStarted")
        .refuses(&[ErrorCode::MiroirInvalidCanary]),
    ];
    routes.map(|route| route.admin().refuses(&[ErrorCode::MiroirStoreUnavailable])).into()
}

/// Returns the role of running a canary: its holder knows whether the canary is running.
fn runner(parameters: &[String]) -> Option<Role> {
    parameters.first().map(|id| Role::of_canary(id))
}

async fn create(apis: Arc<Apis>, mut request: Request) -> Outcome {
    let definition = Definition::parse(&request.json().await?)?;
    let canary = apis.canary.canary_create(definition).await?;
    Reply::versioned(StatusCode::CREATED, &canary, canary.version)
}

async fn list(apis: Arc<Apis>, request: Request) -> Outcome {
    let (after, limit) = (request.query.text("after"), request.page_limit()?);
    Reply::json(StatusCode::OK, &apis.canary.canary_list(after, limit).await?)
}

async fn get(apis: Arc<Apis>, request: Request) -> Outcome {
    let canary = apis.canary.canary_get(id(&request)?).await?;
    Reply::versioned(StatusCode::OK, &canary, canary.version)
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
    Reply::versioned(status, &replaced.canary, replaced.canary.version)
}

async fn delete(apis: Arc<Apis>, request: Request) -> Outcome {
    apis.canary.canary_delete(id(&request)?).await?;
    Ok(Reply::no_content())
}

async fn run(apis: Arc<Apis>, request: Request) -> Outcome {
    let mut run = apis.canary.canary_run(id(&request)?).await?;
    complete_links(&request, [&mut run]);
    Reply::json(StatusCode::OK, &run)
}

async fn runs(apis: Arc<Apis>, request: Request) -> Outcome {
    let (id, limit) = (id(&request)?, request.page_limit()?);
    let mut runs = apis.canary.canary_runs(id, limit).await?;
    complete_links(&request, &mut runs.results);
    Reply::json(StatusCode::OK, &runs)
}

async fn status(apis: Arc<Apis>, request: Request) -> Outcome {
    let mut overview = apis.canary.canary_status().await?;
    complete_links(&request, overview.results.iter_mut().filter_map(|canary| canary.last_run.as_mut()));
    Reply::json(StatusCode::OK, &overview)
}

async fn capture(apis: Arc<Apis>, mut request: Request) -> Outcome {
    let capture = CaptureRequest::parse(&request.json().await?)?;
    Reply::json(StatusCode::ACCEPTED, &apis.canary.canary_capture(capture).await?)
}

/// Makes the links of the errors of `runs` absolute.
fn complete_links<'a>(request: &Request, runs: impl IntoIterator<Item = &'a mut CanaryRunView>) {
    let links = ErrorLinks::of(&request.headers);
    let evidence = runs.into_iter().filter_map(|run| run.failed_assertions.as_array_mut()).flatten();
    for link in evidence.filter_map(|failed| failed.pointer_mut("/error/link")) {
        if let Value::String(link) = link {
            links.complete(link);
        }
    }
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
