//! The steps of the demo, in order.

use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::environment::Environment;
use super::flip::flip_an_alias;
use super::query::{queries, search_for};
use crate::cli::sandbox::films;

/// The node that is stopped.
const STOPPED: &str = "node-2";

/// The longest wait for a status change of a node.
const STATUS_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest wait for a task, on a slow machine with real nodes.
const TASK_TIMEOUT: Duration = Duration::from_mins(1);

/// One step of the demo. It fails if a result is not as expected.
pub(super) struct Step {
    /// The title.
    pub(super) title: &'static str,
    /// Runs the step.
    pub(super) run: for<'a> fn(&'a mut Environment<'_>) -> StepFuture<'a>,
}

/// A running step.
type StepFuture<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>;

/// The steps after the start of the environment, in order.
pub(super) const STEPS: &[Step] = &[
    Step { title: "Load films", run: |environment| Box::pin(load_films(environment)) },
    Step { title: "Search", run: |environment| Box::pin(search(environment)) },
    Step {
        title: "Show tasks, and the node tasks of one",
        run: |environment| Box::pin(show_tasks(environment)),
    },
    Step {
        title: "Flip an alias between two indexes while a client searches",
        run: |environment| Box::pin(flip_an_alias(environment)),
    },
    Step { title: "Stop a node and search again", run: |environment| Box::pin(stop_node(environment)) },
    Step {
        title: "Write while the node is down",
        run: |environment| Box::pin(write_without_node(environment)),
    },
    Step { title: "Start the node again", run: |environment| Box::pin(restart_node(environment)) },
    Step {
        title: "Restart Miroir and compare the tasks",
        run: |environment| Box::pin(restart_miroir(environment)),
    },
    Step { title: "Search once more", run: |environment| Box::pin(search_again(environment)) },
];

/// Explains the configuration of the cluster and checks that all nodes are healthy.
pub(super) async fn explain_cluster(environment: &mut Environment<'_>) -> anyhow::Result<()> {
    environment
        .narration
        .say("One replica group, replication factor 2: every film is on two of the three nodes, so that one");
    environment.narration.say(
        "node can fail. The write quorum is 1, so one copy is enough to acknowledge a write: a majority",
    );
    environment.narration.say("of two copies would be both, and writes would fail while a node is down.");
    environment.narration.command(&environment.client.curl("GET", "/_miroir/topology", None));
    let topology = environment.client.get("/_miroir/topology").await?.expect_status(200)?.body;
    let statuses = node_statuses(&topology);
    ensure!(statuses.len() == 3, "expected three nodes, found {topology}");
    ensure!(statuses.iter().all(|(_, status)| status == "healthy"), "a node is not healthy: {topology}");
    environment.narration.result(&in_words(&statuses));
    Ok(())
}

async fn load_films(environment: &mut Environment<'_>) -> anyhow::Result<()> {
    environment.narration.command(&environment.client.curl(
        "POST",
        "/indexes",
        Some(&json!({ "uid": "films", "primaryKey": "id" })),
    ));
    films::prepare(&environment.client).await?;
    environment.narration.command(&environment.client.curl_data(
        "POST",
        &films::documents_path(),
        "@app/data/films.json",
    ));
    let total = environment.films.len();
    let began = Instant::now();
    let progress = |done| environment.narration.progress(done, total, "films accepted");
    let tasks = films::load(&environment.client, &environment.films, progress).await?;
    environment.statistics.loading = began.elapsed();
    let stored = films::count(&environment.client).await?;
    ensure!(stored == total as u64, "{total} films were loaded, but the cluster reports {stored}");
    environment.statistics.films = total;
    let copies = environment.copies_complete(TASK_TIMEOUT).await?;
    environment.narration.result(&format!(
        "{} tasks succeeded; the cluster reports {stored} films, and its nodes {copies} copies",
        tasks.len()
    ));
    Ok(())
}

async fn search(environment: &mut Environment<'_>) -> anyhow::Result<()> {
    for query in queries(&environment.films) {
        environment.narration.say(query.description);
        environment.print_search(&query.body);
        let (hits, sentence) = environment.run(&query).await?;
        environment.narration.result(&sentence);
        environment.hits.push(hits);
    }
    Ok(())
}

