//! Operations of the tables whose rows have a version.

use std::collections::BTreeMap;
use std::ops::Bound;

use miroir_domain::row::next_version;
use miroir_ports::outbound::{Create, Put, StoreError};

/// A row that counts its changes.
pub(crate) trait Versioned {
    fn version(&self) -> u64;
    fn set_version(&mut self, version: u64);
}

macro_rules! versioned {
    ($($row:ty),* $(,)?) => {
        $(
            impl Versioned for $row {
                fn version(&self) -> u64 {
                    self.version
                }
                fn set_version(&mut self, version: u64) {
                    self.version = version;
                }
            }
        )*
    };
}

versioned!(
    miroir_domain::alias::Alias,
    miroir_domain::canary::Canary,
    miroir_domain::index::IndexEntry,
    miroir_domain::rollover::RolloverPolicy,
    miroir_domain::search_ui::SearchUiConfig,
    miroir_domain::settings::CommittedSettings,
);

/// Stores a row unless its key is taken.
pub(crate) fn create<K: Ord, V>(rows: &mut BTreeMap<K, V>, key: K, row: V) -> Create {
    if rows.contains_key(&key) {
        return Create::Exists;
    }
    rows.insert(key, row);
    Create::Created
}

/// Replaces the row of `key` if it has the version of `row`.
pub(crate) fn put<K: Ord, V: Versioned>(
    rows: &mut BTreeMap<K, V>,
    key: &K,
    mut row: V,
) -> Result<Put, StoreError> {
    match rows.get_mut(key) {
        Some(stored) if stored.version() == row.version() => {
            row.set_version(next_version(row.version())?);
            *stored = row;
            Ok(Put::Stored)
        }
        _ => Ok(Put::Conflict),
    }
}

/// Returns up to `limit` rows after the key `after`, in the order of their keys.
pub(crate) fn page<K: Ord, V: Clone>(rows: &BTreeMap<K, V>, after: Option<K>, limit: u32) -> Vec<V> {
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    rows.range((start, Bound::Unbounded)).take(limit as usize).map(|(_, row)| row.clone()).collect()
}

/// Removes up to `limit` rows that are `done` and returns their number.
pub(crate) fn purge<K: Ord + Clone, V>(
    rows: &mut BTreeMap<K, V>,
    limit: u32,
    done: impl Fn(&V) -> bool,
) -> u64 {
    let gone: Vec<K> =
        rows.iter().filter(|(_, row)| done(row)).take(limit as usize).map(|(key, _)| key.clone()).collect();
    for key in &gone {
        rows.remove(key);
    }
    gone.len() as u64
}
