//! Carries out the faults of a plan, and sees to it that one copy of each shard stays.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use miroir_devnode::Snapshot;
use miroir_domain::identity::NodeRow;
use miroir_domain::placement::Placement;
use miroir_domain::task::{NodeTask, NodeTaskState, Task};
use miroir_domain::{NodeId, ShardSet};
use miroir_ports::outbound::{IdentityTable as _, IndexTable as _, ReplicaTable as _, TaskTable as _};
use tokio::time::{Instant, sleep, timeout};

use crate::plan::{Fault, Losses};
use crate::state::{ALL, FaultState, History};
use crate::world::Trouble;

/// The time for which a fault waits until a node can be spared.
const WAIT: Duration = Duration::from_secs(4);

/// The time for which clients are held up then, if it cannot be spared before.
const HOLD: Duration = Duration::from_secs(30);

/// Claims nodes for a fault, once they can be spared and no other node has a fault. Clients are held up
/// meanwhile if `holds`. Returns whether that was possible.
async fn claim(history: &Arc<History>, nodes: &[usize], holds: bool) -> bool {
    let begun = Instant::now();
    let limit = if holds { WAIT + HOLD } else { WAIT };
    let claimed = loop {
        if history.injector.busy.lock().is_empty() && is_expendable(history, nodes).await {
            // Nothing has waited since then.
            history.injector.busy.lock().extend(nodes);
            break true;
        }
        if begun.elapsed() >= limit {
            break false;
        }
        if holds && begun.elapsed() >= WAIT {
            history.hold.store(true, Ordering::SeqCst);
        }
        sleep(Duration::from_millis(23)).await;
    };
    history.hold.store(false, Ordering::SeqCst);
    claimed
}

/// Carries out a fault to its end. Returns whether it took place.
#[expect(clippy::too_many_lines, reason = "a table of the faults")]
pub async fn carry_out(history: &Arc<History>, fault: Fault) {
    let (world, injector) = (&history.world, &history.injector);
    let millis = Duration::from_millis;
    let kind = fault.kind();
    let happened = match fault {
        Fault::KillNode { node, down } => {
            if !claim(history, &[node], false).await {
                return skip(history, kind);
            }
            begin(history, kind, fault);
            stop(history, node);
            sleep(millis(down)).await;
            start(history, node);
            injector.release(&[node]);
            true
        }
        Fault::WipeNode { node, down } => damage(history, fault, node, down, false).await,
        Fault::RollBackNode { node, down } => damage(history, fault, node, down, true).await,
        Fault::ExchangeNodes { one, other, during } => {
            // A node that is not taken in yet would be taken for the other one.
            if !are_healthy(history, &[one, other]) || !claim(history, &[one, other], false).await {
                return skip(history, kind);
            }
            if !are_healthy(history, &[one, other]) || are_damaged(history, &[one, other]).await {
                injector.release(&[one, other]);
                return skip(history, kind);
            }
            begin(history, kind, fault);
            exchange(history, one, other).await;
            sleep(millis(during)).await;
            exchange(history, one, other).await;
            injector.release(&[one, other]);
            true
        }
        Fault::StallNode { node, during } => {
            if !claim(history, &[node], false).await {
                return skip(history, kind);
            }
            begin(history, kind, fault);
            world.nodes[node].server.pause_tasks(true);
            sleep(millis(during)).await;
            world.nodes[node].server.pause_tasks(false);
            injector.release(&[node]);
            true
        }
        Fault::Network { instance, node, kind: trouble, during } => {
            let claimed: Vec<usize> = node.into_iter().collect();
            if !claim(history, &claimed, false).await {
                return skip(history, kind);
            }
            begin(history, kind, fault);
            world.disturb(Trouble { node, instance, kind: trouble, until: Instant::now() + millis(during) });
            sleep(millis(during)).await;
            injector.release(&claimed);
            true
        }
        Fault::CrashInstance { instance, down } => {
            begin(history, kind, fault);
            let ran = history.instances.crash(instance);
            sleep(millis(down)).await;
            if ran {
                history.instances.start(instance).await;
            }
            true
        }
        Fault::CrashAt { step, down } => {
            let crash = world.crash();
            world.set_trap(step);
            let leader = match timeout(Duration::from_secs(20), crash.notified()).await {
                Ok(()) => history.instances.leader(),
                Err(_) => None,
            };
            let Some(leader) = leader else { return skip(history, kind) };
            begin(history, kind, fault);
            let ran = history.instances.crash(leader);
            sleep(millis(down)).await;
            if ran {
                history.instances.start(leader).await;
            }
            true
        }
        Fault::PauseInstance { instance, during } => {
            let Some(running) = history.instances.get(instance) else { return skip(history, kind) };
            begin(history, kind, fault);
            running.gate.pause(Instant::now() + millis(during));
            sleep(millis(during)).await;
            true
        }
        Fault::StoreAway { during } => {
            begin(history, kind, fault);
            world.store_is_up.store(false, Ordering::SeqCst);
            sleep(millis(during)).await;
            world.store_is_up.store(true, Ordering::SeqCst);
            true
        }
        Fault::InstanceClock { instance, by } => {
            let Some(running) = history.instances.get(instance) else { return skip(history, kind) };
            begin(history, kind, fault);
            running.clock_offset.store(by, Ordering::SeqCst);
            true
        }
        Fault::NodeClock { node, by } => {
            begin(history, kind, fault);
            world.nodes[node].clock_offset.store(by, Ordering::SeqCst);
            true
        }
    };
    if happened {
        world.end_fault(kind);
    }
}

