//! A receiver of change events that does as it is told, and remembers what it confirmed.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use miroir_core::change::{Backoff, Delivery, SinkRules};
use miroir_domain::change::Origin;
use miroir_ports::outbound::{Sink, SinkBatch, SinkError};
use serde_json::Value;

/// The outcome of a delivery.
#[derive(Debug, Clone)]
pub enum Reaction {
    /// It is not taken.
    Refuse(SinkError),
    /// It is taken, but the sender hears that it was not.
    LoseAnswer,
    /// The receiver never responds.
    Hang,
    /// It is taken after that time.
    Slow(Duration),
}

#[derive(Default)]
struct State {
    script: VecDeque<Reaction>,
    standing: Option<Reaction>,
    taken: Vec<Value>,
    attempts: usize,
}

/// A receiver; clones are the same one.
#[derive(Clone, Default)]
pub struct Receiver(Arc<Mutex<State>>);

impl Receiver {
    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds the outcome of the next delivery to the script.
    pub fn then(&self, reaction: Reaction) {
        self.with(|state| state.script.push_back(reaction));
    }

    /// Sets the outcome of every delivery after the script.
    pub fn always(&self, reaction: Option<Reaction>) {
        self.with(|state| state.standing = reaction);
    }

    /// Every event that was taken, in order, those that came again included.
    pub fn taken(&self) -> Vec<Value> {
        self.with(|state| state.taken.clone())
    }

    pub fn attempts(&self) -> usize {
        self.with(|state| state.attempts)
    }

    /// The ids of what was taken.
    pub fn ids(&self) -> Vec<String> {
        self.taken().iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[async_trait]
impl Sink for Receiver {
    async fn sink_deliver(&self, batch: SinkBatch) -> Result<(), SinkError> {
        assert!(!batch.events.is_empty(), "SinkBatch: never empty");
        let reaction = self.with(|state| {
            state.attempts += 1;
            state.script.pop_front().or_else(|| state.standing.clone())
        });
        let take = || self.with(|state| state.taken.extend(batch.events.iter().cloned()));
        match reaction {
            None => take(),
            Some(Reaction::Refuse(error)) => return Err(error),
            Some(Reaction::LoseAnswer) => {
                take();
                return Err(away());
            }
            Some(Reaction::Hang) => std::future::pending().await,
            Some(Reaction::Slow(time)) => {
                tokio::time::sleep(time).await;
                take();
            }
        }
        Ok(())
    }
}

/// The receiver is away and says nothing of when it is back.
pub fn away() -> SinkError {
    SinkError::unavailable("connection refused")
}

/// Rules of a sink that is told of clients' writes.
pub fn rules(name: &str) -> SinkRules {
    SinkRules {
        name: name.parse().unwrap(),
        kind: "webhook",
        documents: false,
        canaries: false,
        origins: BTreeSet::from([Origin::Client]),
    }
}

/// Delivery to `receiver`, one second after the first failure.
pub fn delivery(receiver: &Receiver) -> Delivery {
    Delivery {
        receiver: Arc::new(receiver.clone()),
        batch_events: 10,
        batch_delay: Duration::from_millis(100),
        backoff: Backoff { first: Duration::from_secs(1), longest: Duration::from_mins(1) },
        keep: 5,
    }
}
