//! Unique ids.

use std::time::Duration;

use miroir_ports::outbound::{Clock, Ids};
use parking_lot::Mutex;
use uuid::{ContextV7, Timestamp, Uuid};

use crate::clock::SystemClock;

/// Unique ids as UUIDs of version 7: a millisecond, a counter and random bits. They grow with time, even
/// within one millisecond and after the machine's clock was set back.
#[derive(Debug)]
pub struct UuidIds {
    /// The time and counter of the last id.
    context: Mutex<ContextV7>,
}

impl UuidIds {
    /// Creates a source of ids. A process needs only one: ids of different sources are different, but only
    /// the ids of one source grow.
    pub fn new() -> Self {
        Self { context: Mutex::new(ContextV7::new()) }
    }

    #[allow(clippy::disallowed_methods, reason = "this is the one place that makes ids")]
    fn id_at(&self, seconds: u64, nanoseconds: u32) -> String {
        let context = self.context.lock();
        Uuid::new_v7(Timestamp::from_unix(&*context, seconds, nanoseconds)).to_string()
    }
}

impl Default for UuidIds {
    fn default() -> Self {
        Self::new()
    }
}

impl Ids for UuidIds {
    fn unique_id(&self) -> String {
        // A time before 1970 is replaced by 1970: the counter and the random bits still make ids unique.
        let now = u64::try_from(SystemClock.now().as_millis()).unwrap_or(0);
        let since_epoch = Duration::from_millis(now);
        self.id_at(since_epoch.as_secs(), since_epoch.subsec_nanos())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn ids_have_the_alphabet_and_length_of_the_port() {
        let id = UuidIds::new().unique_id();
        assert!((1..=64).contains(&id.len()), "{id}");
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{id}");
    }

    #[test]
    fn ids_grow_within_a_millisecond() {
        let ids = UuidIds::new();
        let made: Vec<String> = (0..10_000).map(|_| ids.unique_id()).collect();
        assert!(made.is_sorted_by(|earlier, later| earlier < later));
    }

    #[test]
    fn ids_grow_when_the_clock_is_set_back() {
        let ids = UuidIds::new();
        let made =
            [ids.id_at(2_000, 0), ids.id_at(1_000, 0), ids.id_at(1_000, 5_000_000), ids.id_at(3_000, 0)];
        assert!(made.is_sorted_by(|earlier, later| earlier < later), "{made:?}");
    }

    #[test]
    fn ids_differ_between_threads_and_sources() {
        let shared = Arc::new(UuidIds::new());
        let threads: Vec<_> = [shared.clone(), shared, Arc::new(UuidIds::new())]
            .into_iter()
            .map(|ids| std::thread::spawn(move || (0..1_000).map(|_| ids.unique_id()).collect::<Vec<_>>()))
            .collect();
        let made: HashSet<String> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(made.len(), 3_000);
    }
}
