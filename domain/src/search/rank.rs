//! The place of one hit in the order of a single server.
//!
//! A server sorts by buckets: all documents of the best bucket of the first ranking rule come first, inside
//! it the best bucket of the second rule, and so on. `_rankingScoreDetails` names the bucket of a hit under
//! each rule, so comparing two hits rule by rule, in the order of `order`, repeats the server's decision.
//!
//! The buckets are compared by their content (words matched, typos counted, the value sorted by) where the
//! details give it, and not by `score`. A score divides the bucket by the number of buckets that a node
//! considered possible, and that number depends on the words in the node's own documents: under
//! `maxTypoCount` 1 one typo scores 0.5, under 2 it scores 0.67, though both documents are in the same bucket
//! of a single server. For proximity and position only a score is given. For the same reason scores of
//! consecutive rules are not combined into one number: with equal divisors that number orders as the rules do
//! one by one, and with unequal ones it is wrong for all of them instead of for one.
//!
//! Comparison is exact, without an epsilon: "closer than epsilon" is not transitive, and a merge needs a
//! total order.

use std::cmp::Ordering;

use serde_json::{Map, Value};

/// The key of the details in a hit.
pub(super) const DETAILS: &str = "_rankingScoreDetails";
/// The key of the overall score in a hit.
pub(super) const SCORE: &str = "_rankingScore";
/// The rule of a hit that semantic search found.
pub(super) const VECTOR: &str = "vectorSort";

/// The ranking rule of a bucket. The order of the variants decides only between hits for which different
/// rules are at the same step (a node ran out of time, or settings are changing): later is better.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    /// The node ran out of time before this rule: nothing is known of the hit.
    Skipped,
    /// A rule known by its name alone: a sort, or a rule that is newer than this code.
    Named(Box<str>),
    Vector,
    Exactness,
    WordPosition,
    AttributeRank,
    Attribute,
    Proximity,
    Typo,
    Words,
    /// The weighted score of hybrid search, which replaces all scoring rules.
    Weighted,
    /// A document pinned by a rule of the node.
    Pinned,
}

/// The bucket of a hit under one rule. Greater is better.
#[derive(Debug, Clone, PartialEq)]
enum Bucket {
    /// The document has no value to sort by: last, in either direction.
    Missing,
    /// A text in ascending order (`a` first).
    TextAscending(Box<str>),
    /// A text in descending order.
    TextDescending(Box<str>),
    /// One or two numbers, greater first. Numbers precede texts, in either direction.
    Numbers(f64, f64),
}

impl Eq for Bucket {}

impl Ord for Bucket {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::TextAscending(left), Self::TextAscending(right)) => right.cmp(left),
            (Self::TextDescending(left), Self::TextDescending(right)) => left.cmp(right),
            (Self::Numbers(left, left_minor), Self::Numbers(right, right_minor)) => {
                left.total_cmp(right).then(left_minor.total_cmp(right_minor))
            }
            _ => self.class().cmp(&other.class()),
        }
    }
}

impl PartialOrd for Bucket {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Bucket {
    fn class(&self) -> u8 {
        match self {
            Self::Missing => 0,
            Self::TextAscending(_) => 1,
            Self::TextDescending(_) => 2,
            Self::Numbers(..) => 3,
        }
    }

    /// Returns the bucket of one number, greater first. Adding zero makes the two zeros equal.
    fn number(value: f64) -> Self {
        Self::Numbers(value + 0.0, 0.0)
    }

