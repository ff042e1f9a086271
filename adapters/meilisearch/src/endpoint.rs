//! The nodes as configured, checked once.

use std::fmt;
use std::time::Duration;

use http::HeaderValue;
use miroir_domain::NodeId;
use reqwest::Url;

/// The master key of a node. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey(String);

impl MasterKey {
    /// Takes the key as text.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// One node of the configuration.
#[derive(Debug, Clone)]
pub struct NodeEndpoint {
    /// The name of the node.
    pub id: NodeId,
    /// The URL of the node: `http://host:port`, with a path if a proxy serves it below one.
    pub url: String,
    /// The key with which the node was started. `None` if the node requires no key.
    pub master_key: Option<MasterKey>,
}

/// Limits of the client, which apply to every node alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientOptions {
    /// The time in which a connection must be made (1 s).
    pub connect_timeout: Duration,
    /// The time for which a connection is kept without a request (3 s). Common servers and proxies close one
    /// after 5 s, so a request is rarely sent over a connection that is being closed.
    pub idle_timeout: Duration,
    /// The number of idle connections kept for each node (64).
    pub idle_connections: usize,
    /// The longest response that is read, in bytes (64 MiB).
    pub max_response_bytes: usize,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(3),
            idle_connections: 64,
            max_response_bytes: 64 << 20,
        }
    }
}

/// A configuration of nodes for which no client can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two nodes have the same name.
    #[error("node `{0}` is configured twice: give each node its own id")]
    DuplicateNode(NodeId),
    /// A URL that cannot be used.
    #[error("the url of node `{node}` cannot be used: {reason}")]
    InvalidUrl {
        /// The node.
        node: NodeId,
        /// The problem. It does not repeat the URL, which may hold a password.
        reason: String,
    },
    /// A key that cannot be sent in an HTTP header.
    #[error("the master key of node `{0}` has characters that an HTTP header cannot carry")]
    InvalidMasterKey(NodeId),
    /// The HTTP client itself cannot be set up.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// A node that can be called.
#[derive(Debug)]
pub(crate) struct Node {
    pub id: NodeId,
    /// The URL without a trailing slash.
    pub base_url: String,
    /// The header with the key, marked as sensitive so that it is not printed.
    pub authorization: Option<HeaderValue>,
}

impl TryFrom<NodeEndpoint> for Node {
    type Error = BuildError;

    fn try_from(endpoint: NodeEndpoint) -> Result<Self, BuildError> {
        let authorization = match &endpoint.master_key {
            None => None,
            Some(MasterKey(key)) => {
                let mut value = HeaderValue::try_from(format!("Bearer {key}"))
                    .map_err(|_| BuildError::InvalidMasterKey(endpoint.id.clone()))?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        let base_url = check_url(&endpoint.url)
            .map_err(|reason| BuildError::InvalidUrl { node: endpoint.id.clone(), reason })?;
        Ok(Self { id: endpoint.id, base_url, authorization })
    }
}

/// Checks the URL and returns it without its trailing slash. Returns the problem as a text otherwise.
fn check_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" => {}
        "https" => {
            return Err("https is not supported for nodes; use http inside a trusted network, \
                        or a local proxy that speaks TLS to the node"
                .to_owned());
        }
        other => return Err(format!("its scheme is `{other}`, but must be `http`")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it carries a user name or password; requests to nodes carry their master key".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it carries a query or fragment; only scheme, host, port and path are used".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str, key: Option<&str>) -> NodeEndpoint {
        NodeEndpoint {
            id: "node-1".parse().unwrap(),
            url: url.to_owned(),
            master_key: key.map(MasterKey::new),
        }
    }

    #[test]
    fn url_loses_its_last_slash_and_keeps_its_path() {
        for (given, kept) in [
            ("http://127.0.0.1:7700", "http://127.0.0.1:7700"),
            ("http://127.0.0.1:7700/", "http://127.0.0.1:7700"),
            ("http://proxy/meili/", "http://proxy/meili"),
            ("http://[::1]:7700", "http://[::1]:7700"),
        ] {
            assert_eq!(Node::try_from(endpoint(given, None)).unwrap().base_url, kept);
        }
    }

    #[test]
    fn url_is_refused_without_being_printed() {
        for (bad, says) in [
            ("", "relative URL"),
            ("localhost:7700", "scheme is `localhost`"),
            ("ftp://host", "scheme is `ftp`"),
            ("https://host", "https is not supported"),
            ("http://user:hunter2@host", "user name or password"),
            ("http://host/?key=hunter2", "query or fragment"),
            ("http://", "empty host"),
        ] {
            let error = Node::try_from(endpoint(bad, None)).unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
            assert!(error.contains("node-1"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn master_key_is_never_printed() {
        let endpoint = endpoint("http://host", Some("hunter2"));
        assert!(!format!("{endpoint:?}").contains("hunter2"));
        assert!(!format!("{:?}", Node::try_from(endpoint).unwrap()).contains("hunter2"));
    }

    #[test]
    fn master_key_is_refused_when_no_header_can_carry_it() {
        let error = Node::try_from(endpoint("http://host", Some("hunter2\n"))).unwrap_err();
        assert!(matches!(error, BuildError::InvalidMasterKey(_)));
        assert!(!error.to_string().contains("hunter2"));
    }
}
