//! One connection to a server, which is never continued on another.
//!
//! The client below this can reconnect by itself, and then sends what waits for being sent. Here that would be wrong: of
//! a batch half of which was written into a connection that broke, the other half would be stored and the first not, and
//! the stream would have the events out of order for good. So a connection that is lost stays lost, and what waited
//! for it is dropped; the next delivery makes a new one and begins at the first event.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{AuthError, Client, ConnectErrorKind, ConnectOptions, Event};
use miroir_ports::outbound::SinkError;
use tokio::sync::watch;

use super::credentials::Credentials;
use super::options::Servers;
use crate::text::excerpt;

/// What the server said or did since it was connected to.
#[derive(Debug, Clone, Default)]
struct Events {
    /// The last complaint it sent.
    complaint: Option<String>,
    lost: bool,
}

/// A connection that deliveries share until it is lost or one of them fails.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub client: Client,
    events: watch::Receiver<Events>,
    has_failed: Arc<AtomicBool>,
}

impl Connection {
    /// Connects to one of the servers.
    pub(crate) async fn open(
        servers: &Servers,
        credentials: &Credentials,
        timeout: Duration,
    ) -> Result<Self, SinkError> {
        // Which cryptography TLS uses is a choice of the whole process; another part may have made it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (sender, events) = watch::channel(Events::default());
        let was_made = Arc::new(AtomicBool::new(false));
        let answer = {
            let (was_made, credentials) = (was_made.clone(), credentials.clone());
            move |challenge: Vec<u8>| {
                let answer = if was_made.load(Ordering::SeqCst) {
                    Err(AuthError::new(
                        "a lost connection is not continued; the next delivery makes a new one",
                    ))
                } else {
                    credentials.answer(&challenge)
                };
                async move { answer }
            }
        };
        let count = servers.addresses.len();
        let client = ConnectOptions::with_auth_callback(answer)
            .name("miroir")
            .event_callback(move |event| {
                note(&sender, event);
                async {}
            })
            // So that a server that does not answer leaves time for the others.
            .connection_timeout(timeout / u32::try_from(count).unwrap_or(u32::MAX))
            .request_timeout(Some(timeout))
            .ignore_discovered_servers()
            // Each server once: after that the client gives up, also when the connection is lost later.
            .max_reconnects(count)
            .connect(servers.addresses.as_slice())
            .await
            .map_err(|error| refusal(&servers.names, error))?;
        was_made.store(true, Ordering::SeqCst);
        Ok(Self { client, events, has_failed: Arc::default() })
    }

    /// Whether a delivery may begin on it.
    pub(crate) fn is_usable(&self) -> bool {
        !self.has_failed.load(Ordering::SeqCst)
            && self.client.connection_state() == State::Connected
            && !self.events.borrow().lost
    }

    /// Says that a delivery failed on it: no other one begins on it.
    pub(crate) fn give_up(&self) {
        self.has_failed.store(true, Ordering::SeqCst);
    }

    /// Ends when the connection is lost.
    pub(crate) async fn lost(&self) {
        // An error means that the client is gone, and with it the connection.
        let _ = self.events.clone().wait_for(|events| events.lost).await;
    }

    /// Returns the last complaint of the server as an addition to a sentence.
    pub(crate) fn complaint(&self) -> String {
        let complaint = self.events.borrow().complaint.clone();
        complaint.map_or_else(String::new, |text| format!(" (the server said: {text})"))
    }
}

fn note(sender: &watch::Sender<Events>, event: Event) {
    sender.send_if_modified(|events| match event {
        Event::ServerError(error) => {
            events.complaint = Some(excerpt(&error.to_string()));
            true
        }
        Event::Disconnected | Event::Closed => {
            events.lost = true;
            true
        }
        _ => false,
    });
}

fn refusal(servers: &str, error: async_nats::ConnectError) -> SinkError {
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation => SinkError::unavailable(format!(
            "the NATS server {servers} refused who connects: check the user and password, token or credentials file \
             of the sink"
        )),
        ConnectErrorKind::Authentication => SinkError::unavailable_because(
            format!("the credentials for the NATS server {servers} cannot answer its challenge"),
            error,
        ),
        _ => SinkError::unavailable_because(format!("the NATS server {servers} cannot be reached"), error),
    }
}
