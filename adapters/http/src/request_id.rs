//! The name of one request, in its answer and in every log line it causes.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id a client may bring, in bytes.
const MAX_BYTES: usize = 128;

/// Makes ids that no other request of this process has.
#[derive(Debug)]
pub(crate) struct RequestIds {
    prefix: String,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new(prefix: &str) -> Self {
        let prefix: String = prefix.chars().filter(char::is_ascii_graphic).take(64).collect();
        Self { prefix, next: AtomicU64::new(1) }
    }

    /// The client's id where it sent one sane one, else a new one.
    pub(crate) fn keep_or_make(&self, headers: &HeaderMap) -> String {
        let mut sent = headers.get_all(HEADER).iter();
        match (sent.next().and_then(sane), sent.next()) {
            (Some(id), None) => id,
            _ => format!("{}-{}", self.prefix, self.next.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

fn sane(value: &HeaderValue) -> Option<String> {
    let bytes = value.as_bytes();
    let fits = (1..=MAX_BYTES).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    fits.then(|| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn keeps_a_sane_id() {
        let ids = RequestIds::new("p");
        assert_eq!(ids.keep_or_make(&with(&[b"abc-1"])), "abc-1");
        assert_eq!(ids.keep_or_make(&with(&[&[b'x'; 128]])), "x".repeat(128));
    }

    #[test]
    fn makes_an_id_where_the_sent_one_is_not_sane() {
        let ids = RequestIds::new("p");
        let long = [b'x'; 129];
        let cases: [&[&[u8]]; 6] = [&[], &[b""], &[b"a b"], &[&long], &[b"\xff"], &[b"a", b"b"]];
        for (number, case) in cases.iter().enumerate() {
            assert_eq!(ids.keep_or_make(&with(case)), format!("p-{}", number + 1));
        }
    }
}
