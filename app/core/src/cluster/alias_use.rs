//! What aliases forbid the registry: an index may not have an alias's name, nor go while an alias stands for it.

use miroir_domain::IndexUid;
use miroir_domain::alias::Alias;
use miroir_domain::error::ErrorCode;
use miroir_ports::inbound::ApiError;

use super::Cluster;
use crate::listing;

impl Cluster {
    /// The first alias that stands for `index`, alone or among others.
    pub async fn alias_of(&self, index: &IndexUid) -> Result<Option<IndexUid>, ApiError> {
        let list = |after, limit| self.store.alias_list(after, limit);
        let aliases = listing::all(list, |alias: &Alias| alias.name.clone()).await?;
        let user = aliases.into_iter().find(|alias| alias.target.indexes().contains(index));
        Ok(user.map(|alias| alias.name))
    }

    /// Refuses to create `index` where an alias has its name. The caller holds the index's gate alone, which creating an
    /// alias needs as well.
    pub(super) async fn refuse_shadow(&self, index: &IndexUid) -> Result<(), ApiError> {
        if self.store.alias_get(index).await?.is_none() {
            return Ok(());
        }
        Err(ApiError::refused(
            ErrorCode::MiroirAliasConflict,
            format!("An alias is called `{index}`: no index can have its name."),
        ))
    }

    /// Refuses to delete `index` while an alias stands for it. The caller holds the index's gate alone; who gives an
    /// alias a target relies on the target's.
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
