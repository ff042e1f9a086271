//! The pace of repairs: the documents read in a second, and those written at once.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// The documents of the first request.
const FIRST: u64 = 100;
/// The most documents of a request.
const MOST: u64 = 1_000;
/// The size of a request, in bytes.
const BYTES: u64 = 4 << 20;
/// The time that a request may hold up the writes behind it. A request that takes longer makes the next one
/// smaller.
const HELD: Duration = Duration::from_millis(40);

/// The bound of the documents that all repairs together read from sources in a second.
#[derive(Debug)]
pub(super) struct Pace {
    /// The time that one document takes.
    each: Duration,
    /// The instant at which the next document may be read.
    next: Mutex<Instant>,
}

impl Pace {
    /// Creates a pace of up to `per_second` documents; 0 is without a bound.
    pub(super) fn new(per_second: u64) -> Self {
        let each =
            if per_second == 0 { Duration::ZERO } else { Duration::from_secs(1) / bounded(per_second) };
        Self { each, next: Mutex::new(Instant::now()) }
    }

    /// Waits until the documents that were read before have had their time, and counts `documents` more.
    pub(super) async fn keep(&self, documents: usize) {
        let time = self.each * bounded(documents as u64);
        let begin = {
            let mut next = self.next.lock();
            let begin = (*next).max(Instant::now());
            *next = begin + time;
            begin
        };
        tokio::time::sleep_until(begin).await;
    }
}

fn bounded(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The number of documents of the next request.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestSize(u64);

impl Default for RequestSize {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl RequestSize {
    pub(super) fn documents(self) -> usize {
        // It is MOST at most.
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Takes a request into account that wrote `documents` of `bytes` and held up later writes for `held`.
    #[must_use]
    pub(super) fn after_write(self, documents: u64, bytes: u64, held: Duration) -> Self {
        let by_time = if held > HELD { self.0.min(documents) / 2 } else { self.0 * 2 };
        Self(by_time.min(by_size(documents, bytes)).clamp(1, MOST))
    }

    /// Takes a request into account that read `documents` of `bytes`.
    #[must_use]
    pub(super) fn after_read(self, documents: u64, bytes: u64) -> Self {
        if documents == 0 { self } else { Self(by_size(documents, bytes).clamp(1, MOST)) }
    }
}

/// Returns the documents of a request of [`BYTES`], by the size of others.
fn by_size(documents: u64, bytes: u64) -> u64 {
    BYTES.saturating_mul(documents).checked_div(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pace_keeps_the_number_of_documents_in_a_second() {
        let (pace, begun) = (Pace::new(100), Instant::now());
        for _ in 0..11 {
            pace.keep(50).await;
        }
        assert_eq!(begun.elapsed().as_secs(), 5);
        let (pace, begun) = (Pace::new(0), Instant::now());
        pace.keep(1_000_000).await;
        pace.keep(1).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[test]
    fn request_that_writes_grows_while_it_is_quick_and_shrinks_when_it_is_slow_or_large() {
        let (quick, slow) = (Duration::from_millis(1), Duration::from_millis(41));
        let size = RequestSize::default();
        assert_eq!(size.after_write(100, 1_000, quick).0, 200);
        assert_eq!((0..9).fold(size, |size, _| size.after_write(1_000, 1_000, quick)).0, MOST);
        assert_eq!(size.after_write(100, 1_000, slow).0, 50);
        assert_eq!((0..9).fold(size, |size, _| size.after_write(1, 1_000, slow)).0, 1);
        assert_eq!(size.after_write(100, 40 << 20, quick).0, 10);
        assert_eq!(size.after_write(1, 1 << 30, quick).0, 1);
        assert_eq!(size.after_write(0, 0, quick).0, 200);
    }

    #[test]
    fn request_that_reads_has_as_many_documents_as_fit() {
        let size = RequestSize::default();
        assert_eq!(size.after_read(0, 0).0, FIRST);
        assert_eq!(size.after_read(100, 800 << 10).0, 512);
        assert_eq!(size.after_read(100, 1_000).0, MOST);
        assert_eq!(size.after_read(1, 1 << 30).0, 1);
    }
}
