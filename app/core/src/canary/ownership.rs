//! Which canaries this instance runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use miroir_domain::role::Role;
use miroir_ports::outbound::TaskStore;
use parking_lot::Mutex;

/// Which canaries this instance, and no other, runs at this moment.
pub trait Ownership: Send + Sync + 'static {
    /// The store by which runs of the canary are recorded, when it is this instance's.
    fn owned(&self, canary_id: &str) -> Option<Arc<dyn TaskStore>>;
}

/// Of an instance that has the store for itself: everything.
pub struct OwnsAll(pub Arc<dyn TaskStore>);

impl Ownership for OwnsAll {
    fn owned(&self, _: &str) -> Option<Arc<dyn TaskStore>> {
        Some(Arc::clone(&self.0))
    }
}

/// The parts of the canaries that this instance has, each with a handle of the store that is fenced for its term.
#[derive(Default)]
pub struct OwnedParts(Mutex<BTreeMap<Role, Arc<dyn TaskStore>>>);

impl OwnedParts {
    /// This instance has `part` until the guard is dropped.
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

/// Held as long as a part is this instance's.
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
    fn canary_is_owned_as_long_as_its_part_is() {
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
