//! Makes drafts of searches that clients send.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::canary::{CaptureRequest, SUGGESTED_HITS, draft, query_hash};
use miroir_domain::search::SearchRequest;
use miroir_domain::{IndexUid, Timestamp};
use miroir_ports::inbound::{ApiError, ReadResponse, SearchApi};
use miroir_ports::outbound::{Clock, Create, TaskStore};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::mpsc;

use super::index_facts::IndexFacts;
use crate::alias::AliasResolver;
use tokio_util::sync::CancellationToken;

/// The longest time for which a capture waits for searches.
const MAX_DURATION: Duration = Duration::from_hours(1);
/// The capacity of the queue of captured searches. A search for which it has no space is not captured.
const QUEUE_CAPACITY: usize = 64;

/// The active captures.
pub struct Captures {
    /// True if there are active captures. Searches read nothing else while there are none.
    has_active: AtomicBool,
    /// The number of the next capture.
    next: AtomicU64,
    active: Mutex<HashMap<IndexUid, Capture>>,
    clock: Arc<dyn Clock>,
    offers: mpsc::Sender<Captured>,
}

struct Capture {
    /// Distinguishes this capture from others of the same index.
    number: u64,
    name: Option<String>,
    /// Number of drafts still to be made.
    remaining: u32,
    /// Number of searches in the queue.
    in_flight: u32,
    /// The hashes of the searches that were captured.
    seen: HashSet<u64>,
    until: Timestamp,
}

/// A search that waits in the queue to become a draft.
#[derive(Debug)]
pub struct Captured {
    capture: u64,
    name: Option<String>,
    index: IndexUid,
    request: SearchRequest,
    /// The first hits of its response.
    hits: Vec<Value>,
}

/// The outcome of a captured search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It became a draft.
    Stored,
    /// There is a canary of it already, or it cannot be a canary.
    Skipped,
    /// The store failed, so it can be captured again.
    Lost,
}

impl Captures {
    /// Makes an empty set of captures. The receiver of captured searches is for [`capture_loop`].
    pub fn new(clock: Arc<dyn Clock>) -> (Arc<Self>, mpsc::Receiver<Captured>) {
        let (offers, offered) = mpsc::channel(QUEUE_CAPACITY);
        let captures = Self {
            has_active: AtomicBool::new(false),
            next: AtomicU64::new(0),
            active: Mutex::default(),
            clock,
            offers,
        };
        (Arc::new(captures), offered)
    }

    /// Begins a capture, which replaces one of the same index. Returns the instant at which it ends at the
    /// latest.
    pub(super) fn begin(&self, request: CaptureRequest) -> Timestamp {
        let until = self.clock.now().plus(MAX_DURATION);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let CaptureRequest { index, count, name } = request;
        let capture = Capture { number, name, remaining: count, in_flight: 0, seen: HashSet::new(), until };
        let mut active = self.active.lock();
        active.insert(index, capture);
        self.has_active.store(true, Ordering::Relaxed);
        until
    }

    /// Returns whether searches of `index` are captured. Ends the captures whose time is over.
    fn accepts(&self, index: &IndexUid) -> bool {
        if !self.has_active.load(Ordering::Relaxed) {
            return false;
        }
        let now = self.clock.now();
        let mut active = self.active.lock();
        active.retain(|_, capture| now < capture.until);
        self.has_active.store(!active.is_empty(), Ordering::Relaxed);
        active.get(index).is_some_and(|capture| capture.in_flight < capture.remaining)
    }

    /// Queues a search and its response, if the capture of its index needs one more, has not seen it before,
    /// and the queue has space.
    fn offer(&self, index: IndexUid, request: SearchRequest, response: &ReadResponse) {
        let Ok(permit) = self.offers.try_reserve() else { return };
        let hash = query_hash(&index, &request);
        let mut active = self.active.lock();
        let Some(capture) = active.get_mut(&index) else { return };
        if capture.in_flight >= capture.remaining || !capture.seen.insert(hash) {
            return;
        }
        capture.in_flight += 1;
        let (number, name) = (capture.number, capture.name.clone());
        drop(active);
        let hits = response.body.get("hits").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let hits = hits.iter().take(SUGGESTED_HITS).cloned().collect();
        permit.send(Captured { capture: number, name, index, request, hits });
    }

    /// Applies the outcome of a captured search to its capture, unless that has been replaced.
    fn settle(&self, captured: &Captured, outcome: Outcome) {
        let mut active = self.active.lock();
        let Some(capture) = active.get_mut(&captured.index) else { return };
        if capture.number != captured.capture {
            return;
        }
        capture.in_flight = capture.in_flight.saturating_sub(1);
        match outcome {
            Outcome::Stored => capture.remaining = capture.remaining.saturating_sub(1),
            Outcome::Skipped => {}
            Outcome::Lost => drop(capture.seen.remove(&query_hash(&captured.index, &captured.request))),
        }
        if capture.remaining == 0 {
            active.remove(&captured.index);
            self.has_active.store(!active.is_empty(), Ordering::Relaxed);
        }
    }
}

/// Passes searches on, and offers the responses to the active captures. It never waits for a capture: a
/// search for which the queue has no space is not captured.
pub struct CaptureTap {
    inner: Arc<dyn SearchApi>,
    captures: Arc<Captures>,
}

impl CaptureTap {
    /// Makes a tap on `inner`.
    pub fn new(inner: Arc<dyn SearchApi>, captures: Arc<Captures>) -> Self {
        Self { inner, captures }
    }
}

#[async_trait]
impl SearchApi for CaptureTap {
    async fn search(&self, index: IndexUid, request: SearchRequest) -> Result<ReadResponse, ApiError> {
        if !self.captures.accepts(&index) {
            return self.inner.search(index, request).await;
        }
        let response = self.inner.search(index.clone(), request.clone()).await?;
        self.captures.offer(index, request, &response);
        Ok(response)
    }
}

/// Stores captured searches until `shutdown`.
pub async fn capture_loop(
    captures: Arc<Captures>,
    store: Arc<dyn TaskStore>,
    aliases: Arc<AliasResolver>,
    mut offered: mpsc::Receiver<Captured>,
    shutdown: CancellationToken,
) {
    loop {
        let search = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            search = offered.recv() => search,
        };
        let Some(search) = search else { return };
        let outcome = store_draft(store.as_ref(), &aliases, captures.clock.now(), &search).await;
        captures.settle(&search, outcome);
    }
}

/// Stores a captured search as a draft.
async fn store_draft(
    store: &dyn TaskStore,
    aliases: &AliasResolver,
    now: Timestamp,
    captured: &Captured,
) -> Outcome {
    let index = &captured.index;
    let facts = match IndexFacts::read(store, aliases, index).await {
        Ok(facts) => facts,
        Err(error) => {
            tracing::warn!(%index, "a captured search could not be stored: {}", miroir_ports::error_chain(&error));
            return Outcome::Lost;
        }
    };
    let drafted =
        draft(index, &captured.request, &captured.hits, facts.primary_key.as_ref(), captured.name.as_deref());
    let (id, definition) = match drafted {
        Ok(drafted) => drafted,
        Err(refusal) => {
            tracing::info!(%index, "a captured search cannot be a canary: {refusal}");
            return Outcome::Skipped;
        }
    };
    match store.canary_create(&definition.to_row(&id, now, 1)).await {
        Ok(Create::Created) => Outcome::Stored,
        Ok(Create::Exists) => Outcome::Skipped,
        Err(error) => {
            tracing::warn!(%index, "a captured search could not be stored: {}", miroir_ports::error_chain(&error));
            Outcome::Lost
        }
    }
}
