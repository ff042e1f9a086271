//! The step that flips an alias from one index to another while a client searches.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::environment::Environment;
use crate::cli::sandbox::client::Client;
use crate::cli::sandbox::films;

/// The alias.
const ALIAS: &str = "cinema";
/// The second index.
const REBUILT: &str = "films_rebuilt";
/// The attribute that only the documents of the second index have.
const EDITION: &str = "edition";
/// The longest wait for a task, on a slow machine with real nodes.
const TASK_TIMEOUT: Duration = Duration::from_mins(1);
/// The minimum number of searches before and after the flip.
const SEARCHES: usize = 5;

/// Builds a second index and flips the alias to it while a client searches.
pub(super) async fn flip_an_alias(environment: &mut Environment<'_>) -> anyhow::Result<()> {
    let create = json!({ "name": ALIAS, "target": films::INDEX });
    environment.narration.command(&environment.client.curl("POST", "/_miroir/aliases", Some(&create)));
    environment.client.post("/_miroir/aliases", &create).await?.expect_status(201)?;
    build(environment).await?;

    let over = Arc::new(AtomicBool::new(false));
    let searching = tokio::spawn(search_until(environment.client.clone(), Arc::clone(&over)));
    let path = format!("/_miroir/aliases/{ALIAS}");
    let body = json!({ "target": REBUILT });
    environment.narration.command(&environment.client.curl("PUT", &path, Some(&body)));
    environment.client.put(&path, &body).await?.expect_status(200)?;
    for _ in 0..SEARCHES {
        let edition = search(&environment.client).await?;
        ensure!(edition == json!(2), "a search after the flip used the old index");
    }
    over.store(true, Ordering::Relaxed);
    let seen = searching.await.context("the searching client panicked")??;
    environment.narration.result(&format!(
        "a client made {seen} searches meanwhile: none failed, and none returned hits of both indexes"
    ));
    Ok(())
}

/// Builds an index with the same films and the attribute `EDITION`.
async fn build(environment: &mut Environment<'_>) -> anyhow::Result<()> {
    let marked: Vec<Value> = environment
        .films
        .iter()
        .map(|film| {
            let mut film = json!(film);
            film[EDITION] = json!(2);
            film
        })
        .collect();
    let path = format!("/indexes/{REBUILT}/documents?primaryKey=id");
    environment.narration.command(&environment.client.curl_data("POST", &path, "@films-second-edition.json"));
    let accepted = environment.client.post(&path, &json!(marked)).await?;
    environment.client.task_succeeds(&accepted, TASK_TIMEOUT).await.context("building the second index")?;
    environment.narration.result(&format!("{} films are in `{REBUILT}` too", marked.len()));
    Ok(())
}

/// Searches without pause until `over`. Returns the number of searches.
async fn search_until(client: Client, over: Arc<AtomicBool>) -> anyhow::Result<usize> {
    let mut searches = 0;
    while searches < SEARCHES || !over.load(Ordering::Relaxed) {
        search(&client).await?;
        searches += 1;
    }
    Ok(searches)
}

/// Searches by the alias. Returns the edition, which all hits must share: null in the first index.
async fn search(client: &Client) -> anyhow::Result<Value> {
    let path = format!("/indexes/{ALIAS}/search");
    let body = json!({ "q": "", "limit": 50, "attributesToRetrieve": ["id", EDITION] });
    let response = client.post(&path, &body).await?.expect_status(200)?.body;
    let hits = response["hits"].as_array().with_context(|| format!("no `hits` in {response}"))?;
    let editions: BTreeSet<String> = hits.iter().map(|hit| hit[EDITION].to_string()).collect();
    ensure!(editions.len() == 1, "expected one edition, found {editions:?} in {} hits", hits.len());
    Ok(hits[0][EDITION].clone())
}
