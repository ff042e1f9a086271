//! Use cases of the instances that share one store, and of the roles they hold.

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::role::Role;
use serde::Serialize;

use super::ApiError;

/// Another instance that holds a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its name.
    pub instance: String,
    /// The URL at which it is reached.
    pub url: String,
    /// The fencing token of its term.
    pub token: u64,
}

/// The holder of a role, as far as this instance knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleHolder {
    /// This instance.
    Local,
    /// Another instance.
    Remote(Peer),
    /// No instance at present; one takes the role soon.
    Vacant,
    /// Unknown, because the store does not respond.
    Unknown,
}

/// One running instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceView {
    /// Its name.
    pub id: String,
    /// The URL at which the others reach it.
    pub url: String,
    /// True for the instance that serves the request.
    pub here: bool,
    /// True if it holds the role of the writes.
    pub leader: bool,
    /// The names of all roles it holds, in order.
    pub roles: Vec<String>,
}

/// A running term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaseView {
    /// The role.
    pub role: String,
    /// The instance that holds it.
    pub holder: String,
    /// The fencing token: greater in every new term.
    pub token: u64,
    /// The instant at which it ends unless it is renewed, on the store's clock.
    pub expires_at: Timestamp,
}

/// The instances.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait InstanceApi: Send + Sync + 'static {
    /// Returns the holder of `role`, without any call.
    fn role_holder(&self, role: &Role) -> RoleHolder;

    /// Waits until the holder of `role` is not `known`, and returns it.
    async fn role_holder_changed(&self, role: &Role, known: &RoleHolder) -> RoleHolder;

    /// Returns every live instance, by name.
    async fn instance_list(&self) -> Result<Vec<InstanceView>, ApiError>;

    /// Returns every running term, by role.
    async fn lease_list(&self) -> Result<Vec<LeaseView>, ApiError>;
}
