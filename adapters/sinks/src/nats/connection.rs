//! One connection to a server, which does not survive its loss.
//!
//! The client below can reconnect by itself, and then sends whatever is queued. That would break the order of
//! the stream for good: if half of a batch was written to a connection that broke, only the other half would
//! be stored. So a lost connection stays lost, and its queue is dropped. The next delivery opens a new
//! connection and begins at the first event.

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

/// Events on a connection since it was made.
#[derive(Debug, Clone, Default)]
struct Events {
    /// The last error that the server sent.
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
        // The cryptography of TLS is a choice of the whole process, which another part may have made already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (sender, events) = watch::channel(Events::default());
        let was_made = Arc::new(AtomicBool::new(false));
        let authenticate = {
            let (was_made, credentials) = (was_made.clone(), credentials.clone());
            move |challenge: Vec<u8>| {
                let response = if was_made.load(Ordering::SeqCst) {
                    Err(AuthError::new("a lost connection is not resumed; the next delivery opens a new one"))
                } else {
                    credentials.respond(&challenge)
                };
                async move { response }
            }
        };
        let count = servers.addresses.len();
        let client = ConnectOptions::with_auth_callback(authenticate)
            .name("miroir")
            .event_callback(move |event| {
                note(&sender, event);
                async {}
            })
            // A server that does not respond leaves time for the others.
            .connection_timeout(timeout / u32::try_from(count).unwrap_or(u32::MAX))
            .request_timeout(Some(timeout))
            .ignore_discovered_servers()
            // Each server is tried once. After that the client gives up, even if the connection is lost
            // later.
            .max_reconnects(count)
            .connect(servers.addresses.as_slice())
            .await
            .map_err(|error| refusal(&servers.names, error))?;
        was_made.store(true, Ordering::SeqCst);
        Ok(Self { client, events, has_failed: Arc::default() })
    }

    /// Returns whether a delivery may begin on it.
    pub(crate) fn is_usable(&self) -> bool {
        !self.has_failed.load(Ordering::SeqCst)
            && self.client.connection_state() == State::Connected
            && !self.events.borrow().lost
    }

    /// Marks the connection as failed, so that no other delivery begins on it.
    pub(crate) fn give_up(&self) {
        self.has_failed.store(true, Ordering::SeqCst);
    }

    /// Waits until the connection is lost.
    pub(crate) async fn lost(&self) {
        // An error means that the client is gone, and with it the connection.
        let _ = self.events.clone().wait_for(|events| events.lost).await;
    }

    /// Returns the last error of the server as an addition to a sentence.
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
            "the NATS server {servers} refused the credentials: check the user and password, token or credentials file \
             of the sink"
        )),
        ConnectErrorKind::Authentication => SinkError::unavailable_because(
            format!("the credentials for the NATS server {servers} cannot respond to its challenge"),
            error,
        ),
        _ => SinkError::unavailable_because(format!("the NATS server {servers} cannot be reached"), error),
    }
}
