//! What searches need of an index's settings, remembered for a moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use miroir_domain::IndexUid;
use miroir_domain::index::IndexEntry;
use miroir_domain::search::NodeQuery;
use miroir_ports::inbound::ApiError;
use miroir_ports::outbound::NodeRead;
use serde_json::Value;
use tokio::time::Instant;

use super::read::read_first;
use crate::cluster::Cluster;

/// A settings change shows in searches after its node tasks are done; nobody can tell it from one done this much
/// later.
const FRESH: Duration = Duration::from_millis(500);
/// Indexes remembered; beyond it those no longer fresh are dropped.
const REMEMBERED: usize = 1_000;

/// Reads `pagination`, `faceting` and `distinctAttribute` of an index from a node, at most once a moment.
pub struct IndexFacts {
    cluster: Arc<Cluster>,
    known: Mutex<HashMap<IndexUid, Known>>,
}

/// Facts as of an instant and a version of the registry entry.
struct Known {
    read_at: Instant,
    entry_version: u64,
    facts: Arc<NodeQuery>,
}

impl IndexFacts {
    /// Nothing known yet.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster, known: Mutex::default() }
    }

    /// What a search of `entry`'s index needs to know.
    pub async fn of(&self, entry: &IndexEntry) -> Result<Arc<NodeQuery>, ApiError> {
        if let Some(facts) = self.fresh(entry) {
            return Ok(facts);
        }
        let nodes = self.cluster.topology.nodes();
        let read = NodeRead::Settings(entry.uid.clone(), None);
        let settings =
            read_first(&self.cluster, Some(&entry.uid), nodes, read, self.cluster.timeouts.read).await?;
        let facts = Arc::new(facts_of(entry, &settings));
        self.remember(entry, Arc::clone(&facts));
        Ok(facts)
    }

    fn fresh(&self, entry: &IndexEntry) -> Option<Arc<NodeQuery>> {
        // The map is valid after every statement, so a panic elsewhere cannot have left it half changed.
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(&entry.uid)?;
        let fresh = known.read_at.elapsed() < FRESH && known.entry_version == entry.version;
        fresh.then(|| Arc::clone(&known.facts))
    }

    fn remember(&self, entry: &IndexEntry, facts: Arc<NodeQuery>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.retain(|_, known| known.read_at.elapsed() < FRESH);
        }
        known.insert(
            entry.uid.clone(),
            Known { read_at: Instant::now(), entry_version: entry.version, facts },
        );
    }
}

/// Meilisearch's defaults stand in for what a node did not say.
fn facts_of(entry: &IndexEntry, settings: &Value) -> NodeQuery {
    const MAX_TOTAL_HITS: u64 = 1_000;
    const MAX_VALUES_PER_FACET: u64 = 100;
    let number = |pointer: &str| settings.pointer(pointer).and_then(Value::as_u64);
    NodeQuery {
        primary_key: entry.primary_key.clone(),
        distinct_attribute: settings.get("distinctAttribute").and_then(Value::as_str).map(str::to_owned),
        max_total_hits: number("/pagination/maxTotalHits").unwrap_or(MAX_TOTAL_HITS),
        max_values_per_facet: number("/faceting/maxValuesPerFacet").unwrap_or(MAX_VALUES_PER_FACET),
        sort_facet_values_by: settings
            .pointer("/faceting/sortFacetValuesBy")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default(),
    }
}
