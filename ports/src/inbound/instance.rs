//! The instances that work side by side on one store: who does what.

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::duty::Duty;
use serde::Serialize;

use super::ApiError;

/// Another instance that holds a duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its name.
    pub instance: String,
    /// Where it is reached.
    pub url: String,
    /// The fencing token of its term.
    pub token: u64,
}

/// Who does a duty, as far as this instance knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeper {
    /// This instance.
    Here,
    /// Another one.
    At(Peer),
    /// None at this moment; one will soon.
    Nobody,
    /// It cannot be told: the store does not answer.
    Unknown,
}

/// One running instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceView {
    /// Its name.
    pub id: String,
    /// Where the others reach it.
    pub url: String,
    /// Whether it is the one that was asked.
    pub here: bool,
    /// Whether it puts writes in order.
    pub leads: bool,
    /// The scopes of all duties it holds, in order.
    pub duties: Vec<String>,
}

/// A running term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaseView {
    /// What is held.
    pub scope: String,
    /// The instance that holds it.
    pub holder: String,
    /// The fencing token: greater in every new term.
    pub token: u64,
    /// When it ends unless it is renewed, on the store's clock.
    pub expires_at: Timestamp,
}

/// The instances.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait InstanceApi: Send + Sync + 'static {
    /// Who does `duty` now. Costs no call.
    fn keeper(&self, duty: &Duty) -> Keeper;

    /// Waits until the keeper of `duty` is another than `known`, and answers who.
    async fn other_keeper(&self, duty: &Duty, known: &Keeper) -> Keeper;

    /// Every live instance, by name.
    async fn instance_list(&self) -> Result<Vec<InstanceView>, ApiError>;

    /// Every running term, by scope.
    async fn lease_list(&self) -> Result<Vec<LeaseView>, ApiError>;
}
