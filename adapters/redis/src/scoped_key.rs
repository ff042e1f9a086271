//! Scoped search keys, and the instances that have observed them.

use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::row::check_positive;
use miroir_domain::search_ui::{SCOPED_KEY_SILENCE_MS, ScopedKey};
use miroir_domain::{IndexUid, Timestamp};
use miroir_ports::outbound::{Put, ScopedKeyObservation, ScopedKeyTable, StoreError};

use crate::call::changing;
use crate::expiry::ttl_ms;
use crate::keys::{Keys, OBSERVATIONS, SCOPED_KEYS, Table};
use crate::row::{Columns, Reader};
use crate::store::RedisStore;
use crate::table::Row;

impl Row for ScopedKey {
    const TABLE: Table = SCOPED_KEYS;
    const FIELDS: &'static [&'static str] =
        &["index_uid", "primary_uid", "previous_uid", "rotated_at", "generation"];

    fn name(&self) -> String {
        self.index_uid.as_str().to_owned()
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        Ok(Columns::default()
            .with("index_uid", self.index_uid.as_str())
            .with("primary_uid", &self.primary_uid)
            .maybe("previous_uid", self.previous_uid.as_ref())
            .time("rotated_at", self.rotated_at)
            .with("generation", self.generation))
    }

    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            index_uid: reader.parsed_always("index_uid")?,
            primary_uid: reader.text_always("primary_uid")?,
            previous_uid: reader.text("previous_uid")?.map(str::to_owned),
            rotated_at: reader.time_always("rotated_at")?,
            generation: reader.parsed_always("generation")?,
        })
    }
}

impl Row for ScopedKeyObservation {
    const TABLE: Table = OBSERVATIONS;
    const FIELDS: &'static [&'static str] = &["instance", "generation", "observed_at"];

    fn name(&self) -> String {
        self.instance.clone()
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        Ok(Columns::default()
            .with("instance", &self.instance)
            .with("generation", self.generation)
            .time("observed_at", self.observed_at))
    }

    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            instance: reader.text_always("instance")?,
            generation: reader.parsed_always("generation")?,
            observed_at: reader.time_always("observed_at")?,
        })
    }
}

fn dies_at(observed_at: Timestamp) -> Timestamp {
    observed_at.plus(Duration::from_millis(SCOPED_KEY_SILENCE_MS))
}

fn stored(stored: bool) -> Put {
    if stored { Put::Stored } else { Put::Conflict }
}

#[async_trait]
impl ScopedKeyTable for RedisStore {
    async fn scoped_key_get(&self, index: &IndexUid) -> Result<Option<ScopedKey>, StoreError> {
        self.row_get(index.as_str()).await
    }

    async fn scoped_key_rotate(&self, key: &ScopedKey) -> Result<Put, StoreError> {
        check_positive("the generation of a key", key.generation)?;
        let name = key.name();
        let mut script = changing!("lua/scoped_key_rotate.lua");
        script.key(self.keys.row(SCOPED_KEYS, &name)).arg(key.generation - 1);
        key.columns()?.push_to(&mut script);
        self.change_by(SCOPED_KEYS, &name, &mut script).await.map(stored)
    }

    async fn scoped_key_retire(&self, index: &IndexUid, generation: u64) -> Result<Put, StoreError> {
        let mut script = changing!("lua/scoped_key_retire.lua");
        script.key(self.keys.row(SCOPED_KEYS, index.as_str())).arg(generation);
        self.change_by(SCOPED_KEYS, index.as_str(), &mut script).await.map(stored)
    }

    async fn scoped_key_observe(
        &self,
        index: &IndexUid,
        instance: &str,
        generation: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let row = ScopedKeyObservation { instance: instance.to_owned(), generation, observed_at: now };
        let mut script = changing!("lua/decimal.lua", "lua/scoped_key_observe.lua");
        script
            .key(self.keys.pair(OBSERVATIONS, instance, index.as_str()))
            .key(self.keys.own(OBSERVATIONS, &format!("_index:{}", index.as_str())))
            .arg(instance)
            .arg(generation)
            .arg(now.as_millis())
            .arg(SCOPED_KEY_SILENCE_MS)
            .arg(ttl_ms(dies_at(now), now));
        row.columns()?.push_to(&mut script);
        self.change_by(OBSERVATIONS, instance, &mut script).await
    }

    async fn scoped_key_observations(
        &self,
        index: &IndexUid,
        now: Timestamp,
    ) -> Result<Vec<ScopedKeyObservation>, StoreError> {
        let instances = self.keys.own(OBSERVATIONS, &format!("_index:{}", index.as_str()));
        let suffix = Keys::pair_end(index.as_str());
        let rows: Vec<ScopedKeyObservation> =
            self.indexed_rows(&instances, &self.keys.base(OBSERVATIONS), &suffix, None, u32::MAX).await?;
        Ok(rows.into_iter().filter(|row| now < dies_at(row.observed_at)).collect())
    }
}
