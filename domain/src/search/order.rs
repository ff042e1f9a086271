//! The k-way merge: the hits of all nodes in one order, without sorting what the nodes sorted already.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use serde_json::{Map, Value};

use super::rank::Rank;

/// A hit on its way out.
pub(super) type Hit = Map<String, Value>;

/// The last tie-break between hits of equal rank, so that the order is the same whenever the same nodes are asked.
/// Smaller first: numbers by value, then texts, then hits that do not show their id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum TieBreak {
    Number(i128),
    Text(Box<str>),
    Unknown,
}

impl TieBreak {
    fn of(hit: &Hit, primary_key: Option<&str>) -> Self {
        let mut tie_break = Self::Unknown;
        if let Some(path) = primary_key {
            super::path::visit(hit, path, &mut |value| {
                tie_break = match value {
                    Value::Number(id) => id
                        .as_i64()
                        .map(i128::from)
                        .or(id.as_u64().map(i128::from))
                        .map_or(Self::Unknown, Self::Number),
                    Value::String(id) => Self::Text(id.as_str().into()),
                    _ => Self::Unknown,
                };
            });
        }
        tie_break
    }
}

/// How hits are compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ranking<'a> {
    /// The index's primary key.
    pub(super) primary_key: Option<&'a str>,
    /// The weight of semantic hits, in a hybrid search.
    pub(super) semantic_ratio: Option<f64>,
}

/// The first hit of a node that is not taken yet.
struct Head {
    rank: Rank,
    tie_break: TieBreak,
    node: usize,
    hit: Hit,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank
            .cmp(&other.rank)
            .then_with(|| other.tie_break.cmp(&self.tie_break))
            .then_with(|| other.node.cmp(&self.node))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

/// A hit that cannot be ranked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unrankable {
    /// Which list it is in.
    pub(super) node: usize,
    /// What is wrong with it.
    pub(super) problem: String,
}

/// The hits of all lists, best first.
///
/// Every list is taken in the order its node gave, even where that order and the ranks disagree. Only the heads of
/// the lists are ranked, so a page costs its own length however many hits the nodes sent.
pub(super) struct Merged<'a> {
    ranking: Ranking<'a>,
    lists: Vec<std::vec::IntoIter<Value>>,
    heads: BinaryHeap<Head>,
}

impl<'a> Merged<'a> {
    /// Starts the merge of `lists`.
    pub(super) fn new(lists: Vec<Vec<Value>>, ranking: Ranking<'a>) -> Result<Self, Unrankable> {
        let mut merged = Self {
            ranking,
            heads: BinaryHeap::with_capacity(lists.len()),
            lists: lists.into_iter().map(Vec::into_iter).collect(),
        };
        for node in 0..merged.lists.len() {
            merged.refill(node)?;
        }
        Ok(merged)
    }

    /// Takes the next best hit.
    pub(super) fn next(&mut self) -> Result<Option<Hit>, Unrankable> {
        let Some(head) = self.heads.pop() else {
            return Ok(None);
        };
        self.refill(head.node)?;
        Ok(Some(head.hit))
    }

    fn refill(&mut self, node: usize) -> Result<(), Unrankable> {
        let hit = match self.lists[node].next() {
            None => return Ok(()),
            Some(Value::Object(hit)) => hit,
            Some(_) => return Err(Unrankable { node, problem: "a hit that is no object".to_owned() }),
        };
        let rank =
            Rank::of(&hit, self.ranking.semantic_ratio).map_err(|problem| Unrankable { node, problem })?;
        let tie_break = TieBreak::of(&hit, self.ranking.primary_key);
        self.heads.push(Head { rank, tie_break, node, hit });
        Ok(())
    }
}
