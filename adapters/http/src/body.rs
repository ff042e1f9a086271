//! A request body: read as it comes, with a running limit, and never longer than a client may take over it.

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

/// Bytes set aside before the first byte has come, whatever `Content-Length` promises.
const RESERVE_BYTES: u64 = 1024 * 1024;
/// Most bytes read and thrown away so that a client that is still sending gets to see the answer.
const DRAIN_BYTES: usize = 64 * 1024 * 1024;
/// Longest time that takes.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// How fast a body must come on the whole, once it has had the time it may go without a byte: what comes byte by byte would
/// otherwise keep its connection for as long as the largest body may take.
pub const MIN_BODY_BYTES_PER_SECOND: u64 = 1024;

/// The pieces of a body as they arrive; an error is a body that broke off.
pub(crate) type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send>>;

/// A body that is handed on as it comes; a failure ends it.
pub(crate) type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, Failure>> + Send>>;

/// How large and how slow a body may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    pub(crate) max_bytes: u64,
    /// The longest time without a byte.
    pub(crate) stall: Duration,
    /// The longest time in all.
    pub(crate) total: Duration,
}

/// A body that has not been read yet, or in part.
///
/// Dropped before its end, it is read on in the background for a moment: closing a connection on a client that is
/// still sending would lose it the answer that says why.
pub(crate) struct Body {
    chunks: Option<Chunks>,
    declared: Option<u64>,
    /// The client waits for `100 Continue` before it sends, which is given by reading.
    awaits_continue: bool,
    limits: BodyLimits,
    done: Arc<Notify>,
    /// What others may have while the body is waited for.
    permit: Option<RequestPermit>,
}

impl Body {
    pub(crate) fn new(headers: &HeaderMap, chunks: Chunks, limits: BodyLimits) -> Self {
        let declared = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.parse().ok());
        let comes =
            declared.is_some_and(|length| length > 0) || headers.contains_key(header::TRANSFER_ENCODING);
        let awaits_continue = headers
            .get(header::EXPECT)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        let done = Arc::new(Notify::new());
        if !comes {
            done.notify_one();
        }
        Self { chunks: comes.then_some(chunks), declared, awaits_continue, limits, done, permit: None }
    }

    /// Releases `permit` while it waits for its client.
    pub(crate) fn release_while_waiting(&mut self, permit: RequestPermit) {
        self.permit = Some(permit);
    }

    /// Wakes once no more of the body will be read: from then on the time belongs to the answer.
    pub(crate) fn done(&self) -> Arc<Notify> {
        Arc::clone(&self.done)
    }

    /// The largest body there may be.
    pub(crate) fn max_bytes(&self) -> u64 {
        self.limits.max_bytes
    }

    /// The whole body.
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
                // Most bodies are one chunk, which is then not copied.
                None if joined.is_empty() => first = Some(chunk),
                None => joined.extend_from_slice(&chunk),
                Some(begin) => {
                    let begin: Bytes = begin;
                    // At most the smaller of two promises; `usize` holds a mebibyte.
                    joined.reserve(usize::try_from(declared.min(RESERVE_BYTES)).unwrap_or(0));
                    joined.extend_from_slice(&begin);
                    joined.extend_from_slice(&chunk);
                }
            }
        }
        self.end(waited)?;
        Ok(first.unwrap_or_else(|| joined.freeze()))
    }

    /// Whether there is nothing to read.
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_none()
    }

    /// The body piece by piece, under the same limits.
    pub(crate) fn into_pieces(mut self) -> Pieces {
        self.awaits_continue = false;
        let started = Instant::now();
        let first =
            (self.declared.unwrap_or(0) > self.limits.max_bytes).then(|| too_large(self.limits.max_bytes));
        let pieces = unfold(Some((self, 0_u64, false)), move |state| async move {
            let (mut body, read, mut waited) = state?;
            match body.next(started, read, &mut waited).await {
                Ok(None) => body.end(waited).err().map(|failure| (Err(failure), None)),
                Ok(Some(piece)) => {
                    let read = read + piece.len() as u64;
                    if read > body.limits.max_bytes {
                        return Some((Err(too_large(body.limits.max_bytes)), None));
                    }
                    Some((Ok(piece), Some((body, read, waited))))
                }
                Err(failure) => Some((Err(failure), None)),
            }
        });
        match first {
            Some(failure) => Box::pin(iter([Err(failure)])),
            None => Box::pin(pieces),
        }
    }

    /// All of it was read. A request that waited for its client needs a place again.
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
                // It had its time: nothing is read on in the background.
                self.chunks = None;
                let (stall, total) = (self.limits.stall.as_millis(), self.limits.total.as_millis());
                Err(Failure::body_too_slow(format!(
                    "The body did not arrive: {read} bytes came, and the rest was waited for in vain. A body may rest for {stall} ms and fall as much behind {MIN_BODY_BYTES_PER_SECOND} bytes a second, and has {total} ms in all."
                )))
            }
        }
    }
}

