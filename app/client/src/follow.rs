//! Following the feed of changes, page by page, with long polling.

use std::time::Duration;

use miroir_domain::change::FeedPosition;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::client::{Request, Response};
use crate::event_text::event_line;
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;
use crate::session::Session;

/// The maximum time that the server waits for a change, in seconds.
const WAIT_S: u64 = 25;
/// The number of events per page.
const PAGE_SIZE: u32 = 200;
/// The path of the feed.
pub(crate) const CHANGES: [&str; 2] = ["_miroir", "changes"];
/// The first pause after a failure. It doubles with each further failure.
const MIN_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause after a failure.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// The position to start from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    /// Only new changes.
    Now,
    /// The oldest stored change.
    Oldest,
    /// The change after this position.
    After(FeedPosition),
}

/// A page of the feed, with unchanged events.
#[derive(Deserialize)]
struct Page {
    results: Vec<Box<RawValue>>,
    epoch: u64,
    next: u64,
    last: u64,
}

impl Page {
    fn parse(response: &Response) -> Result<Self, Failure> {
        serde_json::from_str(&response.body).map_err(|error| {
            Failure::InvalidResponse(format!("the response is not a page of changes: {error}"))
        })
    }
}

/// Prints changes until the output is closed. Retries while Miroir is unavailable, once it has responded.
/// Each stored change is printed exactly once.
pub(crate) async fn follow(session: &Session, index: &str, start: Start) -> Result<(), Failure> {
    let since = match start {
        Start::After(position) => Some(position),
        Start::Oldest => None,
        Start::Now => {
            let page = newest(session, index).await?;
            Some(position(&page, page.last))
        }
    };
    let progress = Progress::new();
    let (mut since, mut pause, mut responded) = (since, MIN_PAUSE, false);
    loop {
        let request = Request::get(&CHANGES)
            .query("index", &index)
            .query("limit", &PAGE_SIZE)
            .query("wait", &WAIT_S)
            .maybe("since", since)
            .extra_time(Duration::from_secs(WAIT_S));
        match session.send(request).await {
            Ok(response) => {
                let page = Page::parse(&response)?;
                progress.clear();
                print(session, &page)?;
                (since, pause, responded) = (Some(position(&page, page.next)), MIN_PAUSE, true);
            }
            Err(failure) if responded && failure.is_transient() => {
                progress.say("Miroir is unavailable, retrying");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(MAX_PAUSE);
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Returns a page with the number of the newest change.
async fn newest(session: &Session, index: &str) -> Result<Page, Failure> {
    let request = Request::get(&CHANGES).query("index", &index).query("limit", &1).query("wait", &0);
    Page::parse(&session.send(request).await?)
}

/// Returns a position, by which changes of another epoch are not taken for those that follow it.
fn position(page: &Page, seq: u64) -> FeedPosition {
    FeedPosition { epoch: Some(page.epoch), seq }
}

fn print(session: &Session, page: &Page) -> Result<(), Failure> {
    for event in &page.results {
        if session.output.json {
            session.output.json(event.get())?;
        } else {
            let event = serde_json::from_str(event.get())
                .map_err(|error| Failure::InvalidResponse(format!("an event is invalid: {error}")))?;
            output::lines(&event_line(&event))?;
        }
    }
    Ok(())
}