/// Shows the newest tasks. The newest of them is compared again after the restart of Miroir.
async fn show_tasks(environment: &mut Environment<'_>) -> anyhow::Result<()> {
    environment.narration.command(&environment.client.curl("GET", "/tasks?limit=3", None));
    let page = environment.client.get("/tasks?limit=3").await?.expect_status(200)?.body;
    let newest = page["results"].as_array().filter(|tasks| tasks.len() == 3);
    let newest = newest.with_context(|| format!("expected three tasks, found {page}"))?;
    for task in newest {
        environment.narration.result(&format!(
            "task {}: {} of {}, {}",
            task["uid"],
            task["type"].as_str().unwrap_or("?"),
            task["indexUid"].as_str().unwrap_or("?"),
            task["status"].as_str().unwrap_or("?")
        ));
    }
    let write = newest[0]["uid"].as_u64().with_context(|| format!("no `uid` in {}", newest[0]))?;
    let path = format!("/_miroir/tasks/{write}");
    environment.narration.command(&environment.client.curl("GET", &path, None));
    let detail = environment.client.get(&path).await?.expect_status(200)?.body;
    let parts = detail["nodeTasks"].as_object().with_context(|| format!("no `nodeTasks` in {detail}"))?;
    ensure!(parts.len() == 3, "expected a node task on each of three nodes, found {detail}");
    for (node, part) in parts {
        ensure!(part["status"] == "succeeded", "the node task on {node} has not succeeded: {part}");
        environment.narration.result(&format!("node task {} on {node}: succeeded", part["uid"]));
    }
    environment.task = Some(write);
    Ok(())
}

async fn stop_node(environment: &mut Environment<'_>) -> anyhow::Result<()> {
    environment.cluster.crash(STOPPED).await?;
    environment.narration.say(&format!("{STOPPED} was killed. The same searches again, at once:"));
    expect_same_hits(environment).await?;
    environment.narration.command(&environment.client.curl("GET", "/_miroir/topology", None));
    let topology = await_status(environment, STOPPED, "failed").await?;
    environment.narration.result(&in_words(&node_statuses(&topology)));
    expect_same_hits(environment).await
}

async fn expect_same_hits(environment: &mut Environment<'_>) -> anyhow::Result<()> {
    let queries = queries(&environment.films);
    for (query, before) in queries.iter().zip(environment.hits.clone()) {
        let (now, _) = environment.run(query).await?;
        ensure!(now == before, "{} returned {now:?}, but before {before:?}", query.body);
    }
    environment
        .narration
        .result(&format!("{} searches returned the same films in the same order as before", queries.len()));
    Ok(())
}

async fn write_without_node(environment: &mut Environment<'_>) -> anyhow::Result<()> {
    let body = json!(environment.late_films);
    environment
        .narration
        .say(&format!("{} newer films are added, as a JSON array.", environment.late_films.len()));
    let command = environment.client.curl_data("POST", &films::documents_path(), "@newer-films.json");
    // `-i` shows the header.
    environment.narration.command(&command.replacen("curl", "curl -i", 1));
    let accepted = environment.client.post(&films::documents_path(), &body).await?.expect_status(202)?;
    let degraded =
        accepted.degraded.clone().context("the response has no X-Miroir-Degraded although a node is down")?;
    ensure!(degraded.contains(STOPPED), "X-Miroir-Degraded does not name {STOPPED}: {degraded}");
    environment.narration.result("202 Accepted, with the nodes that missed the write:");
    environment.narration.result(&format!("X-Miroir-Degraded: {degraded}"));
    let uid = environment.client.task_succeeds(&accepted, TASK_TIMEOUT).await?;
    let detail = environment.client.get(&format!("/_miroir/tasks/{uid}")).await?.expect_status(200)?.body;
    ensure!(
        detail["nodeErrors"][STOPPED].is_object(),
        "task {uid} does not record that {STOPPED} missed it: {detail}"
    );
    environment.narration.result(&format!("task {uid} succeeded, and records that {STOPPED} missed it"));
    environment.statistics.films += environment.late_films.len();
    find_new_films(environment).await
}

