//! Who is to blame for a difference: every server is asked for all it finds, with the details of its ranking.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::difference::ids;
use crate::fixture::{self, COPIES, Fixture};
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

    /// Whether it is the engine's doing that hits differ; else what is wrong with Miroir's answer.
    ///
    /// The engine is to blame when a node, asked without Miroir, ranks a document differently or does not find it
    /// though it holds it, and Miroir's answer is a right merge of what the nodes said. Which of two holders answers
    /// for a document is chosen anew for each search, so a document may stand wherever one of them puts it.
    pub fn blame(&self, many: &Value) -> Result<(), String> {
        for (name, ranking) in [("one server", &self.single), ("the cluster", &self.cluster)] {
            if !ranking.is_whole() {
                return Err(format!("{name} does not list all its hits, so nothing can be proved"));
            }
        }
        let listed: Vec<String> = ids(many).iter().map(Value::to_string).collect();
        self.is_right_merge(&listed)?;
        self.is_right_merge(&self.cluster.order)?;
        self.has_best(many, &listed)?;
        for id in self.known() {
            if self.is_sure(id) && !self.cluster.ranks.contains_key(id) {
                return Err(format!("every holder of {id} finds it, and Miroir does not"));
            }
        }
        let differs = |id: &String| {
            let rank = self.single.ranks.get(id);
            !self.is_sure(id) || self.opinions(id).any(|opinion| Some(opinion) != rank)
        };
        if self.known().into_iter().any(differs) {
            return Ok(());
        }
        Err("every node ranks every document as one server does".to_owned())
    }

    /// The fewest and the most documents that nodes may find, and how many one server and the nodes may disagree on.
    pub fn extent(&self) -> (RangeInclusive<u64>, u64) {
        let known = self.known();
        let count = |keeps: &dyn Fn(&String) -> bool| known.iter().filter(|id| keeps(id)).count() as u64;
        let sure = count(&|id| self.is_sure(id));
        let possible = count(&|id| self.opinions(id).next().is_some());
        let disputed = count(&|id| !(self.is_sure(id) && self.single.ranks.contains_key(id)));
        (sure..=possible, disputed)
    }

    /// Every document that someone finds.
    fn known(&self) -> BTreeSet<&String> {
        self.nodes.iter().chain([&self.single, &self.cluster]).flat_map(|ranking| &ranking.order).collect()
    }

    /// The ranks that nodes give a document.
    fn opinions<'a>(&'a self, id: &'a String) -> impl Iterator<Item = &'a Rank> {
        self.nodes.iter().filter_map(move |node| node.ranks.get(id))
    }

    /// Whether each of its holders finds the document, so that Miroir must.
    fn is_sure(&self, id: &String) -> bool {
        self.opinions(id).count() == COPIES as usize
    }

    /// Whether some choice of opinions puts `one` before or beside `two`.
    fn may_precede(&self, one: &String, two: &String) -> bool {
        self.opinions(one).any(|one| self.opinions(two).any(|two| one.compare(two).is_le()))
    }

    /// Whether every hit is one that some node would give, where nodes drop documents that the merge cannot bring back.
    pub fn distinct_is_right(&self, many: &Value) -> Result<(), String> {
        let known = |id: &Value| self.nodes.iter().any(|node| node.ranks.contains_key(&id.to_string()));
        match ids(many).iter().find(|id| !known(id)) {
            Some(id) => Err(format!("no node gives {id}")),
            None => Ok(()),
        }
    }

    fn is_right_merge(&self, order: &[String]) -> Result<(), String> {
        let unique: BTreeSet<&String> = order.iter().collect();
        if unique.len() != order.len() {
            return Err("a document stands twice".to_owned());
        }
        if let Some(id) = order.iter().find(|id| self.opinions(id).next().is_none()) {
            return Err(format!("no node finds {id}"));
        }
        match order.windows(2).find(|pair| !self.may_precede(&pair[0], &pair[1])) {
            Some(pair) => Err(format!("{} stands before {}, which ranks better", pair[0], pair[1])),
            None => Ok(()),
        }
    }

    /// Whether a first page lacks a document that is better than its last hit in the opinion of every holder.
    fn has_best(&self, many: &Value, page: &[String]) -> Result<(), String> {
        if many["offset"].as_u64() != Some(0) {
            return Ok(());
        }
        let Some(last) = page.last() else { return Ok(()) };
        let lacking = self
            .known()
            .into_iter()
            .find(|id| self.is_sure(id) && !page.contains(id) && !self.may_precede(last, id));
        lacking.map_or(Ok(()), |id| Err(format!("{id} is better than {last}, and not on the page")))
    }
}
