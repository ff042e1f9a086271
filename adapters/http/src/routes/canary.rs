//! `/_miroir/canaries`: stored searches with assertions, and what their runs found.

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode, header};
use miroir_domain::canary::{CanaryId, CaptureRequest, Definition};
use miroir_domain::error::ErrorCode;
use miroir_ports::inbound::{CanaryPrecondition, CanaryView};

use crate::Apis;
use crate::error::Failure;
use crate::reply::{Outcome, Reply};
use crate::request::Request;
use crate::route::{Access, Route};

const CANARIES: &str = "/_miroir/canaries";
const CANARY: &str = "/_miroir/canaries/{id}";
const RUN: &str = "/_miroir/canaries/{id}/run";
const RUNS: &str = "/_miroir/canaries/{id}/runs";
const STATUS: &str = "/_miroir/canaries/status";
const CAPTURE: &str = "/_miroir/canaries/capture";

/// The page of a list that names none.
const DEFAULT_LIMIT: u32 = 20;
/// The largest page.
const MAX_LIMIT: u32 = 1_000;
/// Longest bad header that an error repeats, in characters.
const EXCERPT_CHARS: usize = 80;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, CANARIES, Access::Admin, create),
        Route::new(Method::GET, CANARIES, Access::Admin, list),
        Route::new(Method::GET, CANARY, Access::Admin, get),
        Route::new(Method::PUT, CANARY, Access::Admin, replace),
        Route::new(Method::DELETE, CANARY, Access::Admin, delete),
        Route::new(Method::POST, RUN, Access::Admin, run),
        Route::new(Method::GET, RUNS, Access::Admin, runs),
        Route::new(Method::GET, STATUS, Access::Admin, status),
        Route::new(Method::POST, CAPTURE, Access::Admin, capture),
    ]
}

async fn create(apis: Arc<Apis>, mut request: Request) -> Outcome {
    request.query.only(&[])?;
    let definition = Definition::parse(&request.json().await?)?;
    versioned(StatusCode::CREATED, &apis.canary.canary_create(definition).await?)
}

async fn list(apis: Arc<Apis>, request: Request) -> Outcome {
    request.query.only(&["after", "limit"])?;
    let (after, limit) = (request.query.text("after"), limit(&request)?);
    Reply::json(StatusCode::OK, &apis.canary.canary_list(after, limit).await?)
}

async fn get(apis: Arc<Apis>, request: Request) -> Outcome {
    request.query.only(&[])?;
    versioned(StatusCode::OK, &apis.canary.canary_get(id(&request)?).await?)
}

async fn replace(apis: Arc<Apis>, mut request: Request) -> Outcome {
    request.query.only(&[])?;
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
    versioned(status, &replaced.canary)
}

async fn delete(apis: Arc<Apis>, request: Request) -> Outcome {
    request.query.only(&[])?;
    apis.canary.canary_delete(id(&request)?).await?;
    Ok(Reply::nothing())
}

async fn run(apis: Arc<Apis>, request: Request) -> Outcome {
    request.query.only(&[])?;
    Reply::json(StatusCode::OK, &apis.canary.canary_run(id(&request)?).await?)
}

async fn runs(apis: Arc<Apis>, request: Request) -> Outcome {
    request.query.only(&["limit"])?;
    let (id, limit) = (id(&request)?, limit(&request)?);
    Reply::json(StatusCode::OK, &apis.canary.canary_runs(id, limit).await?)
}

async fn status(apis: Arc<Apis>, request: Request) -> Outcome {
    request.query.only(&[])?;
    Reply::json(StatusCode::OK, &apis.canary.canary_status().await?)
}

async fn capture(apis: Arc<Apis>, mut request: Request) -> Outcome {
    request.query.only(&[])?;
    let capture = CaptureRequest::parse(&request.json().await?)?;
    Reply::json(StatusCode::ACCEPTED, &apis.canary.canary_capture(capture).await?)
}

fn versioned(status: StatusCode, canary: &CanaryView) -> Outcome {
    Ok(Reply::json(status, canary)?.versioned(canary.version))
}

fn id(request: &Request) -> Result<CanaryId, Failure> {
    Ok(request.parameter(0).parse::<CanaryId>()?)
}

fn limit(request: &Request) -> Result<u32, Failure> {
    let asked = request.query.number("limit", ErrorCode::BadRequest)?;
    let Some(asked) = asked else { return Ok(DEFAULT_LIMIT) };
    let bounded = u32::try_from(asked).ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    bounded.ok_or_else(|| {
        let message = format!("Invalid value in parameter `limit`: {asked} is not between 1 and {MAX_LIMIT}");
        Failure::refused(ErrorCode::BadRequest, message)
    })
}

/// `If-Match`: one version as an `ETag` tells it, or `*`. A proxy that packs answers makes tags weak; a version is the same
/// all the same.
fn precondition(headers: &HeaderMap) -> Result<CanaryPrecondition, Failure> {
    let mut values = headers.get_all(header::IF_MATCH).iter();
    let Some(value) = values.next() else { return Ok(CanaryPrecondition::None) };
    let text = String::from_utf8_lossy(value.as_bytes());
    let tag = text.trim();
    if tag == "*" && values.next().is_none() {
        return Ok(CanaryPrecondition::Exists);
    }
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    let plain = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(tag);
    let digits = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit());
    match plain.parse() {
        Ok(version) if digits && values.next().is_none() => Ok(CanaryPrecondition::Version(version)),
        _ => {
            let shown: String = text.chars().take(EXCERPT_CHARS).collect();
            let message =
                format!("`If-Match: {shown}` names no version: send one `ETag`, such as `\"3\"`, or `*`.");
            Err(Failure::refused(ErrorCode::BadRequest, message))
        }
    }
}
