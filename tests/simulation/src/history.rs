//! One history: a plan carried out, and the cluster compared with the model at its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use miroir_domain::replica::ReplicaRow;
use miroir_domain::task::TaskStatus;
use miroir_domain::{NodeId, PhysicalUid};
use miroir_ports::outbound::{RepairStep, ReplicaTable as _, TaskTable as _};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::client::Asking;
use crate::injector::carry_out;
use crate::model::Outcome;
use crate::plan::{CLIENTS, Event, Losses, Plan, What};
use crate::state::{ALL, Counts, History};
use crate::{
    end::{self, Expected},
    world::World,
};

/// The time in which everything must be in sync once all faults are over.
const HEALING: Duration = Duration::from_mins(10);

/// The time in which everything that can be repaired is repaired once all faults are over.
const REPAIRABLE: Duration = Duration::from_mins(3);

/// The pause between two looks at the open tasks.
const LOOK: Duration = Duration::from_millis(20);

/// The pause between two copies of the data of the nodes.
const SNAPSHOT: Duration = Duration::from_secs(3);

/// The outcome of a history.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The sentences about what was wrong, in the order in which it was noticed.
    pub violations: Vec<String>,
    /// Every event, with its time.
    pub log: String,
    /// The simulated time.
    pub simulated: Duration,
    /// The faults that took place, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// The steps of repair that were reached during each kind of fault.
    pub reached: BTreeSet<(&'static str, RepairStep)>,
    /// The writes by outcome: succeeded, perhaps, not.
    pub writes: [u64; 3],
    /// The reads: compared, marked, refused.
    pub reads: [u64; 3],
}

/// Carries out a plan in a runtime of its own, on this thread.
///
/// # Panics
///
/// Panics if a runtime cannot be made, and where the product panics.
pub fn run(plan: &Plan) -> Report {
    #[expect(clippy::expect_used, reason = "a runtime without I/O has nothing that can fail")]
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let world = World::new(plan);
        let history = History::new(world);
        let run = Run(history);
        run.carry_out(plan).await;
        run.report()
    })
}

/// The run of a history.
#[derive(Clone)]
struct Run(Arc<History>);

impl Run {
    async fn carry_out(&self, plan: &Plan) {
        for instance in 0..plan.shape.instances {
            self.0.instances.start(instance).await;
        }
        // Two instances need a moment until one of them leads.
        while self.0.instances.leader().is_none() {
            sleep(Duration::from_millis(100)).await;
        }
        let begin = Instant::now();
        let followers = [tokio::spawn(self.clone().follow_tasks()), tokio::spawn(self.clone().copy_nodes())];
        let mut work = JoinSet::new();
        for client in 0..CLIENTS {
            let of_client: Vec<Event> = plan
                .events
                .iter()
                .filter(|event| matches!(event.what, What::Ask { client: other, .. } if other == client))
                .copied()
                .collect();
            work.spawn(self.clone().ask_all(begin, of_client));
        }
        for event in &plan.events {
            if let What::Break(fault) = event.what {
                let history = Arc::clone(&self.0);
                let at = begin + Duration::from_millis(event.at);
                work.spawn(async move {
                    sleep_until(at).await;
                    carry_out(&history, fault).await;
                });
            }
        }
        while let Some(ended) = work.join_next().await {
            if let Err(error) = ended {
                self.0.violate(format!("a panic: {error}"));
            }
        }
        self.0.world.note("all faults are over");
        self.0.world.calm();
        let expected = if plan.losses == Losses::AllCopies && self.has_lost().await {
            end::compare_in_sync(&self.0).await;
            self.accept_losses().await;
            Expected::Equal
        } else {
            Expected::Right
        };
        self.heal().await;
        for follower in followers {
            follower.abort();
        }
        end::compare(&self.0, expected).await;
    }