async fn find_new_films(environment: &mut Environment<'_>) -> anyhow::Result<()> {
    for film in environment.late_films.clone() {
        let response = environment.search(&search_for(&film)).await?;
        let hits =
            response.body["hits"].as_array().with_context(|| format!("no `hits` in {}", response.body))?;
        let found = hits.iter().any(|hit| hit["id"] == json!(film.id));
        ensure!(found, "`{}` was written but is not found: {}", film.title, response.body);
    }
    environment.narration.result(&format!("each of the {} new films is found", environment.late_films.len()));
    Ok(())
}

async fn restart_node(environment: &mut Environment<'_>) -> anyhow::Result<()> {
    environment.cluster.restart(STOPPED).await?;
    environment.narration.command(&environment.client.curl("GET", "/_miroir/topology", None));
    let topology = await_status(environment, STOPPED, "healthy").await?;
    environment.narration.result(&in_words(&node_statuses(&topology)));
    environment.narration.say("Until the node is repaired, searches use the other copy of each film:");
    find_new_films(environment).await?;
    let stored = films::count(&environment.client).await?;
    ensure!(
        stored == environment.statistics.films as u64,
        "expected {} films, the cluster reports {stored}",
        environment.statistics.films
    );
    let copies = environment.copies_complete(TASK_TIMEOUT).await?;
    environment
        .narration
        .result(&format!("{STOPPED} was repaired: {stored} films, {copies} copies on the three nodes"));
    Ok(())
}

async fn restart_miroir(environment: &mut Environment<'_>) -> anyhow::Result<()> {
    let before = tasks(environment).await?;
    environment.restart_miroir().await?;
    environment.narration.command(&environment.client.curl("GET", "/tasks", None));
    let after = tasks(environment).await?;
    ensure!(after == before, "the tasks changed over the restart: before {before:?}, after {after:?}");
    let survives = after.iter().any(|(uid, _)| Some(*uid) == environment.task);
    ensure!(survives, "the task of the earlier step is missing: {after:?}");
    environment
        .narration
        .result(&format!("all {} tasks are still there, with the same uids and statuses", after.len()));
    for (uid, _) in &after {
        let detail = environment.client.get(&format!("/_miroir/tasks/{uid}")).await?.expect_status(200)?.body;
        environment.statistics.node_tasks += detail["nodeTasks"].as_object().map_or(0, serde_json::Map::len);
    }
    environment.statistics.tasks = after.len();
    Ok(())
}

async fn search_again(environment: &mut Environment<'_>) -> anyhow::Result<()> {
    let all: Vec<_> = environment.films.iter().chain(&environment.late_films).cloned().collect();
    for query in queries(&all) {
        let (_, sentence) = environment.run(&query).await?;
        environment.narration.result(&sentence);
    }
    Ok(())
}

/// Returns uid and status of every task, newest first.
async fn tasks(environment: &Environment<'_>) -> anyhow::Result<Vec<(u64, String)>> {
    let page = environment.client.get("/tasks?limit=1000").await?.expect_status(200)?.body;
    let results = page["results"].as_array().with_context(|| format!("no `results` in {page}"))?;
    let row = |task: &Value| Some((task["uid"].as_u64()?, task["status"].as_str()?.to_owned()));
    results.iter().map(|task| row(task).with_context(|| format!("not a task: {task}"))).collect()
}

async fn await_status(environment: &Environment<'_>, node: &str, status: &str) -> anyhow::Result<Value> {
    let what = format!("{node} to be {status}");
    let reached =
        |topology: &Value| node_statuses(topology).iter().any(|(id, now)| id == node && now == status);
    environment.client.until("/_miroir/topology", STATUS_TIMEOUT, &what, reached).await
}

/// Returns name and status of every node.
fn node_statuses(topology: &Value) -> Vec<(String, String)> {
    let groups = topology["groups"].as_array().into_iter().flatten();
    let nodes = groups.flat_map(|group| group["nodes"].as_array().into_iter().flatten());
    nodes
        .filter_map(|node| Some((node["id"].as_str()?.to_owned(), node["status"].as_str()?.to_owned())))
        .collect()
}

fn in_words(statuses: &[(String, String)]) -> String {
    let parts: Vec<String> = statuses.iter().map(|(node, status)| format!("{node} is {status}")).collect();
    parts.join(", ")
}
