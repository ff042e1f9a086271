//! Creates, flips, swaps and deletes aliases.

use std::sync::Arc;

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::alias::{Alias, AliasChange, AliasTarget, AliasView, NewAlias};
use miroir_domain::error::ErrorCode;
use miroir_domain::rollover::RolloverPolicy;
use miroir_ports::inbound::{AliasApi, AliasList, ApiError};
use miroir_ports::outbound::{Create, NodeRead, Occurrence, Put};

use crate::alias::AliasResolver;
use crate::cluster::{ActiveCluster, Cluster};
use crate::detached::detached;
use crate::listing;
use crate::order::IndexGuard;
use crate::read::read_first;

/// The number of prior states that an alias keeps.
const HISTORY: usize = 50;
/// The number of attempts to flip an alias that other requests change at the same time.
const ATTEMPTS: u32 = 64;

/// Implements [`AliasApi`].
pub struct AliasService {
    cluster: Arc<ActiveCluster>,
    aliases: Arc<AliasResolver>,
}

impl AliasService {
    /// Makes a service over the cluster in use, which drops what `aliases` has cached after each change.
    pub fn new(cluster: Arc<ActiveCluster>, aliases: Arc<AliasResolver>) -> Self {
        Self { cluster, aliases }
    }

    fn editor(&self) -> Result<Editor, ApiError> {
        Ok(Editor { cluster: self.cluster.writer()?, aliases: Arc::clone(&self.aliases) })
    }
}

#[async_trait]
impl AliasApi for AliasService {
    async fn alias_create(&self, new: NewAlias) -> Result<AliasView, ApiError> {
        let editor = self.editor()?;
        detached(async move { editor.create(new).await }).await
    }

    async fn alias_list(&self, after: Option<IndexUid>, limit: u32) -> Result<AliasList, ApiError> {
        let store = &self.cluster.reader().store;
        let list = |after, limit| store.alias_list(after, limit);
        let (aliases, next) = listing::page(list, |alias: &Alias| alias.name.clone(), after, limit).await?;
        Ok(AliasList { results: aliases.into_iter().map(AliasView::from).collect(), next })
    }

    async fn alias_get(&self, name: IndexUid) -> Result<AliasView, ApiError> {
        let store = &self.cluster.reader().store;
        store.alias_get(&name).await?.map(AliasView::from).ok_or_else(|| not_found(&name))
    }

    async fn alias_flip(
        &self,
        name: IndexUid,
        change: AliasChange,
        version: Option<u64>,
    ) -> Result<AliasView, ApiError> {
        let editor = self.editor()?;
        detached(async move { editor.flip(name, change, version).await }).await
    }

    async fn alias_swap(&self, first: IndexUid, second: IndexUid) -> Result<[AliasView; 2], ApiError> {
        let editor = self.editor()?;
        detached(async move { editor.swap(first, second).await }).await
    }

    async fn alias_delete(&self, name: IndexUid) -> Result<(), ApiError> {
        let editor = self.editor()?;
        detached(async move { editor.delete(name).await }).await
    }
}

/// The work of one request, on the cluster that was in use when it began.
struct Editor {
    cluster: Arc<Cluster>,
    aliases: Arc<AliasResolver>,
}

impl Editor {
    async fn load(&self, name: &IndexUid) -> Result<Alias, ApiError> {
        self.cluster.store.alias_get(name).await?.ok_or_else(|| not_found(name))
    }

    async fn create(&self, new: NewAlias) -> Result<AliasView, ApiError> {
        let NewAlias { name, change } = new;
        let _guards = self.lock(Some(&name), &change.target).await;
        if self.cluster.registry.get(&name).await?.is_some() {
            return Err(conflict(format!("An index is called `{name}`: an alias may not stand before it.")));
        }
        self.check_targets(&change).await?;
        self.refuse_alias_of_alias(&name).await?;
        let alias = Alias {
            name,
            target: change.target,
            version: 1,
            created_at: self.cluster.clock.now(),
            history: Vec::new(),
        };
        let created = self.cluster.store.alias_create(&alias).await;
        // Even if it failed: an outcome that is not known may have been a change.
        self.aliases.forget();
        match created? {
            Create::Created => Ok(alias.into()),
            Create::Exists => Err(conflict(format!(
                "Alias `{}` already exists: flip it with `PUT /_miroir/aliases/{}`.",
                alias.name, alias.name
            ))),
        }
    }

    async fn flip(
        &self,
        name: IndexUid,
        change: AliasChange,
        version: Option<u64>,
    ) -> Result<AliasView, ApiError> {
        let _guards = self.lock(None, &change.target).await;
        self.check_targets(&change).await?;
        for _ in 0..ATTEMPTS {
            let alias = self.load(&name).await?;
            if let Some(expected) = version.filter(|expected| *expected != alias.version) {
                return Err(ApiError::refused(
                    ErrorCode::MiroirAliasVersionMismatch,
                    format!("Alias `{name}` has version {}, not {expected}.", alias.version),
                ));
            }
            change.check(&alias)?;
            if alias.target == change.target {
                return Ok(alias.into());
            }
            let next = alias.flipped(change.target.clone(), self.cluster.clock.now(), HISTORY);
            let put = self.cluster.store.alias_put(&next).await;
            self.aliases.forget();
            if put? == Put::Stored {
                self.cluster.observer.observe(Occurrence::AliasesFlipped { count: 1 });
                tracing::info!(alias = %name, version = next.version + 1, "alias flipped");
                return Ok(Alias { version: next.version + 1, ..next }.into());
            }
        }
        Err(contended(&name))
    }

