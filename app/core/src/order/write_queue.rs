//! The order in which writes reach a node.
//!
//! Two writes to one document must reach all its replicas in one order, or the replicas end up different.
//! Each pair of an index and a node has a queue. A write enters all its queues at once. It is sent to a
//! node only when the node has responded to the write before it in that queue, or that write was given up.
//! The queues of different nodes advance at their own speed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use miroir_domain::document::DocumentId;
use miroir_domain::write::Reach;
use miroir_domain::{IndexUid, NodeId};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::watch::{Log, Watches, Written};

/// The write queues of a cluster.
#[derive(Debug, Default)]
pub(super) struct WriteQueues(Mutex<Queues>);

#[derive(Debug, Default)]
struct Queues {
    /// The end of each queue: resolves when the last write in it has left.
    tails: HashMap<(IndexUid, NodeId), oneshot::Receiver<()>>,
    watches: Watches,
}

/// A place in a queue. Dropping it lets the next write go.
#[derive(Debug)]
pub struct Ticket {
    before: Option<oneshot::Receiver<()>>,
    leave: Option<oneshot::Sender<()>>,
}

impl Queues {
    fn enqueue<'a>(
        &mut self,
        index: &IndexUid,
        nodes: impl IntoIterator<Item = &'a NodeId>,
    ) -> BTreeMap<NodeId, Ticket> {
        let tails = &mut self.tails;
        // A queue whose last write has left is empty; dropping it bounds the map by the writes under way.
        tails.retain(|_, tail| matches!(tail.try_recv(), Err(oneshot::error::TryRecvError::Empty)));
        nodes
            .into_iter()
            .map(|node| {
                let (leave, left) = oneshot::channel();
                let before = tails.insert((index.clone(), node.clone()), left);
                (node.clone(), Ticket { before, leave: Some(leave) })
            })
            .collect()
    }
}

impl WriteQueues {
    /// Takes a place in the queues of `index` for each of `nodes`, in one step: any two writes stand in the
    /// same order in every queue that they share. The watches of the index note what the write reaches.
    ///
    /// Takes no place, and returns the signal to wait for, while documents of that reach are held.
    pub(super) fn enqueue<'a>(
        &self,
        index: &IndexUid,
        nodes: impl IntoIterator<Item = &'a NodeId>,
        reach: &Reach,
    ) -> Result<BTreeMap<NodeId, Ticket>, CancellationToken> {
        let mut queues = self.0.lock();
        if let Some(released) = queues.watches.holding(index, reach) {
            return Err(released);
        }
        queues.watches.note(index, reach);
        Ok(queues.enqueue(index, nodes))
    }

    /// Returns the signal for which a write of this reach would have to wait.
    pub(super) fn holding(&self, index: &IndexUid, reach: &Reach) -> Option<CancellationToken> {
        self.0.lock().watches.holding(index, reach)
    }

    /// Returns whether anyone watches the writes to `index`.
    pub(super) fn is_watched(&self, index: &IndexUid) -> bool {
        self.0.lock().watches.is_watched(index)
    }

    /// Begins to watch the writes to `index`.
    pub(super) fn watch(self: &Arc<Self>, index: &IndexUid) -> Watch {
        let key = self.0.lock().watches.begin(index);
        Watch { queues: Arc::clone(self), index: index.clone(), key }
    }
}

/// A watch of the writes to an index, from its beginning until it is dropped. Its positions are the numbers
/// of writes that have taken their places since.
#[derive(Debug)]
pub struct Watch {
    queues: Arc<WriteQueues>,
    index: IndexUid,
    key: u64,
}

impl Watch {
    fn look<T: Default>(&self, look: impl FnOnce(&mut Log) -> T) -> T {
        self.queues.0.lock().watches.look(&self.index, self.key, look)
    }

    /// Returns the position of the last write.
    pub fn position(&self) -> u64 {
        self.look(Log::position)
    }

    /// Returns what was written after `position`.
    pub fn since(&self, position: u64) -> Written {
        self.look(|log| log.since(position))
    }

    /// Returns the documents that were replaced or deleted after `position`.
    pub fn replaced_since(&self, position: u64) -> HashSet<DocumentId> {
        self.look(|log| log.replaced_since(position))
    }

    /// Forgets the writes up to `position`.
    pub fn forget(&self, position: u64) {
        self.look(|log| log.forget(position));
    }

    /// Takes a place in the queues of `nodes`, in one step, and returns the position of the last write before
    /// it. No watch notes it, and no hold keeps it.
    pub fn take_places<'a>(
        &self,
        nodes: impl IntoIterator<Item = &'a NodeId>,
    ) -> (u64, BTreeMap<NodeId, Ticket>) {
        let mut queues = self.queues.0.lock();
        let position = queues.watches.look(&self.index, self.key, Log::position);
        (position, queues.enqueue(&self.index, nodes))
    }

    /// Keeps writes to `ids`, and those that name no ids, from taking their places until the hold is dropped.
    pub fn hold(&self, ids: BTreeSet<DocumentId>) -> Hold<'_> {
        Hold { watch: self, key: self.queues.0.lock().watches.hold(&self.index, ids) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.queues.0.lock().watches.end(&self.index, self.key);
    }
}

