//! Events as messages, and the meaning of a server's refusal.

use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::{HeaderMap, ServerInfo};
use miroir_ports::outbound::SinkError;
use serde_json::Value;

/// The header by which the server recognises a message that comes again.
const MESSAGE_ID: &str = "Nats-Msg-Id";
/// The content type of a message that is a whole event, as defined by `CloudEvents` for NATS.
const EVENT_TYPE: &str = "application/cloudevents+json";

/// One event, ready to be sent.
pub(crate) struct EventMessage {
    pub id: String,
    pub subject: String,
    pub publish: PublishMessage,
    /// The size of headers and body, as the server counts it.
    bytes: usize,
}

impl EventMessage {
    /// Creates the message of an event on this subject.
    pub(crate) fn new(subject: &str, event: &Value) -> Result<Self, SinkError> {
        let id = event.get("id").and_then(Value::as_str);
        let id = id.filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic()));
        let no_id =
            || SinkError::unavailable("an event has no id that a header can carry: it cannot be delivered");
        let id = id.ok_or_else(no_id)?.to_owned();
        let unwritten =
            |error| SinkError::unavailable_because(format!("event {id} cannot be written as JSON"), error);
        let body = serde_json::to_vec(event).map_err(unwritten)?;
        let headers = [(MESSAGE_ID, id.as_str()), ("Content-Type", EVENT_TYPE)];
        // `NATS/1.0`, each header as `name: value`, and an empty line. Two bytes end every line.
        let head_bytes = 12 + headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>();
        let bytes = head_bytes + body.len();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(name, value);
        }
        let publish = PublishMessage::build().payload(body.into()).headers(map);
        Ok(Self { id, subject: subject.to_owned(), publish, bytes })
    }

    /// Returns an error if it is too large for a server that takes messages of at most `limit` bytes.
    pub(crate) fn check_size(&self, limit: usize) -> Result<(), SinkError> {
        if self.bytes > limit {
            let size = format!("it has {} bytes, the server takes {limit}", self.bytes);
            return Err(SinkError::unavailable_because(too_large(&self.id), size));
        }
        Ok(())
    }
}

fn too_large(id: &str) -> String {
    format!(
        "event {id} is larger than the NATS server takes: raise `max_payload` of the server, or send events without \
         document bodies"
    )
}

/// Returns the error for an event that was not sent. `complaint` is added to its description.
pub(crate) fn unsent(id: &str, servers: &str, error: PublishError, complaint: &str) -> SinkError {
    match error.kind() {
        PublishErrorKind::MaxPayloadExceeded => {
            SinkError::unavailable_because(too_large(id) + complaint, error)
        }
        PublishErrorKind::TimedOut => SinkError::unavailable(format!(
            "the NATS server {servers} did not read event {id} in time{complaint}"
        )),
        // The subject is legal and every message has room for its confirmation, so the client must have
        // ended.
        _ => SinkError::unavailable(format!(
            "the connection to the NATS server {servers} was lost before event {id} was sent{complaint}"
        )),
    }
}

/// Returns the error for an event that was sent and not stored. `complaint` is added to its description;
/// `prefix` is the beginning of the sink's subjects.
pub(crate) fn refusal(
    id: &str,
    servers: &str,
    prefix: &str,
    error: PublishError,
    server: &ServerInfo,
    complaint: &str,
) -> SinkError {
    match error.kind() {
        PublishErrorKind::StreamNotFound => {
            let hint = if server.jetstream { "" } else { " (JetStream is not enabled on the server)" };
            SinkError::unavailable(format!(
                "no stream of JetStream takes event {id}: create a stream for `{prefix}.>`, for instance with `nats \
                 stream add --subjects '{prefix}.>'`{hint}{complaint}"
            ))
        }
        PublishErrorKind::TimedOut => SinkError::unavailable(format!(
            "the NATS server {servers} did not confirm event {id} in time{complaint}"
        )),
        PublishErrorKind::BrokenPipe => SinkError::unavailable(format!(
            "the connection to the NATS server {servers} was lost before it confirmed event {id}{complaint}"
        )),
        _ => SinkError::unavailable_because(
            format!("the NATS server {servers} did not store event {id}{complaint}"),
            error,
        ),
    }
}

#[cfg(test)]
mod tests {
    use miroir_ports::error_chain;
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
        message.check_size(bytes).unwrap();
        let reason = error_chain(&message.check_size(bytes - 1).unwrap_err());
        assert!(reason.contains("films:7") && reason.contains("max_payload"), "{reason}");
    }
}