    async fn swap(&self, first: IndexUid, second: IndexUid) -> Result<[AliasView; 2], ApiError> {
        if first == second {
            return Err(ApiError::refused(
                ErrorCode::BadRequest,
                format!("`{first}` cannot be swapped with itself."),
            ));
        }
        for _ in 0..ATTEMPTS {
            let pair = [self.load(&first).await?, self.load(&second).await?];
            for alias in &pair {
                alias.require_single()?;
            }
            let now = self.cluster.clock.now();
            let [one, other] = pair;
            let (to_one, to_other) = (other.target.clone(), one.target.clone());
            let one = one.flipped(to_one, now, HISTORY);
            let other = other.flipped(to_other, now, HISTORY);
            let put = self.cluster.store.alias_put_both(&one, &other).await;
            self.aliases.forget();
            if put? == Put::Stored {
                self.cluster.observer.observe(Occurrence::AliasesFlipped { count: 2 });
                tracing::info!(first = %first, second = %second, "aliases swapped");
                return Ok([one, other].map(|alias| Alias { version: alias.version + 1, ..alias }.into()));
            }
        }
        Err(contended(&first))
    }

    async fn delete(&self, name: IndexUid) -> Result<(), ApiError> {
        if let Some(policy) = self.policy_of(&name).await? {
            return Err(conflict(format!("Alias `{name}` is used by the rollover policy `{policy}`.")));
        }
        let deleted = self.cluster.store.alias_delete(&name).await;
        self.aliases.forget();
        if deleted? { Ok(()) } else { Err(not_found(&name)) }
    }

    /// Returns the rollover policy that writes or reads by `name`.
    async fn policy_of(&self, name: &IndexUid) -> Result<Option<String>, ApiError> {
        let list = |after, limit| self.cluster.store.rollover_list(after, limit);
        let policies = listing::all(list, |policy: &RolloverPolicy| policy.name.clone()).await?;
        let user =
            policies.into_iter().find(|policy| policy.write_alias == *name || policy.read_alias == *name);
        Ok(user.map(|policy| policy.name))
    }

    /// Locks the names of a change, so that until the guards are dropped no index called `name` is created
    /// and no target is deleted: both need the write lock of the index.
    async fn lock(&self, name: Option<&IndexUid>, target: &AliasTarget) -> Vec<IndexGuard> {
        let mut indexes: Vec<&IndexUid> = target.indexes().iter().chain(name).collect();
        // Several locks are taken in the order of their names, so that no two requests wait for each other.
        indexes.sort();
        indexes.dedup();
        let mut guards = Vec::with_capacity(indexes.len());
        for index in indexes {
            guards.push(if Some(index) == name {
                self.cluster.order.lock_write(index).await
            } else {
                self.cluster.order.lock_read(index).await
            });
        }
        guards
    }

    /// Refuses targets that are aliases and, where they must exist, targets that are not indexes.
    async fn check_targets(&self, change: &AliasChange) -> Result<(), ApiError> {
        for target in change.target.indexes() {
            if self.cluster.store.alias_get(target).await?.is_some() {
                return Err(conflict(format!(
                    "`{target}` is an alias: an alias stands for indexes, not for aliases."
                )));
            }
            if change.require_target_exists {
                self.require_index(target).await?;
            }
        }
        Ok(())
    }

    /// Refuses `index` unless it is registered and on a node.
    async fn require_index(&self, index: &IndexUid) -> Result<(), ApiError> {
        let Some(entry) = self.cluster.registry.get(index).await? else {
            return Err(conflict(format!(
                "Index `{index}` is not there. Create it first, or send `requireTargetExists: false`."
            )));
        };
        let nodes = self.cluster.placements.topology().nodes();
        let read = NodeRead::Index(entry.physical_uid.clone());
        match read_first(&self.cluster, Some(&entry), nodes, read).await {
            Ok(_) => Ok(()),
            Err(ApiError::Node { status: 404, .. }) => Err(conflict(format!(
                "Index `{index}` is not on its nodes yet: wait until the task that creates it has succeeded."
            ))),
            Err(other) => Err(other),
        }
    }

    /// Refuses a name that aliases point at: an alias may not point at an alias.
    async fn refuse_alias_of_alias(&self, name: &IndexUid) -> Result<(), ApiError> {
        match self.cluster.registry.alias_of(name).await? {
            None => Ok(()),
            Some(user) => Err(conflict(format!(
                "Alias `{user}` stands for `{name}`, so `{name}` cannot become an alias itself."
            ))),
        }
    }
}

fn not_found(name: &IndexUid) -> ApiError {
    ApiError::refused(ErrorCode::MiroirAliasNotFound, format!("Alias `{name}` not found."))
}

fn conflict(message: String) -> ApiError {
    ApiError::refused(ErrorCode::MiroirAliasConflict, message)
}

fn contended(name: &IndexUid) -> ApiError {
    ApiError::refused(
        ErrorCode::MiroirAliasConflict,
        format!(
            "Alias `{name}` was changed {ATTEMPTS} times while it was being changed: send the request again."
        ),
    )
}
