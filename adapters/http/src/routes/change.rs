//! `/_miroir/changes`, the feed of changes, and `/_miroir/cdc/sinks`, the sinks that changes are delivered
//! to.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use miroir_domain::change::{FeedPosition, MalformedPosition, Rewind};
use miroir_domain::error::ErrorCode;
use miroir_domain::role::Role;
use miroir_ports::inbound::{ChangeFeed, ChangesPage, ChangesQuery};
use tokio::sync::mpsc;
use warp::sse::Event;

use crate::Apis;
use crate::content::{EVENTS, JSON, accepts};
use crate::description::Schema;
use crate::error::Failure;
use crate::error_link::ErrorLinks;
use crate::event_stream::EventStream;
use crate::reply::{Outcome, Reply};
use crate::request::{Request, index_uid};
use crate::route::Route;

const CHANGES: &str = "/_miroir/changes";
const SINKS: &str = "/_miroir/cdc/sinks";
const PAUSE: &str = "/_miroir/cdc/sinks/{sink}/pause";
const RESUME: &str = "/_miroir/cdc/sinks/{sink}/resume";
const REWIND: &str = "/_miroir/cdc/sinks/{sink}/rewind";

/// The default wait for a change.
const DEFAULT_WAIT_S: u64 = 25;
/// The maximum wait for a change.
const MAX_WAIT_S: u64 = 60;
/// The interval of comments that keep a connection of events alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The header in which a reconnecting reader of events sends its last event.
const LAST_EVENT_ID: &str = "last-event-id";

pub(super) fn routes() -> Vec<Route> {
    let page = vec![
        (JSON, Schema::Named("ChangesPage".to_owned())),
        (EVENTS, Schema::Named("ChangeEvents".to_owned())),
    ];
    let position =
        [ErrorCode::IndexNotFound, ErrorCode::MiroirChangesTrimmed, ErrorCode::MiroirInvalidChangePosition];
    let routes = [
        Route::new(Method::GET, CHANGES, "changes", "List the changes of an index", changes)
            .text("The response is sent as soon as there is a change, or when `wait` is over. With `Accept: text/event-stream` the response is a stream of events that continues until its reader disconnects.")
            .query(&["changes.index", "changes.since", "page.limit", "changes.wait"])
            .headers(&["Last-Event-ID"])
            .returns_media(200, "A page of changes, or a stream of them.", page)
            .refuses(&[ErrorCode::InvalidIndexUid, ErrorCode::MiroirSinkNotFound])
            .refuses(&position),
        Route::new(Method::GET, SINKS, "sinkList", "List sinks", sinks)
            .query(&[])
            .returns(200, "Sinks, in the order of the configuration.", "SinkList"),
        sink_change(Route::new(Method::POST, PAUSE, "sinkPause", "Pause a sink", pause)),
        sink_change(Route::new(Method::POST, RESUME, "sinkResume", "Resume a sink", resume)),
        sink_change(Route::new(Method::POST, REWIND, "sinkRewind", "Deliver retained changes to a sink again", rewind))
            .body("Rewind")
            .refuses(&position),
    ];
    routes.map(|route| route.admin().refuses(&[ErrorCode::MiroirStoreUnavailable])).into()
}

fn sink_change(route: Route) -> Route {
    route
        .served_by(deliverer)
        .query(&[])
        .returns(200, "The sink after the change.", "Sink")
        .refuses(&[ErrorCode::MiroirSinkNotFound, ErrorCode::MiroirSinkConflict])
}

/// Returns the role of delivering to a sink: its holder changes the state of the sink. An invalid name has no
/// role, so any instance refuses it.
fn deliverer(parameters: &[String]) -> Option<Role> {
    Some(Role::Sink(parameters.first()?.parse().ok()?))
}

