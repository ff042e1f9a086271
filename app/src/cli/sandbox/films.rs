//! The sample data of `miroir dev` and `miroir demo`: films.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::Client;

/// The index of the films.
pub(super) const INDEX: &str = "films";

/// The number of films in one request.
const BATCH: usize = 40;

/// The longest wait for a task, on a slow machine with real nodes.
const TASK_TIMEOUT: Duration = Duration::from_mins(1);

/// A document of the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Film {
    pub(super) id: u32,
    pub(super) title: String,
    pub(super) year: u16,
    pub(super) genres: Vec<String>,
    pub(super) directors: Vec<String>,
    pub(super) runtime_minutes: u16,
    pub(super) languages: Vec<String>,
    pub(super) countries: Vec<String>,
    pub(super) overview: String,
}

/// Returns all films, oldest first.
pub(super) fn all() -> anyhow::Result<Vec<Film>> {
    serde_json::from_str(include_str!("../../../data/films.json")).context("cannot parse the bundled films")
}

/// Returns the settings of the index.
pub(super) fn settings() -> Value {
    json!({
        "searchableAttributes": ["title", "directors", "overview", "genres"],
        "filterableAttributes": ["genres", "year", "directors", "countries", "languages"],
        "sortableAttributes": ["year", "title", "runtime_minutes"],
    })
}

/// Returns the number of films of each genre, which are the facet counts of a search for all films.
pub(super) fn genre_counts(films: &[Film]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for genre in films.iter().flat_map(|film| &film.genres) {
        *counts.entry(genre.clone()).or_default() += 1;
    }
    counts
}

/// Creates the index with its settings, and waits until every node has them.
pub(super) async fn prepare(client: &Client) -> anyhow::Result<()> {
    let created = client.post("/indexes", &json!({ "uid": INDEX, "primaryKey": "id" })).await?;
    client.task_succeeds(&created, TASK_TIMEOUT).await.context("creating the index")?;
    let set = client.patch(&format!("/indexes/{INDEX}/settings"), &settings()).await?;
    client.task_succeeds(&set, TASK_TIMEOUT).await.context("changing the settings")?;
    Ok(())
}

/// Sends `films` in batches and waits for their tasks. Calls `progress` with the number of accepted films
/// after each batch. Returns the uids of the tasks.
pub(super) async fn load(
    client: &Client,
    films: &[Film],
    mut progress: impl FnMut(usize),
) -> anyhow::Result<Vec<u32>> {
    let mut accepted = Vec::new();
    let mut sent = 0;
    for batch in films.chunks(BATCH) {
        accepted.push(client.post(&documents_path(), &json!(batch)).await?);
        sent += batch.len();
        progress(sent);
    }
    let mut uids = Vec::new();
    for response in &accepted {
        uids.push(client.task_succeeds(response, TASK_TIMEOUT).await.context("loading the films")?);
    }
    Ok(uids)
}

/// Returns the path of the index's documents.
pub(super) fn documents_path() -> String {
    format!("/indexes/{INDEX}/documents")
}

/// Returns the number of films in the cluster.
pub(super) async fn count(client: &Client) -> anyhow::Result<u64> {
    let response = client.get(&format!("{}?limit=1", documents_path())).await?.expect_status(200)?;
    response.body["total"].as_u64().with_context(|| format!("no `total` in {}", response.body))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn bundled_films_are_many_distinct_and_complete() {
        let films = all().unwrap();
        assert!(films.len() >= 120, "only {} films", films.len());
        let ids: BTreeSet<u32> = films.iter().map(|film| film.id).collect();
        let titles: BTreeSet<&str> = films.iter().map(|film| film.title.as_str()).collect();
        assert_eq!((ids.len(), titles.len()), (films.len(), films.len()), "ids and titles are distinct");
        for film in &films {
            assert!((1888..=2025).contains(&film.year), "{}: {}", film.title, film.year);
            assert!(film.runtime_minutes >= 10, "{}: {} minutes", film.title, film.runtime_minutes);
            let lists = [&film.genres, &film.directors, &film.languages, &film.countries];
            let complete =
                lists.iter().all(|list| !list.is_empty() && list.iter().all(|word| !word.is_empty()));
            assert!(complete, "{} has an empty list", film.title);
            assert!(film.overview.ends_with('.') && film.overview.len() > 30, "{}", film.title);
        }
        assert!(films.is_sorted_by_key(|film| film.year));
    }

    #[test]
    fn genre_counts_counts_films_once_per_genre() {
        let films: Vec<Film> = all().unwrap().into_iter().filter(|film| film.title == "Alien").collect();
        let counts = genre_counts(&films);
        assert_eq!(
            counts.into_iter().collect::<Vec<_>>(),
            [("Horror".to_owned(), 1), ("Science Fiction".to_owned(), 1)]
        );
    }
}
