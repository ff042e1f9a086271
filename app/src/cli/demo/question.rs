//! The searches of the demo, each with what a right answer is.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::cli::films::{Film, genre_counts};

/// A search, and how to tell whether its answer is right.
pub(super) struct Question {
    /// What is asked, in a sentence.
    pub(super) sentence: &'static str,
    /// The body of the request.
    pub(super) body: Value,
    right: Right,
}

enum Right {
    /// The film of this title comes first.
    First(&'static str),
    /// Exactly these films, newest first.
    NewestFirst(BTreeSet<u32>),
    /// Any films, with these counts of genres.
    Genres(BTreeMap<String, u64>),
}

/// The part of an answer that must not change while the cluster does.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    ids: Vec<u32>,
    facets: Value,
}

/// More hits than there are films, so that an answer holds all of them.
const ALL: u32 = 1_000;

/// The questions, for an index that holds `films`.
pub(super) fn questions(films: &[Film]) -> Vec<Question> {
    let wanted =
        |film: &&Film| film.year >= 2000 && film.genres.iter().any(|genre| genre == "Science Fiction");
    vec![
        Question {
            sentence: "A plain search:",
            body: json!({ "q": "samurai", "limit": 5 }),
            right: Right::First("Seven Samurai"),
        },
        Question {
            sentence: "A search with a typing error:",
            body: json!({ "q": "casablnca", "limit": 5 }),
            right: Right::First("Casablanca"),
        },
        Question {
            sentence: "A filter and a sort, which must hold across all nodes:",
            body: json!({
                "q": "",
                "filter": "genres = \"Science Fiction\" AND year >= 2000",
                "sort": ["year:desc"],
                "limit": ALL,
            }),
            right: Right::NewestFirst(films.iter().filter(wanted).map(|film| film.id).collect()),
        },
        Question {
            sentence: "Facets, counted once for each film although each film is stored twice:",
            body: json!({ "q": "", "facets": ["genres"], "limit": ALL }),
            right: Right::Genres(genre_counts(films)),
        },
    ]
}

/// The question that only a film with this title answers.
pub(super) fn question_for(film: &Film) -> Value {
    json!({ "q": film.title, "filter": format!("year = {}", film.year), "limit": 5 })
}

impl Question {
    /// Checks an answer; what was found, and a sentence about it.
    pub(super) fn judge(&self, answer: &Value) -> anyhow::Result<(Finding, String)> {
        let hits = answer["hits"].as_array().with_context(|| format!("no `hits` in {answer}"))?;
        let hits: Vec<Film> = hits
            .iter()
            .map(|hit| {
                serde_json::from_value(hit.clone()).with_context(|| format!("a hit is not a film: {hit}"))
            })
            .collect::<Result<_, _>>()?;
        let ids: Vec<u32> = hits.iter().map(|film| film.id).collect();
        let distinct: BTreeSet<u32> = ids.iter().copied().collect();
        ensure!(distinct.len() == ids.len(), "a film was found twice: {ids:?}");
        let sentence = match &self.right {
            Right::First(title) => first(&hits, title)?,
            Right::NewestFirst(expected) => newest_first(&hits, &distinct, expected)?,
            Right::Genres(expected) => genres(answer, expected)?,
        };
        Ok((Finding { ids, facets: answer["facetDistribution"].clone() }, sentence))
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

fn genres(answer: &Value, expected: &BTreeMap<String, u64>) -> anyhow::Result<String> {
    let found: BTreeMap<String, u64> = serde_json::from_value(answer["facetDistribution"]["genres"].clone())
        .with_context(|| format!("no counts of genres in {}", answer["facetDistribution"]))?;
    ensure!(found == *expected, "expected the counts {expected:?}, found {found:?}");
    let mut most: Vec<_> = found.iter().collect();
    most.sort_by_key(|(genre, count)| (std::cmp::Reverse(**count), (*genre).clone()));
    let shown: Vec<String> = most.iter().take(4).map(|(genre, count)| format!("{genre} {count}")).collect();
    Ok(format!("{} genres: {}, …", found.len(), shown.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::films;

    fn answer(films: &[&Film]) -> Value {
        json!({ "hits": films, "facetDistribution": { "genres": {} } })
    }

    #[test]
    fn judge_refuses_answers_that_are_not_right() {
        let films = films::all().unwrap();
        let questions = questions(&films);
        let named = |title: &str| films.iter().find(|film| film.title == title).unwrap();
        let (right, wrong) = (named("Seven Samurai"), named("Yojimbo"));
        assert!(questions[0].judge(&answer(&[right, wrong])).is_ok());
        assert!(questions[0].judge(&answer(&[wrong, right])).is_err(), "another film comes first");
        assert!(questions[0].judge(&answer(&[])).is_err(), "nothing was found");
        assert!(questions[0].judge(&answer(&[right, right])).is_err(), "a film twice");
        assert!(questions[0].judge(&json!({ "message": "no" })).is_err(), "not an answer to a search");
        assert!(questions[3].judge(&answer(&[right])).is_err(), "counts are missing");
    }

    #[test]
    fn judge_refuses_a_wrong_order_or_a_missing_film() {
        let films = films::all().unwrap();
        let question = &questions(&films)[2];
        let mut right: Vec<&Film> = films
            .iter()
            .filter(|film| film.year >= 2000 && film.genres.contains(&"Science Fiction".to_owned()))
            .rev()
            .collect();
        assert!(right.len() > 5);
        assert!(question.judge(&answer(&right)).is_ok());
        right.reverse();
        assert!(question.judge(&answer(&right)).unwrap_err().to_string().contains("newest first"));
        right.pop();
        assert!(question.judge(&answer(&right)).unwrap_err().to_string().contains("expected the films"));
    }
}
