//! Campaigns of several instances over one store, in simulated time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use miroir_core::instance::{
    Campaign, Directory, Handles, LeaseTimings, Presence, Term, Work, campaign_loop, presence_loop,
};
use miroir_domain::PhysicalUid;
use miroir_domain::identity::OwnTopology;
use miroir_domain::role::{Role, assigned_to};
use miroir_memory::MemoryStore;
use miroir_ports::inbound::RoleHolder;
use miroir_ports::outbound::{Clock, LeaseTable as _, StoreError, TaskStore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::support::RuntimeClock;

const LEASE: Duration = Duration::from_secs(10);
const STALENESS: Duration = Duration::from_mins(1);

/// The log of the work of all instances.
#[derive(Default)]
struct WorkLog {
    /// The instances that work at present, by scope.
    working: Mutex<BTreeMap<String, Vec<String>>>,
    begun: AtomicUsize,
    ended: AtomicUsize,
    aborted: AtomicUsize,
}

impl WorkLog {
    /// Returns the instances that do the work of `role`.
    fn workers(&self, role: &Role) -> Vec<String> {
        self.working.lock().unwrap().get(&role.name()).cloned().unwrap_or_default()
    }
}

/// Work that is logged.
struct LoggedWork {
    name: String,
    role: Role,
    log: Arc<WorkLog>,
    /// True if it ends when the term is over.
    cooperative: bool,
    /// Number of times that it fails to begin.
    failures: AtomicUsize,
}

/// Logs the end of work. The flag is false until it has ended by itself.
struct Entry<'a>(&'a LoggedWork, bool);

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let LoggedWork { name, role, log, .. } = self.0;
        let counter = if self.1 { &log.ended } else { &log.aborted };
        counter.fetch_add(1, Ordering::Relaxed);
        let mut working = log.working.lock().unwrap();
        working.get_mut(&role.name()).unwrap().retain(|one| one != name);
    }
}

#[async_trait]
impl Work for LoggedWork {
    async fn work(&self, term: Term) -> Result<(), StoreError> {
        if self
            .failures
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok()
        {
            return Err(StoreError::InvalidInput("not yet".to_owned()));
        }
        self.log.begun.fetch_add(1, Ordering::Relaxed);
        let mut entry = Entry(self, false);
        {
            let mut working = self.log.working.lock().unwrap();
            let others = working.entry(self.role.name()).or_default();
            others.push(self.name.clone());
            assert_eq!(others.len(), 1, "{others:?} hold one role");
        }
        term.announce();
        if self.cooperative {
            term.over.cancelled().await;
        } else {
            std::future::pending::<()>().await;
        }
        entry.1 = true;
        Ok(())
    }
}

/// One instance.
struct Instance {
    directory: Arc<Directory>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

struct World {
    rows: Arc<MemoryStore>,
    clock: Arc<dyn Clock>,
    log: Arc<WorkLog>,
    /// The comparison of the topology of each instance with the accepted one.
    topologies: Arc<Mutex<BTreeMap<String, OwnTopology>>>,
}

impl World {
    fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(RuntimeClock::new());
        Self { rows: Arc::new(MemoryStore::new()), clock, log: Arc::default(), topologies: Arc::default() }
    }

    fn instance(&self, name: &str, roles: &[Role]) -> Instance {
        self.with(name, roles, true, 0)
    }

    fn set_topology(&self, name: &str, topology: OwnTopology) {
        self.topologies.lock().unwrap().insert(name.to_owned(), topology);
    }

    fn with(&self, name: &str, roles: &[Role], cooperative: bool, failures: usize) -> Instance {
        let url = format!("http://{name}");
        let directory = Arc::new(Directory::new(name.to_owned(), url, roles.iter().cloned()));
        let rows = Arc::clone(&self.rows);
        let handles: Handles = Arc::new(move || Arc::new(rows.reopen()) as Arc<dyn TaskStore>);
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let presence = Presence {
            store: handles(),
            clock: Arc::clone(&self.clock),
            directory: Arc::clone(&directory),
            observer: Arc::new(()),
            timings: LeaseTimings::new(LEASE),
            max_staleness: STALENESS,
            topology: {
                let (topologies, name) = (Arc::clone(&self.topologies), name.to_owned());
                Arc::new(move || {
                    topologies.lock().unwrap().get(&name).copied().unwrap_or(OwnTopology::Unknown)
                })
            },
        };
        tasks.spawn(presence_loop(presence, stop.clone()));
        for role in roles {
            let work = LoggedWork {
                name: name.to_owned(),
                role: role.clone(),
                log: Arc::clone(&self.log),
                cooperative,
                failures: AtomicUsize::new(failures),
            };
            let campaign = Campaign {
                role: role.clone(),
                work: Arc::new(work),
                handles: Arc::clone(&handles),
                clock: Arc::clone(&self.clock),
                directory: Arc::clone(&directory),
                observer: Arc::new(()),
                timings: LeaseTimings::new(LEASE),
            };
            tasks.spawn(campaign_loop(campaign, stop.clone()));
        }
        Instance { directory, stop, tasks }
    }

