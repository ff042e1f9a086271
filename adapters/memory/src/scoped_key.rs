//! Scoped search keys, and the instances that have observed them.

use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::row::check_positive;
use miroir_domain::search_ui::{SCOPED_KEY_SILENCE_MS, ScopedKey};
use miroir_domain::{IndexUid, Timestamp};
use miroir_ports::outbound::{Put, ScopedKeyObservation, ScopedKeyTable, StoreError};

use crate::store::MemoryStore;

fn counts(observation: &ScopedKeyObservation, now: Timestamp) -> bool {
    now < observation.observed_at.plus(Duration::from_millis(SCOPED_KEY_SILENCE_MS))
}

#[async_trait]
impl ScopedKeyTable for MemoryStore {
    async fn scoped_key_get(&self, index: &IndexUid) -> Result<Option<ScopedKey>, StoreError> {
        Ok(self.data()?.scoped_keys.get(index).cloned())
    }

    async fn scoped_key_rotate(&self, key: &ScopedKey) -> Result<Put, StoreError> {
        check_positive("the generation of a key", key.generation)?;
        let mut data = self.data()?;
        let generation = data.scoped_keys.get(&key.index_uid).map_or(0, |row| row.generation);
        if generation != key.generation - 1 {
            return Ok(Put::Conflict);
        }
        data.scoped_keys.insert(key.index_uid.clone(), key.clone());
        Ok(Put::Stored)
    }

    async fn scoped_key_retire(&self, index: &IndexUid, generation: u64) -> Result<Put, StoreError> {
        match self.data()?.scoped_keys.get_mut(index) {
            Some(row) if row.generation == generation => {
                row.previous_uid = None;
                Ok(Put::Stored)
            }
            _ => Ok(Put::Conflict),
        }
    }

    async fn scoped_key_observe(
        &self,
        index: &IndexUid,
        instance: &str,
        generation: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut data = self.data()?;
        let key = (index.clone(), instance.to_owned());
        let known = data.scoped_key_observations.get(&key).filter(|row| counts(row, now));
        let generation = known.map_or(generation, |row| row.generation.max(generation));
        let row = ScopedKeyObservation { instance: instance.to_owned(), generation, observed_at: now };
        data.scoped_key_observations.insert(key, row);
        Ok(())
    }

    async fn scoped_key_observations(
        &self,
        index: &IndexUid,
        now: Timestamp,
    ) -> Result<Vec<ScopedKeyObservation>, StoreError> {
        let data = self.data()?;
        let rows = data.scoped_key_observations.iter();
        Ok(rows
            .filter(|((of, _), row)| of == index && counts(row, now))
            .map(|(_, row)| row.clone())
            .collect())
    }
}
