//! The delivery of change events to one sink, for a term.

use std::sync::Arc;

use async_trait::async_trait;
use miroir_domain::role::Role;
use miroir_ports::outbound::{StoreError, TaskStore};
use miroir_system::UuidIds;

use miroir_core::change::{Deliverer, Delivery, SinkHandle, deliver_loop};
use miroir_core::infrastructure::Infrastructure;
use miroir_core::instance::{Term, Work};

/// The work of the instance that delivers to a sink.
pub(super) struct DeliveryWork {
    infrastructure: Arc<Infrastructure>,
    sink: Arc<SinkHandle>,
    delivery: Delivery,
}

impl DeliveryWork {
    /// Returns the work of each sink that has a receiver.
    pub(super) fn all(infrastructure: &Arc<Infrastructure>) -> impl Iterator<Item = Self> {
        infrastructure.changes.sinks.iter().filter_map(|sink| {
            let delivery = sink.delivery.clone()?;
            Some(Self { infrastructure: Arc::clone(infrastructure), sink: Arc::clone(sink), delivery })
        })
    }

    /// Returns the role of the instance that does this work.
    pub(super) fn role(&self) -> Role {
        Role::Sink(self.sink.rules.name.clone())
    }

    /// Makes the deliverer, which reads and writes `store`.
    pub(super) fn deliverer(&self, store: Arc<dyn TaskStore>) -> Deliverer {
        Deliverer::new(
            store,
            Arc::clone(&self.infrastructure.clock),
            Arc::new(UuidIds::default()),
            Arc::clone(&self.infrastructure.changes),
            Arc::clone(&self.sink),
            self.delivery.clone(),
        )
    }
}

#[async_trait]
impl Work for DeliveryWork {
    async fn work(&self, term: Term) -> Result<(), StoreError> {
        let deliverer = self.deliverer(Arc::clone(&term.store));
        term.announce();
        deliver_loop(deliverer, term.over).await;
        Ok(())
    }
}
