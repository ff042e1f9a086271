//! The k-way merge: the hits of all nodes in one order, without sorting lists that the nodes sorted already.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use serde_json::Value;

use super::hit::{Hit, RawHit};
use super::rank::{DETAILS, Rank, SCORE};

/// The last tie-break between hits of equal rank, so that the same nodes always give the same order. Smaller
/// first: numbers by value, then texts, then hits that do not show their id.
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

/// The facts by which hits are compared.
#[derive(Debug, Clone)]
pub(super) struct Ranking<'a> {
    /// The index's primary key.
    pub(super) primary_key: Option<&'a str>,
    /// The weight of semantic hits in a hybrid search.
    pub(super) semantic_ratio: Option<f64>,
}

impl Ranking<'_> {
    /// Returns the members of a hit that decide its place: its scores, and every member that may hold the
    /// primary key.
    fn members(&self) -> Vec<&str> {
        let mut members = vec![DETAILS, SCORE];
        if let Some(path) = self.primary_key {
            members.push(path);
            members.extend(path.match_indices('.').map(|(dot, _)| &path[..dot]));
        }
        members
    }
}

/// The first hit of a node that is not taken yet.
struct Head {
    rank: Rank,
    tie_break: TieBreak,
    node: usize,
    hit: RawHit,
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
    /// The position of its list.
    pub(super) node: usize,
    /// The fault.
    pub(super) problem: String,
}

/// The hits of all lists, best first.
///
/// The order within a list is kept, even where it contradicts the ranks. Only the first hits of the lists are
/// ranked, and only the members are read that decide their place, so the cost follows the length of the page
/// and not the number of hits.
pub(super) struct Merged<'a> {
    ranking: &'a Ranking<'a>,
    members: Vec<&'a str>,
    lists: Vec<std::vec::IntoIter<RawHit>>,
    heads: BinaryHeap<Head>,
}

/// A hit in its place, not read yet.
pub(super) struct Next {
    node: usize,
    hit: RawHit,
}

impl Next {
    /// Returns the whole hit.
    pub(super) fn read(&self) -> Result<Hit, Unrankable> {
        self.hit.read().map_err(|problem| Unrankable { node: self.node, problem })
    }
}

impl<'a> Merged<'a> {
    /// Starts the merge of `lists`.
    pub(super) fn new(lists: Vec<Vec<RawHit>>, ranking: &'a Ranking<'a>) -> Result<Self, Unrankable> {
        let mut merged = Self {
            ranking,
            members: ranking.members(),
            heads: BinaryHeap::with_capacity(lists.len()),
            lists: lists.into_iter().map(Vec::into_iter).collect(),
        };
        for node in 0..merged.lists.len() {
            merged.refill(node)?;
        }
        Ok(merged)
    }

    /// Takes the next best hit.
    pub(super) fn next(&mut self) -> Result<Option<Next>, Unrankable> {
        let Some(Head { node, hit, .. }) = self.heads.pop() else {
            return Ok(None);
        };
        self.refill(node)?;
        Ok(Some(Next { node, hit }))
    }

    fn refill(&mut self, node: usize) -> Result<(), Unrankable> {
        let Some(hit) = self.lists[node].next() else { return Ok(()) };
        let head = self.head(node, hit).map_err(|problem| Unrankable { node, problem })?;
        self.heads.push(head);
        Ok(())
    }

    fn head(&self, node: usize, hit: RawHit) -> Result<Head, String> {
        let members = hit.read_members(&self.members)?;
        let rank = Rank::of(&members, self.ranking.semantic_ratio)?;
        let tie_break = TieBreak::of(&members, self.ranking.primary_key);
        Ok(Head { rank, tie_break, node, hit })
    }
}
