//! Makes drafts of what clients search for.

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

/// How long a capture waits for searches.
const MAX_DURATION: Duration = Duration::from_hours(1);
/// Searches on their way to becoming drafts; what does not fit is not captured.
const QUEUE_CAPACITY: usize = 64;

/// The captures that are going on.
pub struct Captures {
    /// Whether there are any: the one thing a search looks at while there are none.
    has_active: AtomicBool,
    /// The number of the next capture.
    next: AtomicU64,
    active: Mutex<HashMap<IndexUid, Capture>>,
    clock: Arc<dyn Clock>,
    offers: mpsc::Sender<Captured>,
}

struct Capture {
    /// Tells this capture from others of the same index.
    number: u64,
    name: Option<String>,
    /// Drafts still to be made.
    remaining: u32,
    /// Searches on their way to becoming drafts.
    in_flight: u32,
    /// The searches that were taken, by their hash.
    seen: HashSet<u64>,
    until: Timestamp,
}

/// A search on its way to becoming a draft.
#[derive(Debug)]
pub struct Captured {
    capture: u64,
    name: Option<String>,
    index: IndexUid,
    request: SearchRequest,
    /// The first hits of its answer.
    hits: Vec<Value>,
}

/// What became of a captured search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It is a draft.
    Stored,
    /// There was a draft of it already, or it makes none.
    Skipped,
    /// The store did not take it: it may be captured again.
    Lost,
}

impl Captures {
    /// No captures yet; what they catch is to be given to [`capture_loop`].
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

    /// Begins a capture, in the place of one of the same index. Answers when it ends at the latest.
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

    /// Whether searches of `index` are captured. Captures whose time is over end here.
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

    /// Takes an answered search if its capture still wants it and has not had it, and there is room for it.
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

/// Searches by another, and shows what it answers to the captures that are going on. It costs nothing while there are none,
/// and never waits: what a capture has no room for is not captured.
pub struct CaptureTap {
    inner: Arc<dyn SearchApi>,
    captures: Arc<Captures>,
}

impl CaptureTap {
    /// A tap on `inner`.
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

/// Stores what is captured, until `shutdown`.
pub async fn capture_loop(
    captures: Arc<Captures>,
    store: Arc<dyn TaskStore>,
    aliases: Arc<AliasResolver>,
    mut offered: mpsc::Receiver<Captured>,
    shutdown: CancellationToken,
) {
    loop {
        let search = tokio::select! {
            () = shutdown.cancelled() => return,
            search = offered.recv() => search,
        };
        let Some(search) = search else { return };
        let outcome = store_draft(store.as_ref(), &aliases, captures.clock.now(), &search).await;
        captures.settle(&search, outcome);
    }
}

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
            tracing::warn!(%index, "a captured search could not be kept: {}", miroir_ports::error_chain(&error));
            return Outcome::Lost;
        }
    };
    let drafted =
        draft(index, &captured.request, &captured.hits, facts.primary_key.as_ref(), captured.name.as_deref());
    let (id, definition) = match drafted {
        Ok(drafted) => drafted,
        Err(refusal) => {
            tracing::info!(%index, "a captured search makes no canary: {refusal}");
            return Outcome::Skipped;
        }
    };
    match store.canary_create(&definition.to_row(&id, now, 1)).await {
        Ok(Create::Created) => Outcome::Stored,
        Ok(Create::Exists) => Outcome::Skipped,
        Err(error) => {
            tracing::warn!(%index, "a captured search could not be kept: {}", miroir_ports::error_chain(&error));
            Outcome::Lost
        }
    }
}
