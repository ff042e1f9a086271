//! The canaries that this instance runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use miroir_domain::role::Role;
use miroir_ports::outbound::TaskStore;
use parking_lot::Mutex;

/// The canaries that this instance, and no other, runs at this moment.
pub trait Ownership: Send + Sync + 'static {
    /// Returns the store in which runs of the canary are recorded, or `None` if another instance runs it.
    fn owned(&self, canary_id: &str) -> Option<Arc<dyn TaskStore>>;
}

/// The ownership of an instance that has the store for itself: it runs every canary.
pub struct OwnsAll(pub Arc<dyn TaskStore>);

impl Ownership for OwnsAll {
    fn owned(&self, _: &str) -> Option<Arc<dyn TaskStore>> {
        Some(Arc::clone(&self.0))
    }
}

/// The parts of the canaries whose roles this instance holds, each with a store handle that is fenced for its
/// term.
#[derive(Default)]
pub struct OwnedParts(Mutex<BTreeMap<Role, Arc<dyn TaskStore>>>);

impl OwnedParts {
    /// Adds `part` until the returned guard is dropped.
    pub fn take(self: &Arc<Self>, part: Role, store: Arc<dyn TaskStore>) -> OwnedPart {
        self.0.lock().insert(part.clone(), store);
        OwnedPart { parts: Arc::clone(self), part }
    }
}

impl Ownership for OwnedParts {
    fn owned(&self, canary_id: &str) -> Option<Arc<dyn TaskStore>> {
        self.0.lock().get(&Role::of_canary(canary_id)).cloned()
    }
}

/// A guard that removes its part when it is dropped.
pub struct OwnedPart {
    parts: Arc<OwnedParts>,
    part: Role,
}

impl Drop for OwnedPart {
    fn drop(&mut self) {
        self.parts.0.lock().remove(&self.part);
    }
}

#[cfg(test)]
mod tests {
    use miroir_memory::MemoryStore;

    use super::*;

    #[test]
    fn canary_is_owned_while_its_part_is_held() {
        let (parts, store) = (Arc::new(OwnedParts::default()), Arc::new(MemoryStore::new()));
        assert!(parts.owned("films").is_none());
        let other = Role::all_canaries().find(|part| *part != Role::of_canary("films")).unwrap();
        let _other = parts.take(other, Arc::clone(&store) as _);
        assert!(parts.owned("films").is_none());
        let part = parts.take(Role::of_canary("films"), store);
        assert!(parts.owned("films").is_some());
        drop(part);
        assert!(parts.owned("films").is_none());
    }
}