fn begin(history: &History, kind: &'static str, fault: Fault) {
    history.world.note(format_args!("FAULT {fault:?}"));
    history.world.begin_fault(kind);
    *history.faults.lock().entry(kind).or_default() += 1;
}

fn skip(history: &History, kind: &'static str) {
    history.world.note(format_args!("fault {kind} does not take place"));
}

fn stop(history: &History, node: usize) {
    history.world.nodes[node].server.stop();
    history.world.next_epoch(node);
}

fn start(history: &History, node: usize) {
    history.world.nodes[node].server.start();
    history.world.note(format_args!("node {node} started"));
}

/// Returns whether every instance finds the nodes healthy.
fn are_healthy(history: &History, nodes: &[usize]) -> bool {
    let ids: Vec<&NodeId> = nodes.iter().map(|node| &history.world.nodes[*node].id).collect();
    let instances = history.instances.all();
    // Without an instance, nothing takes in a node.
    !instances.is_empty()
        && instances
            .iter()
            .all(|running| ids.iter().all(|node| running.infrastructure.nodes.is_healthy(node)))
}

/// Returns whether nodes have lost data, and nobody has noticed it yet.
async fn are_damaged(history: &History, nodes: &[usize]) -> bool {
    for node in nodes {
        let before = history.injector.dirty.lock().get(node).cloned();
        if before.is_some() && row_of(history, *node).await.map(|row| row.incarnation) == before {
            return true;
        }
    }
    false
}

/// Lets two nodes exchange their data.
async fn exchange(history: &History, one: usize, other: usize) {
    stop(history, one);
    stop(history, other);
    sleep(Duration::from_millis(50)).await;
    let (first, second) = (&history.world.nodes[one].server, &history.world.nodes[other].server);
    let (data, others) = (first.snapshot(), second.snapshot());
    // Both are stopped.
    let _ = (first.restore(others), second.restore(data));
    start(history, one);
    start(history, other);
}

/// Wipes a node or gives it earlier data, once it can be spared. Returns whether that took place.
async fn damage(history: &Arc<History>, fault: Fault, node: usize, down: u64, to_earlier: bool) -> bool {
    let injector = &history.injector;
    if !claim(history, &[node], true).await {
        skip(history, fault.kind());
        return false;
    }
    // The store in memory never waits, so the node can be spared still.
    let row = row_of(history, node).await;
    let data = if to_earlier { earlier_data(injector, node, row.as_ref()) } else { None };
    if to_earlier && data.is_none() {
        injector.release(&[node]);
        skip(history, fault.kind());
        return false;
    }
    begin(history, fault.kind(), fault);
    stop(history, node);
    let server = &history.world.nodes[node].server;
    // It is stopped.
    let _ = match data {
        Some(data) => server.restore(data),
        None => server.wipe(),
    };
    injector.dirty.lock().insert(node, row.and_then(|row| row.incarnation));
    sleep(Duration::from_millis(down)).await;
    start(history, node);
    injector.release(&[node]);
    true
}

