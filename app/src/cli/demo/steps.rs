//! The steps, in order. Each says what it does, does it, and fails unless it held.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::flip::flip_an_alias;
use super::question::{Finding, question_for, questions};
use super::stage::Stage;
use crate::cli::films;

/// The node that is taken away.
const VICTIM: &str = "node-2";

/// How long a change of the cluster may take to be noticed.
const NOTICE_PATIENCE: Duration = Duration::from_secs(30);

/// How long a task may take, on a slow machine with real nodes.
const TASK_PATIENCE: Duration = Duration::from_mins(1);

/// Plays every step after the first.
pub(super) async fn all(mut stage: Stage<'_>) -> anyhow::Result<Stage<'_>> {
    explain_cluster(&mut stage).await?;
    load_films(&mut stage).await?;
    let before = search(&mut stage).await?;
    let write = show_tasks(&mut stage).await?;
    flip_an_alias(&mut stage).await?;
    stop_a_node(&mut stage, &before).await?;
    write_without_it(&mut stage).await?;
    bring_it_back(&mut stage).await?;
    restart_miroir(stage, write).await
}

async fn explain_cluster(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage
        .narration
        .say("One replica group, replication factor 2: every film is on two of the three nodes, so any one");
    stage
        .narration
        .say("node may be away. write_quorum is 1: a majority of two copies would be both, and then writes");
    stage
        .narration
        .say("would stop while a node is away; so one copy is enough to acknowledge a write here.");
    stage.narration.command(&stage.client.curl("GET", "/_miroir/topology", None));
    let topology = stage.client.get("/_miroir/topology").await?.expect_status(200)?.body;
    let statuses = node_statuses(&topology);
    ensure!(statuses.len() == 3, "expected three nodes, found {topology}");
    ensure!(statuses.iter().all(|(_, status)| status == "healthy"), "a node is not healthy: {topology}");
    stage.narration.result(&in_words(&statuses));
    Ok(())
}

async fn load_films(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.narration.step("Load films");
    stage.narration.command(&stage.client.curl(
        "POST",
        "/indexes",
        Some(&json!({ "uid": "films", "primaryKey": "id" })),
    ));
    films::prepare(&stage.client).await?;
    stage.narration.command(&stage.client.curl_data(
        "POST",
        &films::documents_path(),
        "@app/data/films.json",
    ));
    let total = stage.films.len();
    let began = Instant::now();
    let progress = |done| stage.narration.progress(done, total, "films accepted");
    let tasks = films::load(&stage.client, &stage.films, progress).await?;
    stage.tally.loading = began.elapsed();
    let stored = films::count(&stage.client).await?;
    ensure!(stored == total as u64, "{total} films were loaded, but the cluster says it holds {stored}");
    stage.tally.films = total;
    let copies = stage.copies_complete(TASK_PATIENCE).await?;
    stage.narration.result(&format!(
        "{} tasks succeeded; the cluster shows {stored} films, and its nodes hold {copies} copies",
        tasks.len()
    ));
    Ok(())
}

async fn search(stage: &mut Stage<'_>) -> anyhow::Result<Vec<Finding>> {
    stage.narration.step("Search");
    let mut findings = Vec::new();
    for question in questions(&stage.films) {
        stage.narration.say(question.sentence);
        stage.say_search(&question.body);
        let (finding, sentence) = stage.ask(&question).await?;
        stage.narration.result(&sentence);
        findings.push(finding);
    }
    Ok(findings)
}

/// Returns the task that the later steps look at again.
async fn show_tasks(stage: &mut Stage<'_>) -> anyhow::Result<u64> {
    stage.narration.step("Look at the tasks, and at the node tasks behind one");
    stage.narration.command(&stage.client.curl("GET", "/tasks?limit=3", None));
    let page = stage.client.get("/tasks?limit=3").await?.expect_status(200)?.body;
    let newest = page["results"].as_array().filter(|tasks| tasks.len() == 3);
    let newest = newest.with_context(|| format!("expected three tasks, found {page}"))?;
    for task in newest {
        stage.narration.result(&format!(
            "task {}: {} of {}, {}",
            task["uid"],
            task["type"].as_str().unwrap_or("?"),
            task["indexUid"].as_str().unwrap_or("?"),
            task["status"].as_str().unwrap_or("?")
        ));
    }
    let write = newest[0]["uid"].as_u64().with_context(|| format!("no `uid` in {}", newest[0]))?;
    let path = format!("/_miroir/tasks/{write}");
    stage.narration.command(&stage.client.curl("GET", &path, None));
    let detail = stage.client.get(&path).await?.expect_status(200)?.body;
    let parts = detail["nodeTasks"].as_object().with_context(|| format!("no `nodeTasks` in {detail}"))?;
    ensure!(parts.len() == 3, "expected a node task on each of three nodes, found {detail}");
    for (node, part) in parts {
        ensure!(part["status"] == "succeeded", "the node task on {node} has not succeeded: {part}");
        stage.narration.result(&format!("on {node} it is task {}, {}", part["uid"], "succeeded"));
    }
    Ok(write)
}

async fn stop_a_node(stage: &mut Stage<'_>, before: &[Finding]) -> anyhow::Result<()> {
    stage.narration.step("Stop a node and search on");
    stage.cluster.crash(VICTIM).await?;
    stage.narration.say(&format!("{VICTIM} was killed. The same searches again, at once:"));
    same_answers(stage, before).await?;
    stage.narration.command(&stage.client.curl("GET", "/_miroir/topology", None));
    let topology = await_status(stage, VICTIM, "failed").await?;
    stage.narration.result(&in_words(&node_statuses(&topology)));
    same_answers(stage, before).await
}

async fn same_answers(stage: &mut Stage<'_>, before: &[Finding]) -> anyhow::Result<()> {
    let questions = questions(&stage.films);
    for (question, before) in questions.iter().zip(before) {
        let (now, _) = stage.ask(question).await?;
        ensure!(now == *before, "{} was answered {now:?}, but before {before:?}", question.body);
    }
    stage
        .narration
        .result(&format!("{} searches gave the same films in the same order as before", questions.len()));
    Ok(())
}

async fn write_without_it(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.narration.step("Write while the node is away");
    let body = json!(stage.kept_back);
    stage.narration.say(&format!("{} newer films are added, as a JSON array.", stage.kept_back.len()));
    let command = stage.client.curl_data("POST", &films::documents_path(), "@newer-films.json");
    // With `-i` the header is shown, which is the point here.
    stage.narration.command(&command.replacen("curl", "curl -i", 1));
    let accepted = stage.client.post(&films::documents_path(), &body).await?.expect_status(202)?;
    let degraded =
        accepted.degraded.clone().context("the answer has no X-Miroir-Degraded, although a node is away")?;
    ensure!(degraded.contains(VICTIM), "X-Miroir-Degraded does not name {VICTIM}: {degraded}");
    stage.narration.result("202 Accepted, with what the write had to do without:");
    stage.narration.result(&format!("X-Miroir-Degraded: {degraded}"));
    let uid = stage.client.task_succeeds(&accepted, TASK_PATIENCE).await?;
    let detail = stage.client.get(&format!("/_miroir/tasks/{uid}")).await?.expect_status(200)?.body;
    ensure!(
        detail["nodeErrors"][VICTIM].is_object(),
        "task {uid} does not say that {VICTIM} missed it: {detail}"
    );
    stage.narration.result(&format!("task {uid} succeeded, and remembers that {VICTIM} missed it"));
    stage.tally.films += stage.kept_back.len();
    find_new_films(stage).await
}

async fn find_new_films(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    for film in stage.kept_back.clone() {
        let answer = stage.search(&question_for(&film)).await?;
        let hits = answer.body["hits"].as_array().with_context(|| format!("no `hits` in {}", answer.body))?;
        let found = hits.iter().any(|hit| hit["id"] == json!(film.id));
        ensure!(found, "`{}` was written but is not found: {}", film.title, answer.body);
    }
    stage.narration.result(&format!("each of the {} new films is found", stage.kept_back.len()));
    Ok(())
}

async fn bring_it_back(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.narration.step("Start the node again");
    stage.cluster.restart(VICTIM).await?;
    stage.narration.command(&stage.client.curl("GET", "/_miroir/topology", None));
    let topology = await_status(stage, VICTIM, "healthy").await?;
    stage.narration.result(&in_words(&node_statuses(&topology)));
    stage.narration.say("Until it has what it missed, the other copy of each film answers:");
    find_new_films(stage).await?;
    let stored = films::count(&stage.client).await?;
    ensure!(
        stored == stage.tally.films as u64,
        "expected {} films, the cluster says {stored}",
        stage.tally.films
    );
    let copies = stage.copies_complete(TASK_PATIENCE).await?;
    stage.narration.result(&format!(
        "{VICTIM} was brought what it missed: {stored} films, {copies} copies on the three nodes"
    ));
    Ok(())
}

async fn restart_miroir(mut stage: Stage<'_>, write: u64) -> anyhow::Result<Stage<'_>> {
    stage.narration.step("Restart Miroir and look at the tasks again");
    let before = tasks(&stage).await?;
    stage = stage.restart_miroir().await?;
    stage.narration.command(&stage.client.curl("GET", "/tasks", None));
    let after = tasks(&stage).await?;
    ensure!(after == before, "the tasks changed over the restart: before {before:?}, after {after:?}");
    ensure!(after.iter().any(|(uid, _)| *uid == write), "task {write} is gone: {after:?}");
    stage
        .narration
        .result(&format!("all {} tasks are still there, with the same uids and statuses", after.len()));
    for (uid, _) in &after {
        let detail = stage.client.get(&format!("/_miroir/tasks/{uid}")).await?.expect_status(200)?.body;
        stage.tally.node_tasks += detail["nodeTasks"].as_object().map_or(0, serde_json::Map::len);
    }
    stage.tally.tasks = after.len();

    stage.narration.step("Search once more, after all that");
    let mut all = stage.films.clone();
    all.extend(stage.kept_back.clone());
    for question in questions(&all) {
        let (_, sentence) = stage.ask(&question).await?;
        stage.narration.result(&sentence);
    }
    Ok(stage)
}

/// Uid and status of every task, newest first.
async fn tasks(stage: &Stage<'_>) -> anyhow::Result<Vec<(u64, String)>> {
    let page = stage.client.get("/tasks?limit=1000").await?.expect_status(200)?.body;
    let results = page["results"].as_array().with_context(|| format!("no `results` in {page}"))?;
    let row = |task: &Value| Some((task["uid"].as_u64()?, task["status"].as_str()?.to_owned()));
    results.iter().map(|task| row(task).with_context(|| format!("not a task: {task}"))).collect()
}

async fn await_status(stage: &Stage<'_>, node: &str, status: &str) -> anyhow::Result<Value> {
    let what = format!("{node} to be {status}");
    let reached =
        |topology: &Value| node_statuses(topology).iter().any(|(id, now)| id == node && now == status);
    stage.client.until("/_miroir/topology", NOTICE_PATIENCE, &what, reached).await
}

/// Name and status of every node.
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
