//! The facts that searches need of an index's settings, cached for a moment.

use std::sync::Arc;
use std::time::Duration;

use miroir_domain::PhysicalUid;
use miroir_domain::index::IndexEntry;
use miroir_domain::search::NodeQuery;
use miroir_ports::inbound::ApiError;
use miroir_ports::outbound::NodeRead;
use serde_json::Value;

use super::whole_index::read_whole_index;
use crate::cluster::Cluster;
use crate::ttl_cache::TtlCache;

/// The time for which facts are cached. A client cannot tell a settings change that nodes apply at once
/// from one that they apply this much later.
const TTL: Duration = Duration::from_millis(500);
/// The number of indexes that are cached.
const CAPACITY: usize = 1_000;

/// A cache of `pagination`, `faceting` and `distinctAttribute` of indexes, as a node has them.
pub struct IndexFacts {
    /// The facts of an index, with the version of the registry entry that they belong to.
    cache: TtlCache<PhysicalUid, (u64, Arc<NodeQuery>)>,
}

impl Default for IndexFacts {
    fn default() -> Self {
        Self { cache: TtlCache::new(TTL, CAPACITY) }
    }
}

impl IndexFacts {
    /// Returns the facts that a search of `entry`'s index needs.
    pub async fn of(&self, cluster: &Cluster, entry: &IndexEntry) -> Result<Arc<NodeQuery>, ApiError> {
        if let Some((_, facts)) =
            self.cache.get(&entry.physical_uid).filter(|(version, _)| *version == entry.version)
        {
            return Ok(facts);
        }
        let start = self.cache.start();
        // Where no node has the settings in sync, the search itself is marked.
        let settings =
            read_whole_index(cluster, entry, NodeRead::Settings(entry.physical_uid.clone(), None)).await?;
        let facts = Arc::new(facts_of(entry, &settings.body));
        self.cache.insert(start, entry.physical_uid.clone(), (entry.version, Arc::clone(&facts)));
        Ok(facts)
    }
}

/// Returns the facts in a node's settings. Meilisearch's defaults replace values that are missing.
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
