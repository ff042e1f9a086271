//! Instances of Miroir: the core as production puts it together, with adapters to the simulated world.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use miroir_core::alias::AliasResolver;
use miroir_core::change::{ChangeRecorder, RecorderOptions};
use miroir_core::cluster::{ActiveCluster, RepairOptions, SearchPolicy};
use miroir_core::identity::{GuardedStore, KnownIdentity, NodeChecker, probe_loop, refresh, refresh_loop};
use miroir_core::infrastructure::Infrastructure;
use miroir_core::instance::{
    Campaign, Directory, Handles, InstanceService, LeaseTimings, Presence, SoleInstance, Term, campaign_loop,
    presence_loop,
};
use miroir_core::leader::{LeaderOptions, LeaderWork};
use miroir_core::node::{HealthTracker, NodePool, Timeouts};
use miroir_core::registry::{LastKnown, last_known_loop};
use miroir_core::replica::{KNOWN_EVERYWHERE, ReportedStates, TopologyUse, reported_state_loop};
use miroir_core::service::{
    AliasService, ClusterService, DocumentService, IndexService, SearchService, SettingsService,
};
use miroir_core::worker::{PollerOptions, PrunerOptions};
use miroir_domain::NodeId;
use miroir_domain::health::HealthThresholds;
use miroir_domain::role::Role;
use miroir_meilisearch::{MeilisearchInspector, MeilisearchNodes};
use miroir_ports::inbound::InstanceApi;
use miroir_ports::outbound::{Clock, ConnectionGuard, Ids, Observer, StoreError, TaskStore};
use miroir_system::KeySealer;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::gate::Gate;
use crate::network::SimTransport;
use crate::store::SimStore;
use crate::world::{SimClock, SimIds, SimObserver, World};

/// The time for which a lease lasts.
const LEASE: Duration = Duration::from_secs(5);

/// The greatest age of what reads use while the store is away.
const STALENESS: Duration = Duration::from_mins(15);

/// One run of an instance, from its start to its crash.
pub struct Running {
    /// The gate, by which it is paused and crashed.
    pub gate: Gate,
    /// The clock's difference to the time of day, in milliseconds.
    pub clock_offset: Arc<AtomicI64>,
    /// The clients, clock and counters.
    pub infrastructure: Arc<Infrastructure>,
    /// The services.
    pub document: DocumentService,
    /// The services of indexes.
    pub index: IndexService,
    /// The services of settings.
    pub settings: SettingsService,
    /// The services of searches.
    pub search: SearchService,
    /// The services of aliases.
    pub alias: AliasService,
    /// The services of the cluster.
    pub cluster: Arc<ClusterService>,
    /// The roles.
    pub roles: Arc<dyn InstanceApi>,
    shutdown: CancellationToken,
}

/// All instances, by number. An instance that does not run is `None`.
pub struct Instances {
    world: Arc<World>,
    slots: Mutex<Vec<Option<Arc<Running>>>>,
}

impl Instances {
    /// Creates the slots of all instances.
    pub fn new(world: &Arc<World>) -> Arc<Self> {
        let slots = Mutex::new(vec![None; world.shape.instances]);
        Arc::new(Self { world: Arc::clone(world), slots })
    }

    /// Returns an instance, if it runs.
    pub fn get(&self, number: usize) -> Option<Arc<Running>> {
        self.slots.lock()[number].clone()
    }

    /// Crashes an instance. Returns whether it ran.
    pub fn crash(&self, number: usize) -> bool {
        let Some(running) = self.slots.lock()[number].take() else { return false };
        running.gate.crashed.cancel();
        // Its tasks end, or wait at the gate for ever.
        running.shutdown.cancel();
        self.world.note(format_args!("instance {number} crashed"));
        true
    }

    /// Returns the instances that run.
    pub fn all(&self) -> Vec<Arc<Running>> {
        self.slots.lock().iter().flatten().cloned().collect()
    }

    /// Returns the number of an instance that leads.
    pub fn leader(&self) -> Option<usize> {
        let slots = self.slots.lock();
        let leads = |running: &Arc<Running>| {
            matches!(running.roles.role_holder(&Role::Writes), miroir_ports::inbound::RoleHolder::Local)
        };
        slots.iter().position(|slot| slot.as_ref().is_some_and(leads))
    }

