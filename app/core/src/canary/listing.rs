//! Lists the stored canaries.

use miroir_domain::canary::Canary;
use miroir_ports::outbound::{StoreError, TaskStore};

use crate::listing;

/// Returns every stored canary, in the byte order of the ids.
pub(super) async fn every_canary(store: &dyn TaskStore) -> Result<Vec<Canary>, StoreError> {
    listing::all(|after, limit| store.canary_list(after, limit), |canary: &Canary| canary.id.clone()).await
}
