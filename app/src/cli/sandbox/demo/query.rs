//! The searches of the demo, with their expected results.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::cli::sandbox::films::{Film, genre_counts};

/// A search with its expected result.
pub(super) struct Query {
    /// A description of the search.
    pub(super) description: &'static str,
    /// The body of the request.
    pub(super) body: Value,
    expected: Expected,
}

enum Expected {
    /// The film with this title as the first hit.
    First(&'static str),
    /// Exactly these films, newest first.
    NewestFirst(BTreeSet<u32>),
    /// Any films, with these facet counts of genres.
    Genres(BTreeMap<String, u64>),
}

/// The part of a response that must not change while the cluster does.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hits {
    ids: Vec<u32>,
    facets: Value,
}

/// More hits than there are films, so that a response contains all of them.
const ALL: u32 = 1_000;

/// Returns the searches, for an index that contains `films`.
pub(super) fn queries(films: &[Film]) -> Vec<Query> {
    let wanted =
        |film: &&Film| film.year >= 2000 && film.genres.iter().any(|genre| genre == "Science Fiction");
    vec![
        Query {
            description: "A plain search:",
            body: json!({ "q": "samurai", "limit": 5 }),
            expected: Expected::First("Seven Samurai"),
        },
        Query {
            description: "A search with a typo:",
            body: json!({ "q": "casablnca", "limit": 5 }),
            expected: Expected::First("Casablanca"),
        },
        Query {
            description: "A filter and a sort across all nodes:",
            body: json!({
                "q": "",
                "filter": "genres = \"Science Fiction\" AND year >= 2000",
                "sort": ["year:desc"],
                "limit": ALL,
            }),
            expected: Expected::NewestFirst(films.iter().filter(wanted).map(|film| film.id).collect()),
        },
        Query {
            description: "Facets, which count each film once although it is stored twice:",
            body: json!({ "q": "", "facets": ["genres"], "limit": ALL }),
            expected: Expected::Genres(genre_counts(films)),
        },
    ]
}

/// Returns the body of a search that matches only this film.
pub(super) fn search_for(film: &Film) -> Value {
    json!({ "q": film.title, "filter": format!("year = {}", film.year), "limit": 5 })
}

impl Query {
    /// Checks the body of a response. Returns its hits and a sentence about them.
    pub(super) fn check(&self, response: &Value) -> anyhow::Result<(Hits, String)> {
        let hits = response["hits"].as_array().with_context(|| format!("no `hits` in {response}"))?;
        let hits: Vec<Film> = hits
            .iter()
            .map(|hit| {
                serde_json::from_value(hit.clone()).with_context(|| format!("a hit is not a film: {hit}"))
            })
            .collect::<Result<_, _>>()?;
        let ids: Vec<u32> = hits.iter().map(|film| film.id).collect();
        let distinct: BTreeSet<u32> = ids.iter().copied().collect();
        ensure!(distinct.len() == ids.len(), "a film occurs twice: {ids:?}");
        let sentence = match &self.expected {
            Expected::First(title) => first(&hits, title)?,
            Expected::NewestFirst(expected) => newest_first(&hits, &distinct, expected)?,
            Expected::Genres(expected) => genres(response, expected)?,
        };
        Ok((Hits { ids, facets: response["facetDistribution"].clone() }, sentence))
    }
}

fn first(hits: &[Film], title: &str) -> anyhow::Result<String> {
    let found = hits.first().map_or("nothing", |film| film.title.as_str());
    ensure!(found == title, "expected `{title}` to come first, found `{found}`");
    let others: Vec<&str> = hits.iter().skip(1).map(|film| film.title.as_str()).collect();
    let others = if others.is_empty() { String::new() } else { format!(", then {}", others.join(", ")) };
    Ok(format!("{title}{others}"))
}

fn newest_first(hits: &[Film], found: &BTreeSet<u32>, expected: &BTreeSet<u32>) -> anyhow::Result<String> {
    ensure!(found == expected, "expected the films {expected:?}, found {found:?}");
    let years: Vec<u16> = hits.iter().map(|film| film.year).collect();
    ensure!(years.is_sorted_by(|newer, older| newer >= older), "not newest first: {years:?}");
    let shown: Vec<String> =
        hits.iter().take(3).map(|film| format!("{} ({})", film.title, film.year)).collect();
    Ok(format!("{} films, newest first: {}, …", hits.len(), shown.join(", ")))
}

fn genres(response: &Value, expected: &BTreeMap<String, u64>) -> anyhow::Result<String> {
    let found: BTreeMap<String, u64> =
        serde_json::from_value(response["facetDistribution"]["genres"].clone())
            .with_context(|| format!("no facet counts of genres in {}", response["facetDistribution"]))?;
    ensure!(found == *expected, "expected the counts {expected:?}, found {found:?}");
    let mut most: Vec<_> = found.iter().collect();
    most.sort_by_key(|(genre, count)| (std::cmp::Reverse(**count), (*genre).clone()));
    let shown: Vec<String> = most.iter().take(4).map(|(genre, count)| format!("{genre} {count}")).collect();
    Ok(format!("{} genres: {}, …", found.len(), shown.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sandbox::films;

    fn response(films: &[&Film]) -> Value {
        json!({ "hits": films, "facetDistribution": { "genres": {} } })
    }

    #[test]
    fn check_refuses_unexpected_hits() {
        let films = films::all().unwrap();
        let queries = queries(&films);
        let named = |title: &str| films.iter().find(|film| film.title == title).unwrap();
        let (right, wrong) = (named("Seven Samurai"), named("Yojimbo"));
        assert!(queries[0].check(&response(&[right, wrong])).is_ok());
        assert!(queries[0].check(&response(&[wrong, right])).is_err(), "another film comes first");
        assert!(queries[0].check(&response(&[])).is_err(), "nothing was found");
        assert!(queries[0].check(&response(&[right, right])).is_err(), "a film twice");
        assert!(queries[0].check(&json!({ "message": "no" })).is_err(), "not a response to a search");
        assert!(queries[3].check(&response(&[right])).is_err(), "counts are missing");
    }

    #[test]
    fn check_refuses_a_wrong_order_or_a_missing_film() {
        let films = films::all().unwrap();
        let query = &queries(&films)[2];
        let mut right: Vec<&Film> = films
            .iter()
            .filter(|film| film.year >= 2000 && film.genres.contains(&"Science Fiction".to_owned()))
            .rev()
            .collect();
        assert!(right.len() > 5);
        assert!(query.check(&response(&right)).is_ok());
        right.reverse();
        assert!(query.check(&response(&right)).unwrap_err().to_string().contains("newest first"));
        right.pop();
        assert!(query.check(&response(&right)).unwrap_err().to_string().contains("expected the films"));
    }
}
