//! Who is to blame for a difference: every server is asked for all it finds, with the details of its ranking.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::difference::ids;
use crate::fixture::{self, Fixture};
use crate::query::Query;
use crate::rank::Rank;

/// More than any index holds.
const EVERYTHING: u64 = 5_000;

/// Hits in a server's order; each with its id, and its rank as the server tells it.
pub struct Ranking {
    /// Ids as JSON text, best first.
    pub order: Vec<String>,
    /// What the server said of the rank.
    pub details: BTreeMap<String, Value>,
    /// The same, read.
    pub ranks: BTreeMap<String, Rank>,
    /// How many hits the server says there are.
    pub total: u64,
}

impl Ranking {
    /// Asks `client` for every hit of the query.
    pub async fn of(client: &miroir_e2e::Client, query: &Query) -> Result<Self> {
        let mut body = query.body.clone();
        let object = body.as_object_mut().context("a search has an object for a body")?;
        for page in ["page", "hitsPerPage", "offset", "facets"] {
            object.shift_remove(page);
        }
        body["limit"] = json!(EVERYTHING);
        body["attributesToRetrieve"] = json!(["id"]);
        body["showRankingScoreDetails"] = json!(true);
        let answer = fixture::search(client, query.index, &body).await?;
        let total = answer["estimatedTotalHits"].as_u64().context("no estimatedTotalHits")?;
        let mut ranking = Self { order: Vec::new(), details: BTreeMap::new(), ranks: BTreeMap::new(), total };
        for hit in answer["hits"].as_array().into_iter().flatten() {
            let id = hit["id"].to_string();
            ranking.details.insert(id.clone(), hit["_rankingScoreDetails"].clone());
            ranking.ranks.insert(id.clone(), Rank::of(hit)?);
            ranking.order.push(id);
        }
        Ok(ranking)
    }

    /// Whether all hits are listed: not where the settings or distinct hide some.
    fn is_whole(&self) -> bool {
        self.order.len() as u64 == self.total
    }
}

/// What all servers find.
pub struct Evidence {
    /// The one server.
    pub single: Ranking,
    /// Miroir.
    pub cluster: Ranking,
    /// Its nodes, asked without it and for all documents they hold, whoever else holds them too.
    pub nodes: Vec<Ranking>,
}

impl Evidence {
    /// Asks everyone.
    pub async fn gather(fixture: &Fixture, query: &Query) -> Result<Self> {
        let mut nodes = Vec::new();
        for node in &fixture.nodes {
            nodes.push(Ranking::of(node, query).await?);
        }
        let single = Ranking::of(&fixture.single, query).await?;
        let cluster = Ranking::of(&fixture.cluster, query).await?;
        Ok(Self { single, cluster, nodes })
    }

    /// Whether the two pages differ only in the order of hits that the one server ranks alike: at every place stands
    /// a hit of the same rank, and none stands twice. A run of ties cut by the page's border may continue with any
    /// of its members, which is what the whole list is for.
    pub fn only_ties_differ(&self, one: &Value, many: &Value) -> bool {
        let (one, many) = (ids(one), ids(many));
        let details = |id: &Value| self.single.details.get(&id.to_string());
        let unique: BTreeSet<String> = many.iter().map(Value::to_string).collect();
        one.len() == many.len()
            && unique.len() == many.len()
            && one
                .iter()
                .zip(&many)
                .all(|(one, many)| one == many || (details(one).is_some() && details(one) == details(many)))
    }

    /// Why hits differ, rule by rule, if it is the engine's doing; else what is wrong with Miroir's answer.
    ///
    /// The engine is to blame when a node, asked without Miroir, ranks a document differently or does not find it
    /// though it holds it, and Miroir's answer is a right merge of what the nodes said.
    pub fn blame(&self, many: &Value) -> Result<BTreeSet<String>, String> {
        self.merge_is_right(many)?;
        if let Some(place) = [&self.single, &self.cluster].iter().position(|ranking| !ranking.is_whole()) {
            return Err(format!("server {place} does not list all its hits, so nothing can be proved"));
        }
        let mut reasons = BTreeSet::new();
        for (id, rank) in &self.single.ranks {
            let opinions: Vec<&Rank> = self.nodes.iter().filter_map(|node| node.ranks.get(id)).collect();
            if opinions.len() < 2 {
                reasons.insert("found".to_owned());
            } else if !self.cluster.ranks.contains_key(id) {
                return Err(format!("every holder of {id} finds it, and Miroir does not"));
            }
            let differing = opinions.iter().filter_map(|opinion| opinion.first_difference(rank));
            reasons.extend(differing.map(str::to_owned));
        }
        if self.cluster.ranks.keys().any(|id| !self.single.ranks.contains_key(id)) {
            reasons.insert("found".to_owned());
        }
        if reasons.is_empty() {
            return Err("every node ranks every document as one server does".to_owned());
        }
        Ok(reasons)
    }

    /// How many documents are found by the one server or by Miroir, and not by both.
    pub fn found_by_one_side(&self) -> u64 {
        let (one, many) = (&self.single.ranks, &self.cluster.ranks);
        let only_one = one.keys().filter(|id| !many.contains_key(*id)).count();
        let only_many = many.keys().filter(|id| !one.contains_key(*id)).count();
        (only_one + only_many) as u64
    }

    /// Whether every hit is one that some node would give, where nodes drop documents that the merge cannot bring back.
    pub fn distinct_is_right(&self, many: &Value) -> Result<(), String> {
        let known = |id: &Value| self.nodes.iter().any(|node| node.ranks.contains_key(&id.to_string()));
        match ids(many).iter().find(|id| !known(id)) {
            Some(id) => Err(format!("no node gives {id}")),
            None => Ok(()),
        }
    }

    fn merge_is_right(&self, many: &Value) -> Result<(), String> {
        for (id, rank) in &self.cluster.ranks {
            if !self.nodes.iter().any(|node| node.ranks.get(id) == Some(rank)) {
                return Err(format!("no node gives {id} the rank that Miroir shows"));
            }
        }
        for pair in self.cluster.order.windows(2) {
            let (one, two) = (&self.cluster.ranks[&pair[0]], &self.cluster.ranks[&pair[1]]);
            if one.compare(two).is_gt() {
                return Err(format!("{} stands before {}, which ranks better", pair[0], pair[1]));
            }
        }
        if self.cluster.ranks.len() != self.cluster.order.len() {
            return Err("a document stands twice".to_owned());
        }
        for id in ids(many) {
            if !self.cluster.ranks.contains_key(&id.to_string()) {
                return Err(format!("{id} is on the page and not among all hits"));
            }
        }
        Ok(())
    }
}