/// A hold of the writes to some documents, until it is dropped.
#[derive(Debug)]
pub struct Hold<'a> {
    watch: &'a Watch,
    key: u64,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.watch.queues.0.lock().watches.release(&self.watch.index, self.key);
    }
}

impl Ticket {
    /// Waits until the write before this one has left the queue. Cancel safe: it can be awaited again.
    pub async fn turn(&mut self) {
        if let Some(before) = self.before.as_mut() {
            // The sender never sends; it is dropped, and that is the signal.
            let _ = before.await;
            self.before = None;
        }
    }
}

impl Drop for Ticket {
    /// Keeps the place taken until the writes before it have left: a write that gives up before its turn
    /// must not let the next one overtake them.
    fn drop(&mut self) {
        let (Some(before), Some(leave)) = (self.before.take(), self.leave.take()) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = before.await;
                drop(leave);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    fn uid(name: &str) -> IndexUid {
        name.parse().unwrap()
    }

    fn node(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    fn enqueue<'a>(
        queues: &WriteQueues,
        index: &IndexUid,
        nodes: impl IntoIterator<Item = &'a NodeId>,
    ) -> BTreeMap<NodeId, Ticket> {
        queues.enqueue(index, nodes, &Reach::Nothing).unwrap()
    }

    fn ids(names: &[&str]) -> BTreeSet<DocumentId> {
        names.iter().map(|name| DocumentId::from_json(&serde_json::json!(name)).unwrap()).collect()
    }

    async fn waits(ticket: &mut Ticket) -> bool {
        timeout(Duration::from_millis(20), ticket.turn()).await.is_err()
    }

    #[tokio::test]
    async fn write_waits_for_the_one_before_it_in_its_queue_only() {
        let (queues, a, b) = (WriteQueues::default(), node("a"), node("b"));
        let mut first = enqueue(&queues, &uid("x"), [&a, &b]);
        let mut second = enqueue(&queues, &uid("x"), [&a, &b]);
        let mut other = enqueue(&queues, &uid("y"), [&a]);
        assert!(!waits(first.get_mut(&a).unwrap()).await);
        assert!(!waits(other.get_mut(&a).unwrap()).await, "another index has another queue");
        assert!(waits(second.get_mut(&a).unwrap()).await);
        first.remove(&a);
        assert!(!waits(second.get_mut(&a).unwrap()).await, "the first has left the queue of a");
        assert!(waits(second.get_mut(&b).unwrap()).await, "and still stands in that of b");
    }

    #[tokio::test]
    async fn write_that_gives_up_while_waiting_does_not_let_others_overtake() {
        let (queues, a) = (WriteQueues::default(), node("a"));
        let first = enqueue(&queues, &uid("x"), [&a]);
        let second = enqueue(&queues, &uid("x"), [&a]);
        let mut third = enqueue(&queues, &uid("x"), [&a]);
        drop(second);
        assert!(waits(third.get_mut(&a).unwrap()).await, "the first is still on its way");
        drop(first);
        assert!(!waits(third.get_mut(&a).unwrap()).await);
    }

    #[tokio::test]
    async fn empty_queues_are_dropped() {
        let (queues, a) = (WriteQueues::default(), node("a"));
        for number in 0..100 {
            drop(enqueue(&queues, &uid(&format!("x{number}")), [&a]));
        }
        drop(enqueue(&queues, &uid("last"), [&a]));
        assert!(queues.0.lock().tails.len() <= 1);
    }

    #[tokio::test]
    async fn hold_keeps_writes_to_its_documents_and_writes_without_ids() {
        let (queues, a) = (Arc::new(WriteQueues::default()), node("a"));
        let watch = queues.watch(&uid("x"));
        let hold = watch.hold(ids(&["1"]));
        let of = |names: &[&str]| Reach::Documents { ids: ids(names), whole: true };
        let try_enqueue = |index: &str, reach: &Reach| queues.enqueue(&uid(index), [&a], reach);
        assert!(try_enqueue("x", &of(&["2"])).is_ok());
        assert!(try_enqueue("x", &Reach::Nothing).is_ok());
        assert!(try_enqueue("y", &Reach::Everything).is_ok());
        let released = try_enqueue("x", &of(&["2", "1"])).unwrap_err();
        assert!(try_enqueue("x", &Reach::Everything).is_err());
        assert_eq!(watch.take_places([&a]).0, 2, "the holder is not kept");
        assert!(!released.is_cancelled());
        drop(hold);
        assert!(released.is_cancelled());
        assert!(try_enqueue("x", &of(&["1"])).is_ok());
        assert!(watch.since(2).names(&ids(&["1"]).pop_first().unwrap()));
        drop(watch);
        assert!(!queues.is_watched(&uid("x")));
    }
}
