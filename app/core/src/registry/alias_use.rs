//! The rules that aliases set for the registry: an index cannot have the name of an alias, and cannot be deleted while
//! an alias stands for it.

use miroir_domain::IndexUid;
use miroir_domain::alias::Alias;
use miroir_domain::error::ErrorCode;
use miroir_ports::inbound::ApiError;

use super::IndexRegistry;
use crate::listing;

impl IndexRegistry {
    /// Returns the first alias that stands for `index`, alone or among others.
    pub async fn alias_of(&self, index: &IndexUid) -> Result<Option<IndexUid>, ApiError> {
        let list = |after, limit| self.store.alias_list(after, limit);
        let aliases = listing::all(list, |alias: &Alias| alias.name.clone()).await?;
        let user = aliases.into_iter().find(|alias| alias.target.indexes().contains(index));
        Ok(user.map(|alias| alias.name))
    }

    /// Refuses to create `index` if an alias has its name. The caller holds the write lock of the index, which the
    /// creation of an alias needs as well.
    pub async fn refuse_shadow(&self, index: &IndexUid) -> Result<(), ApiError> {
        if self.store.alias_get(index).await?.is_none() {
            return Ok(());
        }
        Err(ApiError::refused(
            ErrorCode::MiroirAliasConflict,
            format!("An alias is called `{index}`: no index can have its name."),
        ))
    }

    /// Refuses to delete `index` while an alias stands for it. The caller holds the write lock of the index; a change
    /// of an alias holds the read locks of its targets.
    pub async fn refuse_aliased(&self, index: &IndexUid) -> Result<(), ApiError> {
        match self.alias_of(index).await? {
            None => Ok(()),
            Some(alias) => Err(ApiError::refused(
                ErrorCode::MiroirAliasConflict,
                format!("Alias `{alias}` stands for index `{index}`: flip or delete the alias first."),
            )),
        }
    }
}
