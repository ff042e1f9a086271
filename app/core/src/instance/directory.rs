//! The holders of all roles, as far as this instance knows: its own terms, and the leases it last read in the
//! store.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use miroir_domain::Timestamp;
use miroir_domain::role::{Role, assigned_to};
use miroir_ports::inbound::{InstanceView, LeaseView, Peer, RoleHolder};
use miroir_ports::outbound::{Lease, StoreError, TaskStore};
use tokio::sync::watch;
use tokio::time::Instant;

use super::lease::LeaseValidity;

/// The prefix of the scope of presence leases. The rest is the name of the instance; the holder is its URL.
pub(super) const INSTANCE_PREFIX: &str = "instance:";

/// The prefix of the scope of leases that say by which topology an instance reads. The rest is the name of
/// the instance; the holder is the version of the row of the cluster with that topology.
pub(super) const TOPOLOGY_PREFIX: &str = "topology:";

/// The age at which the last reading of the store becomes invalid. The store is read several times in this
/// time.
const MAX_AGE: Duration = Duration::from_secs(2);

/// The directory of one instance.
pub struct Directory {
    /// The name of this instance.
    pub id: String,
    /// The URL at which the others reach it.
    pub url: String,
    /// All roles. Every instance serves requests of unknown ones.
    roles: BTreeSet<Role>,
    view: watch::Sender<View>,
}

#[derive(Default)]
struct View {
    /// The instant at which the store was last read.
    read_at: Option<Instant>,
    /// True if the presence lease under the name of this instance is its own. A predecessor's may still run,
    /// or another instance may be configured with the same name.
    is_present: bool,
    /// The URL of each live instance, by name.
    urls: BTreeMap<String, String>,
    /// The version of the topology of each instance that may read, by name.
    topologies: BTreeMap<String, String>,
    /// The running term of each scope.
    terms: BTreeMap<String, Lease>,
    /// The validity of each role that this instance has announced, by scope.
    held: BTreeMap<String, LeaseValidity>,
}

impl View {
    /// Returns whether the store was read recently. This is not so in an instance that was paused, until it
    /// reads the store again.
    fn is_fresh(&self) -> bool {
        self.read_at.is_some_and(|read_at| read_at.elapsed() < MAX_AGE)
    }
}

impl Directory {
    /// Makes a directory that knows no leases.
    pub fn new(id: String, url: String, roles: impl IntoIterator<Item = Role>) -> Self {
        Self { id, url, roles: roles.into_iter().collect(), view: watch::Sender::default() }
    }

    /// Returns all roles.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.roles.iter()
    }

    /// Returns the scope of the presence lease of this instance.
    pub(super) fn presence_scope(&self) -> String {
        format!("{INSTANCE_PREFIX}{}", self.id)
    }

    /// Updates the directory with the running leases in the store. `is_present` is true if the presence lease
    /// under the name of this instance is its own.
    pub(super) fn update(&self, leases: Vec<Lease>, is_present: bool) {
        let holders = |prefix: &str| {
            let named =
                |lease: &Lease| Some((lease.scope.strip_prefix(prefix)?.to_owned(), lease.holder.clone()));
            leases.iter().filter_map(named).collect()
        };
        let (urls, topologies) = (holders(INSTANCE_PREFIX), holders(TOPOLOGY_PREFIX));
        let terms = leases.into_iter().filter(is_of_role).map(|term| (term.scope.clone(), term)).collect();
        self.view.send_if_modified(|view| {
            let changed = !view.is_fresh()
                || view.is_present != is_present
                || view.urls != urls
                || view.topologies != topologies
                || !same_terms(&view.terms, &terms);
            *view = View {
                read_at: Some(Instant::now()),
                is_present,
                urls,
                topologies,
                terms,
                held: std::mem::take(&mut view.held),
            };
            changed
        });
    }

    /// Returns the scope of the lease that says which topology this instance has.
    pub(super) fn topology_scope(&self) -> String {
        format!("{TOPOLOGY_PREFIX}{}", self.id)
    }

    /// Returns whether every instance that may read has the topology of this version of the row of the
    /// cluster. One that is live and does not say which one it has is of an earlier version.
    pub fn all_have_topology(&self, version: u64) -> bool {
        let (view, version) = (self.view.borrow(), version.to_string());
        view.is_fresh()
            && view.topologies.values().all(|other| *other == version)
            && view.urls.keys().all(|name| view.topologies.contains_key(name))
    }

    /// Announces that this instance serves requests of `role` from now on, as long as `validity` lasts.
    pub(super) fn announce(&self, role: &Role, validity: LeaseValidity) {
        self.view.send_modify(|view| drop(view.held.insert(role.name(), validity)));
    }

    /// Withdraws the announcement of `role`.
    pub(super) fn withdraw(&self, role: &Role) {
        self.view.send_if_modified(|view| view.held.remove(&role.name()).is_some());
    }

    /// Returns whether `role` is assigned to this instance. A role that is not distributed is assigned to
    /// every instance; the first to acquire its lease holds it.
    pub(super) fn is_assigned_here(&self, role: &Role) -> bool {
        let view = self.view.borrow();
        view.is_present
            && (!role.is_distributed()
                || assigned_to(role, view.urls.keys().map(String::as_str)) == Some(self.id.as_str()))
    }

    /// Waits until `look` returns a value, and returns it.
    pub(super) async fn wait_for<T>(&self, look: impl Fn(&Self) -> Option<T>) -> T {
        let mut changes = self.view.subscribe();
        loop {
            changes.mark_unchanged();
            if let Some(found) = look(self) {
                return found;
            }
            // The sender belongs to this directory, so it cannot be dropped during the wait.
            let _ = changes.changed().await;
        }
    }

    /// Returns the holder of `role`.
    pub fn role_holder(&self, role: &Role) -> RoleHolder {
        if !self.roles.contains(role) {
            return RoleHolder::Local;
        }
        let (scope, view) = (role.name(), self.view.borrow());
        if view.held.get(&scope).is_some_and(LeaseValidity::is_valid) {
            return RoleHolder::Local;
        }
        if !view.is_fresh() {
            return RoleHolder::Unknown;
        }
        let Some(term) = view.terms.get(&scope) else { return RoleHolder::Vacant };
        match view.urls.get(&term.holder) {
            // A term of this instance that it has not announced yet, or has withdrawn.
            Some(url) if *url == self.url => RoleHolder::Vacant,
            Some(url) => RoleHolder::Remote(Peer {
                instance: term.holder.clone(),
                url: url.clone(),
                token: term.token,
            }),
            None => RoleHolder::Vacant,
        }
    }

    /// Waits until the holder of `role` is not `known`, and returns it.
    pub async fn role_holder_changed(&self, role: &Role, known: &RoleHolder) -> RoleHolder {
        self.wait_for(|directory| Some(directory.role_holder(role)).filter(|holder| holder != known)).await
    }
}

