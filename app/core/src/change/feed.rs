//! Answers readers, at once or when there is something.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::change::{HeldEvents, numbered};
use miroir_domain::error::ErrorCode;
use miroir_ports::inbound::{ApiError, ChangeFeed, ChangesPage, ChangesQuery};
use miroir_ports::outbound::TaskStore;
use tokio::time::{Instant, sleep_until};

use super::service::out_of_reach;
use super::{ChangeRecorder, SinkHandle, outbox};
use tokio_util::sync::CancellationToken;

/// How often a reader that waits looks again, without being woken: events may have come in by another process on the
/// same store.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How the feed answers.
#[derive(Debug, Clone, Copy)]
pub struct FeedOptions {
    /// How long a reader waits at most.
    pub longest_wait: Duration,
}

/// Implements [`ChangeFeed`] on the sink that is delivered to nobody.
pub struct Feed {
    store: Arc<dyn TaskStore>,
    recorder: Arc<ChangeRecorder>,
    options: FeedOptions,
    /// Readers that wait are answered when the server stops.
    shutdown: CancellationToken,
}

impl Feed {
    /// A feed of what `recorder` records.
    pub fn new(
        store: Arc<dyn TaskStore>,
        recorder: Arc<ChangeRecorder>,
        options: FeedOptions,
        shutdown: CancellationToken,
    ) -> Self {
        Self { store, recorder, options, shutdown }
    }

    fn sink(&self) -> Result<&Arc<SinkHandle>, ApiError> {
        let feed = self.recorder.sinks.iter().find(|sink| sink.delivery.is_none());
        feed.ok_or_else(|| {
            ApiError::refused(
                ErrorCode::MiroirSinkNotFound,
                "There is no feed of changes: configure a sink of the kind `internal` under `cdc.sinks`.",
            )
        })
    }

    /// What is there now.
    async fn page(&self, sink: &SinkHandle, query: &ChangesQuery) -> Result<ChangesPage, ApiError> {
        let after = query.since.unwrap_or(0);
        let page = outbox::read(self.store.as_ref(), sink.name(), &query.index, after, query.limit).await?;
        let held = HeldEvents { first: page.changes.first().map(|change| change.seq), last: page.last_seq };
        if held.last == 0 {
            self.refuse_alias(&query.index).await?;
        }
        if let Some(since) = query.since {
            held.check(since).map_err(|reason| out_of_reach(&query.index, since, reason))?;
        }
        let next = page.changes.last().map_or(held.oldest() - 1, |change| change.seq);
        let results =
            page.changes.into_iter().map(|change| numbered(change.body, &query.index, change.seq)).collect();
        Ok(ChangesPage { results, next, last: page.last_seq })
    }

    /// The numbers of changes belong to an index: those of an alias would jump when it is flipped.
    async fn refuse_alias(&self, name: &IndexUid) -> Result<(), ApiError> {
        let Some(alias) = self.store.alias_get(name).await? else { return Ok(()) };
        let targets: Vec<&str> = alias.target.indexes().iter().map(IndexUid::as_str).collect();
        Err(ApiError::refused(
            ErrorCode::MiroirInvalidChangePosition,
            format!(
                "`{name}` is an alias, and changes are numbered by index: ask for those of `{}`.",
                targets.join("`, `")
            ),
        ))
    }
}

#[async_trait]
impl ChangeFeed for Feed {
    async fn changes(&self, query: ChangesQuery) -> Result<ChangesPage, ApiError> {
        let sink = self.sink()?;
        let deadline = Instant::now() + query.wait.min(self.options.longest_wait);
        loop {
            // Before the look, so that what is appended after it is seen.
            let mut appended = self.recorder.appended();
            let page = self.page(sink, &query).await?;
            if !page.results.is_empty() || Instant::now() >= deadline {
                return Ok(page);
            }
            tokio::select! {
                _ = appended.changed() => {}
                () = sleep_until(deadline.min(Instant::now() + POLL_INTERVAL)) => {}
                () = self.shutdown.cancelled() => return Ok(page),
            }
        }
    }
}
