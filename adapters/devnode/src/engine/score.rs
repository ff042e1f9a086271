//! Scores: the details of the ranking rules for a document, the order that follows from them, and their JSON.
//!
//! The arithmetic and the JSON are those of the server: each rule gives a rank out of a greatest rank, and
//! ranks nest, so that a rule decides only among documents that are equal under the rules before it.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::sort::{Sort, compare_values};

/// A rank on a scale, where `max` is best and 1 is worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rank {
    pub(crate) rank: u32,
    pub(crate) max: u32,
}

impl Rank {
    /// Returns the best rank minus a cost.
    pub(crate) fn from_cost(cost: u32, max_cost: u32) -> Self {
        Self { rank: (max_cost + 1).saturating_sub(cost), max: max_cost + 1 }
    }

    /// Returns the score between 0 and 1.
    fn score(self) -> f64 {
        f64::from(self.rank) / f64::from(self.max)
    }
}

/// Returns the score of nested ranks, each of which refines the one before it.
fn nested_score(ranks: impl IntoIterator<Item = Rank>) -> f64 {
    let (mut rank, mut max) = (1.0, 1.0);
    for inner in ranks {
        rank = (rank - 1.0) * f64::from(inner.max) + f64::from(inner.rank);
        max *= f64::from(inner.max);
    }
    rank / max
}

/// The similarity of an attribute to the whole query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MatchType {
    NoExactMatch,
    MatchesStart,
    ExactMatch,
}

impl MatchType {
    fn rank(self) -> Rank {
        let rank = match self {
            Self::NoExactMatch => 1,
            Self::MatchesStart => 2,
            Self::ExactMatch => 3,
        };
        Rank { rank, max: 3 }
    }

    fn name(self) -> &'static str {
        match self {
            Self::NoExactMatch => "noExactMatch",
            Self::MatchesStart => "matchesStart",
            Self::ExactMatch => "exactMatch",
        }
    }
}

/// The detail of one ranking rule for one document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Detail {
    Words {
        matching: u32,
        max: u32,
    },
    Typo {
        count: u32,
        max: u32,
    },
    Proximity(Rank),
    AttributeRank(Rank),
    WordPosition(Rank),
    /// The rule `attribute`, which combines the two rules above.
    Attribute {
        rank: Rank,
        position: Rank,
    },
    Exactness {
        match_type: MatchType,
        matching: u32,
        max: u32,
    },
    Sort {
        sort: Sort,
        value: Value,
        is_hidden: bool,
    },
}

impl Detail {
    fn ranks(&self) -> Vec<Rank> {
        match self {
            Self::Words { matching, max } => vec![Rank { rank: *matching, max: *max }],
            Self::Typo { count, max } => vec![Rank::from_cost(*count, *max)],
            Self::Proximity(rank) | Self::AttributeRank(rank) | Self::WordPosition(rank) => vec![*rank],
            Self::Attribute { rank, position } => vec![*rank, *position],
            Self::Exactness { match_type, matching, max } => {
                vec![match_type.rank(), Rank { rank: matching + 1, max: max + 1 }]
            }
            Self::Sort { .. } => Vec::new(),
        }
    }

    /// Orders the better document first.
    fn compare(&self, other: &Self) -> Ordering {
        if let (Self::Sort { sort, value: left, .. }, Self::Sort { value: right, .. }) = (self, other) {
            return compare_values(sort.ascending, left, right);
        }
        let pairs = self.ranks().into_iter().zip(other.ranks());
        // Cross-multiplied, because the scales differ after words were dropped.
        let order = |left: Rank, right: Rank| {
            (u64::from(right.rank) * u64::from(left.max)).cmp(&(u64::from(left.rank) * u64::from(right.max)))
        };
        pairs.fold(Ordering::Equal, |found, (left, right)| found.then(order(left, right)))
    }

    fn show(&self, order: usize) -> (String, Value) {
        let scored =
            |name: &str, rank: &Rank| (name.to_owned(), json!({ "order": order, "score": rank.score() }));
        let score = nested_score(self.ranks());
        match self {
            Self::Words { matching, max } => (
                "words".to_owned(),
                json!({ "order": order, "matchingWords": matching, "maxMatchingWords": max, "score": score }),
            ),
            Self::Typo { count, max } => (
                "typo".to_owned(),
                json!({ "order": order, "typoCount": count, "maxTypoCount": max, "score": score }),
            ),
            Self::Proximity(rank) => scored("proximity", rank),
            Self::AttributeRank(rank) => scored("attributeRank", rank),
            Self::WordPosition(rank) => scored("wordPosition", rank),
            Self::Attribute { rank, position } => (
                "attribute".to_owned(),
                json!({
                    "order": order,
                    "attributeRankingOrderScore": rank.score(),
                    "queryWordDistanceScore": position.score(),
                    "score": score,
                }),
            ),
            Self::Exactness { match_type: MatchType::NoExactMatch, matching, max } => (
                "exactness".to_owned(),
                json!({
                    "order": order,
                    "matchType": MatchType::NoExactMatch.name(),
                    "matchingWords": matching,
                    "maxMatchingWords": max,
                    "score": score,
                }),
            ),
            Self::Exactness { match_type, .. } => (
                "exactness".to_owned(),
                json!({ "order": order, "matchType": match_type.name(), "score": match_type.rank().score() }),
            ),
            Self::Sort { is_hidden: true, .. } => {
                (format!("<hidden-rule-{order}>"), json!({ "order": order, "value": "<hidden>" }))
            }
            Self::Sort { sort, value, .. } => (sort.name(), json!({ "order": order, "value": value })),
        }
    }
}

/// Compares two documents by their details, rule by rule.
pub(crate) fn compare(left: &[Detail], right: &[Detail]) -> Ordering {
    left.iter()
        .zip(right)
        .fold(Ordering::Equal, |found, (left, right)| found.then_with(|| left.compare(right)))
}

/// Returns `_rankingScore`: all rules nested, without sorts.
pub(crate) fn global_score(details: &[Detail]) -> f64 {
    nested_score(details.iter().flat_map(Detail::ranks))
}

/// Returns `_rankingScoreDetails`.
pub(crate) fn show(details: &[Detail]) -> Map<String, Value> {
    details.iter().enumerate().map(|(order, detail)| detail.show(order)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_decide_in_their_order() {
        let words = |matching| Detail::Words { matching, max: 2 };
        let typo = |count| Detail::Typo { count, max: 2 };
        assert_eq!(compare(&[words(2), typo(2)], &[words(1), typo(0)]), Ordering::Less);
        assert_eq!(compare(&[words(2), typo(1)], &[words(2), typo(0)]), Ordering::Greater);
        assert_eq!(compare(&[words(2), typo(1)], &[words(2), typo(1)]), Ordering::Equal);
    }

    #[test]
    fn perfect_details_score_one() {
        let details = [
            Detail::Words { matching: 2, max: 2 },
            Detail::Typo { count: 0, max: 2 },
            Detail::Exactness { match_type: MatchType::ExactMatch, matching: 2, max: 2 },
        ];
        assert!((global_score(&details) - 1.0).abs() < f64::EPSILON);
        assert!((global_score(&[]) - 1.0).abs() < f64::EPSILON);
        assert_eq!(
            show(&details)["exactness"],
            json!({ "order": 2, "matchType": "exactMatch", "score": 1.0 })
        );
    }
}