/// Returns whether both have the same holders in the same terms. A renewal is not a difference.
fn same_terms(one: &BTreeMap<String, Lease>, other: &BTreeMap<String, Lease>) -> bool {
    let term = |lease: &Lease| (lease.token, lease.holder.clone());
    one.len() == other.len()
        && one.iter().zip(other).all(|((one, a), (other, b))| one == other && term(a) == term(b))
}

/// Returns whether the lease is a term of a role.
fn is_of_role(lease: &Lease) -> bool {
    ![INSTANCE_PREFIX, TOPOLOGY_PREFIX].iter().any(|prefix| lease.scope.starts_with(prefix))
}

/// Returns whether an instance of a program that does not announce its topology is live. It may also be one
/// that has just started.
pub async fn has_earlier_programs(store: &dyn TaskStore, now: Timestamp) -> Result<bool, StoreError> {
    let leases = store.lease_list(now).await?;
    let has_topology =
        |name: &str| leases.iter().any(|lease| lease.scope.strip_prefix(TOPOLOGY_PREFIX) == Some(name));
    let mut names = leases.iter().filter_map(|lease| lease.scope.strip_prefix(INSTANCE_PREFIX));
    Ok(names.any(|name| !has_topology(name)))
}

/// Returns the live instances among running leases. `own_id` is the name of this instance.
pub(super) fn instance_views(leases: &[Lease], own_id: &str) -> Vec<InstanceView> {
    let presences =
        leases.iter().filter_map(|lease| Some((lease.scope.strip_prefix(INSTANCE_PREFIX)?, &lease.holder)));
    let view = |(id, url): (&str, &String)| {
        let held = leases.iter().filter(|lease| lease.holder == id && is_of_role(lease));
        let roles: Vec<String> = held.map(|lease| lease.scope.clone()).collect();
        InstanceView {
            id: id.to_owned(),
            url: url.clone(),
            here: id == own_id,
            leader: roles.contains(&Role::Writes.name()),
            roles,
        }
    };
    presences.map(view).collect()
}