/// Returns the data of an earlier time that is without the newest task that Miroir has seen of the node.
fn earlier_data(injector: &FaultState, node: usize, row: Option<&NodeRow>) -> Option<Snapshot> {
    let seen = row?.newest_task.as_ref()?.uid;
    let mut snapshots = injector.snapshots.lock();
    let of_node = snapshots.get_mut(&node)?;
    let fitting = of_node.iter().filter(|snapshot| snapshot.next_task() <= seen);
    // The one in the middle: neither just now nor long ago.
    let fitting: Vec<&Snapshot> = fitting.collect();
    fitting.get(fitting.len() / 2).map(|snapshot| (*snapshot).clone())
}

async fn row_of(history: &History, node: usize) -> Option<NodeRow> {
    let rows = history.world.store.node_list().await.ok()?;
    rows.into_iter().find(|row| row.node == history.world.nodes[node].id)
}

/// Returns whether every shard has a copy in sync on another node, with every write that may be acknowledged,
/// or need not have one.
async fn is_expendable(history: &Arc<History>, nodes: &[usize]) -> bool {
    let world = &history.world;
    if world.losses == Losses::AllCopies {
        return true;
    }
    let store = &world.store;
    let mut dirty = history.injector.dirty.lock().clone();
    for row in store.node_list().await.unwrap_or_default() {
        let Some(number) = world.position(&row.node) else { continue };
        // A new incarnation is given after everything that differs is on record.
        if dirty.get(&number).is_some_and(|before| *before != row.incarnation) {
            dirty.remove(&number);
            history.injector.dirty.lock().remove(&number);
        }
    }
    if dirty.keys().any(|other| !nodes.contains(other)) {
        return false;
    }
    let targets: Vec<&NodeId> = nodes.iter().map(|node| &world.nodes[*node].id).collect();
    let is_healthy = |running: &Arc<crate::instance::Running>| {
        let others = world.nodes.iter().filter(|node| !targets.contains(&&node.id));
        others.into_iter().all(|node| running.infrastructure.nodes.is_healthy(&node.id))
    };
    let instances = history.instances.all();
    if instances.is_empty() || !instances.iter().all(is_healthy) {
        return false;
    }
    let rows = store.replica_list(None, ALL).await.unwrap_or_default();
    let tasks = store.task_list_unfinished(None, ALL).await.unwrap_or_default();
    let topology = world.shape.topology();
    for entry in store.index_list(None, ALL).await.unwrap_or_default() {
        let placement = Placement::new(&topology, entry.shard_count);
        // A node that may not have a write is not taken for one that has it.
        let pending = |task: &&Task, other: &NodeId, shards: &ShardSet| {
            task.physical_index().as_ref() == Some(&entry.physical_uid)
                && task.node_tasks.get(other).is_some_and(|part| {
                    part.status == NodeTaskState::Pending
                        && (part.shards.is_empty() || !part.shards.intersection(shards).is_empty())
                })
        };
        let whole = |other: &NodeId, shards: &ShardSet| {
            let mut rows = rows.iter().filter(|row| row.index == entry.physical_uid && row.node == *other);
            rows.all(|row| {
                row.state.has_settings()
                    && row.state.index.is_none()
                    && row.state.shard_set().intersection(shards).is_empty()
            }) && !tasks.iter().any(|task| pending(&task, other, shards))
        };
        for shard in ShardSet::all(entry.shard_count).iter() {
            let one = ShardSet::from_iter([shard]);
            if !placement.all_replicas(shard).any(|other| !targets.contains(&other) && whole(other, &one)) {
                return false;
            }
        }
        // Settings are on every node: one other must have them.
        if !topology.nodes().any(|other| !targets.contains(&other) && whole(other, &ShardSet::default())) {
            return false;
        }
    }
    tasks.iter().all(|task| is_elsewhere(task, &targets))
}

/// Returns whether the parts of a task that `targets` have were accepted by other nodes for the same shards.
fn is_elsewhere(task: &Task, targets: &[&NodeId]) -> bool {
    let (own, others): (Vec<_>, Vec<_>) =
        task.node_tasks.iter().partition(|(node, _)| targets.contains(node));
    let is_accepted = |part: &NodeTask| part.status != NodeTaskState::Pending;
    let covered: ShardSet = others
        .iter()
        .filter(|(_, part)| is_accepted(part))
        .flat_map(|(_, part)| part.shards.iter())
        .collect();
    own.iter().all(|(_, part)| part.shards.difference(&covered).is_empty())
}
