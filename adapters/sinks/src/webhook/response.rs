//! The meaning of a receiver's response.

use std::time::{Duration, UNIX_EPOCH};

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Body;
use miroir_domain::Timestamp;
use miroir_ports::outbound::SinkError;
use tokio::time::{Instant, timeout_at};

use crate::text::excerpt;

/// The longest pause that a receiver can request.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// The largest part of a body that is read, in bytes: enough to show an operator what is wrong.
const EXCERPT_BYTES: usize = 1 << 10;

/// Returns the error for a response that is not a success, from its head and an excerpt of its body.
pub(crate) fn error_of(
    receiver: &str,
    status: StatusCode,
    headers: &HeaderMap,
    now: Timestamp,
    excerpt: &str,
) -> SinkError {
    let mut reason = format!("{receiver} returned {status}");
    if status.is_redirection() {
        reason += ", which is not followed: configure the URL it should be delivered to";
    }
    if !excerpt.is_empty() {
        reason += ": ";
        reason += excerpt;
    }
    if status == StatusCode::GONE {
        return SinkError::Gone { reason };
    }
    SinkError::Unavailable { reason, retry_after: retry_after(headers, now), source: None }
}

/// Returns the pause that the receiver requests, in seconds or until a date. Returns `None` for an unreadable
/// value and for a date in the past.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that does not fit is longer than the longest pause.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        let moment = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
        Timestamp::from_millis(i64::try_from(moment.as_millis()).ok()?).since(now)
    };
    (!pause.is_zero()).then_some(pause.min(LONGEST_PAUSE))
}

/// Reads the beginning of a body until the deadline and returns it as one line.
pub(crate) async fn read_excerpt<B: Body + Unpin>(mut body: B, deadline: Instant) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < EXCERPT_BYTES {
        let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await else { break };
        if let Ok(mut data) = frame.into_data() {
            let wanted = EXCERPT_BYTES - bytes.len();
            let kept = bytes::Buf::remaining(&data).min(wanted);
            bytes.extend_from_slice(&bytes::Buf::copy_to_bytes(&mut data, kept));
        }
    }
    excerpt(&String::from_utf8_lossy(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1994-11-06T08:49:37Z, the date in the examples of RFC 9110.
    const THEN: i64 = 784_111_777_000;

    fn requested(value: &str) -> Option<Duration> {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        retry_after(&headers, Timestamp::from_millis(THEN - 30_000))
    }

    #[test]
    fn pause_is_read_as_seconds_or_date_and_has_a_bound() {
        for (value, pause) in [
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("3601", Some(3_600)),
            ("99999999999999999999999999", Some(3_600)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", None),
            ("Sun, 06 Nov 1994 08:00:00 GMT", None),
            ("Mon, 07 Nov 1994 08:49:37 GMT", Some(3_600)),
            ("0", None),
            ("-1", None),
            ("1.5", None),
            ("+5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(requested(value), pause.map(Duration::from_secs), "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), Timestamp::from_millis(THEN)), None);
    }

    #[test]
    fn status_410_alone_ends_deliveries() {
        let headers = HeaderMap::new();
        for status in 300..600 {
            let status = StatusCode::from_u16(status).unwrap();
            let error = error_of("it", status, &headers, Timestamp::from_millis(THEN), "why");
            assert_eq!(matches!(error, SinkError::Gone { .. }), status == 410, "{error:?}");
            assert!(
                error.to_string().contains(status.as_str()) && error.to_string().contains("why"),
                "{error}"
            );
        }
    }
}
