//! Lists, pauses, resumes and rewinds sinks.

use std::sync::Arc;

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::change::{HeldEvents, Rewind, SinkRow, SinkState};
use miroir_domain::error::ErrorCode;
use miroir_domain::wording::excerpt;
use miroir_ports::inbound::{ApiError, SinkApi, SinkPosition, SinkView};
use miroir_ports::outbound::{Clock, StoreError, TaskStore};

use super::refusal::out_of_reach;
use super::{ChangeRecorder, SinkHandle};

/// Implements [`SinkApi`].
pub struct SinkService {
    store: Arc<dyn TaskStore>,
    clock: Arc<dyn Clock>,
    recorder: Arc<ChangeRecorder>,
}

impl SinkService {
    /// Makes a service over the sinks of `recorder`.
    pub fn new(store: Arc<dyn TaskStore>, clock: Arc<dyn Clock>, recorder: Arc<ChangeRecorder>) -> Self {
        Self { store, clock, recorder }
    }

    /// Returns the sink of this name.
    fn find(&self, name: &str) -> Result<&Arc<SinkHandle>, ApiError> {
        self.recorder.sinks.iter().find(|sink| sink.name() == name).ok_or_else(|| {
            let shown = excerpt(name, 80);
            let known: Vec<_> = self.recorder.sinks.iter().map(|sink| format!("`{}`", sink.name())).collect();
            let known = if known.is_empty() { "none is configured".to_owned() } else { known.join(", ") };
            ApiError::refused(
                ErrorCode::MiroirSinkNotFound,
                format!("There is no sink `{shown}` under `cdc.sinks`: {known}."),
            )
        })
    }

    /// Returns the sink of this name. Refuses the feed, which has no delivery.
    fn find_delivered(&self, name: &str) -> Result<&Arc<SinkHandle>, ApiError> {
        let sink = self.find(name)?;
        if sink.delivery.is_some() {
            return Ok(sink);
        }
        Err(ApiError::refused(
            ErrorCode::MiroirSinkConflict,
            format!(
                "Sink `{name}` is of the kind `internal`. Its readers keep their own positions, so it cannot be \
                 paused, resumed or rewound."
            ),
        ))
    }

    async fn view(&self, sink: &SinkHandle) -> Result<SinkView, StoreError> {
        let name = sink.name();
        let row = self.store.change_sink_get(name).await?;
        let backlog = self.store.change_backlog(name).await?;
        let indexes = self.positions(sink).await?;
        let waiting = |position: &SinkPosition| {
            position
                .confirmed
                .map(|confirmed| position.last - confirmed.max(position.trimmed_to).min(position.last))
        };
        let totals = sink.totals();
        Ok(SinkView {
            name: name.to_owned(),
            kind: sink.rules.kind.to_owned(),
            state: row.as_ref().map_or(SinkState::Active, |row| row.state),
            changed_at: row.as_ref().map(|row| row.changed_at),
            reason: row.and_then(|row| row.reason),
            lag: indexes.iter().filter_map(waiting).sum(),
            backlog_events: backlog.events,
            backlog_bytes: backlog.bytes,
            dropped: backlog.lost,
            suppressed: totals.suppressed,
            published: totals.published,
            failures: totals.failures,
            last_error: totals.last_error,
            indexes,
        })
    }

    async fn positions(&self, sink: &SinkHandle) -> Result<Vec<SinkPosition>, StoreError> {
        let cursors = self.store.change_cursor_list(sink.name()).await?;
        let confirmed = |index: &IndexUid| {
            sink.delivery.as_ref()?;
            let cursor = cursors.iter().find(|cursor| &cursor.index_uid == index);
            Some(cursor.map_or(0, |cursor| cursor.last_event_seq))
        };
        let positions = self.store.change_positions(sink.name()).await?;
        let view = positions.into_iter().map(|position| SinkPosition {
            confirmed: confirmed(&position.index_uid),
            last: position.last_seq,
            trimmed_to: position.trimmed_to,
            index: position.index_uid,
        });
        Ok(view.collect())
    }

    /// Changes the delivery state of a sink, after the delivery in progress.
    async fn set_state(&self, name: &str, state: SinkState) -> Result<SinkView, ApiError> {
        let sink = self.find_delivered(name)?;
        let _guard = sink.delivery_lock.lock().await;
        let (sink_name, changed_at) = (name.to_owned(), self.clock.now());
        self.store.change_sink_put(SinkRow { sink_name, state, reason: None, changed_at }).await?;
        sink.wake.notify_one();
        Ok(self.view(sink).await?)
    }
}

#[async_trait]
impl SinkApi for SinkService {
    async fn sink_list(&self) -> Result<Vec<SinkView>, ApiError> {
        let mut views = Vec::new();
        for sink in &self.recorder.sinks {
            views.push(self.view(sink).await?);
        }
        Ok(views)
    }

    async fn sink_pause(&self, name: &str) -> Result<SinkView, ApiError> {
        self.set_state(name, SinkState::Paused).await
    }

    async fn sink_resume(&self, name: &str) -> Result<SinkView, ApiError> {
        self.set_state(name, SinkState::Active).await
    }

    async fn sink_rewind(&self, name: &str, rewind: Rewind) -> Result<SinkView, ApiError> {
        let sink = self.find_delivered(name)?;
        let Rewind { index, since } = rewind;
        let _guard = sink.delivery_lock.lock().await;
        let page = self.store.change_peek(name, &index, 0, 1).await?;
        let held = HeldEvents { first: page.changes.first().map(|change| change.seq), last: page.last_seq };
        held.check(since).map_err(|reason| out_of_reach(&index, since, reason))?;
        self.store.change_cursor_rewind(name, &index, since, self.clock.now()).await?;
        sink.wake.notify_one();
        Ok(self.view(sink).await?)
    }
}
