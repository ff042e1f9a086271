//! The step in which an alias moves from one index to another while a client keeps searching.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::stage::Stage;
use crate::cli::client::Client;
use crate::cli::films;

/// What clients would search.
const ALIAS: &str = "cinema";
/// The index that is built beside the one in use, with an attribute that tells them apart.
const REBUILT: &str = "films_rebuilt";
const EDITION: &str = "edition";
/// How long a task may take, on a slow machine with real nodes.
const TASK_PATIENCE: Duration = Duration::from_mins(1);
/// Searches before and after the flip, at least.
const SEARCHES: usize = 5;

/// Builds a second index, flips the alias to it, and has a client search on without noticing.
pub(super) async fn flip_an_alias(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.narration.step("Flip an alias between two indexes while a client searches");
    let create = json!({ "name": ALIAS, "target": films::INDEX });
    stage.narration.command(&stage.client.curl("POST", "/_miroir/aliases", Some(&create)));
    stage.client.post("/_miroir/aliases", &create).await?.expect_status(201)?;
    build(stage).await?;

    let over = Arc::new(AtomicBool::new(false));
    let searching = tokio::spawn(search_until(stage.client.clone(), Arc::clone(&over)));
    let path = format!("/_miroir/aliases/{ALIAS}");
    let body = json!({ "target": REBUILT });
    stage.narration.command(&stage.client.curl("PUT", &path, Some(&body)));
    stage.client.put(&path, &body).await?.expect_status(200)?;
    for _ in 0..SEARCHES {
        let edition = search(&stage.client).await?;
        ensure!(edition == json!(2), "a search after the flip was answered by the old index");
    }
    over.store(true, Ordering::Relaxed);
    let seen = searching.await.context("the searching client")??;
    stage.narration.result(&format!(
        "a client searched {seen} times meanwhile: none failed, none saw both indexes at once"
    ));
    Ok(())
}

/// The same films once more, marked, in an index of their own.
async fn build(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let marked: Vec<Value> = stage
        .films
        .iter()
        .map(|film| {
            let mut film = json!(film);
            film[EDITION] = json!(2);
            film
        })
        .collect();
    let path = format!("/indexes/{REBUILT}/documents?primaryKey=id");
    stage.narration.command(&stage.client.curl_data("POST", &path, "@films-second-edition.json"));
    let accepted = stage.client.post(&path, &json!(marked)).await?;
    stage.client.task_succeeds(&accepted, TASK_PATIENCE).await.context("building the second index")?;
    stage.narration.result(&format!("{} films are in `{REBUILT}` too", marked.len()));
    Ok(())
}

/// Searches without pause; answers how often.
async fn search_until(client: Client, over: Arc<AtomicBool>) -> anyhow::Result<usize> {
    let mut searches = 0;
    while searches < SEARCHES || !over.load(Ordering::Relaxed) {
        search(&client).await?;
        searches += 1;
    }
    Ok(searches)
}

/// Searches by the alias; answers the edition that every hit must have in common, null for the first.
async fn search(client: &Client) -> anyhow::Result<Value> {
    let path = format!("/indexes/{ALIAS}/search");
    let body = json!({ "q": "", "limit": 50, "attributesToRetrieve": ["id", EDITION] });
    let answer = client.post(&path, &body).await?.expect_status(200)?.body;
    let hits = answer["hits"].as_array().with_context(|| format!("no `hits` in {answer}"))?;
    let editions: BTreeSet<String> = hits.iter().map(|hit| hit[EDITION].to_string()).collect();
    ensure!(editions.len() == 1, "expected one edition, found {editions:?} in {} hits", hits.len());
    Ok(hits[0][EDITION].clone())
}
