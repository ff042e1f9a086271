//! Parts that the tests of sinks share: batches, and receivers that follow a script.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use miroir_domain::Timestamp;
use miroir_ports::error_chain;
use miroir_ports::outbound::{SinkBatch, SinkError};
use miroir_sinks::{SinkConfigError, WebhookOptions, WebhookSink};
use miroir_system::ManualClock;
pub use miroir_test_server::Reply;
use miroir_test_server::{Request, ScriptedServer, response};
use serde_json::{Value, json};

/// The secret of the published example of Standard Webhooks.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Another secret: 32 bytes of 7.
pub const OTHER_SECRET: &str = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
/// 1994-11-06T08:49:07.900Z, half a minute before the date in the examples of RFC 9110.
pub const NOW_MS: i64 = 784_111_747_900;
/// A timeout longer than any delivery that a test expects to succeed.
pub const LONG: Duration = Duration::from_secs(30);
/// The time of deliveries that must time out.
pub const SHORT: Duration = Duration::from_millis(500);
/// The time that a busy machine may need besides.
pub const SLACK: Duration = Duration::from_secs(10);

/// Returns events of the index `films` with these numbers.
pub fn batch(numbers: std::ops::RangeInclusive<u64>) -> SinkBatch {
    SinkBatch { index: "films".parse().unwrap(), events: numbers.map(event).collect() }
}

/// Returns one event, whose attributes are not in alphabetical order.
pub fn event(number: u64) -> Value {
    json!({
        "specversion": "1.0",
        "id": format!("films:{number}"),
        "source": "cluster",
        "type": "io.miroir.document.upserted",
        "data": {"title": "Léon, \"Le\" Samouraï", "rank": 1.0},
    })
}

/// Returns the reason and the requested pause of a delivery that may be repeated.
pub fn unavailable(outcome: Result<(), SinkError>) -> (String, Option<Duration>) {
    match outcome {
        Err(ref error @ SinkError::Unavailable { retry_after, .. }) => (error_chain(error), retry_after),
        other => panic!("should be unavailable: {other:?}"),
    }
}

/// Returns the value of a header that the request must have.
pub fn required_header<'r>(request: &'r Request, name: &str) -> &'r str {
    request.header(name).unwrap_or_else(|| panic!("no {name} in {}", request.head))
}

/// A receiver that reacts to every request alike.
pub struct Receiver(ScriptedServer);

impl Deref for Receiver {
    type Target = ScriptedServer;

    fn deref(&self) -> &ScriptedServer {
        &self.0
    }
}

impl Receiver {
    /// Starts a receiver that reacts to every request with `reply`.
    pub async fn start(reply: Reply) -> Self {
        Self(ScriptedServer::always(reply).await)
    }

    /// Starts a receiver that responds to every request with this head and body, and closes the connection.
    pub async fn http(head: &str, body: &str) -> Self {
        Self::start(Reply::SendAndClose(response(head, body))).await
    }

    /// Returns the URL of its port on `host`.
    pub fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/hooks?token=hunter2", self.address.port())
    }

    /// Returns a sink that delivers to it.
    pub fn sink(&self, timeout: Duration) -> WebhookSink {
        self.sink_with(|options| options.timeout = timeout).unwrap()
    }

    /// Returns a sink that delivers to it, with changed options.
    pub fn sink_with(
        &self,
        change: impl FnOnce(&mut WebhookOptions),
    ) -> Result<WebhookSink, SinkConfigError> {
        let mut options = WebhookOptions {
            url: self.url("127.0.0.1"),
            secrets: vec![SECRET.to_owned()],
            timeout: LONG,
            allow_private: true,
        };
        change(&mut options);
        WebhookSink::new(options, Arc::new(ManualClock::new(Timestamp::from_millis(NOW_MS))))
    }
}
