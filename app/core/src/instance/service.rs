//! The inbound port of the instances.

use std::sync::Arc;

use async_trait::async_trait;
use miroir_domain::role::Role;
use miroir_ports::inbound::{ApiError, InstanceApi, InstanceView, LeaseView, RoleHolder};
use miroir_ports::outbound::{Clock, TaskStore};

use super::directory::{Directory, instance_views, lease_views};

/// Implements [`InstanceApi`] where several instances share a store.
pub struct InstanceService {
    store: Arc<dyn TaskStore>,
    clock: Arc<dyn Clock>,
    directory: Arc<Directory>,
}

impl InstanceService {
    /// Makes a service over `directory`.
    pub fn new(store: Arc<dyn TaskStore>, clock: Arc<dyn Clock>, directory: Arc<Directory>) -> Self {
        Self { store, clock, directory }
    }
}

#[async_trait]
impl InstanceApi for InstanceService {
    fn role_holder(&self, role: &Role) -> RoleHolder {
        self.directory.role_holder(role)
    }

    async fn role_holder_changed(&self, role: &Role, known: &RoleHolder) -> RoleHolder {
        self.directory.role_holder_changed(role, known).await
    }

    async fn instance_list(&self) -> Result<Vec<InstanceView>, ApiError> {
        Ok(instance_views(&self.store.lease_list(self.clock.now()).await?, &self.directory.id))
    }

    async fn lease_list(&self) -> Result<Vec<LeaseView>, ApiError> {
        Ok(lease_views(self.store.lease_list(self.clock.now()).await?))
    }
}

/// Implements [`InstanceApi`] for an instance that has the store for itself. It holds every role, without
/// leases.
pub struct SoleInstance {
    directory: Directory,
}

impl SoleInstance {
    /// Makes the only instance, with the name, URL and roles of `directory`.
    pub fn new(directory: Directory) -> Self {
        Self { directory }
    }
}

#[async_trait]
impl InstanceApi for SoleInstance {
    fn role_holder(&self, _: &Role) -> RoleHolder {
        RoleHolder::Local
    }

    async fn role_holder_changed(&self, _: &Role, _: &RoleHolder) -> RoleHolder {
        std::future::pending().await
    }

    async fn instance_list(&self) -> Result<Vec<InstanceView>, ApiError> {
        Ok(vec![InstanceView {
            id: self.directory.id.clone(),
            url: self.directory.url.clone(),
            here: true,
            leader: true,
            roles: self.directory.roles().map(Role::name).collect(),
        }])
    }

    async fn lease_list(&self) -> Result<Vec<LeaseView>, ApiError> {
        Ok(Vec::new())
    }
}
