//! The client of other instances of Miroir, over HTTP.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use miroir_ports::outbound::{PeerError, Peers, ReplicaReport};
use reqwest::header::HeaderValue;

/// The time in which an instance must respond.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The largest response that is read, in bytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A client of other instances, which sends the admin key that they share.
pub struct HttpPeers {
    client: reqwest::Client,
    admin_key: Option<HeaderValue>,
}

impl fmt::Debug for HttpPeers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HttpPeers").finish_non_exhaustive()
    }
}

impl HttpPeers {
    /// Creates a client that sends `admin_key`, if there is one. Opens no connection.
    pub fn new(admin_key: Option<&str>) -> Result<Self, PeerError> {
        let secret = |key: &str| {
            let mut value = HeaderValue::from_str(&format!("Bearer {key}"))
                .map_err(|_| PeerError::new("the admin key cannot be sent in a header"))?;
            value.set_sensitive(true);
            Ok(value)
        };
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            // Peers are reached directly, as nodes are.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| PeerError::because("no client for other instances can be made", error))?;
        Ok(Self { client, admin_key: admin_key.map(secret).transpose()? })
    }

    async fn get(&self, url: String) -> Result<Vec<u8>, reqwest::Error> {
        let mut request = self.client.get(url);
        if let Some(key) = &self.admin_key {
            request = request.header(reqwest::header::AUTHORIZATION, key.clone());
        }
        let mut response = request.send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if (body.len() + chunk.len()) as u64 > MAX_BYTES {
                // A body that was cut off does not parse, which is error enough.
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

#[async_trait]
impl Peers for HttpPeers {
    async fn peer_replicas(&self, url: &str) -> Result<ReplicaReport, PeerError> {
        let url = format!("{}/_miroir/replicas", url.trim_end_matches('/'));
        let body = self.get(url.clone()).await.map_err(|error| {
            PeerError::because(format!("{url} gave no usable response"), error.without_url())
        })?;
        serde_json::from_slice(&body)
            .map_err(|error| PeerError::because(format!("{url} did not report replicas"), error))
    }
}
