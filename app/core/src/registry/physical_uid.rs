//! The choice of the physical uid of a new index.

use miroir_domain::error::ErrorCode;
use miroir_domain::{IndexUid, PhysicalUid, Timestamp};
use miroir_ports::inbound::ApiError;
use miroir_ports::outbound::TaskStore;

use crate::instance::has_earlier_programs;

/// Returns a physical uid for a new index named `index` that no index has or had.
///
/// While an instance of an earlier program shares the store, it is the name, as that program expects.
///
/// # Errors
///
/// Refuses a name that is too long to be given again with 400 `invalid_index_uid`.
pub(super) async fn new_physical_uid(
    store: &dyn TaskStore,
    index: &IndexUid,
    now: Timestamp,
) -> Result<PhysicalUid, ApiError> {
    if let Some(first) = PhysicalUid::first(index)
        && !store.index_was_deleted(&first).await?
    {
        return Ok(first);
    }
    if has_earlier_programs(store, now).await? {
        return Ok(PhysicalUid::of_name(index));
    }
    let mut number = u64::try_from(now.as_millis() / 1_000).unwrap_or_default();
    loop {
        let further = PhysicalUid::further(index, number).map_err(|_| too_long(index))?;
        if !store.index_was_deleted(&further).await? {
            return Ok(further);
        }
        number += 1;
    }
}

fn too_long(index: &IndexUid) -> ApiError {
    let message = format!(
        "An index named `{index}` was deleted, and nodes may still have it. A new one needs a name of its own there, \
         for which this one is too long: choose another name of at most {} bytes.",
        IndexUid::MAX_BYTES - PhysicalUid::SUFFIX_BYTES
    );
    ApiError::refused(ErrorCode::InvalidIndexUid, message)
}