    /// Returns whether some replicas cannot be repaired, because no other one has their documents.
    async fn has_lost(&self) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < REPAIRABLE {
            sleep(LOOK * 10).await;
            if self.is_in_sync().await {
                return false;
            }
        }
        true
    }

    /// Accepts what is left on one node after the other, as an operator does.
    async fn accept_losses(&self) {
        for node in &self.0.world.nodes {
            let Some(leader) = self.0.instances.leader().and_then(|leader| self.0.instances.get(leader))
            else {
                return self.0.violate("no instance leads after all faults".to_owned());
            };
            let adopted =
                miroir_ports::inbound::ClusterApi::node_adopt(leader.cluster.as_ref(), &node.id).await;
            self.0.world.note(format_args!("adopted {}: {:?}", node.id, adopted.err()));
            // What others can be repaired from it.
            self.has_lost().await;
        }
    }

    /// Lets a client ask one thing after the other, each at its time or later.
    async fn ask_all(self, begin: Instant, events: Vec<Event>) {
        for event in events {
            sleep_until(begin + Duration::from_millis(event.at)).await;
            while self.0.hold.load(Ordering::SeqCst) {
                sleep(LOOK).await;
            }
            if let What::Ask { client, instance, index, request } = event.what {
                Asking { history: &self.0, client, instance, index }.run(request).await;
            }
        }
    }

    /// Notices the end of tasks, and notes changes of the replica states.
    async fn follow_tasks(self) {
        let mut known = BTreeMap::new();
        loop {
            self.look_at_tasks().await;
            self.look_at_replicas(&mut known).await;
            sleep(LOOK).await;
        }
    }

    async fn look_at_replicas(&self, known: &mut BTreeMap<(PhysicalUid, NodeId), ReplicaRow>) {
        let rows = self.0.world.store.replica_list(None, ALL).await.unwrap_or_default();
        let rows: BTreeMap<_, _> =
            rows.into_iter().map(|row| ((row.index.clone(), row.node.clone()), row)).collect();
        for ((index, node), row) in &rows {
            if known.get(&(index.clone(), node.clone())).is_none_or(|before| before.state != row.state) {
                let (state, reason) = (&row.state, &row.reason);
                self.0.world.note(format_args!("stale: {index} on {node}, {state:?} ({reason})"));
            }
        }
        for (index, node) in known.keys().filter(|replica| !rows.contains_key(replica)) {
            self.0.world.note(format_args!("in sync: {index} on {node}"));
        }
        *known = rows;
    }

    async fn look_at_tasks(&self) {
        let open = self.0.model.lock().open_tasks();
        for (id, uid) in open {
            let Ok(task) = self.0.world.store.task_get(uid).await else { continue };
            let outcome = match task.map(|task| task.status) {
                Some(TaskStatus::Enqueued | TaskStatus::Processing) => continue,
                Some(TaskStatus::Succeeded) => Outcome::Succeeded,
                // Without a row, it was pruned as soon as it ended.
                Some(_) | None => Outcome::Maybe,
            };
            self.0.model.lock().end(id, outcome, self.0.world.elapsed());
            self.0.world.note(format_args!("task {uid} ended: {outcome:?}"));
        }
    }

    async fn copy_nodes(self) {
        loop {
            sleep(SNAPSHOT).await;
            self.0.injector.take_snapshots(&self.0.world);
        }
    }

    /// Waits until every task has ended and every replica is in sync.
    async fn heal(&self) {
        let begun = Instant::now();
        let mut calm_since = None;
        while begun.elapsed() < HEALING {
            sleep(Duration::from_millis(200)).await;
            if self.is_in_sync().await {
                let since = *calm_since.get_or_insert(Instant::now());
                // Late requests have arrived, and lost responses were given up.
                if since.elapsed() > Duration::from_secs(20) {
                    return;
                }
            } else {
                calm_since = None;
            }
        }
        let rows = self.0.world.store.replica_list(None, 100).await.unwrap_or_default();
        let rows: Vec<String> = rows
            .iter()
            .map(|row| format!("{} on {}: {:?} ({})", row.index, row.node, row.state, row.reason))
            .collect();
        let open = self.0.world.store.task_list_unfinished(None, 100).await.unwrap_or_default();
        let open: Vec<String> = open.iter().map(|task| format!("{task:?}")).collect();
        self.0.violate(format!(
            "the cluster is not in sync {} s after all faults: {rows:?}; open tasks: {open:?}",
            HEALING.as_secs()
        ));
    }

    async fn is_in_sync(&self) -> bool {
        let store = &self.0.world.store;
        let Some(leader) = self.0.instances.leader().and_then(|leader| self.0.instances.get(leader)) else {
            return false;
        };
        let report = miroir_ports::inbound::ClusterApi::replicas(leader.cluster.as_ref());
        let health = leader.infrastructure.nodes.health();
        report.complete
            && report.results.is_empty()
            && self.0.world.nodes.iter().all(|node| leader.infrastructure.nodes.is_healthy(&node.id))
            && health.nodes().count() == self.0.world.nodes.len()
            && store.replica_list(None, 1).await.is_ok_and(|rows| rows.is_empty())
            && store.task_list_unfinished(None, 1).await.is_ok_and(|tasks| tasks.is_empty())
    }

    fn report(&self) -> Report {
        let model = self.0.model.lock();
        let count = |outcome| model.writes().iter().filter(|write| write.outcome == outcome).count() as u64;
        let Counts { judged, marked, refused } = &self.0.counts;
        Report {
            violations: self.0.violations.lock().clone(),
            log: self.0.world.take_log(),
            simulated: self.0.world.elapsed(),
            faults: self.0.faults.lock().clone(),
            reached: self.0.world.reached(),
            writes: [count(Outcome::Succeeded), count(Outcome::Maybe), count(Outcome::Void)],
            reads: [judged, marked, refused].map(|count| count.load(Ordering::Relaxed)),
        }
    }
}