    /// Starts an instance, and tries again until it succeeds, as a supervisor does.
    pub async fn start(self: &Arc<Self>, number: usize) {
        loop {
            match self.try_start(number).await {
                Ok(running) => {
                    self.slots.lock()[number] = Some(Arc::new(running));
                    self.world.note(format_args!("instance {number} started"));
                    return;
                }
                Err(error) => {
                    self.world.note(format_args!("instance {number} does not start: {error}"));
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    async fn try_start(self: &Arc<Self>, number: usize) -> Result<Running, StoreError> {
        let gate = Gate::default();
        let clock_offset = Arc::new(AtomicI64::new(0));
        let infrastructure = Arc::new(self.infrastructure(number, &gate, &clock_offset));
        let shutdown = CancellationToken::new();
        let started = self.assemble(number, &gate, &infrastructure, &shutdown).await;
        if started.is_err() {
            gate.crashed.cancel();
            shutdown.cancel();
        }
        let (cluster, roles, active, aliases) = started?;
        Ok(Running {
            document: DocumentService::new(Arc::clone(&active), Arc::clone(&aliases)),
            index: IndexService::new(Arc::clone(&active), Arc::clone(&aliases)),
            settings: SettingsService::new(Arc::clone(&active), Arc::clone(&aliases)),
            search: SearchService::new(Arc::clone(&active), Arc::clone(&aliases)),
            alias: AliasService::new(active, aliases),
            gate,
            clock_offset,
            infrastructure,
            cluster,
            roles,
            shutdown,
        })
    }

    /// Makes the clients of one run.
    fn infrastructure(&self, number: usize, gate: &Gate, offset: &Arc<AtomicI64>) -> Infrastructure {
        let world = &self.world;
        let clock: Arc<dyn Clock> =
            Arc::new(SimClock { world: Arc::clone(world), offset: Arc::clone(offset) });
        let ids: Vec<NodeId> = world.nodes.iter().map(|node| node.id.clone()).collect();
        let transport = |guard| {
            Arc::new(SimTransport {
                world: Arc::clone(world),
                instance: number,
                gate: gate.clone(),
                guard,
                idle: Mutex::new(vec![Vec::new(); world.nodes.len()]),
            })
        };
        let health = Arc::new(HealthTracker::new(ids, HealthThresholds::default(), Arc::clone(&clock)));
        let identity = Arc::new(KnownIdentity::default());
        let inspector = Arc::new(MeilisearchInspector::over(transport(None)));
        let probe_timeout = Duration::from_secs(2);
        let checker =
            Arc::new(NodeChecker::new(inspector, Arc::clone(&identity), Arc::clone(&health), probe_timeout));
        let guard: Arc<dyn ConnectionGuard> = Arc::clone(&checker) as _;
        let nodes = Arc::new(MeilisearchNodes::over(transport(Some(guard))));
        let timeouts = Timeouts {
            write: Duration::from_secs(5),
            read: Duration::from_secs(3),
            search: Duration::from_secs(3),
        };
        let topology_use = TopologyUse::new(world.shape.accepted(), STALENESS);
        Infrastructure {
            nodes: NodePool::new(nodes, health, HashMap::new(), timeouts),
            accepted: world.shape.accepted(),
            checker,
            topology: Arc::new(world.shape.topology()),
            shard_count: world.shape.shards,
            search_policy: SearchPolicy::Partial,
            changes: Arc::new(ChangeRecorder::new(
                RecorderOptions { source: "simulation".to_owned(), budget_bytes: 0 },
                Vec::new(),
                Arc::clone(&identity),
            )),
            clock,
            ids: Arc::new(SimIds(Arc::clone(world))) as Arc<dyn Ids>,
            last_known: Arc::new(LastKnown::new(STALENESS, Arc::clone(&identity))),
            identity,
            reported: Arc::new(ReportedStates::new(topology_use)),
            observer: Arc::new(SimObserver(Arc::clone(world))) as Arc<dyn Observer>,
            repair: RepairOptions::default(),
            sealer: Arc::new(KeySealer::new([])),
        }
    }

    /// Starts the workers of an instance, in the order of production.
    #[allow(clippy::type_complexity, reason = "the parts of one struct that are made together")]
    async fn assemble(
        self: &Arc<Self>,
        number: usize,
        gate: &Gate,
        infrastructure: &Arc<Infrastructure>,
        shutdown: &CancellationToken,
    ) -> Result<(Arc<ClusterService>, Arc<dyn InstanceApi>, Arc<ActiveCluster>, Arc<AliasResolver>), StoreError>
    {
        let Infrastructure { identity, checker, last_known, reported, observer, .. } =
            infrastructure.as_ref();
        let unguarded = SimStore::open(&self.world, gate);
        let guarded = |store| Arc::new(GuardedStore::new(store, Arc::clone(identity))) as Arc<dyn TaskStore>;
        let store = guarded(Arc::clone(&unguarded));
        let shared = self.world.shape.instances > 1;
        if shared {
            refresh(unguarded.as_ref(), identity, reported).await?;
            tokio::spawn(last_known_loop(Arc::clone(last_known), Arc::clone(&unguarded), shutdown.clone()));
            let (checker, reported) = (Arc::clone(checker), Arc::clone(reported));
            tokio::spawn(refresh_loop(Arc::clone(&unguarded), checker, reported, shutdown.clone()));
        } else {
            refresh(unguarded.as_ref(), identity, &ReportedStates::default()).await?;
        }
        let stopped = shutdown.clone().cancelled_owned();
        tokio::spawn(probe_loop(Arc::clone(checker), Duration::from_secs(1), stopped));
        infrastructure.nodes.health().checked().await;

        let reader = infrastructure.cluster(Arc::clone(&store), infrastructure.nodes.clone());
        let active = Arc::new(ActiveCluster::new(Arc::new(reader)));
        let aliases = Arc::new(AliasResolver::new(Arc::clone(&store), Arc::clone(last_known)));
        let cluster = Arc::new(ClusterService::new(
            Arc::clone(&active),
            Arc::clone(checker),
            Arc::clone(last_known) as _,
            Arc::clone(&infrastructure.ids),
        ));
        let options = LeaderOptions {
            canaries: Vec::new(),
            poller: PollerOptions {
                shortest_pause: Duration::from_millis(25),
                longest_pause: Duration::from_secs(1),
                known_everywhere: if shared { KNOWN_EVERYWHERE } else { Duration::ZERO },
            },
            pruner: PrunerOptions { keep: Duration::from_secs(1), interval: Duration::from_secs(1) },
        };
        let leader = LeaderWork::new(Arc::clone(infrastructure), Arc::clone(&active), options);
        let directory = Directory::new(format!("i{number}"), url(number), [Role::Writes]);
        let roles: Arc<dyn InstanceApi> = if shared {
            let directory = Arc::new(directory);
            // A shared store measures time by its own clock.
            let clock: Arc<dyn Clock> =
                Arc::new(SimClock { world: Arc::clone(&self.world), offset: Arc::default() });
            let (world, own_gate, own_identity) =
                (Arc::clone(&self.world), gate.clone(), Arc::clone(identity));
            let handles: Handles = Arc::new(move || {
                Arc::new(GuardedStore::new(SimStore::open(&world, &own_gate), Arc::clone(&own_identity))) as _
            });
            let roles: Arc<dyn InstanceApi> =
                Arc::new(InstanceService::new(store, Arc::clone(&clock), Arc::clone(&directory)));
            let timings = LeaseTimings::new(LEASE);
            let campaign = Campaign {
                role: Role::Writes,
                work: Arc::new(leader),
                handles: Arc::clone(&handles),
                clock: Arc::clone(&clock),
                directory: Arc::clone(&directory),
                observer: Arc::clone(observer),
                timings,
            };
            tokio::spawn(campaign_loop(campaign, shutdown.clone()));
            tokio::spawn(reported_state_loop(Arc::clone(reported), handles(), shutdown.clone()));
            let presence = Presence {
                store: handles(),
                clock,
                directory,
                observer: Arc::clone(observer),
                timings,
                max_staleness: STALENESS,
                topology: infrastructure.own_topology(),
            };
            tokio::spawn(presence_loop(presence, shutdown.clone()));
            roles
        } else {
            let term = Term::unlimited(store, shutdown.clone());
            let leading = leader.begin(&term).await?;
            tokio::spawn(leading.finish());
            Arc::new(SoleInstance::new(directory))
        };
        Ok((cluster, roles, active, aliases))
    }
}

/// Returns the URL of an instance.
pub fn url(number: usize) -> String {
    format!("http://instance-{number}")
}
