//! Table 13, `search_ui_config`.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::row::check_json;
use miroir_domain::search_ui::SearchUiConfig;
use miroir_ports::outbound::{Create, Put, SearchUiTable, StoreError};

use crate::store::MemoryStore;
use crate::versioned::{create, page, put};

#[async_trait]
impl SearchUiTable for MemoryStore {
    async fn search_ui_create(&self, config: &SearchUiConfig) -> Result<Create, StoreError> {
        check_json("the configuration of a search page", &config.config)?;
        Ok(create(&mut self.data()?.search_uis, config.index_uid.clone(), config.clone()))
    }

    async fn search_ui_get(&self, index: &IndexUid) -> Result<Option<SearchUiConfig>, StoreError> {
        Ok(self.data()?.search_uis.get(index).cloned())
    }

    async fn search_ui_put(&self, config: &SearchUiConfig) -> Result<Put, StoreError> {
        check_json("the configuration of a search page", &config.config)?;
        put(&mut self.data()?.search_uis, &config.index_uid, config.clone())
    }

    async fn search_ui_delete(&self, index: &IndexUid) -> Result<bool, StoreError> {
        Ok(self.data()?.search_uis.remove(index).is_some())
    }

    async fn search_ui_list(
        &self,
        after: Option<IndexUid>,
        limit: u32,
    ) -> Result<Vec<SearchUiConfig>, StoreError> {
        Ok(page(&self.data()?.search_uis, after, limit))
    }
}
