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
const LONGEST: Duration = Duration::from_hours(1);
/// Searches on their way to becoming drafts; what does not fit is not captured.
const QUEUED: usize = 64;

/// The captures that are going on.
pub struct Captures {
    /// Whether there are any: the one thing a search looks at while there are none.
    any: AtomicBool,
    /// The number of the next capture.
    next: AtomicU64,
    going_on: Mutex<HashMap<IndexUid, Capture>>,
    clock: Arc<dyn Clock>,
    offers: mpsc::Sender<Captured>,
}

struct Capture {
    /// Tells this capture from others of the same index.
    number: u64,
    name: Option<String>,
    /// Drafts still to be made.
    wanted: u32,
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
enum Fate {
    /// It is a draft.
    Stored,
    /// There was a draft of it already, or it makes none.
    Passed,
    /// The store did not take it: it may be captured again.
    Lost,
}

impl Captures {
    /// No captures yet; what they catch is to be given to [`capture_loop`].
    pub fn new(clock: Arc<dyn Clock>) -> (Arc<Self>, mpsc::Receiver<Captured>) {
        let (offers, offered) = mpsc::channel(QUEUED);
        let captures = Self {
            any: AtomicBool::new(false),
            next: AtomicU64::new(0),
            going_on: Mutex::default(),
            clock,
            offers,
        };
        (Arc::new(captures), offered)
    }

    /// Begins a capture, in the place of one of the same index. Answers when it ends at the latest.
    pub(super) fn begin(&self, request: CaptureRequest) -> Timestamp {
        let until = self.clock.now().plus(LONGEST);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let CaptureRequest { index, count, name } = request;
        let capture = Capture { number, name, wanted: count, in_flight: 0, seen: HashSet::new(), until };
        let mut going_on = self.going_on.lock();
        going_on.insert(index, capture);
        self.any.store(true, Ordering::Relaxed);
        until
    }

    /// Whether searches of `index` are captured. Captures whose time is over end here.
    fn wants(&self, index: &IndexUid) -> bool {
        if !self.any.load(Ordering::Relaxed) {
            return false;
        }
        let now = self.clock.now();
        let mut going_on = self.going_on.lock();
        going_on.retain(|_, capture| now < capture.until);
        self.any.store(!going_on.is_empty(), Ordering::Relaxed);
        going_on.get(index).is_some_and(|capture| capture.in_flight < capture.wanted)
    }

    /// Takes an answered search if its capture still wants it and has not had it, and there is room for it.
    fn offer(&self, index: IndexUid, request: SearchRequest, answer: &ReadResponse) {
        let Ok(room) = self.offers.try_reserve() else { return };
        let hash = query_hash(&index, &request);
        let mut going_on = self.going_on.lock();
        let Some(capture) = going_on.get_mut(&index) else { return };
        if capture.in_flight >= capture.wanted || !capture.seen.insert(hash) {
            return;
        }
        capture.in_flight += 1;
        let (number, name) = (capture.number, capture.name.clone());
        drop(going_on);
        let hits = answer.body.get("hits").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let hits = hits.iter().take(SUGGESTED_HITS).cloned().collect();
        room.send(Captured { capture: number, name, index, request, hits });
    }

    fn settle(&self, captured: &Captured, fate: Fate) {
        let mut going_on = self.going_on.lock();
        let Some(capture) = going_on.get_mut(&captured.index) else { return };
        if capture.number != captured.capture {
            return;
        }
        capture.in_flight = capture.in_flight.saturating_sub(1);
        match fate {
            Fate::Stored => capture.wanted = capture.wanted.saturating_sub(1),
            Fate::Passed => {}
            Fate::Lost => drop(capture.seen.remove(&query_hash(&captured.index, &captured.request))),
        }
        if capture.wanted == 0 {
            going_on.remove(&captured.index);
            self.any.store(!going_on.is_empty(), Ordering::Relaxed);
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
        if !self.captures.wants(&index) {
            return self.inner.search(index, request).await;
        }
        let answer = self.inner.search(index.clone(), request.clone()).await?;
        self.captures.offer(index, request, &answer);
        Ok(answer)
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
        let fate = keep(store.as_ref(), &aliases, captures.clock.now(), &search).await;
        captures.settle(&search, fate);
    }
}

async fn keep(store: &dyn TaskStore, aliases: &AliasResolver, now: Timestamp, captured: &Captured) -> Fate {
    let index = &captured.index;
    let facts = match IndexFacts::read(store, aliases, index).await {
        Ok(facts) => facts,
        Err(error) => {
            tracing::warn!(%index, "a captured search could not be kept: {}", miroir_ports::error_chain(&error));
            return Fate::Lost;
        }
    };
    let drafted =
        draft(index, &captured.request, &captured.hits, facts.primary_key.as_ref(), captured.name.as_deref());
    let (id, definition) = match drafted {
        Ok(drafted) => drafted,
        Err(refusal) => {
            tracing::info!(%index, "a captured search makes no canary: {refusal}");
            return Fate::Passed;
        }
    };
    match store.canary_create(&definition.to_row(&id, now, 1)).await {
        Ok(Create::Created) => Fate::Stored,
        Ok(Create::Exists) => Fate::Passed,
        Err(error) => {
            tracing::warn!(%index, "a captured search could not be kept: {}", miroir_ports::error_chain(&error));
            Fate::Lost
        }
    }
}
