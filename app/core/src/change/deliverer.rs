//! Delivers batches to one sink, in order, until it confirms them.
//!
//! The cursor moves after the sink has confirmed a batch, and the outbox drops its events after the cursor
//! has moved. A process that dies in between delivers the events again, under the same ids.

use std::sync::Arc;
use std::time::Duration;

use backon::ExponentialBackoff;
use miroir_domain::IndexUid;
use miroir_domain::change::{SinkRow, SinkState, gap_event, numbered};
use miroir_ports::error_chain;
use miroir_ports::outbound::{
    ChangePage, ChangePosition, Clock, Ids, SinkBatch, SinkError, StoreError, TaskStore,
};
use tokio::time::{sleep, timeout};

use super::{ChangeRecorder, Delivery, SinkHandle, outbox};
use tokio_util::sync::CancellationToken;

/// The pause between two reads of an empty outbox. Another process on the same store may append events, which
/// does not wake this one.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// The pause after a failure of the store.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Delivers to one sink.
pub struct Deliverer {
    store: Arc<dyn TaskStore>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    recorder: Arc<ChangeRecorder>,
    sink: Arc<SinkHandle>,
    delivery: Delivery,
    /// The next waits, if the last delivery failed.
    waits: Option<ExponentialBackoff>,
}

/// The result of a round over all indexes.
enum Round {
    /// The sink confirmed a batch. There may be more.
    Confirmed,
    /// No event waits.
    Idle,
    /// The sink is paused or disabled.
    Stopped,
    /// The receiver did not take a batch. It may demand a minimum wait.
    Refused(Option<Duration>),
}

/// Delivers until `shutdown`.
pub async fn deliver_loop(mut deliverer: Deliverer, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            () = deliverer.step() => {}
        }
    }
}

impl Deliverer {
    /// Makes a deliverer to `sink`, as `delivery` describes.
    pub fn new(
        store: Arc<dyn TaskStore>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        recorder: Arc<ChangeRecorder>,
        sink: Arc<SinkHandle>,
        delivery: Delivery,
    ) -> Self {
        Self { store, clock, ids, recorder, sink, delivery, waits: None }
    }

    /// Runs a round and waits until the next one.
    async fn step(&mut self) {
        // Subscribed before the round, to see events that are appended during it.
        let mut appended = self.recorder.appended();
        match self.round().await {
            Ok(Round::Confirmed) => self.waits = None,
            Ok(Round::Idle) => {
                self.waits = None;
                let before = *appended.borrow();
                tokio::select! {
                    biased;
                    () = self.sink.wake.notified() => return,
                    _ = timeout(POLL_INTERVAL, appended.changed()) => {}
                }
                let full = before + u64::from(self.delivery.batch_events);
                // A batch is delivered when it is full or when its delay is over.
                let _ = timeout(self.delivery.batch_delay, appended.wait_for(|count| *count >= full)).await;
            }
            Ok(Round::Stopped) => {
                let _ = timeout(POLL_INTERVAL, self.sink.wake.notified()).await;
            }
            Ok(Round::Refused(retry_after)) => {
                let backoff = self.delivery.backoff;
                let waits = self.waits.get_or_insert_with(|| backoff.waits(&self.ids.unique_id()));
                let wait = waits.next().unwrap_or(backoff.longest);
                // Resuming the sink ends the wait.
                let _ = timeout(wait.max(retry_after.unwrap_or_default()), self.sink.wake.notified()).await;
            }
            Err(error) => {
                tracing::warn!(
                    sink = self.sink.name(),
                    "changes could not be delivered: {}",
                    miroir_ports::error_chain(&error)
                );
                sleep(STORE_PAUSE).await;
            }
        }
    }

    /// Delivers one batch of every index that has events, so that a busy index does not delay the others.
    async fn round(&self) -> Result<Round, StoreError> {
        let _guard = self.sink.delivery_lock.lock().await;
        let name = self.sink.name();
        let row = self.store.change_sink_get(name).await?;
        if row.is_some_and(|row| row.state != SinkState::Active) {
            return Ok(Round::Stopped);
        }
        let cursors = self.store.change_cursor_list(name).await?;
        let mut round = Round::Idle;
        for ChangePosition { index_uid: index, last_seq, .. } in self.store.change_positions(name).await? {
            let cursor = cursors.iter().find(|cursor| cursor.index_uid == index);
            let confirmed = cursor.map_or(0, |cursor| cursor.last_event_seq);
            if confirmed >= last_seq {
                continue;
            }
            match self.deliver(&index, confirmed).await? {
                Round::Idle => {}
                Round::Confirmed => round = Round::Confirmed,
                ended => return Ok(ended),
            }
        }
        Ok(round)
    }

    /// Delivers the next batch of `index` after the event `confirmed`.
    async fn deliver(&self, index: &IndexUid, confirmed: u64) -> Result<Round, StoreError> {
        let name = self.sink.name();
        let limit = self.delivery.batch_events;
        let page = outbox::read(self.store.as_ref(), name, index, confirmed, limit).await?;
        let reached = page.changes.last().map_or(page.trimmed_to, |change| change.seq);
        if reached <= confirmed {
            return Ok(Round::Idle);
        }
        let events = page.changes.len();
        match self.delivery.receiver.sink_deliver(self.batch(index, confirmed, page)).await {
            Ok(()) => {
                self.sink.count_published(events);
                let now = self.clock.now();
                self.store.change_cursor_advance(name, index, reached, now).await?;
                self.store.change_acknowledge(name, index, reached, self.delivery.keep).await?;
                Ok(Round::Confirmed)
            }
            Err(ref error @ SinkError::Unavailable { retry_after, .. }) => {
                let reason = error_chain(error);
                tracing::warn!(sink = name, %index, "a batch of changes was not delivered: {reason}");
                self.sink.count_failure(reason);
                Ok(Round::Refused(retry_after))
            }
            Err(SinkError::Gone { reason }) => {
                tracing::error!(
                    sink = name,
                    "the receiver refuses all further changes, so the sink is disabled until it is resumed: {reason}"
                );
                self.sink.count_failure(reason.clone());
                let (sink_name, changed_at) = (name.to_owned(), self.clock.now());
                let state = SinkState::Disabled;
                let row = SinkRow { sink_name, state, reason: Some(reason), changed_at };
                self.store.change_sink_put(row).await?;
                Ok(Round::Stopped)
            }
        }
    }

    /// Makes the batch of `page`. It begins with a notice of the events that were dropped after `confirmed`,
    /// if any.
    fn batch(&self, index: &IndexUid, confirmed: u64, page: ChangePage) -> SinkBatch {
        let (source, epoch) = (&self.recorder.options.source, self.recorder.epoch());
        let lost_to = page.changes.first().map_or(page.trimmed_to, |first| first.seq - 1);
        let gap = (lost_to > confirmed)
            .then(|| gap_event(source, index, epoch, self.clock.now(), confirmed + 1, lost_to));
        let events = page.changes.into_iter().map(|change| numbered(change.body, index, change.seq));
        SinkBatch { index: index.clone(), events: gap.into_iter().chain(events).collect() }
    }
}
