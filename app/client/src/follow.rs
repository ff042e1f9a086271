//! Changes as they come: page after page of the feed, each waited for by the server.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::client::{Request, Response};
use crate::event_text::event_line;
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;
use crate::session::Session;

/// How long the server may wait for a change, in seconds.
const WAIT_S: u64 = 25;
/// Events asked for at once.
const PAGE: u32 = 200;
/// The path of the feed.
pub(crate) const CHANGES: [&str; 2] = ["_miroir", "changes"];
/// The pauses while Miroir is away.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Where to begin.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    /// With what comes from now on.
    Now,
    /// With the oldest change that is held.
    Oldest,
    /// After the change of this number.
    After(u64),
}

/// A page of the feed, its events as they came.
#[derive(Deserialize)]
struct Page {
    results: Vec<Box<RawValue>>,
    next: u64,
    last: u64,
}

impl Page {
    fn of(answer: &Response) -> Result<Self, Failure> {
        serde_json::from_str(&answer.body)
            .map_err(|error| Failure::Strange(format!("the answer is no page of changes: {error}")))
    }
}

/// Prints changes until the reader of the output has seen enough. An outage of Miroir is waited for once it has answered;
/// after it, nothing is missing and nothing comes twice, as far as the changes are still held.
pub(crate) async fn follow(session: &Session, index: &str, start: Start) -> Result<(), Failure> {
    let since = match start {
        Start::After(number) => Some(number),
        Start::Oldest => None,
        Start::Now => Some(last(session, index).await?),
    };
    let progress = Progress::new();
    let (mut since, mut pause, mut answered) = (since, FIRST_PAUSE, false);
    loop {
        let ask = Request::get(&CHANGES)
            .query("index", &index)
            .query("limit", &PAGE)
            .query("wait", &WAIT_S)
            .maybe("since", since)
            .patience(Duration::from_secs(WAIT_S));
        match session.ask(ask).await {
            Ok(answer) => {
                let page = Page::of(&answer)?;
                progress.clear();
                print(session, &page)?;
                (since, pause, answered) = (Some(page.next), FIRST_PAUSE, true);
            }
            Err(failure) if answered && failure.may_pass() => {
                progress.say("Miroir is away, trying again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// The number of the newest change.
async fn last(session: &Session, index: &str) -> Result<u64, Failure> {
    let ask = Request::get(&CHANGES).query("index", &index).query("limit", &1).query("wait", &0);
    Ok(Page::of(&session.ask(ask).await?)?.last)
}

fn print(session: &Session, page: &Page) -> Result<(), Failure> {
    for event in &page.results {
        if session.output.json {
            session.output.json(event.get())?;
        } else {
            let event = serde_json::from_str(event.get())
                .map_err(|error| Failure::Strange(format!("an event cannot be read: {error}")))?;
            output::lines(&event_line(&event))?;
        }
    }
    Ok(())
}
