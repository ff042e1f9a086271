//! A scripted node, and clients of it.

use std::ops::Deref;

use miroir_domain::NodeId;
use miroir_domain::search::{MergeContext, NodeQuery, NodeResponse, SearchRequest, SearchResponse, merge};
use miroir_meilisearch::{ClientOptions, MasterKey, MeilisearchInspector, MeilisearchNodes, NodeEndpoint};
use miroir_test_server::ScriptedServer;
pub use miroir_test_server::{Reply, Request};
use serde_json::{Map, Value, json};

/// Returns the response of a client of Miroir to the response of a single node.
pub fn merged(body: SearchResponse) -> Value {
    let request = SearchRequest::from_json(json!({})).unwrap();
    let index = NodeQuery {
        primary_key: None,
        distinct_attribute: None,
        max_total_hits: 1_000,
        max_values_per_facet: 100,
        sort_facet_values_by: Map::new(),
    };
    let context = MergeContext { request: &request, index: &index };
    merge(context, vec![NodeResponse { node: node(), body }]).unwrap().into()
}

/// A node that follows a script.
pub struct ScriptedNode(ScriptedServer);

impl Deref for ScriptedNode {
    type Target = ScriptedServer;

    fn deref(&self) -> &ScriptedServer {
        &self.0
    }
}

impl ScriptedNode {
    /// Starts a node that reacts to a request with `reply(number, request)`. Requests are numbered from 0.
    pub async fn start(reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        Self(ScriptedServer::start(reply).await)
    }

    /// Starts a node that reacts to every request alike.
    pub async fn always(reply: Reply) -> Self {
        Self(ScriptedServer::always(reply).await)
    }

    /// Starts a node that responds to every request with this status and JSON text.
    pub async fn json(status: &str, body: &str) -> Self {
        Self::always(Reply::Send(response(status, body))).await
    }

    /// Returns a client of this node alone, as node `n`.
    pub fn client(&self) -> MeilisearchNodes {
        self.client_with(&ClientOptions::default())
    }

    /// Returns an inspector of this node alone, as node `n`.
    pub fn inspector(&self) -> MeilisearchInspector {
        self.inspector_with(&ClientOptions::default())
    }

    /// Returns an inspector of this node alone, as node `n`, with these options.
    pub fn inspector_with(&self, options: &ClientOptions) -> MeilisearchInspector {
        let endpoint = endpoint(&format!("http://{}", self.address));
        MeilisearchInspector::new([endpoint], options).unwrap()
    }

    /// Returns a client of this node alone, as node `n`, with these options.
    pub fn client_with(&self, options: &ClientOptions) -> MeilisearchNodes {
        MeilisearchNodes::unguarded([endpoint(&format!("http://{}", self.address))], options).unwrap()
    }
}

pub fn endpoint(url: &str) -> NodeEndpoint {
    NodeEndpoint { id: node(), url: url.to_owned(), master_key: Some(MasterKey::new("key-of-the-node")) }
}

pub fn node() -> NodeId {
    "n".parse().unwrap()
}

/// Returns a whole response of JSON with the right length.
pub fn response(status: &str, body: &str) -> Vec<u8> {
    miroir_test_server::response(&format!("{status}\r\ncontent-type: application/json"), body)
}
