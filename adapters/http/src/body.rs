//! Request bodies: read in chunks, with limits on their size and on the time they take.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{iter, unfold};
use futures_util::{FutureExt, Stream, StreamExt};
use http::{HeaderMap, header};
use miroir_domain::error::ErrorCode;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::content::too_large;
use crate::error::Failure;
use crate::request_permit::RequestPermit;

/// The most bytes reserved before the body has arrived, whatever `Content-Length` declares.
const RESERVE_BYTES: u64 = 1024 * 1024;
/// The most bytes read and discarded so that a client that is still sending receives the response.
const DRAIN_BYTES: usize = 64 * 1024 * 1024;
/// The maximum time spent on discarding.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// The minimum rate of a body, apart from the time that it may go without a byte. Without a minimum, a body
/// that arrives byte by byte would keep its connection for as long as the largest body may take.
pub const MIN_BODY_BYTES_PER_SECOND: u64 = 1024;

/// The chunks of a body as they arrive. An error means that the body broke off.
pub(crate) type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send>>;

/// The chunks of a body that is forwarded as it arrives. A failure ends it.
pub(crate) type LimitedChunks = Pin<Box<dyn Stream<Item = Result<Bytes, Failure>> + Send>>;

/// Limits on the size and the time of a body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    pub(crate) max_bytes: u64,
    /// The maximum time without a byte.
    pub(crate) stall: Duration,
    /// The maximum time of the whole body.
    pub(crate) total: Duration,
}

/// A body that is not read, or not to its end.
///
/// A body dropped before its end is drained in the background for a moment: if the connection were closed
/// while the client is still sending, the client would lose the response with the reason.
pub(crate) struct Body {
    chunks: Option<Chunks>,
    declared: Option<u64>,
    /// True if the client waits for `100 Continue` before it sends. Reading the body sends it.
    awaits_continue: bool,
    limits: BodyLimits,
    done: Arc<Notify>,
    /// The permit of the request, which is released while Miroir waits for the body.
    permit: Option<RequestPermit>,
}