    async fn token(&self, role: &Role) -> Option<u64> {
        let term = self.rows.lease_get(&role.name(), self.clock.now()).await.unwrap();
        term.map(|term| term.token)
    }
}

impl Instance {
    async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

fn sinks(count: usize) -> Vec<Role> {
    (0..count).map(|n| Role::Sink(format!("sink-{n}").parse().unwrap())).collect()
}

#[tokio::test(start_paused = true)]
async fn writes_stay_with_their_holder_and_move_at_once_when_it_stops() {
    let (world, writes) = (World::new(), [Role::Writes]);
    let one = world.instance("one", &writes);
    sleep(Duration::from_secs(1)).await;
    let two = world.instance("two", &writes);
    sleep(LEASE * 3).await;
    assert_eq!(world.log.workers(&Role::Writes), ["one"]);
    assert_eq!(one.directory.role_holder(&Role::Writes), RoleHolder::Local);
    let RoleHolder::Remote(peer) = two.directory.role_holder(&Role::Writes) else {
        panic!("two does not know the holder")
    };
    assert_eq!((peer.url.as_str(), peer.token), ("http://one", 1));
    one.stop().await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(world.log.workers(&Role::Writes), ["two"]);
    assert_eq!(two.directory.role_holder(&Role::Writes), RoleHolder::Local);
    assert_eq!(world.log.ended.load(Ordering::Relaxed), 1);
    two.stop().await;
    assert_eq!(world.token(&Role::Writes).await, None, "the last holder releases its lease");
}

#[tokio::test(start_paused = true)]
async fn role_of_a_killed_instance_moves_when_its_term_ends() {
    let (world, writes) = (World::new(), [Role::Writes]);
    let one = world.instance("one", &writes);
    sleep(Duration::from_secs(1)).await;
    let two = world.instance("two", &writes);
    sleep(Duration::from_secs(5)).await;
    drop(one);
    sleep(LEASE / 2).await;
    assert!(world.log.workers(&Role::Writes).is_empty());
    sleep(LEASE).await;
    assert_eq!(world.log.workers(&Role::Writes), ["two"]);
    assert_eq!(world.token(&Role::Writes).await, Some(2));
    two.stop().await;
}

#[tokio::test(start_paused = true)]
async fn distributed_roles_move_in_order_when_an_instance_starts() {
    let (world, roles) = (World::new(), sinks(12));
    let one = world.instance("one", &roles);
    sleep(Duration::from_secs(2)).await;
    assert!(roles.iter().all(|role| world.log.workers(role) == ["one"]));
    let two = world.instance("two", &roles);
    sleep(Duration::from_secs(3)).await;
    let both = ["one", "two"];
    for role in &roles {
        assert_eq!(world.log.workers(role), [assigned_to(role, both).unwrap()], "{role:?}");
    }
    let moved = world.log.ended.load(Ordering::Relaxed);
    assert!((1..12).contains(&moved), "{moved} of 12 moved");
    assert_eq!(world.log.aborted.load(Ordering::Relaxed), 0);
    two.stop().await;
    sleep(Duration::from_secs(1)).await;
    assert!(roles.iter().all(|role| world.log.workers(role) == ["one"]));
    one.stop().await;
}

#[tokio::test(start_paused = true)]
async fn work_is_aborted_when_the_lease_is_lost_and_begins_again() {
    let (world, writes) = (World::new(), [Role::Writes]);
    let one = world.with("one", &writes, false, 0);
    sleep(Duration::from_secs(1)).await;
    // The lease is released without the holder's knowledge.
    let term = world.rows.lease_get("writes", world.clock.now()).await.unwrap().unwrap();
    assert!(world.rows.lease_release("writes", &term.holder, term.token).await.unwrap());
    sleep(LEASE / 2).await;
    assert_eq!(world.log.aborted.load(Ordering::Relaxed), 1);
    assert_eq!(world.log.workers(&Role::Writes), ["one"]);
    assert_eq!(world.token(&Role::Writes).await, Some(2));
    drop(one);
}

#[tokio::test(start_paused = true)]
async fn instances_know_when_no_other_one_has_a_former_topology() {
    let world = World::new();
    let instances = ["one", "two"].map(|name| {
        world.set_topology(name, OwnTopology::Accepted { version: 1 });
        world.instance(name, &[Role::Writes])
    });
    let [one, two] = instances;
    sleep(Duration::from_secs(2)).await;
    for (version, expected) in [(1, true), (2, false)] {
        assert_eq!(one.directory.all_have_topology(version), expected, "{version}");
        assert_eq!(two.directory.all_have_topology(version), expected, "{version}");
    }
    // Another topology is accepted, and the first instance is started again with it.
    world.set_topology("one", OwnTopology::Accepted { version: 2 });
    world.set_topology("two", OwnTopology::Former);
    sleep(LEASE * 2).await;
    assert!(!one.directory.all_have_topology(1) && !one.directory.all_have_topology(2));
    two.stop().await;
    sleep(Duration::from_secs(2)).await;
    assert!(one.directory.all_have_topology(2));
    // An earlier program does not say which topology it has.
    let earlier = world.instance("earlier", &[]);
    sleep(Duration::from_secs(2)).await;
    assert!(!one.directory.all_have_topology(2));
    for instance in [earlier, one] {
        instance.stop().await;
    }
}

/// It may be cut off from the store alone, and read by its topology as long as reads go on without the store.
#[tokio::test(start_paused = true)]
async fn instance_that_has_not_stopped_in_order_counts_until_its_reads_have_ended() {
    let world = World::new();
    let [one, mut crashed] = ["one", "crashed"].map(|name| {
        world.set_topology(name, OwnTopology::Accepted { version: 1 });
        world.instance(name, &[])
    });
    sleep(Duration::from_secs(1)).await;
    crashed.tasks.abort_all();
    world.set_topology("one", OwnTopology::Accepted { version: 2 });
    sleep(STALENESS).await;
    assert!(!one.directory.all_have_topology(2));
    sleep(STALENESS).await;
    assert!(one.directory.all_have_topology(2));
    one.stop().await;
}

/// The instance keeps its lease until its work ends, also after it was stopped.
#[tokio::test(start_paused = true)]
async fn role_does_not_move_until_the_work_of_its_holder_ends() {
    let (world, writes) = (World::new(), [Role::Writes]);
    let persistent = world.with("persistent", &writes, false, 0);
    sleep(Duration::from_secs(1)).await;
    let other = world.instance("other", &writes);
    let mut stopping = tokio::spawn(persistent.stop());
    assert!(timeout(LEASE * 3, &mut stopping).await.is_err(), "its work was aborted");
    assert_eq!(world.log.workers(&Role::Writes), ["persistent"]);
    assert!(matches!(other.directory.role_holder(&Role::Writes), RoleHolder::Vacant | RoleHolder::Remote(_)));
    stopping.abort();
    sleep(LEASE * 2).await;
    assert_eq!(world.log.workers(&Role::Writes), ["other"]);
    other.stop().await;
}

#[tokio::test(start_paused = true)]
async fn work_that_fails_begins_again_in_a_new_term() {
    let (world, writes) = (World::new(), [Role::Writes]);
    let one = world.with("one", &writes, true, 3);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(world.log.workers(&Role::Writes), ["one"]);
    assert_eq!(world.token(&Role::Writes).await, Some(4));
    one.stop().await;
}

#[tokio::test(start_paused = true)]
async fn store_of_a_former_term_refuses_changes() {
    struct Keeps(Arc<Mutex<Vec<Arc<dyn TaskStore>>>>);
    #[async_trait]
    impl Work for Keeps {
        async fn work(&self, term: Term) -> Result<(), StoreError> {
            self.0.lock().unwrap().push(Arc::clone(&term.store));
            term.announce();
            term.over.cancelled().await;
            Ok(())
        }
    }
    let world = World::new();
    let kept = Arc::new(Mutex::new(Vec::new()));
    for name in ["one", "two"] {
        let mut one = world.instance(name, &[]);
        let rows = Arc::clone(&world.rows);
        let campaign = Campaign {
            role: Role::Writes,
            work: Arc::new(Keeps(Arc::clone(&kept))),
            handles: Arc::new(move || Arc::new(rows.reopen()) as Arc<dyn TaskStore>),
            clock: Arc::clone(&world.clock),
            directory: Arc::clone(&one.directory),
            observer: Arc::new(()),
            timings: LeaseTimings::new(LEASE),
        };
        one.tasks.spawn(campaign_loop(campaign, one.stop.clone()));
        sleep(Duration::from_secs(2)).await;
        one.stop().await;
    }
    let [former, latter] = [0, 1].map(|term| Arc::clone(&kept.lock().unwrap()[term]));
    let index = "films".parse().unwrap();
    let refused = former.index_delete(&index, &PhysicalUid::of_name(&index)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable { .. }), "{refused}");
    latter.index_delete(&index, &PhysicalUid::of_name(&index)).await.unwrap();
}
