//! Table 3, `aliases`.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::alias::Alias;
use miroir_ports::outbound::{AliasTable, Create, Put, StoreError};

use crate::store::MemoryStore;
use crate::versioned::{create, page, put};

#[async_trait]
impl AliasTable for MemoryStore {
    async fn alias_create(&self, alias: &Alias) -> Result<Create, StoreError> {
        Ok(create(&mut self.data()?.aliases, alias.name.clone(), alias.clone()))
    }

    async fn alias_get(&self, name: &IndexUid) -> Result<Option<Alias>, StoreError> {
        Ok(self.data()?.aliases.get(name).cloned())
    }

    async fn alias_put(&self, alias: &Alias) -> Result<Put, StoreError> {
        put(&mut self.data()?.aliases, &alias.name, alias.clone())
    }

    async fn alias_put_both(&self, first: &Alias, second: &Alias) -> Result<Put, StoreError> {
        first.check_swap(second)?;
        let mut data = self.data()?;
        // Changes a copy, which replaces the rows once both changes have succeeded.
        let mut aliases = data.aliases.clone();
        for alias in [first, second] {
            if put(&mut aliases, &alias.name, alias.clone())? == Put::Conflict {
                return Ok(Put::Conflict);
            }
        }
        data.aliases = aliases;
        Ok(Put::Stored)
    }

    async fn alias_delete(&self, name: &IndexUid) -> Result<bool, StoreError> {
        Ok(self.data()?.aliases.remove(name).is_some())
    }

    async fn alias_list(&self, after: Option<IndexUid>, limit: u32) -> Result<Vec<Alias>, StoreError> {
        Ok(page(&self.data()?.aliases, after, limit))
    }
}