impl Body {
    pub(crate) fn new(headers: &HeaderMap, chunks: Chunks, limits: BodyLimits) -> Self {
        let declared = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.parse().ok());
        let has_body =
            declared.is_some_and(|length| length > 0) || headers.contains_key(header::TRANSFER_ENCODING);
        let awaits_continue = headers
            .get(header::EXPECT)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        let done = Arc::new(Notify::new());
        if !has_body {
            done.notify_one();
        }
        Self { chunks: has_body.then_some(chunks), declared, awaits_continue, limits, done, permit: None }
    }

    /// Releases `permit` whenever reading waits for the client.
    pub(crate) fn release_while_waiting(&mut self, permit: RequestPermit) {
        self.permit = Some(permit);
    }

    /// Returns a notification that fires once no more of the body will be read. From then on the time limit
    /// of the response runs.
    pub(crate) fn done(&self) -> Arc<Notify> {
        Arc::clone(&self.done)
    }

    /// Returns the maximum size of the body.
    pub(crate) fn max_bytes(&self) -> u64 {
        self.limits.max_bytes
    }

    /// Reads the whole body.
    pub(crate) async fn read(&mut self) -> Result<Bytes, Failure> {
        let limit = self.limits.max_bytes;
        let declared = self.declared.unwrap_or(0);
        if declared > limit {
            return Err(too_large(limit));
        }
        self.awaits_continue = false;
        let started = Instant::now();
        let mut waited = false;
        let mut first = None;
        let mut joined = BytesMut::new();
        let mut read: u64 = 0;
        while let Some(chunk) = self.next(started, read, &mut waited).await? {
            read += chunk.len() as u64;
            if read > limit {
                return Err(too_large(limit));
            }
            match first.take() {
                // Most bodies are a single chunk, which is not copied.
                None if joined.is_empty() => first = Some(chunk),
                None => joined.extend_from_slice(&chunk),
                Some(begin) => {
                    let begin: Bytes = begin;
                    // The minimum is at most a mebibyte, so it fits into `usize`.
                    joined.reserve(usize::try_from(declared.min(RESERVE_BYTES)).unwrap_or(0));
                    joined.extend_from_slice(&begin);
                    joined.extend_from_slice(&chunk);
                }
            }
        }
        self.end(waited)?;
        Ok(first.unwrap_or_else(|| joined.freeze()))
    }

    /// Returns whether there is nothing to read.
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_none()
    }

    /// Returns the chunks of the body, under the same limits as [`Body::read`].
    pub(crate) fn into_chunks(mut self) -> LimitedChunks {
        self.awaits_continue = false;
        let started = Instant::now();
        let first =
            (self.declared.unwrap_or(0) > self.limits.max_bytes).then(|| too_large(self.limits.max_bytes));
        let chunks = unfold(Some((self, 0_u64, false)), move |state| async move {
            let (mut body, read, mut waited) = state?;
            match body.next(started, read, &mut waited).await {
                Ok(None) => body.end(waited).err().map(|failure| (Err(failure), None)),
                Ok(Some(chunk)) => {
                    let read = read + chunk.len() as u64;
                    if read > body.limits.max_bytes {
                        return Some((Err(too_large(body.limits.max_bytes)), None));
                    }
                    Some((Ok(chunk), Some((body, read, waited))))
                }
                Err(failure) => Some((Err(failure), None)),
            }
        });
        match first {
            Some(failure) => Box::pin(iter([Err(failure)])),
            None => Box::pin(chunks),
        }
    }

    /// Ends a body that was read completely. A request that waited for its client needs a permit again.
    fn end(&mut self, waited: bool) -> Result<(), Failure> {
        self.chunks = None;
        if let Some(permit) = self.permit.as_ref().filter(|_| waited) {
            permit.reacquire()?;
        }
        self.done.notify_one();
        Ok(())
    }

    async fn next(
        &mut self,
        started: Instant,
        read: u64,
        waited: &mut bool,
    ) -> Result<Option<Bytes>, Failure> {
        let Some(chunks) = self.chunks.as_mut() else { return Ok(None) };
        let ready = chunks.next().now_or_never();
        let next = if let Some(next) = ready {
            Ok(next)
        } else {
            if let Some(permit) = &self.permit {
                permit.release();
            }
            *waited = true;
            timeout_at(self.limits.next_byte_deadline(started, read), chunks.next()).await
        };
        match next {
            Ok(None) => Ok(None),
            Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
            Ok(Some(Err(error))) => {
                self.chunks = None;
                tracing::debug!(target: "miroir::http", %error, read, "a body broke off");
                let message = format!("The body broke off after {read} bytes, or is not properly chunked.");
                Err(Failure::refused(ErrorCode::BadRequest, message))
            }
            Err(_) => {
                // Its time is over, so it is not drained in the background.
                self.chunks = None;
                let (stall, total) = (self.limits.stall.as_millis(), self.limits.total.as_millis());
                Err(Failure::body_too_slow(format!(
                    "The body did not arrive in time: only {read} bytes were received. A body may pause for {stall} ms, may fall behind {MIN_BODY_BYTES_PER_SECOND} bytes per second by as much, and must be complete within {total} ms."
                )))
            }
        }
    }
}

impl BodyLimits {
    /// Returns the instant by which the next byte must arrive, for a body that began at `started` and has
    /// `read` bytes.
    fn next_byte_deadline(&self, started: Instant, read: u64) -> Instant {
        let paced = Duration::from_millis(read.saturating_mul(1_000) / MIN_BODY_BYTES_PER_SECOND);
        let byte_by = Instant::now() + self.stall;
        let pace_by = started + self.stall.saturating_add(paced).min(self.total);
        byte_by.min(pace_by)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.done.notify_one();
        let Some(chunks) = self.chunks.take() else { return };
        if self.awaits_continue {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(DRAIN_TIME, drain(chunks)));
        }
    }
}