    fn directed_number(value: f64, ascending: bool) -> Self {
        Self::number(if ascending { -value } else { value })
    }
}

/// The buckets of one hit under all rules, first rule first. Greater is better. Of two hits that agree so
/// far, the one ranked by more rules is better, as in Meilisearch's own merge of remote results.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank(Vec<(Rule, Bucket)>);

impl Rank {
    /// Reads the rank of `hit`. `semantic_ratio` is given for hybrid search only. The error names the fault
    /// of the hit.
    ///
    /// Hybrid search mixes hits ranked by words with hits ranked by a vector, and compares their overall
    /// scores, weighted with the ratio. So the weighted score precedes the first scoring rule, and the rules
    /// decide only between equal scores.
    ///
    pub(super) fn of(hit: &Map<String, Value>, semantic_ratio: Option<f64>) -> Result<Self, String> {
        let details = hit
            .get(DETAILS)
            .and_then(Value::as_object)
            .ok_or_else(|| format!("a hit without `{DETAILS}`"))?;
        let mut rules = Vec::with_capacity(details.len() + 1);
        for (name, detail) in details {
            let order = detail
                .get("order")
                .and_then(Value::as_u64)
                .ok_or_else(|| format!("a `{name}` in `{DETAILS}` without `order`"))?;
            rules.push((order, bucket(name, detail)?));
        }
        rules.sort_by_key(|(order, _)| *order);
        let mut rules: Vec<_> = rules.into_iter().map(|(_, rule)| rule).collect();
        if let Some(ratio) = semantic_ratio {
            let score = hit
                .get(SCORE)
                .and_then(Value::as_f64)
                .ok_or_else(|| format!("a hit of a hybrid search without `{SCORE}`"))?;
            let weight = if details.contains_key(VECTOR) { ratio } else { 1.0 - ratio };
            let step = details
                .values()
                .filter(|detail| is_scoring(detail))
                .filter_map(|detail| detail.get("order").and_then(Value::as_u64))
                .min()
                .and_then(|first| usize::try_from(first).ok())
                .map_or(rules.len(), |first| first.min(rules.len()));
            rules.insert(step, (Rule::Weighted, Bucket::number(score * weight)));
        }
        Ok(Self(rules))
    }
}

/// Returns whether a rule adds to the overall score. All rules do except sorts, which have a `value`.
fn is_scoring(detail: &Value) -> bool {
    detail.get("value").is_none()
}

fn bucket(name: &str, detail: &Value) -> Result<(Rule, Bucket), String> {
    let number = |key: &str| {
        detail
            .get(key)
            .and_then(Value::as_f64)
            .ok_or_else(|| format!("a `{name}` in `{DETAILS}` without the number `{key}`"))
    };
    Ok(match name {
        "words" => (Rule::Words, Bucket::number(number("matchingWords")?)),
        "typo" => (Rule::Typo, Bucket::number(-number("typoCount")?)),
        "exactness" => (Rule::Exactness, exactness(detail)?),
        // This is one rule in the details and two in the engine: first the attribute that matched, then the
        // position in it.
        "attribute" => (
            Rule::Attribute,
            Bucket::Numbers(number("attributeRankingOrderScore")?, number("queryWordDistanceScore")?),
        ),
        "proximity" => (Rule::Proximity, Bucket::number(number("score")?)),
        "attributeRank" => (Rule::AttributeRank, Bucket::number(number("score")?)),
        "wordPosition" => (Rule::WordPosition, Bucket::number(number("score")?)),
        // A document without a vector has no similarity and comes last.
        VECTOR => (Rule::Vector, detail["similarity"].as_f64().map_or(Bucket::Missing, Bucket::number)),
        "skipped" => (Rule::Skipped, Bucket::Missing),
        "pin" => (Rule::Pinned, Bucket::number(-number("position")?)),
        _ => (Rule::Named(name.into()), named(name, detail)),
    })
}

fn exactness(detail: &Value) -> Result<Bucket, String> {
    let rank = match detail["matchType"].as_str() {
        Some("exactMatch") => 3.0,
        Some("matchesStart") => 2.0,
        Some("noExactMatch") => 1.0,
        other => return Err(format!("an `exactness` in `{DETAILS}` with matchType {other:?}")),
    };
    // Only the last type has a count of words; it is the same for all hits of the others.
    Ok(Bucket::Numbers(rank, detail["matchingWords"].as_f64().unwrap_or(0.0)))
}

/// Returns the bucket of a sort, of a sort by distance, or of a rule known only by its score.
fn named(name: &str, detail: &Value) -> Bucket {
    let ascending = name.ends_with(":asc");
    if let Some(distance) = detail.get("distance") {
        // The node rounds nothing here. A document without coordinates has a null distance.
        return distance
            .as_f64()
            .map_or(Bucket::Missing, |metres| Bucket::directed_number(metres, ascending));
    }
    match detail.get("value") {
        // The value of an attribute that is not displayed is hidden, and the name of the rule says so. It
        // decides nothing.
        Some(Value::String(_)) if name.starts_with("<hidden") => Bucket::Missing,
        Some(Value::String(text)) if ascending => Bucket::TextAscending(text.as_str().into()),
        Some(Value::String(text)) => Bucket::TextDescending(text.as_str().into()),
        Some(Value::Number(value)) => {
            Bucket::directed_number(value.as_f64().unwrap_or(f64::NEG_INFINITY), ascending)
        }
        Some(_) => Bucket::Missing,
        None => detail.get("score").and_then(Value::as_f64).map_or(Bucket::Missing, Bucket::number),
    }
}

#[cfg(test)]
#[path = "rank_tests.rs"]
mod tests;
