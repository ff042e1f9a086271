//! Receivers of change events: each implements the port [`Sink`](miroir_ports::outbound::Sink).
//!
//! | module | its part |
//! |---|---|
//! | `webhook` | batches posted to a URL, signed as in Standard Webhooks; public addresses only by default |
//! | `nats` | events published to `JetStream`, each confirmed when the server has stored it |
//! | `error` | errors in the configuration of a sink |
//! | `text` | text of servers and receivers, made fit for a log |

mod error;
mod nats;
mod text;
mod webhook;

pub use error::SinkConfigError;
pub use nats::{NatsOptions, NatsSink};
pub use webhook::{WebhookOptions, WebhookSink};
