//! Table 12, `rollover_policies`.

use async_trait::async_trait;
use miroir_domain::rollover::RolloverPolicy;
use miroir_ports::outbound::{Create, Put, RolloverTable, StoreError};

use crate::keys::{ROLLOVERS, Table};
use crate::row::{Columns, Reader};
use crate::store::RedisStore;
use crate::table::{Row, Versioned};

impl Row for RolloverPolicy {
    const TABLE: Table = ROLLOVERS;
    const FIELDS: &'static [&'static str] = &[
        "name",
        "write_alias",
        "read_alias",
        "pattern",
        "triggers_json",
        "retention_json",
        "template_json",
        "enabled",
        "version",
    ];

    fn name(&self) -> String {
        self.name.clone()
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        Columns::default()
            .with("name", &self.name)
            .with("write_alias", self.write_alias.as_str())
            .with("read_alias", self.read_alias.as_str())
            .with("pattern", &self.pattern)
            .with("enabled", self.enabled)
            .json("triggers_json", &self.triggers)?
            .json("retention_json", &self.retention)?
            .json("template_json", &self.template)
    }

    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            name: reader.text_always("name")?,
            write_alias: reader.parsed_always("write_alias")?,
            read_alias: reader.parsed_always("read_alias")?,
            pattern: reader.text_always("pattern")?,
            triggers: reader.json_always("triggers_json")?,
            retention: reader.json_always("retention_json")?,
            template: reader.json_always("template_json")?,
            enabled: reader.parsed_always("enabled")?,
            version: reader.parsed_always("version")?,
        })
    }
}

impl Versioned for RolloverPolicy {
    fn version(&self) -> u64 {
        self.version
    }
}

#[async_trait]
impl RolloverTable for RedisStore {
    async fn rollover_create(&self, policy: &RolloverPolicy) -> Result<Create, StoreError> {
        policy.check()?;
        self.row_create(policy).await
    }

    async fn rollover_get(&self, name: &str) -> Result<Option<RolloverPolicy>, StoreError> {
        self.row_get(name).await
    }

    async fn rollover_put(&self, policy: &RolloverPolicy) -> Result<Put, StoreError> {
        policy.check()?;
        self.row_put(&[policy]).await
    }

    async fn rollover_delete(&self, name: &str) -> Result<bool, StoreError> {
        self.row_delete::<RolloverPolicy>(name).await
    }

    async fn rollover_list(
        &self,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<RolloverPolicy>, StoreError> {
        self.row_list(after, limit).await
    }
}
