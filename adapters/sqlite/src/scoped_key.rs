//! Scoped search keys, and the instances that have observed them.

use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::row::check_positive;
use miroir_domain::search_ui::{SCOPED_KEY_SILENCE_MS, ScopedKey};
use miroir_domain::{IndexUid, Timestamp};
use miroir_ports::outbound::{Put, ScopedKeyObservation, ScopedKeyTable, StoreError};
use rusqlite::Connection;

use crate::error::Failure;
use crate::row::{Column, Reader, Row};
use crate::statement::{all, change, changed, one};
use crate::store::SqliteStore;

// The columns of `scoped_key_get.sql`.
const INDEX_UID: Column = Column(0, "index_uid");
const PRIMARY_UID: Column = Column(1, "primary_uid");
const PREVIOUS_UID: Column = Column(2, "previous_uid");
const ROTATED_AT: Column = Column(3, "rotated_at");
const GENERATION: Column = Column(4, "generation");
// The columns of `scoped_key_observation_list.sql`.
const OBSERVED_INDEX: Column = Column(0, "index_uid");
const INSTANCE: Column = Column(1, "instance");
const OBSERVED_GENERATION: Column = Column(2, "generation");
const OBSERVED_AT: Column = Column(3, "observed_at");

impl Row for ScopedKey {
    const TABLE: &'static str = "search_ui_scoped_keys";
    const KEY: &'static [Column] = &[INDEX_UID];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
            index_uid: reader.name_always(INDEX_UID)?,
            primary_uid: reader.get(PRIMARY_UID)?,
            previous_uid: reader.get(PREVIOUS_UID)?,
            rotated_at: reader.time_always(ROTATED_AT)?,
            generation: reader.counter(GENERATION)?,
        })
    }
}

impl Row for ScopedKeyObservation {
    const TABLE: &'static str = "search_ui_scoped_key_observations";
    const KEY: &'static [Column] = &[OBSERVED_INDEX, INSTANCE];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
            instance: reader.get(INSTANCE)?,
            generation: reader.counter(OBSERVED_GENERATION)?,
            observed_at: reader.time_always(OBSERVED_AT)?,
        })
    }
}

#[async_trait]
impl ScopedKeyTable for SqliteStore {
    async fn scoped_key_get(&self, index: &IndexUid) -> Result<Option<ScopedKey>, StoreError> {
        let index = index.clone();
        self.read(move |connection| get(connection, &index)).await
    }

    async fn scoped_key_rotate(&self, key: &ScopedKey) -> Result<Put, StoreError> {
        check_positive("the generation of a key", key.generation)?;
        let key = key.clone();
        self.write(move |connection| {
            let generation = get(connection, &key.index_uid)?.map_or(0, |row| row.generation);
            if generation != key.generation - 1 {
                return Ok(Put::Conflict);
            }
            let params = (
                key.index_uid.as_str(),
                key.primary_uid.as_str(),
                key.previous_uid.as_deref(),
                key.rotated_at.as_millis(),
                key.generation.cast_signed(),
            );
            change(connection, include_str!("sql/scoped_key_upsert.sql"), params)?;
            Ok(Put::Stored)
        })
        .await
    }

    async fn scoped_key_retire(&self, index: &IndexUid, generation: u64) -> Result<Put, StoreError> {
        let index = index.clone();
        self.write(move |connection| {
            let params = (index.as_str(), generation.cast_signed());
            let retired = changed(connection, include_str!("sql/scoped_key_retire.sql"), params)?;
            Ok(if retired { Put::Stored } else { Put::Conflict })
        })
        .await
    }

    async fn scoped_key_observe(
        &self,
        index: &IndexUid,
        instance: &str,
        generation: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (index, instance) = (index.clone(), instance.to_owned());
        self.write(move |connection| {
            let known =
                observations(connection, &index, now)?.into_iter().find(|row| row.instance == instance);
            let generation = known.map_or(generation, |row| row.generation.max(generation));
            let params = (index.as_str(), instance.as_str(), generation.cast_signed(), now.as_millis());
            change(connection, include_str!("sql/scoped_key_observe.sql"), params)?;
            // Records that no longer count are removed, so that there are never more rows than instances.
            change(
                connection,
                include_str!("sql/scoped_key_forget.sql"),
                (index.as_str(), silent_since(now)),
            )?;
            Ok(())
        })
        .await
    }

    async fn scoped_key_observations(
        &self,
        index: &IndexUid,
        now: Timestamp,
    ) -> Result<Vec<ScopedKeyObservation>, StoreError> {
        let index = index.clone();
        self.read(move |connection| observations(connection, &index, now)).await
    }
}

/// Returns the instant at or before which records no longer count.
fn silent_since(now: Timestamp) -> i64 {
    now.minus(Duration::from_millis(SCOPED_KEY_SILENCE_MS)).as_millis()
}

fn get(connection: &Connection, index: &IndexUid) -> Result<Option<ScopedKey>, Failure> {
    one(connection, include_str!("sql/scoped_key_get.sql"), [index.as_str()])
}

fn observations(
    connection: &Connection,
    index: &IndexUid,
    now: Timestamp,
) -> Result<Vec<ScopedKeyObservation>, Failure> {
    let params = (index.as_str(), silent_since(now));
    all(connection, include_str!("sql/scoped_key_observation_list.sql"), params)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statements() {
        let columns = [INDEX_UID, PRIMARY_UID, PREVIOUS_UID, ROTATED_AT, GENERATION];
        assert_columns(include_str!("sql/scoped_key_get.sql"), &columns);
        let columns = [OBSERVED_INDEX, INSTANCE, OBSERVED_GENERATION, OBSERVED_AT];
        assert_columns(include_str!("sql/scoped_key_observation_list.sql"), &columns);
    }
}