async fn drain(mut chunks: Chunks) {
    let mut left = DRAIN_BYTES;
    while let Some(Ok(chunk)) = chunks.next().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http::HeaderValue;

    use super::*;

    const LIMITS: BodyLimits =
        BodyLimits { max_bytes: 10, stall: Duration::from_secs(3), total: Duration::from_secs(8) };

    fn body(declared: Option<&str>, chunks: Chunks) -> Body {
        let mut headers = HeaderMap::new();
        match declared {
            Some(length) => headers.insert(header::CONTENT_LENGTH, HeaderValue::from_str(length).unwrap()),
            None => headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked")),
        };
        Body::new(&headers, chunks, LIMITS)
    }

    fn chunks(chunks: &'static [&'static str]) -> Chunks {
        Box::pin(stream::iter(chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes())))))
    }

    #[tokio::test]
    async fn read_joins_the_chunks() {
        for (all, whole) in
            [(&[][..], ""), (&["abc"], "abc"), (&["a", "", "b", "cd"], "abcd"), (&["", "x"], "x")]
        {
            assert_eq!(body(None, chunks(all)).read().await.unwrap(), whole, "{all:?}");
        }
    }

    #[tokio::test]
    async fn read_accepts_a_body_of_the_maximum_size_and_refuses_one_byte_more() {
        assert!(body(None, chunks(&["12345", "67890"])).read().await.is_ok());
        let failure = body(None, chunks(&["12345", "678901"])).read().await.unwrap_err();
        assert_eq!(failure.status.as_u16(), 413);
    }

    #[tokio::test]
    async fn read_refuses_a_declared_length_over_the_limit_before_any_byte_arrives() {
        let failure = body(Some("11"), Box::pin(stream::pending())).read().await.unwrap_err();
        assert_eq!(failure.status.as_u16(), 413);
    }

    #[tokio::test(start_paused = true)]
    async fn read_times_out_if_the_body_stalls() {
        let stalled = chunks(&["12"]).chain(stream::pending());
        let failure = body(Some("5"), Box::pin(stalled)).read().await.unwrap_err();
        assert_eq!(failure.status.as_u16(), 408);
        assert!(failure.error.message.contains("only 2 bytes"), "{}", failure.error.message);
    }

    #[tokio::test(start_paused = true)]
    async fn read_times_out_if_the_body_is_too_slow() {
        let trickle = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            Some((Ok(Bytes::from_static(b"x")), ()))
        });
        let failure = body(None, Box::pin(trickle)).read().await.unwrap_err();
        assert_eq!(failure.status.as_u16(), 408);
        assert!(failure.error.message.contains("only 1 bytes"), "{}", failure.error.message);
    }

    #[tokio::test(start_paused = true)]
    async fn read_times_out_a_steady_body_after_the_total_time_only() {
        let steady = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            Some((Ok(Bytes::from_static(&[b'x'; 3000])), ()))
        });
        let mut slow = body(None, Box::pin(steady));
        slow.limits.max_bytes = u64::MAX;
        let failure = slow.read().await.unwrap_err();
        assert_eq!(failure.status.as_u16(), 408);
        assert!(failure.error.message.contains("only 12000 bytes"), "{}", failure.error.message);
    }

    #[tokio::test(start_paused = true)]
    async fn done_fires_if_the_body_is_read_or_dropped_or_absent() {
        let mut read = body(None, chunks(&["x"]));
        let done = read.done();
        read.read().await.unwrap();
        done.notified().await;

        let dropped = body(None, chunks(&["x"]));
        let done = dropped.done();
        drop(dropped);
        done.notified().await;

        body(Some("0"), chunks(&[])).done().notified().await;
    }
}
