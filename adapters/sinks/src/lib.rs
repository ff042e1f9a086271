//! Receivers of change events: each implements the port [`Sink`](miroir_ports::outbound::Sink).
//!
//! | module | its part |
//! |---|---|
//! | `webhook` | posts batches to a URL, signed as Standard Webhooks asks, and never into a private network by accident |
//! | `nats` | publishes events to `JetStream` and waits until the server has stored them |
//! | `error` | why a sink cannot be made from its configuration |
//! | `text` | text of servers and receivers, made fit for a log |

mod error;
mod nats;
mod text;
mod webhook;

pub use error::SinkConfigError;
pub use nats::{NatsOptions, NatsSink};
pub use webhook::{WebhookOptions, WebhookSink};
