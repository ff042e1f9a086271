//! Change events on NATS: each a message of `JetStream`, confirmed when the server has stored it.
//!
//! | module | its part |
//! |---|---|
//! | `options` | the configuration, checked once |
//! | `credentials` | the credentials of a connection |
//! | `connection` | one connection, which does not survive its loss |
//! | `message` | events as messages, and the meaning of a server's refusal |

mod connection;
mod credentials;
mod message;
mod options;

use std::fmt;
use std::future::IntoFuture as _;
use std::time::Duration;

use async_nats::jetstream::context::{ContextBuilder, PublishAckFuture};
use async_trait::async_trait;
use miroir_ports::outbound::{Sink, SinkBatch, SinkError};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::error::SinkConfigError;
use connection::Connection;
use credentials::Credentials;
use message::EventMessage;
pub use options::NatsOptions;
use options::Servers;

/// A receiver of events as messages of `JetStream`.
///
/// Each event goes to `<subject>.<index>`, with its `id` as `Nats-Msg-Id`. By that header the server
/// recognises an event that comes again, and does not store it twice within the duplicate window of the
/// stream (two minutes by default). Since ids are unique within one cluster only, two clusters must not
/// publish to one stream.
///
/// # Order
///
/// The events of a batch are sent in order over one connection, and confirmations are awaited after the last:
/// when the connection breaks, the server has a beginning of the batch and nothing else. One exception
/// remains: a stream that is full, or limits the size of messages, may refuse one event and accept a later
/// one of the same batch, which is then stored first. The delivery fails and is repeated. Events that were
/// stored are dropped as duplicates within the window, and stored again after it.
pub struct NatsSink {
    servers: Servers,
    subject: String,
    credentials: Credentials,
    timeout: Duration,
    /// The connection that deliveries share. Locked while it is opened, so that all who wait get the same
    /// one.
    connection: Mutex<Option<Connection>>,
}

impl NatsSink {
    /// Creates a sink for these servers. Opens no connection: the first delivery does.
    pub fn new(options: NatsOptions) -> Result<Self, SinkConfigError> {
        if options.timeout.is_zero() {
            return Err(SinkConfigError::ZeroTimeout);
        }
        let servers = Servers::parse(&options.url)?;
        options::check_subject(&options.subject)?;
        let credentials = Credentials::new(&options)?;
        let NatsOptions { subject, timeout, .. } = options;
        Ok(Self { servers, subject, credentials, timeout, connection: Mutex::default() })
    }

    /// Returns the present connection, or opens a new one.
    async fn connection(&self) -> Result<Connection, SinkError> {
        let mut slot = self.connection.lock().await;
        slot.take_if(|kept| !kept.is_usable());
        if let Some(connection) = slot.as_ref() {
            return Ok(connection.clone());
        }
        let opening = Connection::open(&self.servers, &self.credentials, self.timeout);
        Ok(slot.insert(opening.await?).clone())
    }

    /// Discards a connection on which a delivery failed, so that nothing of the delivery is sent later. Does
    /// not wait: the holder of the lock may be connecting, and does not take a connection that has failed.
    fn discard(&self, connection: &Connection) {
        connection.give_up();
        if let Ok(mut slot) = self.connection.try_lock() {
            slot.take_if(|kept| !kept.is_usable());
        }
    }

    /// Sends all messages and waits for all confirmations.
    async fn publish(&self, connection: &Connection, messages: Vec<EventMessage>) -> Result<(), SinkError> {
        let limit = connection.client.max_payload();
        messages.iter().try_for_each(|message| message.check_size(limit))?;
        let context = ContextBuilder::new()
            .timeout(self.timeout)
            .ack_timeout(self.timeout)
            // All messages of the batch may wait for their confirmations at once.
            .max_ack_inflight(messages.len())
            .build(connection.client.clone());
        let servers = &self.servers.names;
        let refused = |id: &str, error| {
            let server = connection.client.server_info();
            message::refusal(id, servers, &self.subject, error, &server, &connection.complaint())
        };
        let mut sent: Vec<(String, PublishAckFuture)> = Vec::with_capacity(messages.len());
        for message in messages {
            // Stops at the first message that cannot be sent, because no later one may be stored before it.
            let EventMessage { id, subject, publish, .. } = message;
            match context.send_publish(subject, publish).await {
                Ok(confirmation) => sent.push((id, confirmation)),
                Err(error) => return Err(message::unsent(&id, servers, error, &connection.complaint())),
            }
        }
        for (id, confirmation) in sent {
            // The server also confirms a message that it knew already: it is stored.
            confirmation.into_future().await.map_err(|error| refused(&id, error))?;
        }
        Ok(())
    }

    async fn deliver(&self, batch: &SinkBatch, deadline: Instant) -> Result<(), SinkError> {
        let subject = format!("{}.{}", self.subject, batch.index);
        let messages = batch.events.iter().map(|event| EventMessage::new(&subject, event));
        let messages = messages.collect::<Result<Vec<_>, _>>()?;
        let servers = &self.servers.names;
        let connection = timeout_at(deadline, self.connection()).await.map_err(|_| {
            SinkError::unavailable(format!(
                "the NATS server {servers} cannot be reached: it did not respond within {:?}",
                self.timeout
            ))
        })??;
        let outcome = tokio::select! {
            // A confirmation that came with the end of the connection still counts.
            biased;
            outcome = timeout_at(deadline, self.publish(&connection, messages)) => outcome.unwrap_or_else(|_| {
                let complaint = connection.complaint();
                Err(SinkError::unavailable(format!(
                    "the NATS server {servers} did not confirm within {:?}{complaint}",
                    self.timeout
                )))
            }),
            () = connection.lost() => Err(SinkError::unavailable(format!(
                "the connection to the NATS server {servers} was lost{}",
                connection.complaint()
            ))),
        };
        if outcome.is_err() {
            self.discard(&connection);
        }
        outcome
    }
}

impl fmt::Debug for NatsSink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("NatsSink")
            .field("servers", &self.servers.names)
            .field("subject", &self.subject)
            .field("credentials", &self.credentials)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Sink for NatsSink {
    async fn sink_deliver(&self, batch: SinkBatch) -> Result<(), SinkError> {
        let deadline = Instant::now() + self.timeout;
        self.deliver(&batch, deadline).await
    }
}
