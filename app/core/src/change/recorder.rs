//! Makes the events of every sink.

use std::sync::Arc;

use miroir_domain::canary::{Canary, CanaryRun};
use miroir_domain::change::{EventContext, Origin, PendingChanges, canary_event, document_events, of_epoch};
use miroir_domain::row::FIRST_EPOCH;
use miroir_domain::task::Task;
use miroir_domain::{IndexUid, TaskUid, Timestamp};
use miroir_ports::outbound::{NewChange, StoreError, TaskStore};
use serde_json::Value;
use tokio::sync::watch;

use super::SinkHandle;
use crate::identity::KnownIdentity;

/// Options that all sinks share.
#[derive(Debug, Clone)]
pub struct RecorderOptions {
    /// The `source` of every event.
    pub source: String,
    /// Maximum size of the events that are held for one sink, in bytes.
    pub budget_bytes: u64,
}

/// Makes the events of every sink, and notifies the tasks that wait for events.
pub struct ChangeRecorder {
    /// Options that all sinks share.
    pub options: RecorderOptions,
    /// Every sink, in the order of the configuration.
    pub sinks: Vec<Arc<SinkHandle>>,
    /// The identity of the store, whose epoch is part of every event.
    identity: Arc<KnownIdentity>,
    /// The number of events that were appended.
    appended: watch::Sender<u64>,
}

impl ChangeRecorder {
    /// Makes a recorder for `sinks`.
    pub fn new(options: RecorderOptions, sinks: Vec<Arc<SinkHandle>>, identity: Arc<KnownIdentity>) -> Self {
        Self { options, sinks, identity, appended: watch::Sender::new(0) }
    }

    /// Returns the epoch of the task store, which is the first while it is not known.
    pub fn epoch(&self) -> u64 {
        self.identity.cluster().map_or(FIRST_EPOCH, |row| row.epoch)
    }

    /// Returns whether there are any sinks.
    pub fn is_on(&self) -> bool {
        !self.sinks.is_empty()
    }

    /// Returns whether any sink receives the documents themselves.
    pub fn wants_documents(&self) -> bool {
        self.sinks.iter().any(|sink| sink.rules.documents)
    }

    /// Returns the number of events that were appended, as a value that changes.
    pub fn appended(&self) -> watch::Receiver<u64> {
        self.appended.subscribe()
    }

    /// Notifies the tasks that wait for events that `events` more were appended.
    pub fn notify(&self, events: usize) {
        self.appended.send_modify(|count| *count += events as u64);
    }

    /// Returns the events of a write whose task succeeded.
    pub fn of_task(&self, task: &Task, changes: &PendingChanges) -> Vec<NewChange> {
        let (Some(index), Some(time)) = (&task.index_uid, task.finished_at) else { return Vec::new() };
        self.of(changes, &self.context(index, time, Some(task.uid), Origin::Client))
    }

    /// Records the repair of documents of `index` on a node that missed writes.
    pub async fn repaired(
        &self,
        store: &dyn TaskStore,
        index: &IndexUid,
        changes: &PendingChanges,
        time: Timestamp,
    ) -> Result<(), StoreError> {
        let of = self.context(index, time, None, Origin::Repair);
        self.append(store, self.of(changes, &of)).await
    }

    fn context<'a>(
        &'a self,
        index: &'a IndexUid,
        time: Timestamp,
        task: Option<TaskUid>,
        origin: Origin,
    ) -> EventContext<'a> {
        EventContext { source: &self.options.source, index, epoch: self.epoch(), time, task, origin }
    }

    /// Records a run of a canary for the sinks that receive runs.
    pub async fn canary_ran(
        &self,
        store: &dyn TaskStore,
        canary: &Canary,
        run: &CanaryRun,
    ) -> Result<(), StoreError> {
        let sinks = self.sinks.iter().filter(|sink| sink.rules.canaries);
        let event = |sink: &Arc<SinkHandle>| {
            let body = of_epoch(canary_event(&self.options.source, canary, run), self.epoch());
            change(sink, &canary.index_uid, body)
        };
        self.append(store, sinks.map(event).collect()).await
    }

    async fn append(&self, store: &dyn TaskStore, changes: Vec<NewChange>) -> Result<(), StoreError> {
        let count = changes.len();
        if count > 0 {
            store.change_append(changes, self.options.budget_bytes).await?;
            self.notify(count);
        }
        Ok(())
    }

    /// Returns the events of `changes` for every sink that receives their origin. The other sinks count them
    /// as suppressed.
    fn of(&self, changes: &PendingChanges, of: &EventContext<'_>) -> Vec<NewChange> {
        let (mut bare, mut whole) = (None, None);
        let mut all = Vec::new();
        for sink in &self.sinks {
            let made = if sink.rules.documents { &mut whole } else { &mut bare };
            let events: &Vec<Value> =
                made.get_or_insert_with(|| document_events(changes, of, sink.rules.documents));
            if sink.rules.origins.contains(&of.origin) {
                all.extend(events.iter().map(|event| change(sink, of.index, event.clone())));
            } else {
                sink.count_suppressed(events.len());
            }
        }
        all
    }
}

fn change(sink: &SinkHandle, index: &IndexUid, body: Value) -> NewChange {
    NewChange { sink_name: sink.name().to_owned(), index_uid: index.clone(), body }
}
