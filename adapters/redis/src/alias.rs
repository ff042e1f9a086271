//! Table 3, `aliases`.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::alias::{Alias, AliasTarget};
use miroir_ports::outbound::{AliasTable, Create, Put, StoreError};

use crate::keys::{ALIASES, Table};
use crate::row::{Columns, Reader};
use crate::store::RedisStore;
use crate::table::{Row, Versioned};

impl Row for Alias {
    const TABLE: Table = ALIASES;
    const FIELDS: &'static [&'static str] =
        &["name", "kind", "current_uid", "target_uids", "version", "created_at", "history"];

    fn name(&self) -> String {
        self.name.as_str().to_owned()
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        let columns = Columns::default()
            .with("name", self.name.as_str())
            .time("created_at", self.created_at)
            .json("history", &self.history)?;
        match &self.target {
            AliasTarget::Single(uid) => Ok(columns.with("kind", "single").with("current_uid", uid.as_str())),
            AliasTarget::Multi(uids) => columns.with("kind", "multi").json("target_uids", uids),
        }
    }

    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError> {
        let target = match reader.text_always("kind")?.as_str() {
            "single" => AliasTarget::Single(reader.parsed_always("current_uid")?),
            "multi" => AliasTarget::Multi(reader.json_always("target_uids")?),
            other => return Err(reader.corrupt(format!("`{other}` is not a kind of alias"))),
        };
        Ok(Self {
            name: reader.parsed_always("name")?,
            target,
            version: reader.parsed_always("version")?,
            created_at: reader.time_always("created_at")?,
            history: reader.json_always("history")?,
        })
    }
}

impl Versioned for Alias {
    fn version(&self) -> u64 {
        self.version
    }
}

#[async_trait]
impl AliasTable for RedisStore {
    async fn alias_create(&self, alias: &Alias) -> Result<Create, StoreError> {
        self.row_create(alias).await
    }

    async fn alias_get(&self, name: &IndexUid) -> Result<Option<Alias>, StoreError> {
        self.row_get(name.as_str()).await
    }

    async fn alias_put(&self, alias: &Alias) -> Result<Put, StoreError> {
        self.row_put(&[alias]).await
    }

    async fn alias_put_both(&self, first: &Alias, second: &Alias) -> Result<Put, StoreError> {
        first.check_swap(second)?;
        self.row_put(&[first, second]).await
    }

    async fn alias_delete(&self, name: &IndexUid) -> Result<bool, StoreError> {
        self.row_delete::<Alias>(name.as_str()).await
    }

    async fn alias_list(&self, after: Option<IndexUid>, limit: u32) -> Result<Vec<Alias>, StoreError> {
        self.row_list(after.map(String::from), limit).await
    }
}
