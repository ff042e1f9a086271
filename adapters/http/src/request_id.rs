//! Request ids, in the response and in every log line of a request.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The maximum length of an id that a client sends, in bytes.
const MAX_BYTES: usize = 128;

/// A generator of ids that are unique in this process.
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

    /// Returns the id that the client sent, if it is valid. Returns a new id otherwise.
    pub(crate) fn keep_or_generate(&self, headers: &HeaderMap) -> String {
        let mut sent = headers.get_all(HEADER).iter();
        match (sent.next().and_then(valid), sent.next()) {
            (Some(id), None) => id,
            _ => format!("{}-{}", self.prefix, self.next.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

fn valid(value: &HeaderValue) -> Option<String> {
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
    fn keep_or_generate_keeps_a_valid_id() {
        let ids = RequestIds::new("p");
        assert_eq!(ids.keep_or_generate(&with(&[b"abc-1"])), "abc-1");
        assert_eq!(ids.keep_or_generate(&with(&[&[b'x'; 128]])), "x".repeat(128));
    }

    #[test]
    fn keep_or_generate_replaces_an_invalid_id() {
        let ids = RequestIds::new("p");
        let long = [b'x'; 129];
        let cases: [&[&[u8]]; 6] = [&[], &[b""], &[b"a b"], &[&long], &[b"\xff"], &[b"a", b"b"]];
        for (number, case) in cases.iter().enumerate() {
            assert_eq!(ids.keep_or_generate(&with(case)), format!("p-{}", number + 1));
        }
    }
}
