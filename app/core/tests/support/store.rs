//! The outcomes of store calls, in a process that may be killed.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use miroir_fault::{Chance, Fault, Plan, Script};
use tokio::sync::watch;

/// Faults on command while the process is alive; after that it hears nothing more.
pub struct Life {
    alive: watch::Receiver<bool>,
    pub script: Script,
    chance: Mutex<Option<Chance>>,
    calls: Mutex<Vec<&'static str>>,
}

/// `work`, as a process sees it that may be killed at any moment: after that it hears nothing more.
pub async fn while_alive<T>(alive: &watch::Receiver<bool>, work: impl Future<Output = T>) -> T {
    let mut alive = alive.clone();
    let died = async move {
        if alive.wait_for(|alive| !alive).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        () = died => std::future::pending().await,
        result = work => result,
    }
}

impl Life {
    pub fn new(alive: watch::Receiver<bool>) -> Self {
        Self { alive, script: Script::default(), chance: Mutex::new(None), calls: Mutex::default() }
    }
}

impl Life {
    /// From now on calls fail at random too, or do so no longer.
    pub fn gamble(&self, chance: Option<Chance>) {
        *self.chance.lock().unwrap_or_else(PoisonError::into_inner) = chance;
    }

    /// Returns the methods that have been called, in order.
    pub fn calls(&self) -> Vec<&'static str> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn rolled(&self) -> Fault {
        let chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        chance.as_ref().map_or(Fault::None, Chance::roll)
    }
}

#[async_trait]
impl Plan for Life {
    async fn next(&self, method: &'static str) -> Fault {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(method);
        while_alive(&self.alive, async {
            // Lets other tasks run, as a store with a disk would.
            tokio::task::yield_now().await;
            match self.script.take(method) {
                Fault::None => self.rolled(),
                fault => fault,
            }
        })
        .await
    }
}
