//! Delivering to one sink, for a term.

use std::sync::Arc;

use async_trait::async_trait;
use miroir_domain::role::Role;
use miroir_ports::outbound::TaskStore;
use miroir_system::UuidIds;

use crate::change::{Deliverer, Delivery, SinkHandle, deliver_loop};
use crate::instance::{Term, Work};
use crate::wiring::Outside;

/// The work of whoever delivers to a sink.
pub(super) struct SinkDelivery {
    outside: Arc<Outside>,
    sink: Arc<SinkHandle>,
    delivery: Delivery,
}

impl SinkDelivery {
    /// One of each sink that is delivered to.
    pub(super) fn all(outside: &Arc<Outside>) -> impl Iterator<Item = Self> {
        outside.changes.sinks.iter().filter_map(|sink| {
            let delivery = sink.delivery.clone()?;
            Some(Self { outside: Arc::clone(outside), sink: Arc::clone(sink), delivery })
        })
    }

    /// The role that it is.
    pub(super) fn role(&self) -> Role {
        Role::Sink(self.sink.rules.name.clone())
    }

    /// Whoever delivers, by `store`.
    pub(super) fn deliverer(&self, store: Arc<dyn TaskStore>) -> Deliverer {
        Deliverer::new(
            store,
            Arc::clone(&self.outside.clock),
            Arc::new(UuidIds::default()),
            Arc::clone(&self.outside.changes),
            Arc::clone(&self.sink),
            self.delivery.clone(),
        )
    }
}

#[async_trait]
impl Work for SinkDelivery {
    async fn work(&self, term: Term) -> anyhow::Result<()> {
        let deliverer = self.deliverer(Arc::clone(&term.store));
        term.take_seat();
        deliver_loop(deliverer, term.over).await;
        Ok(())
    }
}
