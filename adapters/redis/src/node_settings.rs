//! Table 2, `node_settings_version`.

use async_trait::async_trait;
use miroir_domain::{NodeId, PhysicalUid, Timestamp};
use miroir_ports::outbound::{Advance, NodeSettingsTable, NodeSettingsVersion, StoreError};

use crate::call::changing;
use crate::keys::{NODE_SETTINGS, Table};
use crate::row::{Columns, Reader, Values};
use crate::store::RedisStore;
use crate::table::{Row, decode, fields_of};

impl Row for NodeSettingsVersion {
    const TABLE: Table = NODE_SETTINGS;
    const FIELDS: &'static [&'static str] = &["index_uid", "node_id", "version", "updated_at"];

    fn name(&self) -> String {
        format!("{}:{}", self.index_uid.as_str(), self.node_id.as_str())
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        Ok(Columns::default()
            .with("index_uid", self.index_uid.as_str())
            .with("node_id", self.node_id.as_str())
            .with("version", self.version)
            .time("updated_at", self.updated_at))
    }

    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            index_uid: reader.parsed_always("index_uid")?,
            node_id: reader.parsed_always("node_id")?,
            version: reader.parsed_always("version")?,
            updated_at: reader.time_always("updated_at")?,
        })
    }
}

#[async_trait]
impl NodeSettingsTable for RedisStore {
    async fn node_settings_advance(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
        version: u64,
        now: Timestamp,
    ) -> Result<Advance, StoreError> {
        let row =
            NodeSettingsVersion { index_uid: index.clone(), node_id: node.clone(), version, updated_at: now };
        let key = self.keys.pair(NODE_SETTINGS, index.as_str(), node.as_str());
        let mut script = changing!("lua/decimal.lua", "lua/advance.lua");
        script.key(&key).key(self.keys.own(NODE_SETTINGS, &format!("_index:{}", index.as_str())));
        script.arg(node.as_str()).arg("version").arg(version);
        row.columns()?.push_to(&mut script);
        self.advance(NODE_SETTINGS, &row.name(), &mut script).await
    }

    async fn node_settings_get(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
    ) -> Result<Option<NodeSettingsVersion>, StoreError> {
        let key = self.keys.pair(NODE_SETTINGS, index.as_str(), node.as_str());
        let command = fields_of(&key, NodeSettingsVersion::FIELDS);
        let values: Values = self.read(NODE_SETTINGS.name, &key, &command).await?;
        decode(&key, values)
    }

    async fn node_settings_list(&self, index: &PhysicalUid) -> Result<Vec<NodeSettingsVersion>, StoreError> {
        let nodes = self.keys.own(NODE_SETTINGS, &format!("_index:{}", index.as_str()));
        let base = self.keys.pair(NODE_SETTINGS, index.as_str(), "");
        self.indexed_rows(&nodes, &base, "", None, u32::MAX).await
    }
}
