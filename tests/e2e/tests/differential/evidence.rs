//! Causes of a difference: every server is searched for all its hits, with the details of their ranking.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::difference::ids;
use crate::fixture::{self, COPIES, Fixture};
use crate::query::Query;
use crate::rank::Rank;

/// Limit above the size of every index.
const EVERYTHING: u64 = 5_000;

/// Hits in the order of a server, each with its id and its rank on that server.
pub struct Ranking {
    /// Ids as JSON text, best first.
    pub order: Vec<String>,
    /// The ranking details of the response.
    pub details: BTreeMap<String, Value>,
    /// The parsed ranking details.
    pub ranks: BTreeMap<String, Rank>,
    /// Total number of hits according to the server.
    pub total: u64,
}

impl Ranking {
    /// Searches for every hit of the query through `client`.
    pub async fn of(client: &miroir_e2e::Client, query: &Query) -> Result<Self> {
        let mut body = query.body.clone();
        let object = body.as_object_mut().context("a search has an object for a body")?;
        for page in ["page", "hitsPerPage", "offset", "facets"] {
            object.shift_remove(page);
        }
        body["limit"] = json!(EVERYTHING);
        body["attributesToRetrieve"] = json!(["id"]);
        body["showRankingScoreDetails"] = json!(true);
        let response = fixture::search(client, query.index, &body).await?;
        let total = response["estimatedTotalHits"].as_u64().context("no estimatedTotalHits")?;
        let mut ranking = Self { order: Vec::new(), details: BTreeMap::new(), ranks: BTreeMap::new(), total };
        for hit in response["hits"].as_array().into_iter().flatten() {
            let id = hit["id"].to_string();
            ranking.details.insert(id.clone(), hit["_rankingScoreDetails"].clone());
            ranking.ranks.insert(id.clone(), Rank::of(hit)?);
            ranking.order.push(id);
        }
        Ok(ranking)
    }

    /// Returns whether all hits are listed. Settings or distinct may hide some.
    fn is_whole(&self) -> bool {
        self.order.len() as u64 == self.total
    }
}

/// The hits of all servers.
pub struct Evidence {
    /// The single server.
    pub single: Ranking,
    /// Miroir.
    pub cluster: Ranking,
    /// The nodes, searched without Miroir for all their documents, including copies.
    pub nodes: Vec<Ranking>,
}

impl Evidence {
    /// Searches all servers.
    pub async fn gather(fixture: &Fixture, query: &Query) -> Result<Self> {
        let mut nodes = Vec::new();
        for node in &fixture.nodes {
            nodes.push(Ranking::of(node, query).await?);
        }
        let single = Ranking::of(&fixture.single, query).await?;
        let cluster = Ranking::of(&fixture.cluster, query).await?;
        Ok(Self { single, cluster, nodes })
    }

    /// Returns whether the two pages differ only in the order of hits that the single server ranks equally:
    /// every position has a hit of the same rank, and no hit occurs twice. A run of ties that the end of the
    /// page cuts may continue with any of its members, hence the list of all hits.
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

    /// Returns an error unless the engine causes the difference between the hits.
    ///
    /// The engine is the cause if a node, searched without Miroir, ranks a document differently or does not
    /// find a document that it stores, and if the response of Miroir is a correct merge of the responses of
    /// the nodes. Each search chooses anew which replica returns a document, so a document may have the
    /// position that any of its replicas gives it.
    pub fn blame(&self, many: &Value) -> Result<(), String> {
        for (name, ranking) in [("one server", &self.single), ("the cluster", &self.cluster)] {
            if !ranking.is_whole() {
                return Err(format!("{name} does not list all its hits, so the cause cannot be found"));
            }
        }
        let listed: Vec<String> = ids(many).iter().map(Value::to_string).collect();
        self.is_right_merge(&listed)?;
        self.is_right_merge(&self.cluster.order)?;
        self.has_best(many, &listed)?;
        for id in self.known() {
            if self.is_sure(id) && !self.cluster.ranks.contains_key(id) {
                return Err(format!("every node with {id} finds it, and Miroir does not"));
            }
        }
        let differs = |id: &String| {
            let rank = self.single.ranks.get(id);
            !self.is_sure(id) || self.opinions(id).any(|opinion| Some(opinion) != rank)
        };
        if self.known().into_iter().any(differs) {
            return Ok(());
        }
        Err("every node ranks every document like the single server".to_owned())
    }

    /// Returns the fewest and the most documents that nodes may find, and the number of documents on which
    /// the single server and the nodes may disagree.
    pub fn extent(&self) -> (RangeInclusive<u64>, u64) {
        let known = self.known();
        let count = |keeps: &dyn Fn(&String) -> bool| known.iter().filter(|id| keeps(id)).count() as u64;
        let sure = count(&|id| self.is_sure(id));
        let possible = count(&|id| self.opinions(id).next().is_some());
        let disputed = count(&|id| !(self.is_sure(id) && self.single.ranks.contains_key(id)));
        (sure..=possible, disputed)
    }

    /// Returns every document that some server finds.
    fn known(&self) -> BTreeSet<&String> {
        self.nodes.iter().chain([&self.single, &self.cluster]).flat_map(|ranking| &ranking.order).collect()
    }

    /// Returns the ranks of a document on the nodes.
    fn opinions<'a>(&'a self, id: &'a String) -> impl Iterator<Item = &'a Rank> {
        self.nodes.iter().filter_map(move |node| node.ranks.get(id))
    }

    /// Returns whether each node with the document finds it, so that Miroir must find it.
    fn is_sure(&self, id: &String) -> bool {
        self.opinions(id).count() == COPIES as usize
    }

    /// Returns whether `one` may precede or equal `two` on some choice of nodes.
    fn may_precede(&self, one: &String, two: &String) -> bool {
        self.opinions(one).any(|one| self.opinions(two).any(|two| one.compare(two).is_le()))
    }

    /// Returns an error unless some node returns every hit. Nodes drop documents for distinct that the merge
    /// cannot restore.
    pub fn distinct_is_right(&self, many: &Value) -> Result<(), String> {
        let known = |id: &Value| self.nodes.iter().any(|node| node.ranks.contains_key(&id.to_string()));
        match ids(many).iter().find(|id| !known(id)) {
            Some(id) => Err(format!("no node returns {id}")),
            None => Ok(()),
        }
    }

    fn is_right_merge(&self, order: &[String]) -> Result<(), String> {
        let unique: BTreeSet<&String> = order.iter().collect();
        if unique.len() != order.len() {
            return Err("a document occurs twice".to_owned());
        }
        if let Some(id) = order.iter().find(|id| self.opinions(id).next().is_none()) {
            return Err(format!("no node finds {id}"));
        }
        match order.windows(2).find(|pair| !self.may_precede(&pair[0], &pair[1])) {
            Some(pair) => Err(format!("{} precedes {}, which ranks higher", pair[0], pair[1])),
            None => Ok(()),
        }
    }

    /// Returns an error if a first page misses a document that every node with it ranks above the last hit.
    fn has_best(&self, many: &Value, page: &[String]) -> Result<(), String> {
        if many["offset"].as_u64() != Some(0) {
            return Ok(());
        }
        let Some(last) = page.last() else { return Ok(()) };
        let missing = self
            .known()
            .into_iter()
            .find(|id| self.is_sure(id) && !page.contains(id) && !self.may_precede(last, id));
        missing.map_or(Ok(()), |id| Err(format!("{id} ranks above {last} and is not on the page")))
    }
}
