//! Reading documents of a node: by id, and page by page.

use std::collections::{BTreeSet, HashMap};

use miroir_domain::document::{DocumentId, PrimaryKey, shard_filter, shown_id, strip_reserved};
use miroir_domain::{NodeId, PhysicalUid, ShardSet};
use miroir_ports::outbound::{NodeError, NodeRead};
use serde_json::{Map, Value, json};

use super::error::RepairError;
use crate::cluster::Cluster;

/// A document as clients wrote it.
pub(super) type Document = Map<String, Value>;

/// Some documents of one index, on any of its nodes.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    pub index: PhysicalUid,
    pub primary_key: PrimaryKey,
    pub shards: ShardSet,
}

/// The attributes to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attributes {
    /// All of them, with vectors.
    All,
    /// The id alone.
    Id,
}

/// A page of a listing, in the order of the node.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub documents: Vec<(DocumentId, Document)>,
    /// The number of documents of the listing.
    pub total: u64,
    /// The size of the documents of the page, in bytes, about.
    pub bytes: u64,
}

impl Page {
    pub(super) fn ids(&self) -> BTreeSet<DocumentId> {
        self.documents.iter().map(|(id, _)| id.clone()).collect()
    }
}

impl Listing {
    /// Returns the number of documents on `node`.
    pub(super) async fn count(&self, cluster: &Cluster, node: &NodeId) -> Result<u64, RepairError> {
        Ok(self.page(cluster, node, 0, 0, Attributes::Id).await?.total)
    }

    /// Returns a page of the documents on `node`. If they are too long for one response, their ids are listed
    /// first, and those that were deleted in between are not on the page.
    pub(super) async fn page(
        &self,
        cluster: &Cluster,
        node: &NodeId,
        offset: u64,
        limit: u64,
        attributes: Attributes,
    ) -> Result<Page, RepairError> {
        let body = json!({ "offset": offset, "limit": limit });
        match self.read(cluster, node, body.clone(), attributes).await {
            Err(error) if is_too_long(&error) && attributes == Attributes::All => {}
            page => return page,
        }
        let page = self.read(cluster, node, body, Attributes::Id).await?;
        let mut found = self.by_ids(cluster, node, &page.ids(), attributes).await?;
        let take = |(id, _)| found.remove(&id).map(|document| (id, document));
        let documents: Vec<_> = page.documents.into_iter().filter_map(take).collect();
        let bytes = documents.iter().flat_map(|(_, document)| document.values()).map(weight).sum();
        Ok(Page { documents, bytes, ..page })
    }

    /// Returns those of the documents `ids` that `node` has.
    pub(super) async fn by_ids(
        &self,
        cluster: &Cluster,
        node: &NodeId,
        ids: &BTreeSet<DocumentId>,
        attributes: Attributes,
    ) -> Result<HashMap<DocumentId, Document>, RepairError> {
        let mut found = HashMap::new();
        let all: Vec<&DocumentId> = ids.iter().collect();
        let mut open = vec![all.as_slice()];
        while let Some(some) = open.pop().filter(|some| !some.is_empty()) {
            let body = json!({ "ids": some, "limit": some.len() });
            match self.read(cluster, node, body, attributes).await {
                Err(error) if is_too_long(&error) && some.len() > 1 => {
                    open.extend(<[_; 2]>::from(some.split_at(some.len() / 2)));
                }
                page => found.extend(page?.documents),
            }
        }
        Ok(found)
    }

    async fn read(
        &self,
        cluster: &Cluster,
        node: &NodeId,
        mut body: Value,
        attributes: Attributes,
    ) -> Result<Page, RepairError> {
        body["filter"] = Value::String(shard_filter(&self.shards));
        match attributes {
            Attributes::All => body["retrieveVectors"] = Value::Bool(true),
            Attributes::Id => body["fields"] = json!([self.primary_key]),
        }
        let body: Map<String, Value> = body.as_object().cloned().unwrap_or_default();
        let mut response = cluster.nodes.read(node, NodeRead::Documents(self.index.clone(), body)).await?;
        let total = response.get("total").and_then(Value::as_u64);
        let (Some(Value::Array(results)), Some(total)) =
            (response.get_mut("results").map(Value::take), total)
        else {
            return Err(RepairError::NotNow(format!(
                "node `{node}` returned a listing of documents without results"
            )));
        };
        let bytes = results.iter().map(weight).sum();
        let documents = results.into_iter().map(|document| self.cleaned(node, document));
        Ok(Page { documents: documents.collect::<Result<_, _>>()?, total, bytes })
    }

    /// Returns a document with its id, without the attributes that nodes add.
    fn cleaned(&self, node: &NodeId, document: Value) -> Result<(DocumentId, Document), RepairError> {
        let Value::Object(mut document) = document else {
            return Err(RepairError::NotNow(format!(
                "node `{node}` listed a document that is not an object"
            )));
        };
        let Some(id) = shown_id(&document, &self.primary_key) else {
            return Err(RepairError::NotNow(format!(
                "node `{node}` listed a document of index `{}` without its primary key `{}`",
                self.index,
                self.primary_key.as_str()
            )));
        };
        strip_reserved(&mut document);
        // Listed even for documents without vectors, if vectors are requested.
        if document.get("_vectors").and_then(Value::as_object).is_some_and(Map::is_empty) {
            document.shift_remove("_vectors");
        }
        Ok((id, document))
    }
}

/// Returns whether a response had more documents than can be read at once.
fn is_too_long(error: &RepairError) -> bool {
    matches!(error, RepairError::Node(NodeError::TooLong { .. }))
}

/// Returns the size of a value as JSON, about.
fn weight(value: &Value) -> u64 {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 10,
        Value::String(text) => text.len() as u64 + 3,
        Value::Array(values) => values.iter().map(weight).sum::<u64>() + 2,
        Value::Object(members) => {
            members.iter().map(|(name, value)| name.len() as u64 + 4 + weight(value)).sum::<u64>() + 2
        }
    }
}
