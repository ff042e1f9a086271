//! Change events as webhooks: batches of `CloudEvents` over HTTP, signed as in Standard Webhooks.
//!
//! | module | its part |
//! |---|---|
//! | `endpoint` | the receiver's URL, checked once |
//! | `address` | the addresses of the public internet |
//! | `guard` | a resolver of names that returns public addresses only |
//! | `client` | the HTTP client, with TLS, without redirects and proxies |
//! | `signature` | the secrets and their signatures |
//! | `response` | the meaning of a receiver's response |

mod address;
mod client;
mod endpoint;
mod guard;
mod response;
mod signature;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue, Request};
use http_body_util::Full;
use miroir_ports::outbound::{Clock, Sink, SinkBatch, SinkError};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::error::SinkConfigError;
use client::WebhookClient;
use endpoint::Endpoint;
use signature::Signer;

/// The content type of a batch.
const BATCH_TYPE: &str = "application/cloudevents-batch+json; charset=utf-8";
/// The name and version that are sent to the receiver.
const AGENT: &str = concat!("miroir/", env!("CARGO_PKG_VERSION"));

const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// The configuration of a webhook.
#[derive(Clone)]
pub struct WebhookOptions {
    /// The URL to which batches are posted, `https` or `http`. Its path and query may hold a secret. Never
    /// printed.
    pub url: String,
    /// The secrets that sign, newest first, each `whsec_` and 24 to 64 bytes in base64. All of them sign
    /// every delivery, so that a receiver can change from one to the next while both are configured. Never
    /// printed.
    pub secrets: Vec<String>,
    /// The time in which a delivery must finish, from the lookup of the name to the status of the response.
    pub timeout: Duration,
    /// True if the receiver may have an address that is not public. If false, a person who may configure a
    /// webhook cannot make Miroir send requests into its own private network.
    pub allow_private: bool,
}

impl fmt::Debug for WebhookOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WebhookOptions")
            .field("url", &"***")
            .field("secrets", &format_args!("*** ({})", self.secrets.len()))
            .field("timeout", &self.timeout)
            .field("allow_private", &self.allow_private)
            .finish()
    }
}

/// A receiver of batches over HTTP.
///
/// A batch is one `POST` of a JSON array of its events, in order. The header `webhook-id` consists of the ids
/// of the first and the last event, so that a receiver recognises a batch that comes again. A delivery is
/// sent once; the caller decides whether and when to repeat it.
pub struct WebhookSink {
    endpoint: Endpoint,
    signer: Signer,
    client: WebhookClient,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl WebhookSink {
    /// Creates a sink for this receiver. Opens no connection.
    pub fn new(options: WebhookOptions, clock: Arc<dyn Clock>) -> Result<Self, SinkConfigError> {
        let WebhookOptions { url, secrets, timeout, allow_private } = options;
        if timeout.is_zero() {
            return Err(SinkConfigError::ZeroTimeout);
        }
        let endpoint = Endpoint::parse(&url, allow_private)?;
        let signer = Signer::new(&secrets)?;
        let client = client::client(&endpoint, timeout, allow_private)?;
        Ok(Self { endpoint, signer, client, timeout, clock })
    }

    /// Returns the request that delivers these events.
    fn request(&self, events: &[Value]) -> Result<Request<Full<Bytes>>, SinkError> {
        let id = delivery_id(events)?;
        let body = serde_json::to_vec(events)
            .map_err(|error| SinkError::unavailable_because("the events cannot be written as JSON", error))?;
        let timestamp = self.clock.now().as_millis().div_euclid(1_000);
        let signature = self.signer.sign(&id, timestamp, &body);
        Request::post(self.endpoint.uri())
            .header(CONTENT_TYPE, HeaderValue::from_static(BATCH_TYPE))
            .header(USER_AGENT, HeaderValue::from_static(AGENT))
            .header(WEBHOOK_ID, id)
            .header(WEBHOOK_TIMESTAMP, timestamp)
            .header(WEBHOOK_SIGNATURE, signature)
            .body(Full::new(body.into()))
            .map_err(|error| SinkError::unavailable_because("the request cannot be made", error))
    }
}

impl fmt::Debug for WebhookSink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WebhookSink")
            .field("endpoint", &self.endpoint)
            .field("signer", &self.signer)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Sink for WebhookSink {
    async fn sink_deliver(&self, batch: SinkBatch) -> Result<(), SinkError> {
        let deadline = Instant::now() + self.timeout;
        let request = self.request(&batch.events)?;
        let receiver = format!("the webhook {}", self.endpoint);
        let response = timeout_at(deadline, self.client.request(request))
            .await
            .map_err(|_| {
                SinkError::unavailable(format!("{receiver} did not respond within {:?}", self.timeout))
            })?
            .map_err(|error| {
                let failed = if error.is_connect() { "cannot be reached" } else { "gave no HTTP response" };
                SinkError::unavailable_because(format!("{receiver} {failed}"), error)
            })?;
        let (head, body) = response.into_parts();
        if head.status.is_success() {
            return Ok(());
        }
        let excerpt = response::read_excerpt(body, deadline).await;
        Err(response::error_of(&receiver, head.status, &head.headers, self.clock.now(), &excerpt))
    }
}

/// Returns the id of a delivery, which is the same for the same events. No event id contains `~`, so two
/// batches have the same id only if they share both ends, and since events are numbered in order, everything
/// between.
fn delivery_id(events: &[Value]) -> Result<String, SinkError> {
    let id = |event: Option<&Value>| {
        let id = event.and_then(|event| event.get("id")).and_then(Value::as_str);
        id.map(str::to_owned)
            .ok_or_else(|| SinkError::unavailable("an event has no id: it cannot be delivered"))
    };
    let (first, last) = (id(events.first())?, id(events.last())?);
    Ok(if events.len() == 1 { first } else { format!("{first}~{last}") })
}
