//! Stores the canaries of the configuration.

use std::collections::HashSet;

use miroir_domain::Timestamp;
use miroir_domain::canary::{CanaryId, Definition};
use miroir_ports::outbound::{Create, Put, StoreError, TaskStore};

use super::listing::every_canary;

/// The number of canaries that [`configure`] created, changed and removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Configured {
    /// Number of canaries that are new.
    pub created: usize,
    /// Number of canaries that changed. The others keep their version.
    pub changed: usize,
    /// Number of canaries that are no longer in the configuration. They are deleted together with their runs.
    pub removed: usize,
}

/// Stores `definitions`, each under its id with the prefix of the configuration, and deletes other canaries
/// with this prefix. Skips definitions without an id, which the configuration does not admit.
pub async fn configure(
    store: &dyn TaskStore,
    definitions: &[Definition],
    now: Timestamp,
) -> Result<Configured, StoreError> {
    let mut done = Configured::default();
    let mut wanted: HashSet<String> = HashSet::new();
    for definition in definitions {
        let Some(id) = definition.id().cloned().map(CanaryId::configured) else { continue };
        wanted.insert(id.as_str().to_owned());
        upsert(store, &id, definition, now, &mut done).await?;
    }
    for canary in every_canary(store).await? {
        if CanaryId::marks_configured(&canary.id) && !wanted.contains(&canary.id) {
            done.removed += usize::from(store.canary_delete(&canary.id).await?);
        }
    }
    Ok(done)
}

async fn upsert(
    store: &dyn TaskStore,
    id: &CanaryId,
    definition: &Definition,
    now: Timestamp,
    done: &mut Configured,
) -> Result<(), StoreError> {
    // Only other instances at their start write rows with this prefix, so one more attempt is enough.
    for _ in 0..2 {
        let Some(stored) = store.canary_get(id.as_str()).await? else {
            if store.canary_create(&definition.to_row(id, now, 1)).await? == Create::Created {
                done.created += 1;
                return Ok(());
            }
            continue;
        };
        let next = definition.to_row(id, stored.created_at, stored.version);
        if next == stored {
            return Ok(());
        }
        if store.canary_put(&next).await? == Put::Stored {
            done.changed += 1;
            return Ok(());
        }
    }
    Err(StoreError::Contended(format!("the canary `{id}` is being changed by another process")))
}
