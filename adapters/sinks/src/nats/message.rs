//! An event as a message, and what a server's refusal means.

use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::{HeaderMap, ServerInfo};
use serde_json::Value;

use crate::text::causes;

/// By which the server knows a message that comes again.
const MESSAGE_ID: &str = "Nats-Msg-Id";
/// What `CloudEvents` over NATS say about a message that is a whole event.
const EVENT_TYPE: &str = "application/cloudevents+json";

/// One event, ready to be sent.
pub(crate) struct EventMessage {
    pub id: String,
    pub subject: String,
    pub publish: PublishMessage,
    /// Bytes of headers and body, as the server counts them.
    bytes: usize,
}

impl EventMessage {
    /// The message of an event on this subject.
    pub(crate) fn new(subject: &str, event: &Value) -> Result<Self, String> {
        let id = event.get("id").and_then(Value::as_str);
        let id = id.filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic()));
        let id = id.ok_or("an event has no id that a header can carry: it cannot be delivered")?.to_owned();
        let body = serde_json::to_vec(event).map_err(|error| causes(&error))?;
        let headers = [(MESSAGE_ID, id.as_str()), ("Content-Type", EVENT_TYPE)];
        // `NATS/1.0`, each header as `name: value`, and an empty line, every line ended by two bytes.
        let head_bytes = 12 + headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>();
        let bytes = head_bytes + body.len();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(name, value);
        }
        let publish = PublishMessage::build().payload(body.into()).headers(map);
        Ok(Self { id, subject: subject.to_owned(), publish, bytes })
    }

    /// Why it is too large for a server that takes messages of at most `limit` bytes.
    pub(crate) fn excess(&self, limit: usize) -> Option<String> {
        (self.bytes > limit)
            .then(|| too_large(&self.id, &format!("it has {} bytes, the server takes {limit}", self.bytes)))
    }
}

fn too_large(id: &str, detail: &str) -> String {
    format!(
        "event {id} is larger than the NATS server takes ({detail}): raise `max_payload` of the server, or send events \
         without document bodies"
    )
}

/// Why an event was not even sent, for people.
pub(crate) fn unsent(id: &str, servers: &str, error: &PublishError) -> String {
    match error.kind() {
        PublishErrorKind::MaxPayloadExceeded => too_large(id, &causes(error)),
        PublishErrorKind::TimedOut => format!("the NATS server {servers} did not read event {id} in time"),
        // The subject is legal and there is room for every confirmation: what is left is that the client has ended.
        _ => format!("the connection to the NATS server {servers} was lost before event {id} was sent"),
    }
}

/// Why an event was not stored, for people. `prefix` is what the subjects of the sink begin with.
pub(crate) fn refusal(
    id: &str,
    servers: &str,
    prefix: &str,
    error: &PublishError,
    server: &ServerInfo,
) -> String {
    match error.kind() {
        PublishErrorKind::StreamNotFound => {
            let hint = if server.jetstream { "" } else { " (JetStream is not enabled on the server)" };
            format!(
                "no stream of JetStream takes event {id}: create a stream for `{prefix}.>`, for instance with `nats \
                 stream add --subjects '{prefix}.>'`{hint}"
            )
        }
        PublishErrorKind::TimedOut => format!("the NATS server {servers} did not confirm event {id} in time"),
        PublishErrorKind::BrokenPipe => {
            format!("the connection to the NATS server {servers} was lost before it confirmed event {id}")
        }
        _ => format!("the NATS server {servers} did not store event {id}: {}", causes(error)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn message_carries_the_id_of_the_event() {
        let message = EventMessage::new("a.films", &json!({"id": "films:7"})).unwrap();
        assert_eq!((message.id.as_str(), message.subject.as_str()), ("films:7", "a.films"));
    }

    #[test]
    fn event_without_a_usable_id_is_refused() {
        for event in [json!({}), json!({"id": 7}), json!({"id": ""}), json!({"id": "a\r\nb"}), json!("x")] {
            assert!(EventMessage::new("a.films", &event).is_err(), "{event}");
        }
    }

    #[test]
    fn size_is_counted_with_headers() {
        let message = EventMessage::new("a.films", &json!({"id": "films:7"})).unwrap();
        let wire = "NATS/1.0\r\nNats-Msg-Id: films:7\r\nContent-Type: application/cloudevents+json\r\n\r\n";
        let bytes = wire.len() + r#"{"id":"films:7"}"#.len();
        assert_eq!(message.excess(bytes), None);
        let reason = message.excess(bytes - 1).unwrap();
        assert!(reason.contains("films:7") && reason.contains("max_payload"), "{reason}");
    }
}