/// Returns the terms of roles among running leases.
pub(super) fn lease_views(leases: Vec<Lease>) -> Vec<LeaseView> {
    let terms = leases.into_iter().filter(is_of_role);
    let view = |lease: Lease| LeaseView {
        role: lease.scope,
        holder: lease.holder,
        token: lease.token,
        expires_at: lease.expires_at,
    };
    terms.map(view).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use miroir_domain::Timestamp;
    use tokio::time::timeout;

    use super::*;

    fn directory() -> Directory {
        let sink = Role::Sink("audit".parse().unwrap());
        Directory::new("one".to_owned(), "http://one".to_owned(), [Role::Writes, sink])
    }

    fn lease(scope: &str, holder: &str, token: u64) -> Lease {
        let expires_at = Timestamp::from_millis(0);
        Lease { scope: scope.to_owned(), holder: holder.to_owned(), expires_at, token }
    }

    fn presences() -> Vec<Lease> {
        vec![lease("instance:one", "http://one", 1), lease("instance:two", "http://two", 1)]
    }

    fn at_two(token: u64) -> RoleHolder {
        RoleHolder::Remote(Peer { instance: "two".to_owned(), url: "http://two".to_owned(), token })
    }

    fn validity() -> (watch::Sender<Instant>, LeaseValidity) {
        let (sender, receiver) = watch::channel(Instant::now() + Duration::from_secs(1));
        (sender, LeaseValidity::of(receiver))
    }

    #[tokio::test(start_paused = true)]
    async fn role_holder_is_the_holder_of_a_recent_lease() {
        let directory = directory();
        assert_eq!(directory.role_holder(&Role::Writes), RoleHolder::Unknown);
        directory.update(presences(), true);
        assert_eq!(directory.role_holder(&Role::Writes), RoleHolder::Vacant);
        directory.update([presences(), vec![lease("writes", "two", 3)]].concat(), true);
        assert_eq!(directory.role_holder(&Role::Writes), at_two(3));
        tokio::time::advance(MAX_AGE).await;
        assert_eq!(directory.role_holder(&Role::Writes), RoleHolder::Unknown, "the reading is too old");
        directory.update([presences(), vec![lease("writes", "two", 3)]].concat(), true);
        assert_eq!(directory.role_holder(&Role::Writes), at_two(3));
    }

    #[test]
    fn role_is_vacant_while_its_holder_has_no_presence() {
        let directory = directory();
        directory.update(vec![presences().remove(0), lease("writes", "two", 3)], true);
        assert_eq!(directory.role_holder(&Role::Writes), RoleHolder::Vacant);
    }

    #[test]
    fn unknown_role_is_local() {
        let directory = directory();
        directory.update(presences(), true);
        assert_eq!(directory.role_holder(&Role::Sink("unheard-of".parse().unwrap())), RoleHolder::Local);
        assert_eq!(directory.role_holder(&Role::Canaries(0)), RoleHolder::Local);
    }

    #[tokio::test(start_paused = true)]
    async fn announced_role_is_local_while_its_lease_is_valid() {
        let directory = directory();
        directory.update([presences(), vec![lease("writes", "one", 3)]].concat(), true);
        assert_eq!(directory.role_holder(&Role::Writes), RoleHolder::Vacant, "it has not announced itself");
        let (_running, validity) = validity();
        directory.announce(&Role::Writes, validity);
        assert_eq!(directory.role_holder(&Role::Writes), RoleHolder::Local);
        tokio::time::advance(MAX_AGE * 3 / 4).await;
        assert_eq!(directory.role_holder(&Role::Writes), RoleHolder::Vacant);
        directory.withdraw(&Role::Writes);
        assert_eq!(directory.role_holder(&Role::Writes), RoleHolder::Vacant);
    }

    #[test]
    fn instance_of_the_same_name_with_another_url_is_remote() {
        let directory = directory();
        let leases = vec![lease("instance:one", "http://elsewhere", 1), lease("writes", "one", 3)];
        directory.update(leases, false);
        assert!(!directory.is_assigned_here(&Role::Writes));
        let RoleHolder::Remote(peer) = directory.role_holder(&Role::Writes) else { panic!("it is not here") };
        assert_eq!(peer.url, "http://elsewhere");
    }

    #[test]
    fn distributed_role_is_assigned_to_one_instance_and_the_writes_to_all() {
        let sink = Role::Sink("audit".parse().unwrap());
        let one = directory();
        let two = Directory::new("two".to_owned(), "http://two".to_owned(), [Role::Writes, sink.clone()]);
        for directory in [&one, &two] {
            assert!(!directory.is_assigned_here(&Role::Writes), "it has no presence lease yet");
            directory.update(presences(), true);
            assert!(directory.is_assigned_here(&Role::Writes));
        }
        assert!(one.is_assigned_here(&sink) != two.is_assigned_here(&sink));
    }

    #[tokio::test(start_paused = true)]
    async fn role_holder_changed_ignores_renewals() {
        let directory = Arc::new(directory());
        let leases = |token| [presences(), vec![lease("writes", "two", token)]].concat();
        directory.update(leases(3), true);
        let waiting = tokio::spawn({
            let directory = Arc::clone(&directory);
            async move { directory.role_holder_changed(&Role::Writes, &at_two(3)).await }
        });
        tokio::task::yield_now().await;
        directory.update(leases(3), true);
        let mut waiting = waiting;
        assert!(timeout(MAX_AGE / 2, &mut waiting).await.is_err());
        directory.update(leases(4), true);
        assert_eq!(waiting.await.unwrap(), at_two(4));
    }

    #[test]
    fn instance_views_contain_roles() {
        let leases = [presences(), vec![lease("sink:audit", "one", 2), lease("writes", "two", 3)]].concat();
        let shown = instance_views(&leases, "one");
        let brief: Vec<_> =
            shown.iter().map(|one| (one.id.as_str(), one.here, one.leader, one.roles.join(","))).collect();
        assert_eq!(
            brief,
            [("one", true, false, "sink:audit".to_owned()), ("two", false, true, "writes".to_owned())]
        );
        let scopes: Vec<String> = lease_views(leases).into_iter().map(|term| term.role).collect();
        assert_eq!(scopes, ["sink:audit", "writes"]);
    }
}
