//! Returns events to readers, which can wait for them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::change::{FeedPosition, HeldEvents, InvalidPosition, numbered};
use miroir_domain::error::ErrorCode;
use miroir_ports::inbound::{ApiError, ChangeFeed, ChangesPage, ChangesQuery};
use miroir_ports::outbound::TaskStore;
use tokio::time::{Instant, sleep_until};

use super::refusal::out_of_reach;
use super::{ChangeRecorder, SinkHandle, outbox};
use tokio_util::sync::CancellationToken;

/// The pause between two reads of the outbox for a reader that waits. Another process on the same store may
/// append events, which does not wake this one.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Options of the feed.
#[derive(Debug, Clone, Copy)]
pub struct FeedOptions {
    /// The longest time for which a reader waits.
    pub longest_wait: Duration,
}

/// Implements [`ChangeFeed`] on the sink without a delivery.
pub struct Feed {
    store: Arc<dyn TaskStore>,
    recorder: Arc<ChangeRecorder>,
    options: FeedOptions,
    /// Ends the wait of readers when the server stops.
    shutdown: CancellationToken,
}

impl Feed {
    /// Makes a feed of the events that `recorder` records.
    pub fn new(
        store: Arc<dyn TaskStore>,
        recorder: Arc<ChangeRecorder>,
        options: FeedOptions,
        shutdown: CancellationToken,
    ) -> Self {
        Self { store, recorder, options, shutdown }
    }

    /// Returns the sink of the feed.
    fn sink(&self) -> Result<&Arc<SinkHandle>, ApiError> {
        let feed = self.recorder.sinks.iter().find(|sink| sink.delivery.is_none());
        feed.ok_or_else(|| {
            ApiError::refused(
                ErrorCode::MiroirSinkNotFound,
                "There is no feed of changes: configure a sink of the kind `internal` under `cdc.sinks`.",
            )
        })
    }

    /// Returns the present page.
    async fn page(&self, sink: &SinkHandle, query: &ChangesQuery) -> Result<ChangesPage, ApiError> {
        let epoch = self.recorder.epoch();
        if let Some(FeedPosition { epoch: Some(of), seq }) = query.since
            && of != epoch
        {
            return Err(out_of_reach(&query.index, seq, InvalidPosition::OtherEpoch { epoch }));
        }
        let since = query.since.map(|since| since.seq);
        let after = since.unwrap_or(0);
        let page = outbox::read(self.store.as_ref(), sink.name(), &query.index, after, query.limit).await?;
        let held = HeldEvents { first: page.changes.first().map(|change| change.seq), last: page.last_seq };
        if held.last == 0 {
            self.refuse_alias(&query.index).await?;
        }
        if let Some(since) = since {
            held.check(since).map_err(|reason| out_of_reach(&query.index, since, reason))?;
        }
        let next = page.changes.last().map_or(held.oldest() - 1, |change| change.seq);
        let results =
            page.changes.into_iter().map(|change| numbered(change.body, &query.index, change.seq)).collect();
        Ok(ChangesPage { results, epoch, next, last: page.last_seq })
    }

    /// Refuses an alias. Changes are numbered by index, so the numbers of an alias would jump when it is
    /// flipped.
    async fn refuse_alias(&self, name: &IndexUid) -> Result<(), ApiError> {
        let Some(alias) = self.store.alias_get(name).await? else { return Ok(()) };
        let targets: Vec<&str> = alias.target.indexes().iter().map(IndexUid::as_str).collect();
        Err(ApiError::refused(
            ErrorCode::MiroirInvalidChangePosition,
            format!(
                "`{name}` is an alias, and changes are numbered by index: read those of `{}`.",
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
            // Subscribed before the page is read, to see events that are appended afterwards.
            let mut appended = self.recorder.appended();
            let page = self.page(sink, &query).await?;
            if !page.results.is_empty() || Instant::now() >= deadline {
                return Ok(page);
            }
            tokio::select! {
                biased;
                _ = appended.changed() => {}
                () = sleep_until(deadline.min(Instant::now() + POLL_INTERVAL)) => {}
                () = self.shutdown.cancelled() => return Ok(page),
            }
        }
    }
}