impl BodyLimits {
    /// Until when the next byte is waited for, of a body that was `started` and of which so much was `read`.
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

    fn pieces(pieces: &'static [&'static str]) -> Chunks {
        Box::pin(stream::iter(pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes())))))
    }

    #[tokio::test]
    async fn read_joins_the_pieces() {
        for (all, whole) in
            [(&[][..], ""), (&["abc"], "abc"), (&["a", "", "b", "cd"], "abcd"), (&["", "x"], "x")]
        {
            assert_eq!(body(None, pieces(all)).read().await.unwrap(), whole, "{all:?}");
        }
    }

    #[tokio::test]
    async fn read_takes_what_just_fits_and_refuses_one_byte_more() {
        assert!(body(None, pieces(&["12345", "67890"])).read().await.is_ok());
        let failure = body(None, pieces(&["12345", "678901"])).read().await.unwrap_err();
        assert_eq!(failure.status.as_u16(), 413);
    }

    #[tokio::test]
    async fn read_refuses_by_the_declared_length_before_a_byte_comes() {
        let failure = body(Some("11"), Box::pin(stream::pending())).read().await.unwrap_err();
        assert_eq!(failure.status.as_u16(), 413);
    }

    #[tokio::test(start_paused = true)]
    async fn read_gives_up_on_a_body_that_stalls() {
        let stalled = pieces(&["12"]).chain(stream::pending());
        let failure = body(Some("5"), Box::pin(stalled)).read().await.unwrap_err();
        assert_eq!(failure.status.as_u16(), 408);
        assert!(failure.error.message.contains("2 bytes came"), "{}", failure.error.message);
    }

    #[tokio::test(start_paused = true)]
    async fn read_gives_up_on_a_body_that_trickles() {
        let trickle = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            Some((Ok(Bytes::from_static(b"x")), ()))
        });
        let failure = body(None, Box::pin(trickle)).read().await.unwrap_err();
        assert_eq!(failure.status.as_u16(), 408);
        assert!(failure.error.message.contains("1 bytes came"), "{}", failure.error.message);
    }

    #[tokio::test(start_paused = true)]
    async fn read_gives_a_body_that_keeps_up_its_whole_time_and_no_more() {
        let steady = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            Some((Ok(Bytes::from_static(&[b'x'; 3000])), ()))
        });
        let mut slow = body(None, Box::pin(steady));
        slow.limits.max_bytes = u64::MAX;
        let failure = slow.read().await.unwrap_err();
        assert_eq!(failure.status.as_u16(), 408);
        assert!(failure.error.message.contains("12000 bytes came"), "{}", failure.error.message);
    }

    #[tokio::test(start_paused = true)]
    async fn done_wakes_when_the_body_is_read_or_dropped_or_absent() {
        let mut read = body(None, pieces(&["x"]));
        let done = read.done();
        read.read().await.unwrap();
        done.notified().await;

        let dropped = body(None, pieces(&["x"]));
        let done = dropped.done();
        drop(dropped);
        done.notified().await;

        body(Some("0"), pieces(&[])).done().notified().await;
    }
}
