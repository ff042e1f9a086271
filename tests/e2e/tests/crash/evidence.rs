//! The tasks of Miroir and of each node.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use miroir_e2e::{Client, Cluster, TIMEOUT};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// Tasks of Miroir and of the nodes.
const AT_ONCE: usize = 16;

/// Every task of Miroir, by uid.
pub struct Evidence {
    /// Every task of Miroir with its nodes.
    pub tasks: BTreeMap<u64, Value>,
    /// Every task of each node.
    pub node_tasks: BTreeMap<String, BTreeMap<u64, Value>>,
}

impl Evidence {
    /// Reads all tasks.
    pub async fn collect(cluster: &mut Cluster) -> Self {
        let client = cluster.client();
        let uids: Vec<u64> = all_tasks(&client).await.into_keys().collect();
        let mut tasks = BTreeMap::new();
        for some in uids.chunks(AT_ONCE) {
            let mut reads = JoinSet::new();
            for uid in some.iter().copied() {
                let client = client.clone();
                reads.spawn(async move {
                    let response = client.get(&format!("/_miroir/tasks/{uid}")).await.unwrap();
                    (uid, response.expect(200).unwrap())
                });
            }
            tasks.extend(reads.join_all().await);
        }
        let mut node_tasks = BTreeMap::new();
        for node in cluster.nodes() {
            let client = Client::new(node.url(), None).unwrap();
            node_tasks.insert(node.id().to_owned(), all_tasks(&client).await);
        }
        Self { tasks, node_tasks }
    }

    /// Returns whether the node executed its part.
    pub fn has_executed(&self, part: &NodePart) -> bool {
        let node_task = part.uid.and_then(|uid| self.node_tasks[part.node].get(&uid));
        node_task.is_some_and(|node_task| node_task["status"] == "succeeded")
    }
}

/// Returns every task that Miroir or a node lists.
async fn all_tasks(client: &Client) -> BTreeMap<u64, Value> {
    let mut tasks = BTreeMap::new();
    let mut from = String::new();
    loop {
        let page = client.get(&format!("/tasks?limit=1000{from}")).await.unwrap().expect(200).unwrap();
        for task in page["results"].as_array().unwrap() {
            tasks.insert(task["uid"].as_u64().unwrap(), task.clone());
        }
        match page["next"].as_u64() {
            Some(next) => from = format!("&from={next}"),
            None => return tasks,
        }
    }
}

/// Waits until every task of Miroir has ended.
pub async fn until_no_task_is_open(client: &Client) {
    let mut deadline = Instant::now() + TIMEOUT;
    let mut last = u64::MAX;
    loop {
        let page = client.get("/tasks?statuses=enqueued,processing&limit=3").await.unwrap();
        let page = page.expect(200).unwrap();
        let open = page["total"].as_u64().unwrap();
        if open == 0 {
            return;
        }
        // The deadline moves as long as tasks end, since a slow machine may need long for all of them.
        if open < last {
            (last, deadline) = (open, Instant::now() + TIMEOUT);
        }
        assert!(Instant::now() < deadline, "{open} tasks do not end, such as {}", page["results"]);
        sleep(Duration::from_millis(50)).await;
    }
}

/// Part of a node in a task: its uid there and its status according to Miroir.
pub struct NodePart<'a> {
    pub node: &'a str,
    pub uid: Option<u64>,
    pub status: &'a str,
    pub shards: BTreeSet<u64>,
}

/// Returns the parts of the nodes of a task.
pub fn parts(task: &Value) -> impl Iterator<Item = NodePart<'_>> {
    task["nodeTasks"].as_object().into_iter().flatten().map(|(node, part)| NodePart {
        node,
        uid: part["uid"].as_u64(),
        status: part["status"].as_str().unwrap_or_default(),
        shards: shards(part),
    })
}

/// Returns the reasons for which nodes missed a task.
pub fn misses(task: &Value) -> impl Iterator<Item = &str> {
    let misses = task["nodeErrors"].as_object().into_iter().flatten();
    misses.map(|(_, miss)| miss["error"]["message"].as_str().unwrap_or_default())
}

/// Returns the shards for which a node missed a task, or `None` if it did not miss it.
pub fn missed_shards(task: &Value, node: &str) -> Option<BTreeSet<u64>> {
    task["nodeErrors"].get(node).map(shards)
}

fn shards(part: &Value) -> BTreeSet<u64> {
    part["shards"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect()
}