async fn changes(apis: Arc<Apis>, request: Request) -> Outcome {
    let query = query(&request)?;
    if !accepts(&request.headers, EVENTS) {
        return Reply::json(StatusCode::OK, &apis.feed.changes(query).await?);
    }
    let query = ChangesQuery { since: last_event_id(&request.headers)?.or(query.since), ..query };
    // An error of the first page is an error response. Once the stream has begun, errors are events.
    let first = apis.feed.changes(ChangesQuery { wait: Duration::ZERO, ..query.clone() }).await?;
    let (feed, links) = (Arc::clone(&apis.feed), ErrorLinks::of(&request.headers));
    Ok(Reply::events(EventStream::new(|events| follow(feed, query, first, links, events))))
}

async fn sinks(apis: Arc<Apis>, _: Request) -> Outcome {
    Reply::results(&apis.sink.sink_list().await?)
}

async fn pause(apis: Arc<Apis>, request: Request) -> Outcome {
    Reply::json(StatusCode::OK, &apis.sink.sink_pause(request.parameter(0)).await?)
}

async fn resume(apis: Arc<Apis>, request: Request) -> Outcome {
    Reply::json(StatusCode::OK, &apis.sink.sink_resume(request.parameter(0)).await?)
}

async fn rewind(apis: Arc<Apis>, mut request: Request) -> Outcome {
    let rewind = Rewind::from_json(&request.json().await?)?;
    Reply::json(StatusCode::OK, &apis.sink.sink_rewind(request.parameter(0), rewind).await?)
}

fn query(request: &Request) -> Result<ChangesQuery, Failure> {
    let refuse = |message| Failure::refused(ErrorCode::BadRequest, message);
    let index = request.query.get("index");
    let index = index
        .ok_or_else(|| refuse("Missing parameter `index`: the index whose changes are read".to_owned()))?;
    let index = index_uid(index, "")?;
    let wait = request.query.number("wait", ErrorCode::BadRequest)?.unwrap_or(DEFAULT_WAIT_S);
    if wait > MAX_WAIT_S {
        let message = format!("Invalid value in parameter `wait`: {wait} is more than {MAX_WAIT_S} seconds");
        return Err(refuse(message));
    }
    Ok(ChangesQuery {
        index,
        since: request.query.position("since", ErrorCode::BadRequest)?,
        limit: request.page_limit()?,
        wait: Duration::from_secs(wait),
    })
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<FeedPosition>, Failure> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    value.to_str().unwrap_or_default().parse().map(Some).map_err(|error: MalformedPosition| {
        Failure::refused(ErrorCode::BadRequest, format!("Invalid header `Last-Event-ID`: {error}"))
    })
}

/// Sends changes as they occur, each as an event with its epoch and number as id, until the reader
/// disconnects. An error becomes an event of the type `error` and ends the stream.
async fn follow(
    feed: Arc<dyn ChangeFeed>,
    query: ChangesQuery,
    first: ChangesPage,
    links: ErrorLinks,
    events: mpsc::Sender<Event>,
) {
    let mut page = first;
    loop {
        if !send(&page, &events).await {
            return;
        }
        let since = FeedPosition { epoch: Some(page.epoch), seq: page.next };
        let next = ChangesQuery { since: Some(since), wait: KEEP_ALIVE, ..query.clone() };
        page = match feed.changes(next).await {
            Ok(page) => page,
            Err(error) => {
                let mut failure = Failure::from(error);
                links.complete(&mut failure.error.link);
                let text = serde_json::to_string(&failure.error).unwrap_or_default();
                // Fails if the reader has disconnected.
                let _ = events.send(Event::default().event("error").data(text)).await;
                return;
            }
        };
    }
}

/// Sends a page, or a comment if the page is empty. Returns false if the reader has disconnected.
async fn send(page: &ChangesPage, events: &mpsc::Sender<Event>) -> bool {
    let before = page.next.saturating_sub(page.results.len() as u64);
    for (seq, change) in (before + 1..).zip(&page.results) {
        let id = FeedPosition { epoch: Some(page.epoch), seq };
        let event = Event::default().id(id.to_string()).data(change.to_string());
        if events.send(event).await.is_err() {
            return false;
        }
    }
    !page.results.is_empty() || events.send(Event::default().comment("nothing new")).await.is_ok()
}
