//! The index registry, `indexes`.

use async_trait::async_trait;
use miroir_domain::document::PrimaryKey;
use miroir_domain::index::IndexEntry;
use miroir_domain::{IndexUid, PhysicalUid};
use miroir_ports::outbound::{Create, IndexTable, Put, StoreError};

use redis::cmd;

use crate::call::changing;
use crate::keys::{INDEXES, NODE_SETTINGS, Table};
use crate::open::OWN_UIDS;
use crate::row::{Columns, Reader};
use crate::store::RedisStore;
use crate::table::{Row, Versioned};

impl Row for IndexEntry {
    const TABLE: Table = INDEXES;
    const FIELDS: &'static [&'static str] = &[
        "uid",
        "primary_key",
        "shard_count",
        "settings_version",
        "created_at",
        "updated_at",
        "version",
        "physical_uid",
    ];

    fn name(&self) -> String {
        self.uid.as_str().to_owned()
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        Ok(Columns::default()
            .with("uid", self.uid.as_str())
            .maybe("physical_uid", has_own_uid(self).then(|| self.physical_uid.as_str()))
            .maybe("primary_key", self.primary_key.as_ref().map(PrimaryKey::as_str))
            .with("shard_count", self.shard_count)
            .with("settings_version", self.settings_version)
            .time("created_at", self.created_at)
            .time("updated_at", self.updated_at))
    }

    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError> {
        let uid: IndexUid = reader.parsed_always("uid")?;
        Ok(Self {
            physical_uid: reader.parsed("physical_uid")?.unwrap_or_else(|| PhysicalUid::of_name(&uid)),
            uid,
            primary_key: reader.checked("primary_key")?,
            shard_count: reader.parsed_always("shard_count")?,
            settings_version: reader.parsed_always("settings_version")?,
            created_at: reader.time_always("created_at")?,
            updated_at: reader.time_always("updated_at")?,
            version: reader.parsed_always("version")?,
        })
    }
}

impl Versioned for IndexEntry {
    fn version(&self) -> u64 {
        self.version
    }
}

#[async_trait]
impl IndexTable for RedisStore {
    async fn index_create(&self, entry: &IndexEntry) -> Result<Create, StoreError> {
        if has_own_uid(entry) {
            self.raise_schema(OWN_UIDS).await?;
        }
        self.row_create(entry).await
    }

    async fn index_get(&self, uid: &IndexUid) -> Result<Option<IndexEntry>, StoreError> {
        self.row_get(uid.as_str()).await
    }

    async fn index_put(&self, entry: &IndexEntry) -> Result<Put, StoreError> {
        self.row_put(&[entry]).await
    }

    async fn index_delete(&self, uid: &IndexUid, physical_uid: &PhysicalUid) -> Result<bool, StoreError> {
        let (uid, physical_uid) = (uid.as_str(), physical_uid.as_str());
        let mut script = changing!("lua/name.lua", "lua/index_delete.lua");
        script
            .key(self.keys.row(INDEXES, uid))
            .key(self.keys.own(INDEXES, "_index"))
            .key(self.keys.own(INDEXES, "_deleted"))
            .key(self.keys.own(NODE_SETTINGS, &format!("_index:{physical_uid}")))
            .key(self.keys.pair(NODE_SETTINGS, physical_uid, ""))
            .arg(uid)
            .arg(physical_uid);
        self.change_by(INDEXES, uid, &mut script).await
    }

    async fn index_was_deleted(&self, physical_uid: &PhysicalUid) -> Result<bool, StoreError> {
        let deleted = self.keys.own(INDEXES, "_deleted");
        let is_member = cmd("SISMEMBER").arg(&deleted).arg(physical_uid.as_str()).to_owned();
        self.read(INDEXES.name, &deleted, &is_member).await
    }

    async fn index_list(&self, after: Option<IndexUid>, limit: u32) -> Result<Vec<IndexEntry>, StoreError> {
        self.row_list(after.map(String::from), limit).await
    }
}

/// Returns whether the nodes keep the index under another uid than its name. Only then is it stored.
fn has_own_uid(entry: &IndexEntry) -> bool {
    entry.physical_uid.as_str() != entry.uid.as_str()
}
